/* SPDX-License-Identifier: ISC */
/* What hold batches still hold. */
#include "purge/undo.h"

#include <errno.h>
#include <inttypes.h>

#include "purge/holds.h"
#include "purge/tell/wording.h"

struct undo {
	const struct session *s;
	uint64_t *numbers; /* of the batches, as asked for */
	size_t count;
	struct holds holds;
};

static int parse_numbers(struct undo *u, struct err *err)
{
	u->numbers = calloc(u->s->options.word_count + 1, sizeof(*u->numbers));
	if (!u->numbers)
		return err_set(err, -ENOMEM, "out of memory");
	for (; u->count < u->s->options.word_count; u->count++) {
		const char *word = u->s->options.words[u->count];

		if (str_parse_u64(word, 1, UINT64_MAX / 2, &u->numbers[u->count]) < 0)
			return err_set(err, ERR_USAGE,
			    "'%s' is no batch number; 'pqpurge-idx log' lists the batches", word);
	}
	return 0;
}

/* ---- whether these are batches that can be undone */

/* How many of its messages a batch does not name: it is kept part by part, up to a failure. */
static int count_missing(struct txn *txn, const struct batch *b, uint64_t *ret)
{
	uint64_t named = 0;
	struct span items;
	int code = 1;

	for (uint32_t part = 0; code == 1 && named < b->item_count; part++) {
		code = batch_get_part(txn, b->number, part, &items);
		if (code == 1)
			named += BATCH_PART_ITEMS;
	}
	*ret = named < b->item_count ? b->item_count - named : 0;
	return code;
}

/* In the child. It hands over how many messages are missing, of all batches together. */
static int check(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	const struct undo *u = arg;
	uint64_t missing = 0, more = 0;
	struct batch b;
	struct txn txn;
	int code = txn_begin(store, false, &txn);

	for (size_t i = 0; i < u->count && code >= 0; i++) {
		code = batch_get(&txn, u->numbers[i], &b);
		if (code == 0)
			code = err_set(err, ERR_USAGE,
			    "there is no batch %" PRIu64 "; 'pqpurge-idx log' lists the batches",
			    u->numbers[i]);
		else if (code == 1 && strcmp(b.verb, "purge") == 0)
			code = err_set(err, ERR_USAGE,
			    "batch %" PRIu64 " deleted its messages; these cannot come back",
			    u->numbers[i]);
		else if (code == 1 && strcmp(b.verb, "hold") != 0)
			code = err_set(err, ERR_USAGE,
			    "batch %" PRIu64 " is a '%s', and only a 'hold' can be undone",
			    u->numbers[i], b.verb);
		else if (code == 1)
			code = count_missing(&txn, &b, &more);
		if (code < 0 && code != ERR_USAGE)
			err_set(err, code, "failed to read batch %" PRIu64 " (%s)", u->numbers[i],
			    err_word(code));
		missing += more;
	}
	bytes_put_u64(out, missing);
	txn_abort(&txn);
	return code < 0 ? code : 0;
}

/* What the account does not name stays in hold, and that is no success. */
static void tell_missing(struct span answer, struct outcome *outcome)
{
	struct reader r = reader_of(answer.at, answer.len);
	uint64_t missing = reader_u64(&r);

	if (missing > 0)
		err_set(&outcome->trouble, 0,
		    "%" PRIu64 " more %s held, and the account does not say which: it could not "
		    "be kept then; 'release --foreign' releases what other batches hold, too",
		    missing, missing == 1 ? "message was" : "messages were");
}

/* ---- what they still hold */

static bool is_wanted(const struct undo *u, uint64_t batch)
{
	for (size_t i = 0; i < u->count; i++)
		if (u->numbers[i] == batch)
			return true;
	return false;
}

static bool is_one_message(const struct holds_entry *a, const struct holds_entry *b)
{
	return a->arrival_time == b->arrival_time && queue_id_equal(&a->queue_id, &b->queue_id);
}

/* What became of the messages of the batches that are not theirs any more. */
struct lost {
	uint64_t released, held_again;
	uint64_t batch; /* that did it to the last one seen */
};

/*
 * Entries of one message stand together, the last one says how it stands. A message of a wanted
 * batch is kept at the front of the list, others are overwritten; the kept ones stay sorted.
 */
static size_t keep_held(const struct undo *u, struct lost *lost)
{
	struct holds_entry *list = u->holds.list;
	size_t kept = 0, end;

	for (size_t begin = 0; begin < u->holds.count; begin = end) {
		const struct holds_entry *last;
		bool wanted = false;

		for (end = begin; end < u->holds.count && is_one_message(&list[begin], &list[end]);
		     end++)
			wanted |= list[end].held && is_wanted(u, list[end].batch);
		last = &list[end - 1];
		if (wanted && last->held && is_wanted(u, last->batch)) {
			list[kept++] = *last;
		} else if (wanted) {
			lost->released += !last->held;
			lost->held_again += last->held;
			lost->batch = last->batch;
		}
	}
	return kept;
}

static void tell_lost(const struct undo *u, size_t kept, const struct lost *lost)
{
	const char *subject = u->count == 1 ? "The batch was" : "The batches were";

	if (u->s->options.quiet)
		return;
	if (lost->released && kept == 0)
		fprintf(stderr, "%s undone already, last by batch %" PRIu64 ".\n", subject,
		    lost->batch);
	else if (lost->released)
		fprintf(stderr, "%" PRIu64 " %s released since, last by batch %" PRIu64 ".\n",
		    lost->released, lost->released == 1 ? "message was" : "messages were",
		    lost->batch);
	if (lost->held_again)
		fprintf(stderr, "%" PRIu64 " %s held by a later batch and %s.\n", lost->held_again,
		    lost->held_again == 1 ? "is" : "are", lost->held_again == 1 ? "stays" : "stay");
}

/* ---- as an outcome */

/* Arrival is the identity, so the queue file must have exactly this T record. */
static void make_message(const struct holds_entry *entry, struct message *ret)
{
	message_init(ret);
	ret->queue_id = entry->queue_id;
	ret->origin = ORIGIN_SCAN;
	ret->mail_time = ret->rcpt_time = ret->end_time = entry->arrival_time;
}

/* Whether the row of the index can be that message; for its words only, since nothing is proven by
 * it. */
static bool may_be(const struct message *row, int64_t arrival_time)
{
	if (row->origin == ORIGIN_SENDMAIL)
		return arrival_time <= row->end_time;
	return row->mail_time <= arrival_time && arrival_time <= row->rcpt_time;
}

static bool take_words(struct message *into, const struct candidate *row)
{
	struct message known = candidate_message(row);

	if (!queue_id_equal(&known.queue_id, &into->queue_id) || !may_be(&known, into->mail_time))
		return false;
	known.origin = ORIGIN_SCAN;
	known.flags &= ~(uint32_t)MESSAGE_CLOCK_STEPPED;
	known.mail_time = known.rcpt_time = known.end_time = into->mail_time;
	*into = known;
	return true;
}

static int by_id(const void *left, const void *right)
{
	struct queue_id a = candidate_id(left), b = candidate_id(right);

	return strcmp(a.text, b.text);
}

/* What the index still knows of the first count messages, sorted by ID. */
static int find_rows(const struct undo *u, size_t count, struct candidates *ret, struct err *err)
{
	struct selector by_ids;
	int code = 0;

	selector_init(&by_ids);
	by_ids.ids_given = true;
	for (size_t i = 0; i < count && code == 0; i++)
		code = selector_add_id(&by_ids, &u->holds.list[i].queue_id);
	selector_seal(&by_ids);
	if (code < 0)
		err_set(err, code, "%s", err_word(code));
	else
		code = index_select(u->s->settings.index_directory, &by_ids, ret, err);
	selector_release(&by_ids);
	if (code == 0)
		qsort(ret->list, ret->count, sizeof(*ret->list), by_id);
	return code;
}

/*
 * A candidate for each entry, with senders and recipients as far as rows know them. Entries are
 * sorted by ID; an ID can stand there twice, for two messages that had it one after the other.
 */
static int make_candidates(
    const struct undo *u, size_t count, const struct candidates *rows, struct candidates *ret)
{
	const unsigned char *at;

	for (size_t i = 0, r = 0; i < count; i++) {
		struct candidate *c = &ret->list[i];
		size_t before = ret->made.len;
		struct message m;

		make_message(&u->holds.list[i], &m);
		while (r < rows->count &&
		       strcmp(candidate_id(&rows->list[r]).text, m.queue_id.text) < 0)
			r++;
		if (r < rows->count && take_words(&m, &rows->list[r]))
			c->sequence = rows->list[r].sequence;
		c->matched = MATCHED_OTHER;
		record_encode(&m, &ret->made);
		c->record_len = (uint32_t)(ret->made.len - before);
	}
	if (ret->made.failed)
		return -ENOMEM;
	at = ret->made.at; /* it moves while it grows */
	for (size_t i = 0; i < count; at += ret->list[i++].record_len)
		ret->list[i].record = at;
	ret->count = count;
	return 0;
}

static int make_outcome(const struct undo *u, size_t count, struct outcome *ret, struct err *err)
{
	struct outcome out = {.count = count};
	struct candidates rows = {0};
	int code;

	out.candidates.list = calloc(count + 1, sizeof(*out.candidates.list));
	out.items = calloc(count + 1, sizeof(*out.items));
	if (!out.candidates.list || !out.items) {
		code = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	code = count ? find_rows(u, count, &rows, err) : 0;
	if (code < 0)
		goto out;
	code = make_candidates(u, count, &rows, &out.candidates);
	if (code < 0) {
		err_set(err, code, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		out.items[i].candidate = &out.candidates.list[i];
		out.items[i].proof.arrival_time = out.items[i].proof.size = -1;
	}
	*ret = out;
	out = (struct outcome){0};
out:
	candidates_release(&rows);
	outcome_release(&out);
	return code;
}

int undo_select(const struct session *s, struct outcome *ret, struct err *err)
{
	struct undo u = {.s = s};
	struct blob blob = {0};
	struct lost lost = {0};
	size_t kept;
	int code = parse_numbers(&u, err);

	if (code == 0)
		code = index_read(s->settings.index_directory, check, &u, &blob, err);
	if (code == 0)
		code = holds_read(s->settings.index_directory, &u.holds, err);
	if (code == 0) {
		kept = keep_held(&u, &lost);
		tell_lost(&u, kept, &lost);
		code = make_outcome(&u, kept, ret, err);
	}
	if (code == 0)
		tell_missing((struct span){.at = blob.at, .len = blob.len}, ret);
	blob_release(&blob);
	holds_release(&u.holds);
	free(u.numbers);
	return code;
}
