/* SPDX-License-Identifier: ISC */
/* The findings of status from gathered facts; they fit a terminal. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/setup/setup_units.h"
#include "purge/status/status.h"

#define NOW   (INT64_C(1764000000) * USEC_PER_SEC)
#define ALIVE "\"pid\":7,\"started\":1763990000000000,\"recording\":true,\"rules\":3"
#define FINE  "{" ALIVE "}"

/* Everything is fine; each case changes a part. */
struct scene {
	struct session s;
	struct status st;
};

static void begin(struct scene *scene, const char *answer)
{
	static char index[] = "/run/pqpurge", stored[] = "/var/lib/pqpurge",
		    rules[] = "/etc/pqpurge/rules", config[] = "/etc/postfix",
		    queue[] = "/var/spool/postfix", name[] = "mail.example", fleet[] = "";
	struct status *st = &scene->st;

	memset(scene, 0, sizeof(*scene));
	scene->s.options.now = NOW;
	scene->s.settings.index_directory = index;
	scene->s.settings.state_directory = stored;
	scene->s.settings.rules_file = rules;
	scene->s.settings.fleet = fleet;
	st->s = &scene->s;
	st->postfix.config_directory = config;
	st->postfix.queue_directory = queue;
	st->postfix.myhostname = name;
	st->postfix_runs = 1;
	st->place = (struct queue_place){1, 2};
	st->counts = (struct index_counts){.rows = 10,
	    .map_bytes = 1 << 20,
	    .caught_up = NOW - USEC_PER_SEC,
	    .place = {1, 2},
	    .queue_directory = "/var/spool/postfix"};
	st->rules = 3;
	if (answer) {
		st->live.state = LIVE_ANSWERS;
		assert_int_equal(json_parse(answer, strlen(answer), &st->live.answer, NULL), 0);
	}
}

static const struct status_case {
	const char *name, *answer; /* NULL: no daemon answers */
	void (*change)(struct scene *scene);
	const char *want; /* "id " for a fault, "(id) " for a note */
	const char *socket;
} * now;

static void silent(struct scene *scene)
{
	scene->st.live.state = LIVE_SILENT;
	scene->st.index_code = ERR_TIMEOUT;
}
static void deaf(struct scene *scene)
{
	scene->st.live.state = LIVE_DEAF;
	scene->st.index_code = err_set(&scene->st.index_err, ERR_NO_INDEX, "no directory");
}
static void no_index(struct scene *scene)
{
	scene->st.index_code = err_set(&scene->st.index_err, ERR_NO_INDEX, "no directory");
}
static void evicted(struct scene *scene)
{
	scene->st.counts.evicted = 5;
	scene->st.counts.evicted_time = NOW;
}
static void late(struct scene *scene)
{
	scene->st.counts.caught_up = NOW - 3600 * USEC_PER_SEC;
}
static void never(struct scene *scene)
{
	scene->st.counts.caught_up = 0;
}
static void elsewhere(struct scene *scene)
{
	snprintf(scene->st.counts.queue_directory, sizeof(scene->st.counts.queue_directory),
	    "/var/spool/postfix-b");
}
static void moved(struct scene *scene)
{
	scene->st.place.device = 9;
}
static void empty(struct scene *scene)
{
	moved(scene);
	scene->st.counts.rows = 0;
}
static void unmounted(struct scene *scene)
{
	err_set(&scene->st.queue_err, 0, "'/var/spool/postfix' has no queue 'deferred'");
}
static void stopped(struct scene *scene)
{
	scene->st.postfix_runs = 0;
}
static void unasked(struct scene *scene)
{
	scene->st.postfix_runs = ERR_TIMEOUT;
	err_set(&scene->st.postfix_err, 0, "failed to ask whether Postfix runs");
}
static void policy_on_network(struct scene *s)
{
	static char socket[] = "inet6:8891@::1";

	s->s.settings.policy_socket = socket;
}

static void renamed(struct scene *scene)
{
	snprintf(scene->st.counts.hostname, sizeof(scene->st.counts.hostname), "old.example");
}
static void wrong_file(struct scene *scene)
{
	err_set(&scene->st.queue_err, 0, "%s", "");
	snprintf(scene->st.rules_error, sizeof(scene->st.rules_error), "rules:3: no action");
}

/* A host of a fleet whose agent runs as that user. */
static void in_fleet(struct scene *scene, const char *user, const char *allow)
{
	static char fleet[] = "service=x";

	scene->s.settings.fleet = fleet;
	scene->s.settings.fleet_user = (char *)(uintptr_t)user;
	scene->s.settings.fleet_allow = (char *)(uintptr_t)allow;
}
static void agent_away(struct scene *scene)
{
	in_fleet(scene, "root", "purge");
}
static void no_agent(struct scene *scene)
{
	in_fleet(scene, "nobody-is-so-called", "purge");
}
static void operators_only(struct scene *scene)
{
	in_fleet(scene, "root", ", ");
}

static const struct status_case cases[] = {
    {"all is well", FINE, NULL, "", NULL},
    {"no daemon", NULL, NULL, "daemon_down (sessions) ", NULL},
    {"frozen", NULL, silent, "daemon_silent ", NULL},
    {"its socket is gone", NULL, deaf, "daemon_silent index_missing ", NULL},
    {"it cannot open its index", "{\"started\":1,\"recording\":false,\"last_error\":\"no room\"}",
	no_index, "not_recording ", NULL},
    {"no daemon and no index", NULL, no_index, "daemon_down index_missing (sessions) ", NULL},
    {"some were left out", "{" ALIVE ",\"lost\":3}", NULL, "(left_out) ", NULL},
    {"without a queue ID", "{" ALIVE ",\"without_id\":3}", NULL, "(without_id) ", NULL},
    {"rows were dropped for room", FINE, evicted, "(index_full) ", NULL},
    {"the timer does not run", FINE, late, "(catch_up_late) ", NULL},
    {"it never ran", FINE, never, "(catch_up_late) ", NULL},
    {"another instance's index", FINE, elsewhere, "(instance) ", NULL},
    {"another directory", FINE, moved, "place ", NULL},
    {"another directory, nothing in the index", FINE, empty, "", NULL},
    {"a queue is missing", FINE, unmounted, "queue_unreadable ", NULL},
    {"Postfix is stopped", FINE, stopped, "postfix_down ", NULL},
    {"neither daemon nor Postfix", NULL, stopped, "daemon_down postfix_down ", NULL},
    {"Postfix cannot be asked", FINE, unasked, "postfix_unknown ", NULL},
    {"a wrong rules file", FINE, wrong_file, "rules_file ", NULL},
    {"rules that are not stored", "{" ALIVE ",\"rules_saved\":false}", NULL, "rules_unsaved ",
	NULL},
    {"damaged rules", "{" ALIVE ",\"rules_damaged\":1}", NULL, "rules_damaged ", NULL},
    {"a costly expression", "{" ALIVE ",\"match_limit_errors\":1}", NULL, "(match_limit) ", NULL},
    {"started again a minute ago",
	"{\"started\":1763999940000000,\"recording\":true,\"ran_before\":true}", NULL,
	"(sessions) ", NULL},
    {"started for the first time", "{\"started\":1763999940000000,\"recording\":true}", NULL, "",
	NULL},
    {"another name", FINE, renamed, "(renamed) ", NULL},
    {"a socket of the network", FINE, NULL, "(inet_socket) ", "inet:8890@127.0.0.1"},
    {"a policy socket of the network", FINE, policy_on_network, "(inet_socket) ", NULL},
    {"systemd's socket", FINE, NULL, "", "fd:3"},
    {"the fleet's agent never joined", FINE, agent_away, "order_door fleet_away ", NULL},
    {"only operators work here", FINE, no_agent, "(fleet_away) ", NULL},
    {"nothing is allowed to the fleet", FINE, operators_only, "", NULL},
};

/* No peer is allowed, and no socket exists. */
static void set_door(struct settings *s)
{
	static char nowhere[] = "/nonexistent", none[] = "";

	s->order_directory = s->standing_directory = nowhere;
	s->operator_group = s->flood_hook = s->policy_socket = none;
}

static void test_judge(void **state)
{
	(void)state;
	for (now = cases; now < cases + COUNT_OF(cases); now++) {
		char socket[] = "unix:/var/spool/postfix/pqpurge/milter.sock";
		struct strbuf got = {0};
		struct scene scene;

		begin(&scene, now->answer);
		scene.s.settings.socket = now->socket ? (char *)now->socket : socket;
		set_door(&scene.s.settings);
		if (now->change)
			now->change(&scene);
		status_judge(&scene.st);
		for (size_t n = 0; n < scene.st.findings.count; n++) {
			const struct finding *f = &scene.st.findings.list[n];

			strbuf_printf(&got, f->level == FINDING_FAULT ? "%s " : "(%s) ", f->id);
		}
		/* With systemd, the unit decides. */
		bool by_unit = now->change == agent_away && setup_systemd_runs() &&
			       !setup_unit_is_enabled("pqpurge-agent.service");
		case_assert_text(
		    now->name, strbuf_text(&got), by_unit ? "(fleet_away) " : now->want);
		strbuf_release(&got);
		findings_release(&scene.st.findings);
		live_release(&scene.st.live);
	}
}

/* Whatever the daemon answers: 80 columns, scrubbed, and valid JSON. */
static void test_hostile(void **state)
{
	static const char answer[] =
	    "{\"pid\":4194304,\"started\":-5,\"recording\":true,"
	    "\"version\":\"\\u001b[31m\\n\\u202e\",\"last_error\":\"\\u001b[31m\",\"lost\":1}";
	char *text = NULL, *rest = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	struct scene scene;

	(void)state;
	begin(&scene, answer);
	scene.s.settings.socket = (char[]){"unix:/x/milter.sock"};
	set_door(&scene.s.settings);
	scene.st.counts.evicted = scene.st.counts.rows = UINT64_MAX;
	scene.st.counts.evicted_time = INT64_MAX;
	status_judge(&scene.st);
	status_text(to, &scene.st);
	assert_int_equal(status_json(to, &scene.st), 0);
	fclose(to);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		for (const char *at = line; *at; at++)
			case_assert(line, (unsigned char)*at >= ' ');
		case_assert(line, !strstr(line, "\342\200\256"));
		case_assert(line, strlen(line) <= 80 || *line == '{' || strstr(line, "type:"));
	}
	free(text);
	findings_release(&scene.st.findings);
	live_release(&scene.st.live);
}

UNIT_MAIN(cmocka_unit_test(test_judge), cmocka_unit_test(test_hostile))
