/* SPDX-License-Identifier: ISC */
/* Mail that was proven in one queue: postsuper is asked about that queue alone. */
#include "tests/unit/order/walk.h"

/* The false postsuper appends a letter for each call: d for deferred, h for hold, - for all queues.
 */
static void note(const struct walk *w, const char *body)
{
	char script[1024];

	snprintf(script, sizeof(script),
	    "n=${only:--}; printf %%s ${n%%%%\"${n#?}\"} >>../asked\n%s", body);
	rig_postsuper(&w->rig, script);
}

static void check_asked(const struct walk *w, const char *name, const char *expected)
{
	char path[128], asked[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/asked", w->rig.directory);
	file = fopen(path, "re");
	assert_non_null(file);
	(void)!fgets(asked, sizeof(asked), file);
	fclose(file);
	if (strcmp(asked, expected) != 0)
		case_fail(name, "asked \"%s\"", asked);
}

static void test_named(void **state)
{
	static const struct {
		const char *name;
		enum queue_name most, one;
		const char *asked;
	} cases[] = {
	    {"deferred", QUEUE_DEFERRED, QUEUE_DEFERRED, "d"},
	    {"hold", QUEUE_HOLD, QUEUE_HOLD, "h"},
	    {"two queues", QUEUE_DEFERRED, QUEUE_HOLD, "-"},
	    {"one on its way", QUEUE_DEFERRED, QUEUE_ACTIVE, "-"},
	    {"all on their way", QUEUE_INCOMING, QUEUE_INCOMING, "-"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		note(&w, "honest");
		fill(&w, cases[n].most);
		add(&w, cases[n].one, 1);
		run_domain(&w);
		case_assert(cases[n].name, results(&w, RESULT_DONE) == MAILS + 1);
		check_asked(&w, cases[n].name, cases[n].asked);
		close_walk(&w);
	}
}

/* Messages that move between proof and postsuper. */
static void test_moved(void **state)
{
	static const struct {
		const char *name, *body;
		uint64_t done, gone, failed;
		const char *asked;
	} cases[] = {
	    {"one, forward",
		"[ -e ../moved ] || { set -- deferred/*; mv $1 hold/; touch ../moved; }; honest",
		MAILS, 0, 0, "d-"},
	    {"all, back", "[ -e ../moved ] || { mv deferred/* active/; touch ../moved; }; honest",
		MAILS, 0, 0, "d-"},
	    {"one gone", "set -- deferred/*; [ -e ../moved ] || rm $1; touch ../moved; honest",
		MAILS - 1, 1, 0, "d"},
	    {"all, and then postsuper is silent", "mv deferred/* active/; cat >/dev/null", 0, 0,
		MAILS, "d--"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		note(&w, cases[n].body);
		assert_int_equal(chmod(w.rig.directory, 0777), 0);
		fill(&w, QUEUE_DEFERRED);
		run_domain(&w);
		check_results(&w, cases[n].name, cases[n].done, cases[n].gone, cases[n].failed);
		check_asked(&w, cases[n].name, cases[n].asked);
		close_walk(&w);
	}
}

/* After the proof an unproven file of the same name appears in a queue where postsuper would look
 * first. with_ours: the proven one is there no more. */
static void plant(bool with_ours)
{
	struct queue_id ours, other;
	struct bytes file = {0};
	char body[256];
	struct walk w;

	open_walk(&w, ACTION_DELETE);
	ours = add(&w, QUEUE_DEFERRED, 1);
	rig_envelope(&file, ARRIVAL, "a@good.example");
	other = rig_put(&w.rig, QUEUE_HOLD, &file, 0700);
	snprintf(body, sizeof(body), "mv hold/%s active/%s; %s honest", other.text, ours.text,
	    with_ours ? "" : "rm deferred/*;");
	note(&w, body);
	run_domain(&w);
	assert_true(lies_in(&w, QUEUE_ACTIVE, &ours));
	assert_false(lies_in(&w, QUEUE_DEFERRED, &ours));
	assert_int_equal(results(&w, RESULT_DONE), with_ours);
	assert_int_equal(results(&w, RESULT_CHANGED), !with_ours);
	check_asked(&w, "planted", "d");
	bytes_release(&file);
	close_walk(&w);
}

static void test_planted(void **state)
{
	(void)state;
	plant(true);
	plant(false);
}

UNIT_MAIN(
    cmocka_unit_test(test_named), cmocka_unit_test(test_moved), cmocka_unit_test(test_planted))
