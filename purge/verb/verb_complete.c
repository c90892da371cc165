/* SPDX-License-Identifier: ISC */
/* pqpurge-idx complete: words for the shell's completion, one a line. Strangers choose most of
 * them, so only those are printed that offer_fits accepts. The shell waits, so the time is bounded
 * and errors are silent. */
#include "base/labels.h"
#include "index/control/client.h"
#include "mail/address/from.h"
#include "order/account/account.h"
#include "purge/interrupt.h"
#include "purge/offer.h"
#include "purge/rules/rulebox.h"
#include "purge/session.h"

#define WORDS_MOST 200
#define TIME_MOST  300000 /* microseconds */

struct wanted {
	const char *prefix;
	enum offer_kind kind;
	bool undoable;       /* batches: only those that undo takes */
	struct labels names; /* already offered */
};

static void suggest(struct wanted *w, const char *word)
{
	size_t number, before = w->names.count;

	if (before >= WORDS_MOST || !offer_fits(w->kind, word) || !str_starts(word, w->prefix))
		return;
	if (labels_number(&w->names, word, 0, &number) == 0 && w->names.count > before)
		puts(word);
}

static void domains(const struct session *s, struct wanted *w)
{
	struct domain list[MESSAGE_AUTHORS_MAX];
	AUTO(candidates_release) struct candidates found = {0};
	struct selector all;

	selector_init(&all);
	all.all = true;
	if (client_select(&s->client, &all, &found, NULL) < 0)
		found = (struct candidates){0};
	for (size_t i = 0; i < found.count && !interrupt_stop; i++) {
		struct message m = candidate_message(&found.list[i]);
		size_t count = message_authors(&m, list, MESSAGE_AUTHORS_MAX);

		for (size_t n = 0; n < count; n++)
			suggest(w, list[n].text);
	}
	selector_release(&all);
}

static void rules(const struct session *s, struct wanted *w)
{
	AUTO(rulebox_release) struct rulebox box = {0};

	if (rulebox_read(&s->client, s->options.now, NULL, &box, NULL) == 0)
		for (size_t i = 0; i < box.command.count; i++)
			suggest(w, box.command.list[i].subject);
}

static void batches(const struct session *s, struct wanted *w)
{
	AUTO(batches_release) struct batches list = {0};
	char number[24];

	if (account_list(&s->settings, NULL, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct batch *b = &list.list[i];

		snprintf(number, sizeof(number), "%llu", (unsigned long long)b->number);
		if (!w->undoable || (strcmp(b->verb, "hold") == 0 && b->state != ACCOUNT_UNDONE))
			suggest(w, number);
	}
}

static const struct source {
	const char *name;
	void (*tell)(const struct session *s, struct wanted *w);
	enum offer_kind kind;
	bool undoable;
} sources[] = {
    {"domains", domains, OFFER_NAME, false},
    {"rules", rules, OFFER_NAME, false},
    {"batches", batches, OFFER_NUMBER, true},
    {"log", batches, OFFER_NUMBER, false},
};

int verb_complete(struct session *s, struct err *err)
{
	const struct options *o = &s->options;
	struct wanted w = {.prefix = o->word_count > 1 ? o->words[1] : ""};

	for (size_t i = 0; o->word_count && i < COUNT_OF(sources); i++)
		if (strcmp(o->words[0], sources[i].name) == 0) {
			interrupt_after(TIME_MOST);
			w.kind = sources[i].kind;
			w.undoable = sources[i].undoable;
			sources[i].tell(s, &w);
			labels_release(&w.names);
			return EXIT_DONE;
		}
	return err_set(err, ERR_USAGE, "'complete' takes domains, rules, batches or log");
}
