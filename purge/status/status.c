/* SPDX-License-Identifier: ISC */
/* The state of everything, gathered. */
#include "purge/status/status.h"

#include "base/clock.h"
#include "postfix/config/bypass.h"
#include "purge/rules/rulebox.h"

#define LIVE_WAIT (2 * USEC_PER_SEC)

static void read_index(struct status *st)
{
	const char *directory = st->s->settings.index_directory;

	live_read(directory, LIVE_WAIT, &st->live);
	st->index_code = overview_read(directory, &st->overview, &st->index_err);
	st->index_known = st->index_code == 0;
	if (st->index_known)
		st->belongs = belongs_of(st->overview.queue_directory, st->overview.hostname,
		    st->postfix.queue_directory, st->postfix.myhostname);
}

/* What the index does not know of the queue: exact, however long that takes. */
static void read_queue(struct status *st)
{
	struct order order = {.settings = &st->s->settings, .postfix = &st->postfix};
	char reason[COVERAGE_REASON_MAX + 1];
	struct gaps gaps = {0};
	struct gaps_now now;

	if (!st->index_known || st->belongs == BELONGS_ELSEWHERE)
		return;
	(void)order_count_unindexed(&order, &st->outcome, 0);
	now = live_now(&st->live, st->overview.last_sign, reason, sizeof(reason));
	bool known =
	    gaps_make(st->overview.coverage, st->overview.coverage_count, &now, &gaps) == 0;
	missing_make(&st->outcome, &gaps, &st->missing);
	st->missing.gaps_known = known;
}

/* The daemon knows what is in force; without one the rules are counted that it will find. */
static void read_rules(struct status *st)
{
	struct rulebox box;

	st->rules = live_number(&st->live, "rules", -1);
	if (st->live.state == LIVE_ANSWERS) {
		live_text(&st->live, "rules_error", st->rules_error, sizeof(st->rules_error));
		return;
	}
	if (rulebox_read(&st->s->settings, st->s->options.now, NULL, &box, NULL) == 0)
		st->rules = (int64_t)(box.file.count + box.command.count);
	snprintf(st->rules_error, sizeof(st->rules_error), "%s", box.broken.text);
	rulebox_release(&box);
}

static int read_settings(struct status *st, struct err *err)
{
	const struct settings *settings = &st->s->settings;
	struct bypass_facts facts = {.socket = settings->socket,
	    .commit_timeout = settings->commit_timeout,
	    .tempfail = settings->tempfail_on_index_error};

	return bypass_find(
	    &st->postfix, &facts, st->live.state == LIVE_ANSWERS, &st->findings, err);
}

int status_read(struct status *st, const struct session *s, struct err *err)
{
	int code;

	*st = (struct status){.s = s, .rules = -1};
	code = postfix_read(s->settings.postfix_config_directory, &st->postfix, err);
	if (code < 0)
		return code;
	read_index(st);
	read_queue(st);
	read_rules(st);
	status_judge(st);
	return read_settings(st, err);
}

void status_release(struct status *st)
{
	live_release(&st->live);
	overview_release(&st->overview);
	outcome_release(&st->outcome);
	missing_release(&st->missing);
	findings_release(&st->findings);
	postfix_release(&st->postfix);
}
