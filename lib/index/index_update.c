/* SPDX-License-Identifier: ISC */
/* If the map is full, the slice is rolled back, room is made, and the slice's first item is applied
 * alone. */

#include "base/clock.h"
#include "index/complete.h"
#include "index/control/update.h"
#include "index/index_private.h"

#define AUTHORS_AT_ONCE 64 /* author rows dropped between two looks at the clock */
#define LOOK            16 /* records between two checks of the room */

struct work {
	struct index *ix;
	struct update update;
	const struct selector *selector; /* may be NULL */
	struct complete complete;
	/* Author rows of messages that left; dropped when there are many, and at the end. */
	struct author_rows authors;
	int64_t now, caught_up;
	bool is_short; /* no room: add no rows */
};

/* Restored when a slice fails. */
struct progress {
	size_t at; /* in update.records */
	uint32_t records, left;
	struct index_updated updated;
	struct selection found;
	size_t out_len, authors, next_author;
};

static void select_record(const struct work *w, struct progress *p, uint64_t sequence)
{
	struct span record = bytes_span(&w->complete.record);
	struct message message;
	unsigned matched;

	if (!w->selector || record_peek(record, &message) != 0)
		return;
	matched = selector_nominate(w->selector, &message, &p->found.notes);
	if (matched != 0)
		selection_add(&p->found, sequence, matched, record);
}

static void apply_record(struct work *w, struct txn *txn, struct progress *p)
{
	struct complete *c = &w->complete;
	uint64_t sequence;
	struct span record;

	(void)update_next(&w->update, &p->at, &record);
	p->records++;
	if (complete_prepare(c, txn, record) != 0)
		return;
	for (size_t i = 0; i < c->dead_count; i++) {
		(void)entry_drop(txn, &c->id, c->dead[i].sequence, w->now);
		p->updated.dropped++;
		p->updated.silent += !c->dead[i].read;
	}
	if (p->records % LOOK == 1)
		w->is_short = room_is_short(txn);
	sequence = c->proven;
	if (sequence != 0)
		entry_replace(txn, sequence, bytes_span(&c->record));
	else if (!w->is_short)
		entry_add(txn, bytes_span(&c->record), &sequence);
	p->updated.completed += c->proven != 0;
	p->updated.added += c->proven == 0 && !w->is_short;
	select_record(w, p, sequence);
}

static bool has_left(const struct work *w, const struct progress *p)
{
	return p->left < w->update.left_count;
}

static bool is_done(const struct work *w, const struct progress *p)
{
	return p->records == w->update.record_count && !has_left(w, p) && w->authors.count == 0;
}

/* small: only one item. */
static void apply_left(struct work *w, struct slice *slice, struct progress *p, bool small)
{
	struct leaving l = {
	    .before = w->update.began, .now = w->now, .seen = w->caught_up, .authors = &w->authors};

	leaving_begin(&l, &slice->txn);
	do {
		struct packed_id id = update_left(&w->update, p->left++);

		entry_leave(&l, &id);
	} while (!small && has_left(w, p) && l.authors->count < AUTHOR_ROWS_MAX &&
		 slice_has_time(slice));
	leaving_end(&l);
	p->updated.dropped += l.dropped;
	p->updated.silent += l.silent;
}

static bool are_authors_due(const struct work *w, const struct progress *p)
{
	return w->authors.next > 0 || w->authors.count >= AUTHOR_ROWS_MAX ||
	       (w->authors.count > 0 && !has_left(w, p));
}

static void apply_authors(struct work *w, struct slice *slice, bool small)
{
	struct author_rows *a = &w->authors;

	if (a->next == 0)
		author_rows_sort(a);
	do
		author_rows_drop(a, &slice->txn, AUTHORS_AT_ONCE);
	while (!small && a->next < a->count && slice_has_time(slice));
}

static void apply_records(struct work *w, struct slice *slice, struct progress *p, bool small)
{
	do
		apply_record(w, &slice->txn, p);
	while (!small && p->records < w->update.record_count && slice_has_time(slice));
}

static int one_slice(struct work *w, struct progress *p, bool small, struct err *err)
{
	struct slice slice;
	int code;

	slice_begin(&slice, w->ix);
	if (p->records < w->update.record_count)
		apply_records(w, &slice, p, small);
	else if (are_authors_due(w, p))
		apply_authors(w, &slice, small);
	else
		apply_left(w, &slice, p, small);
	code = txn_commit(&slice.txn, err);
	if (code == 0 && w->authors.next > 0 && w->authors.next == w->authors.count)
		author_rows_clear(&w->authors);
	return code;
}

static struct progress remember(const struct work *w, const struct progress *p, struct bytes *out)
{
	struct progress before = *p;

	before.out_len = out->len;
	before.authors = w->authors.count;
	before.next_author = w->authors.next;
	return before;
}

static void take_back(
    struct work *w, struct progress *p, const struct progress *before, struct bytes *out)
{
	*p = *before;
	out->len = before->out_len;
	author_rows_cut(&w->authors, before->authors);
	w->authors.next = before->next_author;
}

static int all_slices(
    struct work *w, struct progress *p, struct bytes *out, int64_t deadline, struct err *err)
{
	bool again = false;
	int code = 0;

	while (code == 0 && !is_done(w, p)) {
		struct progress before = remember(w, p, out);

		if (clock_steady() > deadline)
			return err_set(err, ERR_TIMEOUT, "an update of the index took too long");
		code = one_slice(w, p, again, err);
		if (code == ERR_FULL && !again) {
			room_make(w->ix);
			take_back(w, p, &before, out);
			again = true;
			code = 0;
		} else {
			again = false;
		}
	}
	return code;
}

/* Writes what the update says about the whole queue, once all of it is applied. */
static int write_meta(struct work *w, struct err *err)
{
	const struct update *u = &w->update;
	struct index_counts meta;
	struct slice slice;

	slice_begin(&slice, w->ix);
	if (meta_get(&slice.txn, &meta) == 0) {
		if (u->adopt || (meta.place.device == 0 && meta.place.inode == 0)) {
			meta.place = u->place;
			(void)snprintf(meta.queue_directory, sizeof meta.queue_directory, "%s",
			    u->queue_directory);
		}
		if (meta.place.device == u->place.device && meta.place.inode == u->place.inode)
			(void)snprintf(meta.hostname, sizeof meta.hostname, "%s", u->hostname);
		if (u->whole > meta.caught_up)
			meta.caught_up = u->whole;
		meta_put(&slice.txn, &meta);
	}
	return txn_commit(&slice.txn, err);
}

static int read_caught_up(struct work *w, struct err *err)
{
	struct index_counts meta;
	struct txn txn;

	(void)txn_begin(w->ix->store, false, &txn);
	if (meta_get(&txn, &meta) == 0)
		w->caught_up = meta.caught_up;
	return txn_commit(&txn, err);
}

int index_update(struct index *ix, struct span body, const struct selector *selector,
    const struct strlist *own_networks, int64_t deadline, struct bytes *out,
    struct index_updated *ret, struct err *err)
{
	struct work w = {.ix = ix, .selector = selector, .now = clock_wall()};
	struct progress p = {0};
	int code = update_decode(body, &w.update);

	if (code != 0)
		return err_set(err, code, "an update of the index is invalid");
	index_settle(ix); /* an update may know these messages */
	code = complete_init(&w.complete, own_networks, w.update.began);
	selection_begin(&p.found, out);
	atomic_fetch_add(&ix->begun, w.update.record_count > 0);
	if (code != 0)
		code = err_set(err, code, "failed to update the index (%s)", err_word(code));
	code = code ?: read_caught_up(&w, err);
	code = code ?: all_slices(&w, &p, out, deadline, err);
	atomic_fetch_add(&ix->ended, w.update.record_count > 0);
	code = code ?: write_meta(&w, err);
	complete_release(&w.complete);
	author_rows_release(&w.authors);
	if (code != 0)
		return code;
	selection_end(&p.found);
	if (out->failed)
		return err_sys(err, ENOMEM, "failed to update the index");
	*ret = p.updated;
	return 0;
}
