/* SPDX-License-Identifier: ISC */
/*
 * pqpurge-idx complete: words for the shell's completion, one a line. Not for people, so it stands
 * in no help. A shell that waits for it is a shell that hangs, so everything is bounded, and what
 * goes wrong is silence.
 *
 * The child that reads the index leaves out what must not be offered, so that it does not count
 * against the bound. The parent tests each word again, because the child works with the rights of
 * the daemon and on a file that strangers fill.
 */
#include "base/clock.h"
#include "index/rows/entry.h"
#include "index/rows/select.h"
#include "index/rulebook.h"
#include "purge/offer.h"
#include "purge/session.h"

#define WORDS_MOST 200                     /* that are suggested */
#define SEEN_MOST  50000                   /* keys that are looked at */
#define TIME_MOST  (USEC_PER_SEC * 3 / 10) /* for all of it */

struct wanted {
	const char *prefix;
	enum offer_kind kind;
	size_t count, seen;
	int64_t deadline;
};

static bool is_enough(struct wanted *w)
{
	return w->count >= WORDS_MOST || ++w->seen > SEEN_MOST || clock_steady() > w->deadline;
}

static void suggest(struct wanted *w, const char *word, struct bytes *out)
{
	if (!offer_fits(w->kind, word) || !str_starts(word, w->prefix))
		return;
	bytes_put_text(out, word);
	w->count++;
}

/* "com.example." is "example.com"; false for keys that are no names, and for those that were cut.
 */
static bool name_of_key(struct span key, char *buf, size_t size)
{
	const char *text = key.at;
	size_t len = 0;

	if (key.len < 2 || key.len > DOMAIN_KEY_PLAIN || key.len >= size ||
	    text[key.len - 1] != '.')
		return false;
	for (size_t end = key.len - 1; end > 0;) {
		const char *dot = memrchr(text, '.', end);
		size_t begin = dot ? (size_t)(dot - text) + 1 : 0;

		if (len)
			buf[len++] = '.';
		memcpy(buf + len, text + begin, end - begin);
		len += end - begin;
		end = begin ? begin - 1 : 0;
	}
	buf[len] = '\0';
	return true;
}

/* Each author domain once: from one to the next by a seek behind all rows of the first. */
static int domains(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct wanted *w = arg;
	unsigned char behind[DOMAIN_KEY_MAX + 1];
	struct span key = {"", 0}, row, value;
	char name[DOMAIN_MAX + 1];
	struct store_cursor *cursor;
	struct txn txn;
	uint64_t sequence;

	(void)err;
	(void)txn_begin(store, false, &txn);
	cursor = cursor_open(&txn, STORE_AUTHOR);
	while (cursor_seek(cursor, key, &row, &value) == 1 && !is_enough(w)) {
		if (!entry_author_split(row, &key, &sequence) || key.len > DOMAIN_KEY_MAX)
			break;
		if (name_of_key(key, name, sizeof(name)))
			suggest(w, name, out);
		memcpy(behind, key.at, key.len);
		behind[key.len] = 1; /* rows go on with a NUL here */
		key = (struct span){behind, key.len + 1};
	}
	cursor_close(cursor);
	txn_abort(&txn);
	return 0;
}

static int rules(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct wanted *w = arg;
	struct rule_list list = {0};
	uint64_t damaged;
	struct txn txn;

	(void)err;
	if (txn_begin(store, false, &txn) == 0 &&
	    rulebook_load(&txn, clock_wall(), &list, &damaged, NULL) == 0)
		for (size_t i = 0; i < list.count && !is_enough(w); i++)
			suggest(w, list.list[i].subject, out);
	txn_abort(&txn);
	rule_list_release(&list);
	return 0;
}

/* The newest hold batches, which undo takes. */
static int batches(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct wanted *w = arg;
	struct batch b;
	struct txn txn;
	char number[24];

	(void)err;
	if (txn_begin(store, false, &txn) == 0)
		for (uint64_t n = 0; batch_next(&txn, n, &b) == 1 && !is_enough(w);
		     n = b.number + 1) {
			snprintf(number, sizeof(number), "%llu", (unsigned long long)b.number);
			if (strcmp(b.verb, "hold") == 0)
				suggest(w, number, out);
		}
	txn_abort(&txn);
	return 0;
}

static const struct source {
	const char *name;
	index_read_work *work;
	enum offer_kind kind;
} sources[] = {
    {"domains", domains, OFFER_NAME},
    {"rules", rules, OFFER_NAME},
    {"batches", batches, OFFER_NUMBER},
};

static const struct source *source_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if (strcmp(name, sources[i].name) == 0)
			return &sources[i];
	return NULL;
}

static void print_words(const struct wanted *w, struct blob *blob)
{
	struct reader r = reader_of(blob->at, blob->len);

	while (!reader_done(&r) && !r.failed) {
		const char *word = reader_text(&r);

		if (offer_fits(w->kind, word) && str_starts(word, w->prefix))
			puts(word);
	}
}

int verb_complete(struct session *s, struct err *err)
{
	const struct options *o = &s->options;
	const struct source *source = o->word_count ? source_of(o->words[0]) : NULL;
	struct blob blob = {0};

	if (!source)
		return err_set(err, ERR_USAGE, "'complete' knows domains, rules and batches");
	struct wanted wanted = {
	    .prefix = o->word_count > 1 ? o->words[1] : "",
	    .kind = source->kind,
	    .deadline = clock_steady() + TIME_MOST,
	};
	if (index_read(s->settings.index_directory, source->work, &wanted, &blob, NULL) < 0)
		return EXIT_DONE;
	print_words(&wanted, &blob);
	blob_release(&blob);
	return EXIT_DONE;
}
