/* SPDX-License-Identifier: ISC */
/*
 * The index and the queue side by side. What the child hands over: u64 rows, young, damaged, u64
 * count of unknown names and a u32 position for each; u64 count of nameless rows, and for each u64
 * sequence and its queue ID as text; u64 count of named rows, and for each u64 sequence, u32
 * reasons and the record as a blob.
 */
#include "index/join.h"

#include <errno.h>

#include "index/rows/entry.h"

#define EACH_NAMELESS 13 /* least bytes of one handed over */
#define EACH_NAMED    16

/* Names by hash, open addressing. */
struct names {
	const struct queue_id *list;
	size_t count;
	uint32_t *slots; /* position + 1; 0 = empty */
	size_t mask;
	unsigned char *known; /* by position: a row stands for it */
};

static size_t slot_of(const struct names *names, const struct queue_id *id)
{
	return (size_t)bytes_hash(id->text, strlen(id->text)) & names->mask;
}

static int names_open(struct names *names, const struct join_task *task)
{
	size_t slots = 16;

	while (slots < task->count * 2)
		slots *= 2;
	*names = (struct names){.list = task->names, .count = task->count, .mask = slots - 1};
	names->slots = calloc(slots, sizeof *names->slots);
	names->known = calloc(task->count + 1, 1);
	if (!names->slots || !names->known)
		return -ENOMEM;
	for (size_t i = 0; i < task->count; i++) {
		size_t at = slot_of(names, &task->names[i]);

		while (names->slots[at])
			at = (at + 1) & names->mask;
		names->slots[at] = (uint32_t)i + 1;
	}
	return 0;
}

static void names_close(struct names *names)
{
	free(names->slots);
	free(names->known);
}

/* Marks id as known; false where it is no name. */
static bool names_mark(struct names *names, const struct queue_id *id)
{
	for (size_t at = slot_of(names, id); names->slots[at]; at = (at + 1) & names->mask)
		if (queue_id_equal(&names->list[names->slots[at] - 1], id)) {
			names->known[names->slots[at] - 1] = 1;
			return true;
		}
	return false;
}

/* ---- in the child */

struct joining {
	const struct join_task *task;
	struct names names;
	uint64_t rows, young, damaged, nameless_count, named_count;
	struct bytes nameless, named;
};

/* A time ahead of the clock says that the clock was set, not that the row is young. */
static bool is_young(const struct join_task *task, const struct message *m)
{
	return m->end_time > task->now - task->patience &&
	       m->end_time <= task->now + task->patience;
}

static unsigned reasons_for(
    const struct join_task *task, uint64_t sequence, const struct message *m)
{
	unsigned reasons = 0;

	if (task->share && sequence % task->share == task->turn % task->share)
		reasons |= JOIN_SHARE;
	if (task->notices && m->sender[0] == '\0' && m->client.family == 0)
		reasons |= JOIN_NOTICE;
	return reasons;
}

static void join_row(struct joining *j, uint64_t sequence, struct span record)
{
	struct message message;
	unsigned reasons;

	j->rows++;
	if (record_view(record, &message) != 0) {
		j->damaged++;
	} else if (names_mark(&j->names, &message.queue_id)) {
		reasons = reasons_for(j->task, sequence, &message);
		/* What is handed out has passed the strict decoder. */
		if (!reasons || record_decode(record, &message) != 0)
			return;
		bytes_put_u64(&j->named, sequence);
		bytes_put_u32(&j->named, reasons);
		bytes_put_blob(&j->named, record.at, record.len);
		j->named_count++;
	} else if (is_young(j->task, &message)) {
		j->young++;
	} else if (record_decode(record, &message) == 0) {
		bytes_put_u64(&j->nameless, sequence);
		bytes_put_text(&j->nameless, message.queue_id.text);
		j->nameless_count++;
	}
}

static void join_rows(struct txn *txn, struct joining *j)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, record;
	int at;

	for (at = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &record); at == 1;
	     at = cursor_next(cursor, &key, &record))
		join_row(j, entry_number(key), record);
	cursor_close(cursor);
}

static void put_result(const struct joining *j, struct bytes *out)
{
	size_t count_at, count = 0;

	bytes_put_u64(out, j->rows);
	bytes_put_u64(out, j->young);
	bytes_put_u64(out, j->damaged);
	count_at = out->len;
	bytes_put_u64(out, 0);
	for (size_t i = 0; i < j->names.count; i++)
		if (!j->names.known[i]) {
			bytes_put_u32(out, (uint32_t)i);
			count++;
		}
	bytes_set_u64(out, count_at, count);
	bytes_put_u64(out, j->nameless_count);
	bytes_put(out, j->nameless.at, j->nameless.len);
	bytes_put_u64(out, j->named_count);
	bytes_put(out, j->named.at, j->named.len);
	out->failed |= j->nameless.failed || j->named.failed;
}

int join_into(struct store *store, const struct join_task *task, struct bytes *out, struct err *err)
{
	struct joining j = {.task = task};
	struct txn txn;
	int code = names_open(&j.names, task);

	if (code == 0) {
		if (txn_begin(store, false, &txn) == 0)
			join_rows(&txn, &j);
		txn_abort(&txn);
		code = txn.code != 0 ? err_set(err, txn.code, "%s", txn.err.text) : 0;
		if (code == 0)
			put_result(&j, out);
	} else {
		err_set(err, code, "out of memory");
	}
	if (code == 0 && out->failed)
		code = err_set(err, -ENOMEM, "out of memory");
	names_close(&j.names);
	bytes_release(&j.nameless);
	bytes_release(&j.named);
	return code;
}

/* ---- the parent's view */

static int view_unknown(struct reader *r, size_t names, struct join *ret)
{
	uint64_t count = reader_u64(r);

	if (r->failed || count > names)
		return ERR_CHILD;
	ret->unknown = calloc((size_t)count + 1, sizeof *ret->unknown);
	if (!ret->unknown)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ret->unknown[i] = reader_u32(r);
		if (ret->unknown[i] >= names || (i > 0 && ret->unknown[i] <= ret->unknown[i - 1]))
			return ERR_CHILD;
	}
	ret->unknown_count = (size_t)count;
	return 0;
}

static int view_nameless(struct reader *r, struct join *ret)
{
	uint64_t count = reader_u64(r);

	if (r->failed || count > (size_t)(r->end - r->at) / EACH_NAMELESS)
		return ERR_CHILD;
	ret->nameless = calloc((size_t)count + 1, sizeof *ret->nameless);
	if (!ret->nameless)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *id;

		ret->nameless[i].sequence = reader_u64(r);
		id = reader_text(r);
		if (queue_id_parse(id, strlen(id), &ret->nameless[i].queue_id) != 0)
			return ERR_CHILD;
	}
	ret->nameless_count = (size_t)count;
	return 0;
}

static int view_named(struct reader *r, struct candidates *ret)
{
	uint64_t count = reader_u64(r);

	if (r->failed || count > (size_t)(r->end - r->at) / EACH_NAMED)
		return ERR_CHILD;
	ret->list = calloc((size_t)count + 1, sizeof *ret->list);
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ret->list[i].sequence = reader_u64(r);
		ret->list[i].matched = reader_u32(r);
		if (candidate_take(&ret->list[i], reader_blob(r)) != 0)
			return ERR_CHILD;
	}
	ret->count = (size_t)count;
	return 0;
}

int join_view(struct blob *memory, size_t names, struct join *ret, struct err *err)
{
	struct reader r = reader_of(memory->at, memory->len);
	int code;

	*ret = (struct join){.named.memory = *memory};
	*memory = (struct blob){0};
	ret->rows = reader_u64(&r);
	ret->young = reader_u64(&r);
	ret->named.damaged = reader_u64(&r);
	code = view_unknown(&r, names, ret);
	if (code == 0)
		code = view_nameless(&r, ret);
	if (code == 0)
		code = view_named(&r, &ret->named);
	if (code == 0 && !reader_done(&r))
		code = ERR_CHILD;
	if (code != 0) {
		join_release(ret);
		return err_set(
		    err, code, "failed to compare the queue with the index (%s)", err_word(code));
	}
	return 0;
}

void join_release(struct join *join)
{
	free(join->nameless);
	free(join->unknown);
	candidates_release(&join->named);
	*join = (struct join){0};
}

static int join_work(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	return join_into(store, arg, out, err);
}

int index_join(
    const char *directory, const struct join_task *task, struct join *ret, struct err *err)
{
	struct blob memory = {0};
	int code;

	*ret = (struct join){0};
	if (task->count >= UINT32_MAX)
		return err_set(err, ERR_LIMIT, "too many names in the queue");
	code = index_read(directory, join_work, (void *)(uintptr_t)task, &memory, err);
	return code != 0 ? code : join_view(&memory, task->count, ret, err);
}
