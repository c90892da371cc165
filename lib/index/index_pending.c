/* SPDX-License-Identifier: ISC */
/* Messages that are answered, and get their rows later. */
#include "base/lock.h"
#include "index/index_private.h"
#include "index/pending/flat.h"
#include "index/store/data_file.h"
#include "mail/address/from.h"

#define ROW_MAX 16 /* rows of an ID that are compared */
/* Rows of one transaction. With more a small map could fill up before room_keep sees it. */
#define TOGETHER 8

struct row {
	unsigned slot;
	struct message message; /* views of the slot and of `from` */
	struct strbuf from;
	struct bytes record; /* failed: memory was short */
};

static int by_end(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->message.end_time > y->message.end_time) -
	       (x->message.end_time < y->message.end_time);
}

/* Also of a hostile file: from_scan has its caps. */
static void scan_fields(struct row *row, const struct strlist *fields)
{
	struct from_list list = {0};

	from_clear(&list);
	strlist_each (field, fields)
		from_scan(&list, field, strlen(field));
	row->from = list.packed; /* which it owns now */
	row->message.from = strlist_of(&row->from);
	if (list.cut)
		row->message.flags |= MESSAGE_CUT_FROM;
	row->record.failed = row->from.failed || domain_lacked_memory();
}

static bool take_row(const struct slots *s, struct row *row)
{
	struct strlist fields;
	struct span flat;

	if (slots_look(s, row->slot, &flat) != 0 || flat_read(flat, &row->message, &fields) != 0)
		return false;
	if (fields.count > 0)
		scan_fields(row, &fields);
	record_encode(&row->message, &row->record);
	return true;
}

static void release_row(struct row *row)
{
	strbuf_release(&row->from);
	bytes_release(&row->record);
}

/* In the order in which they ended. Returns their number; *ret_bad those that could not be read. */
static size_t take_rows(struct slots *s, struct row rows[SLOTS], unsigned *ret_bad)
{
	unsigned long long full = atomic_load(&s->full);
	size_t count = 0;

	*ret_bad = 0;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct row *row = &rows[count];

		if (!(full & 1ull << slot))
			continue;
		*row = (struct row){.slot = slot};
		if (take_row(s, row)) {
			count++;
		} else {
			slots_clear(s, slot);
			(*ret_bad)++;
		}
	}
	if (count > 1)
		qsort(rows, count, sizeof *rows, by_end);
	return count;
}

static int commit_together(struct index *ix, struct row *rows, size_t count)
{
	struct err err = {{0}};
	struct txn txn;
	int code;

	atomic_fetch_add(&ix->waiting, 1);
	(void)txn_begin(ix->store, true, &txn);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].record.failed)
			continue;
		room_keep(ix, &txn);
		entry_add(&txn, bytes_span(&rows[i].record), NULL);
	}
	code = txn_commit(&txn, &err);
	atomic_fetch_sub(&ix->waiting, 1);
	if (code == 0)
		atomic_fetch_add(&ix->recorded, count);
	return code;
}

/* code: of the common transaction. If it failed, one row may be to blame, or the map is full. */
static int result_of(struct index *ix, const struct row *row, int code, struct err *err)
{
	if (row->record.failed)
		return err_sys(err, ENOMEM, "failed to record a message");
	return code == 0 ? 0 : index_record(ix, &row->message, err);
}

static void settle_some(struct index *ix, struct row *rows, size_t count)
{
	struct pending *p = &ix->pending;
	int code = commit_together(ix, rows, count);

	for (size_t i = 0; i < count; i++) {
		struct err err = {{0}};
		int own = result_of(ix, &rows[i], code, &err);

		if (p->told)
			p->told(p->arg, &rows[i].message, own, &err);
		slots_clear(&p->slots, rows[i].slot);
		release_row(&rows[i]);
	}
}

static void settle(struct index *ix)
{
	struct row rows[SLOTS];
	unsigned bad;
	size_t count = take_rows(&ix->pending.slots, rows, &bad);

	if (bad > 0)
		atomic_fetch_add(&ix->left_out, bad);
	for (size_t i = 0; i < count; i += TOGETHER)
		settle_some(ix, rows + i, count - i < TOGETHER ? count - i : TOGETHER);
}

void index_settle(struct index *ix)
{
	struct pending *p = &ix->pending;

	if (!p->slots.at)
		return;
	LOCKED(&p->turn); /* also waits for what another thread has taken */
	if (atomic_load(&p->slots.full) != 0)
		settle(ix);
}

bool index_pend(struct index *ix, const struct message *m, const struct strlist *from_fields)
{
	struct slots *s = &ix->pending.slots;
	unsigned slot;
	unsigned char *at = slots_claim(s, &slot);
	size_t len = at ? flat_write(m, from_fields, at, SLOT_ROOM) : 0;

	if (at)
		slots_publish(s, slot, len);
	return len > 0;
}

void index_pend_begin(struct index *ix, index_settled *told, void *arg)
{
	ix->pending.told = told;
	ix->pending.arg = arg;
	(void)!slots_open(&ix->pending.slots, ix->pending.path);
}

/* Its process was killed between the commit and the clearing of the slot. */
static bool is_recorded(struct txn *txn, const struct message *m)
{
	uint64_t list[ROW_MAX];
	struct packed_id id;
	struct record_head head;
	struct span record;
	int count =
	    queue_id_pack(&m->queue_id, &id) == 0 ? entry_find(txn, &id, false, list, ROW_MAX) : 0;

	for (int i = 0; i < count; i++)
		if (entry_get(txn, list[i], &record) == 1 && record_head(record, &head) == 0 &&
		    head.end_time == m->end_time)
			return true;
	return false;
}

static bool was_recorded(struct index *ix, const struct message *m)
{
	struct txn txn;
	bool was;

	(void)txn_begin(ix->store, false, &txn);
	was = is_recorded(&txn, m);
	return txn_commit(&txn, NULL) == 0 && was;
}

/* Each by itself: they are few, and not trusted. */
static int record_left(struct index *ix, struct slots *s)
{
	struct row rows[SLOTS];
	unsigned bad;
	size_t count = take_rows(s, rows, &bad);

	for (size_t i = 0; i < count; i++) {
		if (!rows[i].record.failed && !was_recorded(ix, &rows[i].message))
			(void)!index_record(ix, &rows[i].message, NULL);
		release_row(&rows[i]);
	}
	return bad > 0 ? ERR_DAMAGED : 0;
}

int pending_recover(struct index *ix)
{
	struct slots left;
	int code = slots_read(&left, ix->pending.path), wrong = 0;

	if (left.at && code == 0)
		wrong = record_left(ix, &left);
	slots_release(&left);
	code = code ?: wrong;
	if (code == ERR_DAMAGED)
		(void)!data_file_set_aside(ix->pending.path);
	else
		(void)unlink(ix->pending.path);
	return code;
}

int pending_begin(struct index *ix)
{
	struct pending *p = &ix->pending;

	pthread_mutex_init(&p->turn, NULL);
	slots_release(&p->slots);
	if (asprintf(&p->path, "%s/" INDEX_PENDING, ix->directory) < 0)
		p->path = NULL;
	return p->path ? 0 : -ENOMEM;
}

void pending_end(struct index *ix)
{
	struct pending *p = &ix->pending;

	if (p->slots.at) {
		index_settle(ix);
		if (index_lock_is_current(&ix->lock, ix->directory))
			(void)unlink(p->path);
	}
	slots_close(&p->slots);
	pthread_mutex_destroy(&p->turn);
	free(p->path);
}
