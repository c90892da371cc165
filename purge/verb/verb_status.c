/* SPDX-License-Identifier: ISC */
#include "index/control/status.h"
#include "purge/status/status.h"
#include "purge/tell/field.h"
#include "purge/tell/progress.h"
#include "purge/tell/say.h"

/* o NULL: as text. */
struct telling {
	struct json *o;
	FILE *to;
};

static void put_section(
    const struct telling *t, const char *key, const struct field *fields, size_t count)
{
	if (!t->o) {
		fields_say(t->to, fields, count);
		return;
	}
	struct json *section = json_new();
	fields_put(section, fields, count);
	json_put(t->o, key, section);
}

static void put_daemon(const struct telling *t, const struct status *st)
{
	static const char *const words[] = {[LIVE_ANSWERS] = "running",
	    [LIVE_DOWN] = "not running",
	    [LIVE_SILENT] = "does not answer",
	    [LIVE_DEAF] = "runs, but cannot be reached",
	    [LIVE_UNKNOWN] = "unknown"};
	const enum live_state state = st->live.state;
	const struct json *live = st->live.answer;
	const bool recording = json_bool(live, STATUS_RECORDING, false);
	const struct field fields[] = {
	    {NULL, "Daemon", FIELD_TEXT, .text = words[state]},
	    {"running", NULL, FIELD_BOOL, .n = state == LIVE_UNKNOWN ? -1 : state != LIVE_DOWN,
		.null = true},
	    {"answers", NULL, FIELD_BOOL, .n = live != NULL},
	    {"since", "  since", FIELD_TIME, .n = json_int(live, STATUS_STARTED, 0), .null = true},
	    {"pid", "  process", FIELD_NUMBER, .n = json_int(live, STATUS_PID, 0)},
	    {"version", "  version", FIELD_TEXT, .text = json_text(live, STATUS_VERSION)},
	    {"recording", NULL, FIELD_BOOL, .n = recording},
	    {"recording_since", NULL, FIELD_TIME, .n = json_int(live, STATUS_SINCE, 0),
		.null = true},
	    {NULL, "  recording", FIELD_TEXT, .text = recording ? NULL : "no"},
	    {"recorded", "  recorded", FIELD_NUMBER, .n = json_int(live, STATUS_RECORDED, 0)},
	    {"lost", "  left out", FIELD_NUMBER, .n = json_int(live, STATUS_LOST, 0)},
	    {"sessions", NULL, FIELD_NUMBER, .n = json_int(live, STATUS_SESSIONS, 0)},
	    {"without_id", NULL, FIELD_NUMBER, .n = json_int(live, STATUS_WITHOUT_ID, 0)},
	    {"last_error", NULL, FIELD_TEXT, .text = json_text(live, STATUS_LAST_ERROR)},
	};

	put_section(t, "daemon", fields, live ? COUNT_OF(fields) : 3);
}

static void put_postfix(const struct telling *t, const struct status *st)
{
	const int runs = st->postfix_runs;
	const struct field fields[] = {
	    {NULL, "Postfix", FIELD_TEXT,
		.text = runs > 0    ? "running"
			: runs == 0 ? "not running"
				    : "unknown"},
	    {"running", NULL, FIELD_BOOL, .n = runs, .null = true},
	    {"config_directory", NULL, FIELD_TEXT, .text = st->postfix.config_directory},
	    {"queue_directory", "  queue", FIELD_TEXT, .text = st->postfix.queue_directory},
	    {"myhostname", "  host", FIELD_TEXT, .text = st->postfix.myhostname},
	};

	put_section(t, "postfix", fields, COUNT_OF(fields));
}

static void put_index(const struct telling *t, const struct status *st)
{
	const struct index_counts *c = &st->counts;
	const bool failed = st->index_code != 0;
	const char *why = st->index_err.text[0] ? st->index_err.text : err_word(st->index_code);
	const struct field fields[] = {
	    {"directory", "Index", FIELD_TEXT, .text = st->s->settings.index_directory},
	    {"error", NULL, FIELD_TEXT, .text = failed ? why : NULL},
	    {"rows", "  rows", FIELD_NUMBER, .n = (int64_t)c->rows},
	    {"file_bytes", NULL, FIELD_SIZE, .n = (int64_t)c->file_bytes},
	    {"used_bytes", "  used", FIELD_SIZE, .n = (int64_t)c->used_bytes},
	    {"map_bytes", "  room", FIELD_SIZE, .n = (int64_t)c->map_bytes},
	    {"map_used_percent", NULL, FIELD_NUMBER,
		.n = (int64_t)(c->used_bytes / (c->map_bytes / 100 + 1))},
	    {"evicted", "  dropped", FIELD_COUNT, .n = (int64_t)c->evicted},
	    {"evicted_time", NULL, FIELD_TIME, .n = c->evicted_time, .null = true},
	    {"caught_up", "  catch-up", FIELD_TIME, .n = c->caught_up, .null = true},
	    {NULL, "  catch-up", FIELD_TEXT, .text = c->caught_up > 0 ? NULL : "none yet"},
	};

	put_section(t, "index", fields, failed ? 2 : COUNT_OF(fields));
}

static void put_rules(const struct telling *t, const struct status *st)
{
	const char *when = st->live.state == LIVE_DOWN ? "Rules (stored)" : "Rules in force";
	const struct field fields[] = {
	    {"in_force", when, FIELD_NUMBER, .n = st->rules, .null = true},
	    {NULL, "Rules", FIELD_TEXT, .text = st->rules < 0 ? "unknown" : NULL},
	    {"file", NULL, FIELD_TEXT, .text = st->s->settings.rules_file},
	    {"error", NULL, FIELD_TEXT, .text = *st->rules_error ? st->rules_error : NULL,
		.null = true},
	};

	put_section(t, "rules", fields, COUNT_OF(fields));
}

static void put_fleet(const struct telling *t, const struct status *st)
{
	if (!st->in_fleet)
		return;
	const char *name = st->s->settings.fleet_name;
	const struct field fields[] = {
	    {"name", "Fleet", FIELD_TEXT, .text = *name ? name : st->postfix.myhostname},
	    {"seen", "  last joined", FIELD_TIME, .n = st->fleet_seen, .null = true},
	    {NULL, "  last joined", FIELD_TEXT, .text = st->fleet_seen > 0 ? NULL : "never"},
	};

	put_section(t, "fleet", fields, COUNT_OF(fields));
}

static void put_all(const struct telling *t, const struct status *st)
{
	put_daemon(t, st);
	put_postfix(t, st);
	put_index(t, st);
	put_rules(t, st);
	put_fleet(t, st);
}

int status_json(FILE *to, const struct status *st)
{
	struct json *o = json_new(), *list = json_new_array();

	json_put_bool(o, "ok", findings_faults(&st->findings) == 0);
	put_all(&(struct telling){.o = o}, st);
	for (size_t n = 0; n < st->findings.count; n++) {
		const struct finding *f = &st->findings.list[n];
		struct json *one = json_new();

		json_put_text(one, "id", f->id);
		json_put_text(one, "level", f->level == FINDING_FAULT ? "fault" : "note");
		json_put_text(one, "text", f->words);
		json_put_text(one, "command", f->command);
		json_append(list, one);
	}
	json_put(o, "findings", list);
	return json_line_of(to, "status", o);
}

static void say_findings(FILE *to, const struct status *st)
{
	for (size_t n = 0; n < st->findings.count; n++) {
		const struct finding *f = &st->findings.list[n];
		AUTO(strbuf_release) struct strbuf words = {0};

		bool asks = *f->words && f->words[strlen(f->words) - 1] == '?';

		strbuf_printf(&words, "%s%s", f->words, asks ? "" : ".");
		say(to, "%c ", f->level == FINDING_FAULT ? '!' : '-');
		say_fold_from(to, 2, strbuf_text(&words));
		/* not folded, so that it can be copied */
		if (*f->command)
			say(to, "  type: %s\n", f->command);
	}
}

void status_text(FILE *to, const struct status *st)
{
	put_all(&(struct telling){.to = to}, st);
	say_findings(to, st);
	if (findings_faults(&st->findings) == 0)
		say(to, "Nothing is wrong.\n");
}

int verb_status(struct session *s, struct err *err)
{
	struct progress progress;
	struct status st;

	progress_init(&progress, !s->options.quiet);
	progress_show(&progress, "asking the daemon and Postfix", 0, 0);
	int code = status_read(&st, s, err);
	progress_end(&progress);

	if (code == 0 && st.findings.failed)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code == 0 && s->options.json)
		code = session_written(status_json(stdout, &st), err);
	else if (code == 0)
		(s->options.quiet ? say_findings : status_text)(stdout, &st);
	if (code == 0 && findings_faults(&st.findings) > 0)
		code = EXIT_SOME_FAILED;
	status_release(&st);
	return code;
}
