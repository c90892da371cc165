/* SPDX-License-Identifier: ISC */
/* pqpurge-idx why: the reasons for which matches are deferred, and when Postfix tries again. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "purge/tell/say.h"
#include "purge/tell/wording.h"
#include "purge/walk.h"
#include "purge/why/why.h"

#define REASONS_SHOWN 20 /* on a terminal, where no --limit says otherwise */

/* What main.cf says of the queue manager's patience. */
enum { RUN_DELAY, BACKOFF_LEAST, BACKOFF_MOST, LIFETIME, BOUNCE_LIFETIME, PATIENCE_COUNT };

struct patience {
	struct strbuf text[PATIENCE_COUNT]; /* as main.cf has it */
	int64_t usec[PATIENCE_COUNT];
};

static const struct {
	const char *name;
	bool days; /* a number without a unit */
} parameters[PATIENCE_COUNT] = {
    [RUN_DELAY] = {"queue_run_delay", false},
    [BACKOFF_LEAST] = {"minimal_backoff_time", false},
    [BACKOFF_MOST] = {"maximal_backoff_time", false},
    [LIFETIME] = {"maximal_queue_lifetime", true},
    [BOUNCE_LIFETIME] = {"bounce_queue_lifetime", true},
};

/* A time of main.cf: here no unit means seconds, or days (global/conv_time.c, mail_params.h). */
static int parse_time(const char *text, bool days, int64_t *ret)
{
	uint64_t n;

	if (!days || str_parse_u64(text, 0, 36500, &n) < 0)
		return clock_parse_span(text, ret);
	*ret = (int64_t)n * 24 * 3600 * USEC_PER_SEC;
	return 0;
}

static int patience_read(const struct postfix *p, struct patience *ret, struct err *err)
{
	for (size_t i = 0; i < PATIENCE_COUNT; i++) {
		const char *name = parameters[i].name;
		int code = postfix_parameter(p, name, &ret->text[i], err);
		const char *text = strbuf_text(&ret->text[i]);

		if (code < 0)
			return code;
		code = parse_time(text, parameters[i].days, &ret->usec[i]);
		if (code < 0)
			return err_set(err, ERR_CONFIG, "%s is '%s', which is no time", name, text);
	}
	return 0;
}

static void patience_release(struct patience *patience)
{
	for (size_t i = 0; i < PATIENCE_COUNT; i++)
		strbuf_release(&patience->text[i]);
}

/* All that is told. */
struct told {
	const struct session *s;
	struct why why;
	struct patience patience;
};

/* When the first message is past its lifetime; 0 = there is none. */
static int64_t gives_up(const struct told *t)
{
	int64_t mail = t->why.oldest, bounce = t->why.oldest_null;

	mail += mail ? t->patience.usec[LIFETIME] : 0;
	bounce += bounce ? t->patience.usec[BOUNCE_LIFETIME] : 0;
	return mail && (!bounce || mail < bounce) ? mail : bounce;
}

static size_t shown(const struct told *t)
{
	size_t limit = t->s->options.limit;

	if (!limit && !t->s->options.json && isatty(STDOUT_FILENO))
		limit = REASONS_SHOWN;
	return limit && limit < t->why.count ? limit : t->why.count;
}

/* ---- for programs */

static int json_group(const struct why_group *g)
{
	struct json *o = json_new(), *example = json_new(), *domains = json_new_array();

	json_put_text(o, "reason", g->reason);
	json_put_int(o, "recipients", (int64_t)g->recipients);
	json_put_int(o, "messages", (int64_t)g->messages);
	json_put_text(example, "queue_id", g->example_id);
	json_put_text(example, "address", g->example_recipient);
	json_put_text(example, "delay_reason", g->example_reason);
	json_put(o, "example", example);
	for (unsigned i = 0; i < g->domains_listed; i++) {
		struct json *domain = json_new();

		json_put_text(domain, "domain", g->domains[i].name);
		json_put_int(domain, "recipients", (int64_t)g->domains[i].count);
		json_append(domains, domain);
	}
	json_put(o, "domains", domains);
	json_put_int(o, "domain_count", (int64_t)g->domain_count);
	return json_line(stdout, o);
}

static int json_all(const struct told *t)
{
	struct json *o = json_new(), *summary = json_new();
	int code = 0;

	for (size_t i = 0; code == 0 && i < shown(t); i++)
		code = json_group(&t->why.list[i]);
	json_put_int(summary, "messages", (int64_t)t->why.messages);
	json_put_int(summary, "recipients", (int64_t)t->why.recipients);
	json_put_int(summary, "reasons", (int64_t)t->why.count);
	json_put_int(summary, "without_reason", (int64_t)t->why.silent);
	json_put_int(summary, "unread", (int64_t)t->why.unread);
	for (size_t i = 0; i < PATIENCE_COUNT; i++)
		json_put_int(summary, parameters[i].name, t->patience.usec[i] / USEC_PER_SEC);
	json_put_int(summary, "due", (int64_t)t->why.due);
	if (t->why.next)
		json_put_int(summary, "next_try", t->why.next / USEC_PER_SEC);
	if (gives_up(t))
		json_put_int(summary, "gives_up", gives_up(t) / USEC_PER_SEC);
	json_put(o, "summary", summary);
	return json_line(stdout, o) < 0 && code == 0 ? -EIO : code;
}

/* ---- for people */

static void text_group(const struct why_group *g)
{
	struct strbuf line = {0};

	say(stdout, "\n%8" PRIu64 "  ", g->recipients);
	say_fold_from(stdout, 10, g->reason);
	if (g->messages != g->recipients)
		strbuf_printf(
		    &line, "in %" PRIu64 " %s; ", g->messages, wording_messages(g->messages));
	for (unsigned i = 0; i < g->domains_listed; i++)
		strbuf_printf(&line, "%s%s %" PRIu64, i ? ", " : "",
		    *g->domains[i].name ? g->domains[i].name : "(no domain)", g->domains[i].count);
	if (g->domain_count > g->domains_listed)
		strbuf_printf(
		    &line, " and %" PRIu64 " more domains", g->domain_count - g->domains_listed);
	say_fold(stdout, 10, strbuf_text(&line));
	strbuf_clear(&line);
	strbuf_printf(
	    &line, "e.g. %s to %s: %s", g->example_id, g->example_recipient, g->example_reason);
	say_fold(stdout, 10, strbuf_text(&line));
	strbuf_release(&line);
}

static void text_patience(const struct told *t)
{
	char buf[512], first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
	const struct strbuf *text = t->patience.text;

	snprintf(buf, sizeof(buf),
	    "Postfix looks for mail that is due every %s (queue_run_delay), tries a message again "
	    "after %s to %s (minimal_backoff_time, maximal_backoff_time), and gives up after %s "
	    "(maximal_queue_lifetime), on bounces after %s (bounce_queue_lifetime).",
	    strbuf_text(&text[RUN_DELAY]), strbuf_text(&text[BACKOFF_LEAST]),
	    strbuf_text(&text[BACKOFF_MOST]), strbuf_text(&text[LIFETIME]),
	    strbuf_text(&text[BOUNCE_LIFETIME]));
	say(stdout, "\n");
	say_fold(stdout, 0, buf);
	if (t->why.due)
		say(stdout, "%" PRIu64 " %s due now.\n", t->why.due,
		    t->why.due == 1 ? "is" : "are");
	if (t->why.next && t->why.next == t->why.last)
		say(stdout, "The next try is at %s.\n",
		    clock_text(t->why.next, first, sizeof(first)));
	else if (t->why.next)
		say(stdout, "Next tries: from %s to %s.\n",
		    clock_text(t->why.next, first, sizeof(first)),
		    clock_text(t->why.last, last, sizeof(last)));
	if (gives_up(t))
		say(stdout, "It gives up the first of them at its first try after %s.\n",
		    clock_text(gives_up(t), first, sizeof(first)));
}

static void text_all(const struct told *t)
{
	if (t->why.messages == 0) {
		say(stdout, "Nothing matched.\n");
		return;
	}
	say(stdout, "%" PRIu64 " %s in the queue, %" PRIu64 " %s deferred for %zu %s.\n",
	    t->why.messages, wording_messages(t->why.messages), t->why.recipients,
	    t->why.recipients == 1 ? "recipient" : "recipients", t->why.count,
	    t->why.count == 1 ? "reason" : "reasons");
	for (size_t i = 0; i < shown(t); i++)
		text_group(&t->why.list[i]);
	if (shown(t) < t->why.count)
		say(stdout, "\n%zu more %s; --limit shows them.\n", t->why.count - shown(t),
		    t->why.count - shown(t) == 1 ? "reason" : "reasons");
	if (t->why.silent)
		say(stdout, "\n%" PRIu64 " %s no reason yet: not tried since it came in.\n",
		    t->why.silent, t->why.silent == 1 ? "has" : "have");
	text_patience(t);
}

/* ---- what is asked */

static int read_reasons(struct told *t, const struct outcome *outcome, struct err *err)
{
	struct why_message *messages = calloc(outcome->count + 1, sizeof(*messages));
	size_t count = 0;
	int code;

	if (!messages)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < outcome->count; i++) {
		const struct item *item = &outcome->items[i];
		struct message m = candidate_message(item->candidate);

		if (item->result == RESULT_READY)
			messages[count++] =
			    (struct why_message){m.queue_id, (enum queue_name)item->proof.queue,
				item->proof.depth, item->proof.arrival_time, !*message_sender(&m)};
	}
	code = why_read(&t->s->postfix, messages, count, t->s->options.now, &t->why, err);
	free(messages);
	return code;
}

/* The words, and the exit status that they mean. */
static int tell(struct told *t, struct err *err)
{
	int code = patience_read(&t->s->postfix, &t->patience, err);

	if (code < 0)
		return code;
	if (t->s->options.json)
		code = json_all(t);
	else
		text_all(t);
	if (code < 0)
		return err_sys(err, -code, "failed to write the reasons");
	if (t->why.unread == 0)
		return EXIT_DONE;
	complain("%" PRIu64 " defer logs could not be read; the first: %s.", t->why.unread,
	    t->why.why_unread);
	return EXIT_SOME_FAILED;
}

int verb_why(struct session *s, struct err *err)
{
	struct told told = {.s = s};
	struct walk w;
	int status, code = walk_look(&w, s, err);

	if (code == 0)
		code = read_reasons(&told, &w.outcome, err);
	if (code == 0)
		code = tell(&told, err);
	if (code >= 0) {
		status = walk_end_look(&w);
		code = status > code ? status : code;
	}
	walk_release(&w);
	why_release(&told.why);
	patience_release(&told.patience);
	return code;
}
