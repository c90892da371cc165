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

static void put_live(struct json *o, const struct live *live, const char *key)
{
	int64_t n = live_number(live, key, -1);

	if (n >= 0)
		json_put_int(o, key, n);
}

static struct json *daemon_of(const struct status *st)
{
	const struct live *live = &st->live;
	struct json *o = json_new();
	char text[512];

	json_put_bool(o, "running", live->state == LIVE_ANSWERS || live->state == LIVE_SILENT);
	json_put_bool(o, "answers", live->state == LIVE_ANSWERS);
	if (live->state != LIVE_ANSWERS)
		return o;
	put_live(o, live, "pid");
	put_time(o, "since", live_number(live, "started", 0));
	json_put_text(o, "version", live_text(live, "version", text, sizeof(text)));
	json_put_bool(
	    o, "recording", strcmp(live_text(live, "recording", text, sizeof(text)), "yes") == 0);
	put_time(o, "recording_since", live_number(live, "since", 0));
	if (*live_text(live, "last_error", text, sizeof(text)))
		json_put_text(o, "last_error", text);
	put_live(o, live, "recorded");
	put_live(o, live, "lost");
	put_live(o, live, "queued");
	put_live(o, live, "sessions");
	put_live(o, live, "pruned");
	return o;
}

static struct json *index_of(const struct status *st)
{
	const struct overview *v = &st->overview;
	struct json *o = json_new();

	json_put_text(o, "directory", st->s->settings.index_directory);
	if (!st->index_known) {
		json_put_text(o, "error", st->index_err.text);
		return o;
	}
	json_put_int(o, "rows", (int64_t)v->messages);
	put_time(o, "oldest", v->oldest);
	json_put_int(o, "file_bytes", (int64_t)v->file_bytes);
	json_put_int(o, "used_bytes", (int64_t)v->used_bytes);
	json_put_int(o, "map_bytes", (int64_t)v->map_bytes);
	json_put_int(o, "map_used_percent", (int64_t)(v->used_bytes / (v->map_bytes / 100 + 1)));
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

	json_put_text(o, "config_directory", st->postfix.config_directory);
	json_put_text(o, "queue_directory", st->postfix.queue_directory);
	json_put_text(o, "myhostname", st->postfix.myhostname);
	return o;
}

static void put_unindexed(struct json *o, const struct status *st)
{
	const struct tally *t = &st->outcome.tally;

	if (!t->unindexed_known) {
		json_put_null(o, "unindexed");
		return;
	}
	json_put_int(o, "unindexed", (int64_t)t->unindexed);
	json_put_int(o, "unindexed_maildrop", (int64_t)t->unindexed_maildrop);
	json_put_int(o, "unindexed_arriving", (int64_t)t->unindexed_arriving);
	missing_put(o, t, &st->missing);
}

static void put_gaps(struct json *o, const struct status *st)
{
	const struct gaps *gaps = &st->missing.gaps;
	struct json *list = json_new_array();

	for (size_t n = 0; n < gaps->count; n++)
		json_append(list, missing_gap(&gaps->list[n]));
	put_time(o, "coverage_since", gaps->since);
	json_put(o, "gaps", list);
}

static void put_findings(struct json *o, const struct status *st)
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
	json_put(o, "findings", list);
}

int status_json(FILE *to, const struct status *st)
{
	struct json *o = json_new(), *line = json_new();

	json_put_bool(o, "ok", findings_faults(&st->findings) == 0);
	json_put(o, "daemon", daemon_of(st));
	json_put(o, "index", index_of(st));
	put_gaps(o, st);
	put_unindexed(o, st);
	json_put(o, "rules", rules_of(st));
	json_put(o, "postfix", postfix_of(st));
	put_findings(o, st);
	json_put(line, "status", o);
	return json_line(to, line);
}
