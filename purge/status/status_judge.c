/* SPDX-License-Identifier: ISC */
/* What is wrong with the daemon, the index and the queue. */
#include <inttypes.h>
#include <limits.h>

#include "base/clock.h"
#include "purge/status/status.h"
#include "purge/tell/wording.h"

#define FULL_PERCENT 80 /* from there on the daemon drops the oldest */

#define FIND(st, ...) findings_add(&(st)->findings, __VA_ARGS__)

/* "pqpurge-idx -c FILE" as the command was called. */
static void put_command(const struct status *st, const char *verb, char *buf, size_t size)
{
	const char *config = st->s->options.config;

	snprintf(buf, size, "pqpurge-idx %s%s%s%s", config ? "-c " : "", config ? config : "",
	    config ? " " : "", verb);
}

/* "systemctl start pqpurge-milter", or of the instance whose configuration /etc/pqpurge/NAME.conf
 * is. */
static const char *put_systemctl(const struct status *st, const char *verb, char *buf, size_t size)
{
	const char *config = session_config(st->s), *name = NULL;
	size_t len = strlen("/etc/pqpurge/"), end = strlen(".conf");

	if (config && str_starts(config, "/etc/pqpurge/") && strlen(config) > len + end &&
	    strcmp(config, SETTINGS_DEFAULT_FILE) != 0 && !strchr(config + len, '/'))
		name = config + len;
	snprintf(buf, size, "systemctl %s pqpurge-milter%s%.*s", verb, name ? "@" : "",
	    name ? (int)(strlen(name) - end) : 0, name ? name : "");
	return buf;
}

static void judge_daemon(struct status *st)
{
	const char *directory = st->s->settings.index_directory;
	char command[256];

	switch (st->live.state) {
	case LIVE_ANSWERS:
		return;
	case LIVE_DOWN:
		FIND(st, "daemon_down", FINDING_FAULT,
		    put_systemctl(st, "start", command, sizeof(command)),
		    "no pqpurge-milter runs on the index '%s': mail is not recorded", directory);
		return;
	case LIVE_SILENT:
		FIND(st, "daemon_silent", FINDING_FAULT,
		    put_systemctl(st, "restart", command, sizeof(command)),
		    "pqpurge-milter does not answer (%s)",
		    st->live.err.text[0] ? st->live.err.text : "no word within 2 seconds");
		return;
	case LIVE_UNKNOWN:
		FIND(st, "daemon_unknown", FINDING_FAULT,
		    put_systemctl(st, "status", command, sizeof(command)),
		    "pqpurge-milter could not be asked (%s)", st->live.err.text);
		return;
	}
}

/* A look at the disk is the first thing in any case in which the index cannot be written. */
static void judge_recording(struct status *st)
{
	const struct live *live = &st->live;
	char error[512], reason[COVERAGE_REASON_MAX + 1], since[CLOCK_TEXT_SIZE], command[PATH_MAX];
	int64_t count = live_number(live, "gap_count", 0);

	if (live->state != LIVE_ANSWERS)
		return;
	snprintf(command, sizeof(command), "ls -ld '%s'; df -h '%s'",
	    st->s->settings.index_directory, st->s->settings.index_directory);
	live_text(live, "last_error", error, sizeof(error));
	if (strcmp(live_text(live, "recording", reason, sizeof(reason)), "no") == 0)
		FIND(st, "not_recording", FINDING_FAULT, command,
		    "the daemon cannot use the index since %s (%s)",
		    clock_text(live_number(live, "since", 0), since, sizeof(since)), error);
	if (live_number(live, "gap_since", 0) > 0)
		FIND(st, "gap_open", FINDING_FAULT, command,
		    "%" PRId64 " %s since %s %s not recorded (%s)", count,
		    wording_messages((uint64_t)count),
		    clock_text(live_number(live, "gap_since", 0), since, sizeof(since)),
		    count == 1 ? "is" : "are",
		    live_text(live, "gap_reason", reason, sizeof(reason)));
	if (strcmp(live_text(live, "rules_saved", reason, sizeof(reason)), "no") == 0)
		FIND(st, "rules_unsaved", FINDING_FAULT, command,
		    "rules are in force that could not be saved: the daemon forgets them when it "
		    "stops");
}

static void judge_index(struct status *st)
{
	const struct overview *o = &st->overview;
	pid_t reader = (pid_t)live_number(&st->live, "lagging_reader", 0);
	char command[256];

	if (!st->index_known) {
		FIND(st, st->index_code == ERR_NO_INDEX ? "index_missing" : "index_unreadable",
		    FINDING_FAULT, put_systemctl(st, "restart", command, sizeof(command)), "%s",
		    st->index_err.text[0] ? st->index_err.text : err_word(st->index_code));
		return;
	}
	if (reader > 0) {
		snprintf(
		    command, sizeof(command), "ps -fp %ld; kill %ld", (long)reader, (long)reader);
		FIND(st, "reader_lags", FINDING_FAULT, command,
		    "process %ld reads an old state of the index and keeps its space from being "
		    "used again",
		    (long)reader);
	}
	if (o->map_bytes && o->used_bytes / (o->map_bytes / 100 + 1) >= FULL_PERCENT)
		FIND(st, "index_full", FINDING_NOTE, "",
		    "the index is full (index_map_size): the oldest messages are dropped from it");
}

static void judge_instance(struct status *st)
{
	const struct overview *o = &st->overview;

	if (st->belongs == BELONGS_ELSEWHERE)
		FIND(st, "instance", FINDING_FAULT, "",
		    "the index is about the Postfix queue '%s', not about '%s': give each "
		    "instance a configuration of its own (-c)",
		    o->queue_directory, st->postfix.queue_directory);
	if (st->belongs == BELONGS_RENAMED)
		FIND(st, "renamed", FINDING_NOTE, "",
		    "myhostname is now '%s'; the index was made on '%s'", st->postfix.myhostname,
		    o->hostname);
}

static void judge_rules(struct status *st)
{
	const char *config = session_config(st->s);
	char command[PATH_MAX];
	int64_t limits = live_number(&st->live, "match_limit_errors", 0);

	snprintf(command, sizeof(command), "pqpurge-milter -n%s%s", config ? " -c " : "",
	    config ? config : "");
	if (st->rules_error[0])
		FIND(st, "rules_file", FINDING_FAULT, command,
		    "the rules file is wrong, and the rules from before hold (%s)",
		    st->rules_error);
	if (limits > 0)
		FIND(st, "match_limit", FINDING_NOTE, "pqpurge-idx rules",
		    "an expression was too costly %" PRId64 " times and did not match", limits);
}

/* Mail in the queue that the index could have, and has not. Bounces are none: no milter sees them.
 */
static void judge_queue(struct status *st)
{
	const struct missing *m = &st->missing;
	uint64_t all = st->outcome.tally.unindexed;
	uint64_t told = m->bounces + m->in_gaps + m->bypassed;
	const char *least = m->sampled ? "at least " : "";
	char command[PATH_MAX];

	if (st->outcome.trouble.text[0])
		FIND(st, "queue_unknown", FINDING_FAULT, "", "%s", st->outcome.trouble.text);
	put_command(st, "sync --add", command, sizeof(command));
	if (m->in_gaps)
		FIND(st, "unindexed", FINDING_FAULT, command,
		    "%s%" PRIu64 " %s in the queue came while the index was not written", least,
		    m->in_gaps, wording_messages(m->in_gaps));
	if (m->bypassed)
		FIND(st, "bypassed", FINDING_NOTE, command,
		    "%s%" PRIu64 " %s in the queue came over SMTP past the milter: REDIRECT in "
		    "header_checks, a service without it, or a session that had lost it",
		    least, m->bypassed, wording_messages(m->bypassed));
	if (all > told && !m->sampled)
		FIND(st, "unindexed_other", FINDING_NOTE, command,
		    "%" PRIu64 " %s in the queue came without the milter: forwarded by local(8), "
		    "requeued, or older than the index",
		    all - told, wording_messages(all - told));
	if (live_number(&st->live, "without_id", 0) > 0)
		FIND(st, "without_id", FINDING_NOTE, "",
		    "%" PRId64 " messages since the daemon started came without a queue ID",
		    live_number(&st->live, "without_id", 0));
}

void status_judge(struct status *st)
{
	judge_daemon(st);
	judge_recording(st);
	judge_index(st);
	judge_instance(st);
	judge_rules(st);
	judge_queue(st);
}
