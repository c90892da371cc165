/* SPDX-License-Identifier: ISC */
/* pqpurge-idx why: the reasons for which matches are deferred, and when Postfix tries again. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "purge/lifetime.h"
#include "purge/session.h"
#include "purge/tell/progress.h"
#include "purge/tell/report.h"
#include "purge/tell/wording.h"
#include "purge/why/why.h"

#define WALK_FROM     5000 /* candidates from which on the names in the queue are read first */
#define REASONS_SHOWN 20   /* on a terminal, where no --limit says otherwise */

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

static int patience_read(const struct postfix *p, struct patience *ret, struct err *err)
{
	for (size_t i = 0; i < PATIENCE_COUNT; i++) {
		const char *name = parameters[i].name;
		int code = postfix_parameter(p, name, &ret->text[i], err);
		const char *text = strbuf_text(&ret->text[i]);

		if (code < 0)
			return code;
		code = parameters[i].days ? lifetime_parse(text, &ret->usec[i])
					  : clock_parse_span(text, &ret->usec[i]);
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
	char buf[1024];

	printf("\n%8" PRIu64 "  ", g->recipients);
	wording_fold_from(stdout, 10, str_scrub(buf, sizeof(buf), g->reason));
	if (g->messages != g->recipients)
		strbuf_printf(
		    &line, "in %" PRIu64 " %s; ", g->messages, wording_messages(g->messages));
	for (unsigned i = 0; i < g->domains_listed; i++)
		strbuf_printf(&line, "%s%s %" PRIu64, i ? ", " : "",
		    *g->domains[i].name ? g->domains[i].name : "(no domain)", g->domains[i].count);
	if (g->domain_count > g->domains_listed)
		strbuf_printf(
		    &line, " and %" PRIu64 " more domains", g->domain_count - g->domains_listed);
	wording_fold(stdout, 10, str_scrub(buf, sizeof(buf), strbuf_text(&line)));
	strbuf_clear(&line);
	strbuf_printf(
	    &line, "e.g. %s to %s: %s", g->example_id, g->example_recipient, g->example_reason);
	wording_fold(stdout, 10, str_scrub(buf, sizeof(buf), strbuf_text(&line)));
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
	fputc('\n', stdout);
	wording_fold(stdout, 0, buf);
	if (t->why.due)
		printf("%" PRIu64 " %s due now.\n", t->why.due, t->why.due == 1 ? "is" : "are");
	if (t->why.next && t->why.next == t->why.last)
		printf("The next try is at %s.\n", clock_text(t->why.next, first, sizeof(first)));
	else if (t->why.next)
		printf("Next tries: from %s to %s.\n",
		    clock_text(t->why.next, first, sizeof(first)),
		    clock_text(t->why.last, last, sizeof(last)));
	if (gives_up(t))
		printf("It gives up the first of them at its first try after %s.\n",
		    clock_text(gives_up(t), first, sizeof(first)));
}

static void text_all(const struct told *t)
{
	if (t->why.messages == 0) {
		fputs("Nothing matched.\n", stdout);
		return;
	}
	printf("%" PRIu64 " %s in the queue, %" PRIu64 " %s deferred for %zu %s.\n",
	    t->why.messages, wording_messages(t->why.messages), t->why.recipients,
	    t->why.recipients == 1 ? "recipient" : "recipients", t->why.count,
	    t->why.count == 1 ? "reason" : "reasons");
	for (size_t i = 0; i < shown(t); i++)
		text_group(&t->why.list[i]);
	if (shown(t) < t->why.count)
		printf("\n%zu more %s; --limit shows them.\n", t->why.count - shown(t),
		    t->why.count - shown(t) == 1 ? "reason" : "reasons");
	if (t->why.silent)
		printf("\n%" PRIu64 " %s no reason yet: not tried since it came in.\n",
		    t->why.silent, t->why.silent == 1 ? "has" : "have");
	text_patience(t);
}

/* ---- what is asked */

/* Of the messages that were found and proven. */
static int read_matches(struct told *t, const struct outcome *outcome, struct err *err)
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
				item->proof.arrival_time, !*m.sender};
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
	fflush(stdout); /* where both go to one place, this line is the last */
	fprintf(stderr,
	    "pqpurge-idx: %" PRIu64 " %s of reasons could not be read; the first: %s.\n",
	    t->why.unread, t->why.unread == 1 ? "source" : "sources", t->why.why_unread);
	return EXIT_SOME_FAILED;
}

static int compare_names(const void *key, const void *name)
{
	const struct queue_id *id = key;
	const struct spool_name *entry = name;

	return strcmp(id->text, entry->queue_id.text);
}

/*
 * Rows of mail that left long ago cost more to look at than any other, and a selector that narrows
 * little finds many. What no walk over the queue has seen is not asked about.
 */
static int skip_gone(const struct session *s, struct outcome *outcome, struct err *err)
{
	struct spool_name *names = NULL;
	struct spool_walk *walk;
	size_t count = 0;
	int code;

	if (outcome->count < WALK_FROM)
		return 0;
	code = spool_walk_start(&s->postfix, &walk, err);
	if (code == 0)
		code = spool_walk_finish(walk, &names, &count, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < outcome->count; i++) {
		struct queue_id id = candidate_id(outcome->items[i].candidate);

		if (!count || !bsearch(&id, names, count, sizeof(*names), compare_names))
			outcome->items[i].result = RESULT_GONE;
	}
	free(names);
	return 0;
}

static int tell_matches(struct told *t, struct session *s, struct err *err)
{
	struct progress progress;
	struct order order = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .selector = &s->options.selector,
	    .action = ACTION_LIST,
	    .progress = progress_show,
	    .progress_arg = &progress};
	struct outcome outcome = {0};
	struct report report = {.outcome = &outcome, .action = ACTION_LIST, .dry_run = true};
	int code;

	progress_init(&progress, stderr, isatty(STDERR_FILENO), wording_doing(ACTION_LIST));
	code = order_select(&order, &outcome, err);
	if (code == 0)
		code = skip_gone(s, &outcome, err);
	if (code == 0)
		code = order_prove(&order, &outcome, err);
	progress_end(&progress);
	if (code == 0)
		code = read_matches(t, &outcome, err);
	if (code == 0)
		code = tell(t, err);
	if (code >= 0) {
		int status;

		report_problems(stderr, &report);
		status = report_exit(&report);
		code = status > code ? status : code;
	}
	outcome_release(&outcome);
	return code;
}

/* Whether the queue can answer without the index. */
static bool is_of_queue(const struct selector *selector)
{
	struct selector rest = *selector;

	rest.arrived_before = rest.arrived_after = 0;
	rest.larger_than = -1;
	rest.queues = 0;
	return selector_is_empty(&rest);
}

/* It takes seconds for each 100,000 messages, and postqueue does not say how far it is. */
static int read_queue(struct told *t, struct err *err)
{
	const struct options *o = &t->s->options;
	bool shows = isatty(STDERR_FILENO) && !o->quiet;
	int code;

	if (shows)
		fputs("reading the queue", stderr);
	code = why_read_queue(&t->s->postfix, &o->selector, o->now, &t->why, err);
	if (shows)
		fputs("\r\033[K", stderr);
	return code;
}

/* Where the index is not needed it is not asked, for mail that it does not know waits as well. */
int verb_why(struct session *s, struct err *err)
{
	struct told told = {.s = s};
	int code;

	if (is_of_queue(&s->options.selector)) {
		code = read_queue(&told, err);
		if (code == 0)
			code = tell(&told, err);
	} else {
		code = tell_matches(&told, s, err);
	}
	why_release(&told.why);
	patience_release(&told.patience);
	if (code == EXIT_DONE && s->bad_ids)
		code = EXIT_SOME_FAILED;
	return code;
}
