/* SPDX-License-Identifier: ISC */
/* The state of everything, for programs: one object. */
#include "base/clock.h"
#include "purge/status/status.h"

static void put_time(struct json *o, const char *key, int64_t wall)
{
	if (wall > 0)
		json_put_int(o, key, wall / USEC_PER_SEC);
	else
		json_put_null(o, key);
}

static void put_text(struct json *o, const char *key, const char *text)
{
	if (text && *text)
		json_put_text(o, key, text);
}

static struct json *daemon_of(const struct status *st)
{
	static const char *const numbers[] = {"pid", "recorded", "lost", "sessions", "without_id"};
	const struct json *live = st->live.answer;
	enum live_state state = st->live.state;
	struct json *o = json_new();

	if (state == LIVE_UNKNOWN)
		json_put_null(o, "running");
	else
		json_put_bool(o, "running", state != LIVE_DOWN);
	json_put_bool(o, "answers", live != NULL);
	if (!live)
		return o;
	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		json_put_int(o, numbers[n], json_int(live, numbers[n], 0));
	put_time(o, "since", json_int(live, "started", 0));
	put_text(o, "version", json_text(live, "version"));
	json_put_bool(o, "recording", json_bool(live, "recording", false));
	put_time(o, "recording_since", json_int(live, "since", 0));
	put_text(o, "last_error", json_text(live, "last_error"));
	return o;
}

static struct json *index_of(const struct status *st)
{
	const struct index_counts *c = &st->counts;
	struct json *o = json_new();

	json_put_text(o, "directory", st->s->settings.index_directory);
	if (st->index_code != 0) {
		json_put_text(o, "error",
		    st->index_err.text[0] ? st->index_err.text : err_word(st->index_code));
		return o;
	}
	json_put_int(o, "rows", (int64_t)c->rows);
	json_put_int(o, "file_bytes", (int64_t)c->file_bytes);
	json_put_int(o, "used_bytes", (int64_t)c->used_bytes);
	json_put_int(o, "map_bytes", (int64_t)c->map_bytes);
	json_put_int(o, "map_used_percent", (int64_t)(c->used_bytes / (c->map_bytes / 100 + 1)));
	json_put_int(o, "evicted", (int64_t)c->evicted);
	put_time(o, "evicted_time", c->evicted_time);
	put_time(o, "caught_up", c->caught_up);
	return o;
}

static struct json *rules_of(const struct status *st)
{
	struct json *o = json_new();

	if (st->rules >= 0)
		json_put_int(o, "in_force", st->rules);
	else
		json_put_null(o, "in_force");
	json_put_text(o, "file", st->s->settings.rules_file);
	if (st->rules_error[0])
		json_put_text(o, "error", st->rules_error);
	else
		json_put_null(o, "error");
	return o;
}

static struct json *postfix_of(const struct status *st)
{
	struct json *o = json_new();

	if (st->postfix_runs >= 0)
		json_put_bool(o, "running", st->postfix_runs);
	else
		json_put_null(o, "running");
	json_put_text(o, "config_directory", st->postfix.config_directory);
	json_put_text(o, "queue_directory", st->postfix.queue_directory);
	json_put_text(o, "myhostname", st->postfix.myhostname);
	return o;
}

static struct json *findings_of(const struct status *st)
{
	struct json *list = json_new_array();

	for (size_t n = 0; n < st->findings.count; n++) {
		const struct finding *f = &st->findings.list[n];
		struct json *one = json_new();

		json_put_text(one, "id", f->id);
		json_put_text(one, "level", f->level == FINDING_FAULT ? "fault" : "note");
		json_put_text(one, "text", f->words);
		json_put_text(one, "command", f->command);
		json_append(list, one);
	}
	return list;
}

int status_json(FILE *to, const struct status *st)
{
	struct json *o = json_new(), *line = json_new();

	json_put_bool(o, "ok", findings_faults(&st->findings) == 0);
	json_put(o, "daemon", daemon_of(st));
	json_put(o, "postfix", postfix_of(st));
	json_put(o, "index", index_of(st));
	json_put(o, "rules", rules_of(st));
	json_put(o, "findings", findings_of(st));
	json_put(line, "status", o);
	return json_line(to, line);
}
