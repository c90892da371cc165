/* SPDX-License-Identifier: ISC */
/* Names and defer logs of a whole spool. */
#include "tests/unit/postfix/rig.h"

#define ARRIVAL INT64_C(1700000000123456)

static void test_walk(void **state)
{
	static const char *const strangers[] = {
	    "incoming/123456.789", "active/README", "hold/.hidden", "deferred/lowercase"};
	struct spool_walk *walk;
	struct spool_name *names;
	size_t count = 0;
	struct queue_id ids[QUEUE_COUNT + 1];
	struct err err = {{0}};
	char path[256], twice[256];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		ids[n] = rig_mail(&rig, queue_at(n), ARRIVAL);
	rig.p.hashed_queues = QUEUE_DEFERRED;
	snprintf(path, sizeof(path), "%s/deferred/0", rig.spool);
	rig_directory(&rig, path);
	ids[QUEUE_COUNT] = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_path(&rig, QUEUE_DEFERRED, &ids[QUEUE_COUNT], path);
	snprintf(twice, sizeof(twice), "%s/hold/%s", rig.spool, ids[QUEUE_COUNT].text);
	assert_int_equal(link(path, twice), 0); /* as a pass sees a message that moves on */
	for (size_t n = 0; n < COUNT_OF(strangers); n++) {
		snprintf(path, sizeof(path), "%s/%s", rig.spool, strangers[n]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	if (spool_walk_start(&rig.p, &walk, &err) < 0 ||
	    spool_walk_finish(walk, &names, &count, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count, QUEUE_COUNT + 1);
	for (size_t n = 0; n < COUNT_OF(ids); n++) {
		size_t found = 0;
		for (size_t m = 0; m < count; m++)
			found += queue_id_equal(&names[m].queue_id, &ids[n]);
		case_assert(ids[n].text, found == 1);
	}
	free(names);
	rig_close(&rig);
}

/* A spool whose file system is not mounted: nothing can be said of it, least of all that mail left.
 */
static void test_not_mounted(void **state)
{
	(void)state;
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		const char *word = queue_word(queue_at(n));
		struct spool_walk *walk;
		struct spool_name *names;
		struct proof *states;
		struct err err = {{0}};
		struct queue_id id;
		size_t count = 0;
		char path[256];
		struct rig rig;

		rig_open(&rig);
		id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
		snprintf(path, sizeof(path), "%s/%s", rig.spool, word);
		nftw(path, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
		case_assert(word, spool_states(&rig.p, &id, 1, &states, &err) == ERR_CONFIG);
		case_assert(word, strstr(err.text, word) != NULL);
		case_assert(word, spool_walk_start(&rig.p, &walk, &err) == 0);
		case_assert(word, spool_walk_finish(walk, &names, &count, &err) == ERR_CONFIG);
		case_assert(word, count == 0);
		rig_close(&rig);
	}
}

/* A queue may be a link to its directory, for Postfix follows it too. */
static void test_linked_queue(void **state)
{
	struct spool_walk *walk;
	struct spool_name *names;
	struct err err = {{0}};
	char path[256], away[256];
	size_t count = 0;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	(void)rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	snprintf(path, sizeof(path), "%s/deferred", rig.spool);
	snprintf(away, sizeof(away), "%s/elsewhere", rig.spool);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(spool_walk_start(&rig.p, &walk, &err), 0);
	assert_int_equal(spool_walk_finish(walk, &names, &count, &err), 0);
	assert_int_equal(count, 1);
	free(names);
	rig_close(&rig);
}

static void write_log(const struct rig *rig, const struct queue_id *id, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/defer/%s", rig->spool, id->text);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	rig_own(rig, path);
}

static void test_reasons(void **state)
{
	static const struct {
		const char *name, *log, *want; /* '|' stands for the NUL behind each */
	} cases[] = {
	    {"none", NULL, ""},
	    {"empty", "", ""},
	    {"as Postfix 3.7 writes it",
		"<u@dest.example>: deferred transport\nrecipient=u@dest.example\noffset=617\n"
		"dsn_orig_rcpt=rfc822;u@dest.example\nstatus=4.3.2\naction=delayed\n"
		"reason=deferred transport\n\n",
		"u@dest.example|deferred transport|"},
	    {"two", "recipient=a@x\nreason=full\n\nrecipient=b@x\nreason=down\n\n",
		"a@x|full|b@x|down|"},
	    {"old style", "<a@x>: it said: no\n\n<b@x>: down\n\n", "a@x|it said: no|b@x|down|"},
	    {"cut off", "recipient=a@x\nreason=fu", "a@x|fu|"},
	    {"no reason", "recipient=a@x\n\n", "a@x||"},
	    {"controls", "recipient=a@x\nreason=\033[31mred\n\n", "a@x|?[31mred|"},
	    {"junk", "\n\n\nxyz\n=\n<>\n", ""},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf packed = {0};
		struct err err = {{0}};
		struct queue_id id;
		struct rig rig;

		rig_open(&rig);
		id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
		if (cases[n].log)
			write_log(&rig, &id, cases[n].log);
		if (spool_reasons(&rig.p, &id, &packed, &err) < 0)
			case_fail(cases[n].name, "%s", err.text);
		for (size_t at = 0; at < packed.len; at++)
			if (packed.text[at] == '\0')
				packed.text[at] = '|';
		case_assert_text(cases[n].name, strbuf_text(&packed), cases[n].want);
		strbuf_release(&packed);
		rig_close(&rig);
	}
}

static void test_reasons_of_many(void **state)
{
	struct strbuf packed = {0};
	struct queue_id ids[3];
	struct err err = {{0}};
	struct strlist list;
	const char *at;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < COUNT_OF(ids); n++)
		ids[n] = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	write_log(&rig, &ids[0], "recipient=a@x\nreason=full\n\n");
	write_log(&rig, &ids[2], "recipient=b@x\nreason=down\n\n");
	assert_int_equal(spool_reasons_many(&rig.p, ids, COUNT_OF(ids), &packed, &err), 0);
	list = strlist_of(&packed);
	assert_int_equal(list.count, 6);
	at = list.first;
	assert_string_equal(at, ids[0].text);
	at += strlen(at) + 1;
	assert_string_equal(at, "a@x");
	at += strlen(at) + 1 + strlen("full") + 1;
	assert_string_equal(at, ids[2].text);
	strbuf_release(&packed);
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_walk), cmocka_unit_test(test_not_mounted),
    cmocka_unit_test(test_linked_queue), cmocka_unit_test(test_reasons),
    cmocka_unit_test(test_reasons_of_many))
