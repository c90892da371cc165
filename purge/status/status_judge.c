/* SPDX-License-Identifier: ISC */
#include <pwd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "door/door.h"
#include "index/control/status.h"
#include "order/standing.h"
#include "postfix/config/milters.h"
#include "purge/setup/setup_units.h"
#include "purge/status/status.h"

#define CATCH_UP_LATE (600 * USEC_PER_SEC)

#define FIND(st, ...) findings_add(&(st)->findings, __VA_ARGS__)

/* The command that starts the daemon: systemctl (an instance has the name of its settings file), or
 * the program itself. */
static const char *put_start(const struct status *st, const char *verb, char *buf, size_t size)
{
	const char *config = session_config(st->s), *name;
	char instance[200];

	if (!setup_systemd_runs()) {
		char kill[32] = "";

		if (st->live.pid && strcmp(verb, "restart") == 0)
			snprintf(kill, sizeof(kill), "kill -9 %ld; ", st->live.pid);
		snprintf(buf, size, "%spqpurge-milter%s%s &", kill, config ? " -c " : "",
		    config ? config : "");
		return buf;
	}
	name = config ? setup_instance_of(config, instance, sizeof(instance)) : "";
	snprintf(buf, size, "systemctl %s pqpurge-milter%s%s", verb, name && *name ? "@" : "",
	    name ? name : "");
	return buf;
}

static void judge_daemon(struct status *st)
{
	char command[PATH_MAX];

	switch (st->live.state) {
	case LIVE_ANSWERS:
		return;
	case LIVE_DOWN:
		FIND(st, "daemon_down", FINDING_FAULT,
		    put_start(st, "start", command, sizeof(command)),
		    "pqpurge-milter does not run: no rule is applied to mail");
		return;
	case LIVE_SILENT:
		FIND(st, "daemon_silent", FINDING_FAULT,
		    put_start(st, "restart", command, sizeof(command)),
		    "pqpurge-milter does not answer within 2 seconds: it is stopped, or it hangs");
		return;
	case LIVE_DEAF:
		FIND(st, "daemon_silent", FINDING_FAULT,
		    put_start(st, "restart", command, sizeof(command)),
		    "pqpurge-milter runs, but its control socket in '%s' cannot be reached (%s)",
		    st->s->settings.index_directory, st->live.err.text);
		return;
	case LIVE_UNKNOWN:
		FIND(st, "daemon_unknown", FINDING_FAULT,
		    put_start(st, "status", command, sizeof(command)),
		    "pqpurge-milter could not be asked (%s)", st->live.err.text);
		return;
	}
}

static void judge_recording(struct status *st)
{
	const struct json *live = st->live.answer;
	const char *directory = st->s->settings.index_directory, *why;
	int64_t lost = json_int(live, STATUS_LOST, 0);
	char command[PATH_MAX];

	if (!live)
		return;
	why = json_text(live, STATUS_LAST_ERROR);
	snprintf(command, sizeof(command), "ls -ld '%s'; df -h '%s'", directory, directory);
	if (!json_bool(live, STATUS_RECORDING, false))
		FIND(st, "not_recording", FINDING_FAULT, command,
		    "pqpurge-milter runs, but cannot %s its index (%s): rules are applied, and "
		    "commands read the queue files",
		    json_int(live, STATUS_SINCE, 0) > 0 ? "write" : "open",
		    why ? why : "no reason known");
	else if (lost > 0)
		FIND(st, "left_out", FINDING_NOTE, command,
		    "%" PRId64 " messages could not be recorded (%s); they are read from the queue",
		    lost, why ? why : "no reason known");
	if (json_int(live, STATUS_WITHOUT_ID, 0) > 0)
		FIND(st, "without_id", FINDING_NOTE, "",
		    "%" PRId64 " messages since the daemon started came without a queue ID; they "
		    "are read from the queue",
		    json_int(live, STATUS_WITHOUT_ID, 0));
}

/* A daemon that has just started has not seen the timer yet. */
static bool is_late(const struct status *st)
{
	int64_t started = json_int(st->live.answer, STATUS_STARTED, 0);
	int64_t last = st->counts.caught_up;

	if (last == 0 && st->counts.rows == 0)
		return false;
	if (last == 0 && started > 0)
		last = started;
	return st->s->options.now - last > CATCH_UP_LATE;
}

static void judge_index(struct status *st)
{
	const struct index_counts *c = &st->counts;
	char when[CLOCK_TEXT_SIZE], command[PATH_MAX];

	if (st->index_code != 0) {
		if (st->live.state != LIVE_SILENT && !(st->live.answer && st->findings.count))
			FIND(st,
			    st->index_code == ERR_NO_INDEX ? "index_missing" : "index_unreadable",
			    FINDING_FAULT, "", "%s",
			    st->index_err.text[0] ? st->index_err.text : err_word(st->index_code));
		return;
	}
	if (c->evicted)
		FIND(st, "index_full", FINDING_NOTE, "",
		    "the index was full: %" PRIu64 " of the oldest rows were dropped, the last at "
		    "%s; such mail is read from the queue again (index_map_size in "
		    "pqpurge.conf(5))",
		    c->evicted, clock_text(c->evicted_time, when, sizeof(when)));
	if (!is_late(st))
		return;
	if (setup_systemd_runs())
		snprintf(command, sizeof(command), "systemctl start pqpurge-sync.timer");
	else
		session_command(st->s, "sync", command, sizeof(command));
	if (c->caught_up)
		FIND(st, "catch_up_late", FINDING_NOTE, command,
		    "the last catch-up began at %s; one each minute is usual",
		    clock_text(c->caught_up, when, sizeof(when)));
	else
		FIND(st, "catch_up_late", FINDING_NOTE, command,
		    "there was no catch-up since the index was begun; one each minute is usual");
}

static void judge_place(struct status *st)
{
	const struct index_counts *c = &st->counts;
	const char *queue = st->postfix.queue_directory;
	char command[PATH_MAX];

	if (st->queue_err.text[0]) {
		FIND(st, "queue_unreadable", FINDING_FAULT, "", "%s", st->queue_err.text);
		return;
	}
	if (st->index_code != 0 || !*c->queue_directory || !c->rows)
		return;
	if (*c->hostname && strcmp(c->hostname, st->postfix.myhostname) != 0)
		FIND(st, "renamed", FINDING_NOTE, "",
		    "myhostname is now '%s'; the index was made on '%s'", st->postfix.myhostname,
		    c->hostname);
	if (strcmp(c->queue_directory, queue) != 0)
		FIND(st, "instance", FINDING_NOTE, "",
		    "the index was made for the Postfix queue '%s', not for '%s': give each "
		    "instance a pqpurge.conf of its own (-c)",
		    c->queue_directory, queue);
	else if (c->place.inode &&
		 (c->place.device != st->place.device || c->place.inode != st->place.inode))
		FIND(st, "place", FINDING_FAULT,
		    session_command(st->s, "sync", command, sizeof(command)),
		    "'%s' is not the directory that the index was made for: it is not mounted, or "
		    "the queue was moved there",
		    queue);
}

static void judge_postfix(struct status *st)
{
	const char *config = st->postfix.config_directory;
	bool usual = strcmp(config, "/etc/postfix") == 0;
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "postfix%s%s start", usual ? "" : " -c ",
	    usual ? "" : config);
	if (st->postfix_runs == 0)
		FIND(st, "postfix_down", FINDING_FAULT, command,
		    "Postfix does not run: mail neither comes in nor goes out");
	else if (st->postfix_runs < 0)
		FIND(st, "postfix_unknown", FINDING_FAULT, "", "%s", st->postfix_err.text);
}

static void judge_rules(struct status *st)
{
	const struct json *live = st->live.answer;
	const char *config = session_config(st->s), *stored;
	int64_t limits = json_int(live, STATUS_MATCH_LIMIT_ERRORS, 0);
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "pqpurge-milter -n%s%s", config ? " -c " : "",
	    config ? config : "");
	if (st->rules_error[0])
		FIND(st, "rules_file", FINDING_FAULT, command,
		    "the rules file is wrong, so the previous rules stay in force (%s)",
		    st->rules_error);
	if (limits > 0)
		FIND(st, "match_limit", FINDING_NOTE,
		    session_command(st->s, "rules", command, sizeof(command)),
		    "an expression was too costly %" PRId64 " times and did not match", limits);
	if (!live)
		return;
	stored = json_text(live, STATUS_RULES_STORED_ERROR);
	snprintf(command, sizeof(command), "ls -l '%s'; df -h '%s'",
	    st->s->settings.state_directory, st->s->settings.state_directory);
	if (!json_bool(live, STATUS_RULES_SAVED, true) || stored)
		FIND(st, "rules_unsaved", FINDING_FAULT, command,
		    "rules that 'block' set cannot be saved (%s): the daemon loses them when it "
		    "stops",
		    stored ? stored : "no reason known");
	if (json_int(live, STATUS_RULES_DAMAGED, 0) > 0)
		FIND(st, "rules_damaged", FINDING_FAULT, command,
		    "%" PRId64 " lines of the stored rules cannot be read and are ignored",
		    json_int(live, STATUS_RULES_DAMAGED, 0));
}

static void judge_socket(struct status *st)
{
	const char *const sockets[] = {st->s->settings.socket, st->s->settings.policy_socket};

	for (size_t i = 0; i < COUNT_OF(sockets); i++)
		if (str_starts(sockets[i], "inet"))
			FIND(st, "inet_socket", FINDING_NOTE, "",
			    "the daemon listens on %s: everybody who can connect there can pretend "
			    "to be Postfix; a unix socket is safer",
			    sockets[i]);
}

static void judge_sessions(struct status *st)
{
	char since[64] = "now", when[CLOCK_TEXT_SIZE];

	if (st->postfix_runs == 0 || !live_lost_sessions(&st->live, st->s->options.now))
		return;
	if (st->live.answer)
		snprintf(since, sizeof(since), "since before %s",
		    clock_text(json_int(st->live.answer, STATUS_STARTED, 0), when, sizeof(when)));
	FIND(st, "sessions", FINDING_NOTE, "",
	    "SMTP sessions that are open %s are neither recorded nor blocked until they end",
	    since);
}

static void judge_floods(struct status *st)
{
	const struct json *live = st->live.answer;
	size_t told = json_count(live, STATUS_FLOODS);
	int64_t open = json_int(live, STATUS_FLOODS_OPEN, 0);
	char words[64], command[PATH_MAX];

	for (size_t n = 0; n < told && n < 10; n++) {
		const struct json *i = json_at(live, STATUS_FLOODS, n);
		const char *kind = json_text(i, "kind"), *key = json_text(i, "key"),
			   *action = json_text(i, "action");
		int64_t id = json_int(i, "id", 0);

		snprintf(words, sizeof(words), "floods %" PRId64, id);
		FIND(st, "flood", FINDING_NOTE,
		    session_command(st->s, words, command, sizeof(command)),
		    "flood %" PRId64 " is open: %s %s, %" PRId64 " recipients, %s", id,
		    kind ? kind : "", key ? key : "", json_int(i, "recipients", 0),
		    action && strcmp(action, "WARN") != 0 ? action : "no rule is set");
	}
	if (open > (int64_t)told)
		FIND(st, "flood", FINDING_NOTE,
		    session_command(st->s, "floods", command, sizeof(command)),
		    "%" PRId64 " floods are open in all", open);
}

static void judge_standing(struct status *st)
{
	AUTO(standings_release) struct standings all = {0};
	struct err err = {{0}}, trouble = {{0}};
	char words[64], command[PATH_MAX], until[CLOCK_TEXT_SIZE];
	int code = standing_list(&st->s->settings, st->s->options.now, &all, &trouble, &err);

	if (code < 0 || trouble.text[0])
		FIND(st, "standing_broken", FINDING_FAULT, "", "%s",
		    code < 0 ? err.text : trouble.text);
	for (size_t n = 0; n < all.count; n++) {
		snprintf(words, sizeof(words), "undo %" PRIu64, all.list[n].number);
		FIND(st, "standing", FINDING_NOTE,
		    session_command(st->s, words, command, sizeof(command)),
		    "order %" PRIu64 " of %s (%s) stays in force until %s", all.list[n].number,
		    all.list[n].user, all.list[n].command,
		    clock_text(all.list[n].until, until, sizeof(until)));
	}
}

static void judge_socket_of_door(
    struct status *st, const char *socket, const char *unit, const char *whom)
{
	const char *directory = st->s->settings.order_directory;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char command[PATH_MAX];

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", directory, socket) <
		(int)sizeof(at.sun_path) &&
	    endpoint_is_heard(&at))
		return;
	if (setup_systemd_runs())
		snprintf(command, sizeof(command), "systemctl enable --now %s", unit);
	else
		session_command(st->s, "order --listen &", command, sizeof(command));
	FIND(st, "order_door", FINDING_FAULT, command,
	    "root gets no orders of %s: nobody listens on '%s/%s'", whom, directory, socket);
}

static void judge_door(struct status *st)
{
	const struct settings *s = &st->s->settings;
	bool held = false;

	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++)
		held |= s->flood[k].held && s->flood_watch == FLOOD_WATCH_ACT;
	if (s->operator_group[0])
		judge_socket_of_door(st, DOOR_OPERATOR_SOCKET, "pqpurge-order-operator.socket",
		    "the members of operator_group");
	if (held || (s->flood_hook[0] && s->flood_watch != FLOOD_WATCH_OFF))
		judge_socket_of_door(
		    st, DOOR_DAEMON_SOCKET, "pqpurge-order-daemon.socket", "the flood watch");
}

/* `fleet` alone does not say so: operators' machines set it, too. */
static bool has_agent(const struct settings *s)
{
	return setup_systemd_runs() ? setup_unit_is_enabled("pqpurge-agent.service")
				    : getpwnam(s->fleet_user) != NULL;
}

static const char *put_agent(const struct status *st, const char *verb, char *buf, size_t size)
{
	const char *config = session_config(st->s);

	if (setup_systemd_runs())
		snprintf(buf, size, "systemctl %s pqpurge-agent", verb);
	else
		snprintf(buf, size, "runuser -u %s -- pqpurge-link%s%s agent &",
		    st->s->settings.fleet_user, config ? " -c " : "", config ? config : "");
	return buf;
}

static void judge_absence(struct status *st)
{
	char command[PATH_MAX];

	if (has_agent(&st->s->settings))
		FIND(st, "fleet_away", FINDING_FAULT,
		    put_agent(st, "status", command, sizeof(command)),
		    "the fleet's agent has not joined: orders of the fleet wait");
	else
		FIND(st, "fleet_away", FINDING_NOTE,
		    put_agent(st, "enable --now", command, sizeof(command)),
		    "no agent is set up here: orders of the fleet do not reach this host; this is "
		    "right if the host only serves operators");
}

/* While joined, the agent asks root for this host's health every 20 s. An empty fleet_allow means
 * no agent. */
static void judge_fleet(struct status *st)
{
	const struct settings *s = &st->s->settings;
	char path[PATH_MAX], command[PATH_MAX], since[CLOCK_TEXT_SIZE];
	struct stat at;

	if (!s->fleet[0] || !s->fleet_allow[strspn(s->fleet_allow, " ,")])
		return;
	st->in_fleet = true;
	snprintf(path, sizeof(path), "%s/%s", s->order_directory, DOOR_FLEET_SEEN);
	bool joined = lstat(path, &at) == 0;
	if (joined || has_agent(s))
		judge_socket_of_door(
		    st, DOOR_DAEMON_SOCKET, "pqpurge-order-daemon.socket", "the fleet's agent");
	if (!joined) {
		judge_absence(st);
		return;
	}
	st->fleet_seen = (int64_t)at.st_mtim.tv_sec * USEC_PER_SEC;
	int64_t age = clock_wall() - st->fleet_seen;
	if (age > DOOR_FLEET_SILENT)
		FIND(st, "fleet_away", FINDING_FAULT,
		    put_agent(st, "status", command, sizeof(command)),
		    "the fleet was last joined %s ago: its rules stay in force, its orders wait",
		    clock_span_text(age, since, sizeof(since)));
}

void status_judge(struct status *st)
{
	static void (*const checks[])(struct status *) = {judge_daemon, judge_recording,
	    judge_index, judge_place, judge_postfix, judge_rules, judge_socket, judge_sessions,
	    judge_floods, judge_standing, judge_door, judge_fleet};

	for (size_t n = 0; n < COUNT_OF(checks); n++)
		checks[n](st);
}
