/* SPDX-License-Identifier: ISC */
/* Who fills the queue: the join of queue and index, and its groups. */
#include "purge/top/top.h"

#include <errno.h>

#include "base/clock.h"
#include "index/rows/select.h"
#include "postfix/spool/spool.h"
#include "purge/tell/names.h"

#define MINUTE (60 * USEC_PER_SEC)

unsigned top_age(int64_t usec)
{
	unsigned column = 0;

	for (int64_t bound = 5 * MINUTE; column < TOP_AGES - 1 && usec > bound; bound *= 2)
		column++;
	return column;
}

int top_by_of(const char *word, enum top_by *ret)
{
	static const char *const words[] = {"sender", "from", "recipient", "login", "client"};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum top_by)i;
			return 0;
		}
	return ERR_SYNTAX;
}

/* ---- in the child that reads the index */

struct join {
	const struct selector *selector;
	enum top_by by;
	int64_t now;
	const struct spool_name *queue; /* sorted by ID */
	size_t queue_count;
	/* Made in the child. */
	uint32_t *slots; /* position in queue + 1, by hash of the ID; 0 = free */
	size_t slot_count;
	unsigned char *known; /* by position */
	struct names names;
	struct top_group *groups; /* by number of the name */
	size_t room;
	uint64_t *last; /* by group: the message that was counted last, from 1 */
	struct top sums;
};

static size_t slot_of(const struct join *j, const struct queue_id *id)
{
	size_t mask = j->slot_count - 1;
	size_t slot = (size_t)bytes_hash(id->text, strlen(id->text)) & mask;

	while (j->slots[slot] && !queue_id_equal(&j->queue[j->slots[slot] - 1].queue_id, id))
		slot = (slot + 1) & mask;
	return slot;
}

static int join_init(struct join *j)
{
	for (j->slot_count = 16; j->slot_count < j->queue_count * 2;)
		j->slot_count *= 2;
	j->slots = calloc(j->slot_count, sizeof(*j->slots));
	j->known = calloc(j->queue_count + 1, 1);
	if (!j->slots || !j->known)
		return -ENOMEM;
	for (size_t i = 0; i < j->queue_count; i++)
		j->slots[slot_of(j, &j->queue[i].queue_id)] = (uint32_t)i + 1;
	return 0;
}

static void join_release(struct join *j)
{
	free(j->slots);
	free(j->known);
	free(j->groups);
	free(j->last);
	names_release(&j->names);
}

static int make_room(struct join *j)
{
	size_t more = j->room ? j->room * 2 : 256;
	struct top_group *groups;
	uint64_t *last;

	if (j->names.count <= j->room)
		return 0;
	groups = realloc(j->groups, more * sizeof(*groups));
	if (groups)
		j->groups = groups;
	last = realloc(j->last, more * sizeof(*last));
	if (last)
		j->last = last;
	if (!groups || !last)
		return -ENOMEM;
	memset(groups + j->room, 0, (more - j->room) * sizeof(*groups));
	memset(last + j->room, 0, (more - j->room) * sizeof(*last));
	j->room = more;
	return 0;
}

/* Counts the message that is being counted (sums.messages) for one more name, once. */
static int count_for(struct join *j, const char *name, int64_t time, int64_t size)
{
	struct top_group *g;
	size_t number;
	int code = names_number(&j->names, name, 0, &number);

	if (code == 0)
		code = make_room(j);
	if (code < 0 || j->last[number] == j->sums.messages)
		return code;
	j->last[number] = j->sums.messages;
	g = &j->groups[number];
	if (g->count == 0 || time < g->oldest)
		g->oldest = time;
	if (g->count == 0 || time > g->newest)
		g->newest = time;
	g->count++;
	g->bytes += size > 0 ? (uint64_t)size : 0;
	g->ages[top_age(j->now - time)]++;
	return 0;
}

static int count_domain(struct join *j, const char *address, int64_t time, int64_t size)
{
	struct domain d;

	if (!*address)
		return count_for(j, "<>", time, size);
	message_domain(address, &d);
	return count_for(j, d.text, time, size);
}

static int count_list(struct join *j, const struct strlist *list, int64_t time, int64_t size)
{
	int code = list->count ? 0 : count_for(j, "", time, size);

	strlist_each (address, list) {
		if (code == 0)
			code = count_domain(j, address, time, size);
	}
	return code;
}

static int count_message(struct join *j, const struct message *m, int64_t size)
{
	char client[NET_TEXT_SIZE];

	j->sums.messages++;
	j->sums.bytes += size > 0 ? (uint64_t)size : 0;
	switch (j->by) {
	case TOP_SENDER:
		return count_domain(j, m->sender, m->mail_time, size);
	case TOP_FROM:
		return count_list(j, &m->from, m->mail_time, size);
	case TOP_RECIPIENT:
		return count_list(j, &m->recipients, m->mail_time, size);
	case TOP_LOGIN:
		return count_for(j, m->login, m->mail_time, size);
	case TOP_CLIENT:
		break;
	}
	return count_for(j, net_text(&m->client, client), m->mail_time, size);
}

static int take_record(struct join *j, struct span record)
{
	struct message m;
	const struct spool_name *name;
	size_t slot;

	if (record_view(record, &m) != 0) {
		j->sums.damaged++;
		return 0;
	}
	slot = slot_of(j, &m.queue_id);
	if (!j->slots[slot] || j->known[j->slots[slot] - 1])
		return 0;
	name = &j->queue[j->slots[slot] - 1];
	j->known[j->slots[slot] - 1] = 1;
	if (!selector_match(j->selector, &m, &j->sums.limits) ||
	    !selector_match_file(j->selector, m.mail_time, name->size, name->queue))
		return 0;
	return count_message(j, &m, name->size);
}

static int scan(struct store *store, struct join *j, struct err *err)
{
	struct store_cursor *cursor;
	struct span key = {"", 0}, record;
	struct txn txn;
	int found, code = 0;

	(void)txn_begin(store, false, &txn);
	cursor = cursor_open(&txn, STORE_MESSAGE);
	for (found = cursor_seek(cursor, key, &key, &record); found == 1 && code == 0;
	     found = cursor_next(cursor, &key, &record))
		code = take_record(j, record);
	cursor_close(cursor);
	txn_abort(&txn);
	if (code == 0 && txn.code < 0)
		return err_set(err, txn.code, "failed to read the index (%s)", err_word(txn.code));
	return code < 0 ? err_set(err, code, "failed to count (%s)", err_word(code)) : 0;
}

static void put_result(struct join *j, struct bytes *out)
{
	for (size_t i = 0; i < j->queue_count; i++)
		j->sums.unindexed += !j->known[i];
	bytes_put_u64(out, j->sums.messages);
	bytes_put_u64(out, j->sums.bytes);
	bytes_put_u64(out, j->sums.unindexed);
	bytes_put_u64(out, j->sums.damaged);
	bytes_put_u64(out, j->sums.limits);
	bytes_put_u64(out, j->names.count);
	for (size_t i = 0; i < j->names.count; i++) {
		const struct top_group *g = &j->groups[i];

		bytes_put_text(out, names_at(&j->names, i));
		bytes_put_u64(out, g->count);
		bytes_put_u64(out, g->bytes);
		bytes_put_i64(out, g->oldest);
		bytes_put_i64(out, g->newest);
		for (unsigned n = 0; n < TOP_AGES; n++)
			bytes_put_u64(out, g->ages[n]);
	}
}

static int join_work(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct join *j = arg;
	int code = join_init(j);

	code = code == 0 ? scan(store, j, err) : err_set(err, code, "out of memory");
	if (code == 0)
		put_result(j, out);
	join_release(j);
	return code;
}

/* ---- the command */

#define GROUP_LEAST (5 + 4 * 8 + TOP_AGES * 8) /* bytes of one group handed over */

static int compare_groups(const void *left, const void *right)
{
	const struct top_group *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void view_group(struct reader *r, struct top_group *g)
{
	g->name = reader_text(r);
	g->count = reader_u64(r);
	g->bytes = reader_u64(r);
	g->oldest = reader_i64(r);
	g->newest = reader_i64(r);
	for (unsigned n = 0; n < TOP_AGES; n++)
		g->ages[n] = reader_u64(r);
}

/* What the child handed over; memory is taken over. */
static int view(struct blob *memory, struct top *ret, struct err *err)
{
	struct reader r = reader_of(memory->at, memory->len);
	struct top top = {.memory = *memory};
	uint64_t count;

	*memory = (struct blob){0};
	top.messages = reader_u64(&r);
	top.bytes = reader_u64(&r);
	top.unindexed = reader_u64(&r);
	top.damaged = reader_u64(&r);
	top.limits = (unsigned)reader_u64(&r);
	count = reader_u64(&r);
	if (count <= top.memory.len / GROUP_LEAST)
		top.list = calloc((size_t)count + 1, sizeof(*top.list));
	for (; top.list && top.count < count; top.count++)
		view_group(&r, &top.list[top.count]);
	if (!top.list || !reader_done(&r)) {
		top_release(&top);
		return err_set(err, ERR_CHILD, "the reader of the index broke off");
	}
	qsort(top.list, top.count, sizeof(*top.list), compare_groups);
	*ret = top;
	return 0;
}

int top_read(const char *directory, const struct postfix *p, const struct selector *selector,
    enum top_by by, int64_t now, struct top *ret, struct err *err)
{
	struct join j = {.selector = selector, .by = by, .now = now};
	struct spool_name *names = NULL;
	struct spool_walk *walk;
	struct blob memory = {0};
	int code = spool_walk_start_sized(p, &walk, err);

	if (code == 0)
		code = spool_walk_finish(walk, &names, &j.queue_count, err);
	if (code < 0)
		return code;
	j.queue = names;
	code = index_read(directory, join_work, &j, &memory, err);
	free(names);
	if (code == 0)
		code = view(&memory, ret, err);
	if (code == 0)
		ret->queued = j.queue_count;
	return code;
}

void top_release(struct top *top)
{
	free(top->list);
	blob_release(&top->memory);
	*top = (struct top){0};
}
