/* SPDX-License-Identifier: ISC */
#include "purge/status/status.h"

#include "base/io.h"
#include "index/control/status.h"
#include "postfix/config/bypass.h"
#include "postfix/config/wiring.h"
#include "purge/rules/rulebox.h"

static void read_postfix(struct status *st)
{
	AUTO(queue_close) struct queue queue;
	int code = queue_open(&st->postfix, &queue, &st->queue_err);

	st->postfix_runs = wiring_postfix_runs(&st->postfix, &st->postfix_err);
	if (code == 0)
		queue_place(&queue, &st->place.device, &st->place.inode);
}

static void read_index(struct status *st)
{
	live_read(&st->s->client, &st->live);
	if (st->live.state == LIVE_SILENT)
		st->index_code = ERR_TIMEOUT;
	else
		st->index_code = client_count(&st->s->client, &st->counts, &st->index_err);
	if (st->counts.caught_up < 0)
		st->counts.caught_up = 0;
}

static void read_rules(struct status *st)
{
	const struct json *answer = st->live.answer;
	AUTO(rulebox_release) struct rulebox box = {0};
	const char *wrong;

	st->rules = -1;
	if (answer) {
		st->rules = json_int(answer, STATUS_RULES, -1);
		wrong = json_text(answer, STATUS_RULES_ERROR);
		snprintf(st->rules_error, sizeof(st->rules_error), "%s", wrong ? wrong : "");
		return;
	}
	if (st->live.state == LIVE_SILENT)
		return;
	if (rulebox_read(&st->s->client, st->s->options.now, NULL, &box, NULL) == 0)
		st->rules = (int64_t)(box.file.count + box.command.count);
	snprintf(st->rules_error, sizeof(st->rules_error), "%s", box.broken.text);
}

/* Before setup there is only one finding, and its command names this run's settings file. */
static void read_settings(struct status *st, struct findings *settings)
{
	const struct session *s = st->s;
	char command[PATH_MAX];

	if (findings_have(settings, "not_set_up")) {
		findings_add(&st->findings, "not_set_up", FINDING_FAULT,
		    session_command(s, "setup", command, sizeof(command)), "%s",
		    settings->list[0].words);
		findings_release(settings);
		if (st->live.state != LIVE_DOWN)
			status_judge(st);
		return;
	}
	status_judge(st);
	findings_move(&st->findings, settings);
	bypass_find_others(&st->postfix, s->settings.socket, &st->findings);
}

int status_read(struct status *st, const struct session *s, struct err *err)
{
	AUTO(findings_release) struct findings settings = {0};

	*st = (struct status){.s = s, .rules = -1};
	int code = postfix_read(s->settings.postfix_config_directory, &st->postfix, err);
	if (code < 0)
		return code;
	read_postfix(st);
	read_index(st);
	read_rules(st);
	code = bypass_find(&st->postfix, s->settings.socket, s->settings.policy_socket,
	    st->live.state == LIVE_ANSWERS, &settings, err);
	if (code == 0)
		read_settings(st, &settings);
	return code;
}

void status_release(struct status *st)
{
	live_release(&st->live);
	findings_release(&st->findings);
	postfix_release(&st->postfix);
}
