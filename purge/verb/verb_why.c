/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "purge/tell/field.h"
#include "purge/tell/say.h"
#include "purge/walk.h"
#include "purge/why/why.h"

#define REASONS_SHOWN 20 /* on a terminal, without --limit */

enum { RUN_DELAY, BACKOFF_LEAST, BACKOFF_MOST, LIFETIME, BOUNCE_LIFETIME, PATIENCE_COUNT };

static const struct {
	const char *name;
	bool days; /* without a unit; otherwise seconds (global/conv_time.c, mail_params.h) */
} parameters[PATIENCE_COUNT] = {
    [RUN_DELAY] = {"queue_run_delay", false},
    [BACKOFF_LEAST] = {"minimal_backoff_time", false},
    [BACKOFF_MOST] = {"maximal_backoff_time", false},
    [LIFETIME] = {"maximal_queue_lifetime", true},
    [BOUNCE_LIFETIME] = {"bounce_queue_lifetime", true},
};

struct told {
	const struct session *s;
	struct why why;
	struct strbuf patience_text[PATIENCE_COUNT];
	int64_t patience[PATIENCE_COUNT];
};

static int read_patience(struct told *t, struct err *err)
{
	const char *names[PATIENCE_COUNT + 1] = {0};

	for (size_t i = 0; i < PATIENCE_COUNT; i++)
		names[i] = parameters[i].name;
	int code = postfix_parameters(&t->s->postfix, names, t->patience_text, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < PATIENCE_COUNT; i++) {
		const char *text = strbuf_text(&t->patience_text[i]);

		if ((parameters[i].days ? order_parse_lifetime : clock_parse_span)(
			text, &t->patience[i]) < 0)
			return err_set(
			    err, ERR_CONFIG, "%s is '%s', which is not a time", names[i], text);
	}
	return 0;
}

static int64_t sum(const struct told *t, const char *key)
{
	return json_int(t->why.sums, key, 0);
}

/* For the oldest message; 0: never. */
static int64_t gives_up(const struct told *t)
{
	int64_t mail = sum(t, "oldest"), bounce = sum(t, "oldest_null");

	mail += mail ? t->patience[LIFETIME] : 0;
	bounce += bounce ? t->patience[BOUNCE_LIFETIME] : 0;
	return mail && (!bounce || mail < bounce) ? mail : bounce;
}

static size_t shown(const struct told *t)
{
	size_t limit = t->s->options.limit;

	if (!limit && !t->s->options.json && isatty(STDOUT_FILENO))
		limit = REASONS_SHOWN;
	return limit && limit < t->why.count ? limit : t->why.count;
}

#define SUMS_MAX (10 + 2 * PATIENCE_COUNT)

static size_t sums_of(const struct told *t, struct field ret[SUMS_MAX])
{
	const int64_t next = sum(t, "next"), last = sum(t, "last");
	const struct field sums[] = {
	    {"messages", "messages", FIELD_NUMBER, .n = sum(t, "messages")},
	    {"recipients", "deferred recipients", FIELD_NUMBER, .n = sum(t, "recipients")},
	    {"reasons", "reasons", FIELD_NUMBER, .n = (int64_t)t->why.count},
	    {NULL, "reasons not shown", FIELD_COUNT, .n = (int64_t)(t->why.count - shown(t))},
	    {"without_reason", "not tried yet", FIELD_COUNT, .n = sum(t, "without_reason")},
	    {"unread", "unreadable logs", FIELD_COUNT, .n = sum(t, "unread")},
	    {"due", "due now", FIELD_COUNT, .n = sum(t, "due")},
	    {"next_try", "next try", FIELD_TIME, .n = next},
	    {NULL, "last try", FIELD_TIME, .n = last == next ? 0 : last},
	    {"gives_up", "first given up", FIELD_TIME, .n = gives_up(t)},
	};
	size_t count = COUNT_OF(sums);

	memcpy(ret, sums, sizeof(sums));
	for (size_t i = 0; i < PATIENCE_COUNT; i++) {
		const char *name = parameters[i].name;

		ret[count++] =
		    (struct field){name, NULL, FIELD_NUMBER, .n = t->patience[i] / USEC_PER_SEC};
		ret[count++] = (struct field){
		    NULL, name, FIELD_TEXT, .text = strbuf_text(&t->patience_text[i])};
	}
	return count;
}

static int json_all(struct told *t)
{
	struct field sums[SUMS_MAX];

	for (size_t i = 0; i < shown(t); i++) {
		struct json *group = json_reopen(t->why.groups[i]);
		int code = json_line(stdout, group);

		t->why.groups[i] = NULL;
		if (code < 0)
			return code;
	}
	struct json *summary = json_new();
	fields_put(summary, sums, sums_of(t, sums));
	return json_line_of(stdout, "summary", summary);
}

static int text_all(struct told *t)
{
	struct field sums[SUMS_MAX];

	if (sum(t, "messages") == 0) {
		say(stdout, "Nothing matched.\n");
		return 0;
	}
	for (size_t i = 0; i < shown(t); i++)
		why_say(t->why.groups[i], false);
	fields_say(stdout, sums, sums_of(t, sums));
	return 0;
}

/* Returns the exit status. */
static int tell(struct told *t, struct walk *w, struct err *err)
{
	progress_show(&w->progress, "reading the reasons", 0, 0);
	int code = why_of(&t->s->postfix, &w->outcome, t->s->options.now, &t->why, err);
	progress_end(&w->progress);
	code = code ?: read_patience(t, err);
	if (code == 0)
		code = session_written((t->s->options.json ? json_all : text_all)(t), err);
	if (code < 0 || sum(t, "unread") == 0)
		return code;
	complain("%" PRId64 " defer logs could not be read; the first: %s.", sum(t, "unread"),
	    json_words(t->why.sums, "why_unread"));
	return EXIT_SOME_FAILED;
}

static int put_all(struct walk *w, struct err *err)
{
	struct told told = {.s = w->s};
	int code = tell(&told, w, err);

	why_release(&told.why);
	for (size_t i = 0; i < PATIENCE_COUNT; i++)
		strbuf_release(&told.patience_text[i]);
	return code;
}

int verb_why(struct session *s, struct err *err)
{
	return walk_show(s, put_all, err);
}
