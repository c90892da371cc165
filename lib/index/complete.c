/* SPDX-License-Identifier: ISC */
#include "index/complete.h"

#include "mail/identity.h"
#include "mail/join.h"

#define FIRST_ROWS 32 /* that are tried for a join */

int complete_init(struct complete *c, const struct strlist *own_networks, int64_t began)
{
	*c = (struct complete){.began = began};
	return own_networks ? net_blocks_of(own_networks, &c->own) : 0;
}

void complete_release(struct complete *c)
{
	free(c->own.list);
	bytes_release(&c->record);
	*c = (struct complete){0};
}

static struct identity identity_of(const struct queued *q)
{
	struct identity found = {
	    .inode = q->inode,
	    .arrival_time = q->arrival_time,
	    .create_time = q->create_time,
	    .size = q->size,
	    .has_sender = true,
	    .client = q->client,
	    .client_port = q->client_port,
	    .log_client = q->log_client,
	};

	(void)snprintf(found.sender, sizeof found.sender, "%s", q->sender);
	(void)snprintf(found.log_ident, sizeof found.log_ident, "%s", q->log_ident);
	return found;
}

static void add_dead(struct complete *c, uint64_t sequence, bool read)
{
	c->dead[c->dead_count].sequence = sequence;
	c->dead[c->dead_count].read = read;
	c->dead_count++;
}

/* If several rows are proven (two milters may record one message), the longest record stays. */
static void judge_rows(
    struct complete *c, struct txn *txn, const struct message *read, struct message *ret_proven)
{
	struct identity found = identity_of(&read->queued);
	uint64_t rows[ENTRY_INODE_ROWS] = {0};
	int count = entry_find(txn, &c->id, false, rows, ENTRY_INODE_ROWS);
	size_t most = 0;

	for (int i = 0; i < count; i++) {
		struct message recorded = {0};
		struct span record = {.len = 0};
		bool sound =
		    entry_get(txn, rows[i], &record) == 1 && record_decode(record, &recorded) == 0;
		bool proven = sound && identity_judge(&recorded, &found) == JUDGED_SAME;

		if (proven && record.len > most) {
			if (c->proven != 0)
				add_dead(c, c->proven, ret_proven->queued.known);
			c->proven = rows[i];
			*ret_proven = recorded;
			most = record.len;
		} else if (proven || !sound || recorded.end_time < c->began) {
			add_dead(c, rows[i], sound && recorded.queued.known);
		}
	}
}

/* Counts rows that are second's first pass. *ret_first: the last. *ret_known: a row has that ID. */
static int count_firsts(struct txn *txn, const struct message *second, bool left,
    struct message *ret_first, bool *ret_known)
{
	uint64_t rows[FIRST_ROWS] = {0};
	struct packed_id id;
	int count, judged = 0;

	if (queue_id_pack(&second->first.queue_id, &id) != 0)
		return 0;
	count = entry_find(txn, &id, left, rows, FIRST_ROWS);
	for (int i = 0; i < count; i++) {
		struct message first;
		struct span record;

		if (entry_get(txn, rows[i], &record) != 1 || record_decode(record, &first) != 0)
			continue;
		*ret_known = true;
		if (join_judge(&first, second, true)) {
			*ret_first = first;
			judged++;
		}
	}
	return judged;
}

static void join(struct complete *c, struct txn *txn, struct message *m)
{
	struct message first;
	bool known = false;
	int judged;

	if (m->flags & MESSAGE_JOINED)
		return;
	if (!join_is_local(&m->queued.client, c->own.list, c->own.count)) {
		m->first = (struct first_pass){.login = ""};
		m->flags &= ~(uint32_t)(MESSAGE_UNJOINED | MESSAGE_FIRST_PLAIN);
		return;
	}
	if (m->first.queue_id.text[0] == '\0')
		return;
	judged = count_firsts(txn, m, false, &first, &known);
	judged += count_firsts(txn, m, true, &first, &known);
	if (judged == 1)
		join_take(&first, m);
	else if (known)
		join_refuse(m);
	else
		m->flags |= MESSAGE_UNJOINED;
}

#define QUEUED_FLAGS                                                                               \
	(MESSAGE_CUT_QUEUED_RECIPIENTS | MESSAGE_CUT_QUEUED_FROM | MESSAGE_UNJOINED |              \
	    MESSAGE_FIRST_PLAIN | MESSAGE_NOTICE)

/* The given half of the row with the queued half of the file. A join that was made stays, because
 * the row of the first pass may be gone. */
static struct message merged(const struct message *row, const struct message *read)
{
	struct message m = *row;

	m.queued = read->queued;
	m.flags = (row->flags & ~(uint32_t)QUEUED_FLAGS) |
		  (read->flags & (QUEUED_FLAGS | MESSAGE_CUT_TEXT));
	if (row->flags & MESSAGE_JOINED)
		m.flags &= ~(uint32_t)(MESSAGE_UNJOINED | MESSAGE_FIRST_PLAIN);
	else
		m.first = read->first;
	return m;
}

int complete_prepare(struct complete *c, struct txn *txn, struct span record)
{
	struct message read = {0}, row = {0}, m;

	c->proven = 0;
	c->dead_count = 0;
	bytes_clear(&c->record);
	if (record_decode(record, &read) != 0 || message_is_given(&read) ||
	    queue_id_pack(&read.queue_id, &c->id) != 0)
		return txn_fail(txn, ERR_SYNTAX, "an update of the index is invalid");
	read.flags &= ~(uint32_t)MESSAGE_JOINED;
	judge_rows(c, txn, &read, &row);
	m = c->proven != 0 ? merged(&row, &read) : read;
	join(c, txn, &m);
	record_encode(&m, &c->record);
	if (c->record.failed)
		return txn_fail(txn, -ENOMEM, NULL);
	return txn->code;
}
