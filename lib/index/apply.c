/* SPDX-License-Identifier: ISC */
/* Requests applied: each is read to its end before anything is written, so that a malformed one
 * changes nothing. */
#include <errno.h>
#include <inttypes.h>

#include "index/home.h"
#include "index/request.h"
#include "index/rows/entry.h"
#include "index/rulebook.h"

static int malformed(struct err *err)
{
	return err_set(err, ERR_SYNTAX, "malformed request");
}

/* ---- DROP */

static bool next_row(struct reader *r, struct request_row *ret)
{
	const char *id;

	ret->sequence = reader_u64(r);
	id = reader_text(r);
	return !r->failed && queue_id_parse(id, strlen(id), &ret->queue_id) == 0;
}

static int apply_drop(struct txn *txn, struct reader r, uint64_t *ret_value, struct err *err)
{
	uint32_t count = reader_u32(&r);
	struct reader check = r;
	struct request_row row;
	uint64_t dropped = 0;

	if (count > REQUEST_ROWS_MAX)
		return malformed(err);
	for (uint32_t i = 0; i < count; i++)
		if (!next_row(&check, &row))
			return malformed(err);
	if (!reader_done(&check))
		return malformed(err);
	while (count-- > 0 && next_row(&r, &row))
		if (entry_drop(txn, row.sequence, &row.queue_id) == 1)
			dropped++;
	*ret_value = dropped;
	return 0;
}

/* ---- ADD */

static int apply_add(struct txn *txn, struct reader r, uint64_t *ret_value, struct err *err)
{
	uint32_t count = reader_u32(&r);
	struct reader check = r;
	struct message message;
	uint64_t added = 0;

	if (count > REQUEST_ROWS_MAX)
		return malformed(err);
	for (uint32_t i = 0; i < count; i++)
		if (record_decode(reader_blob(&check), &message) != 0 || check.failed)
			return malformed(err);
	if (!reader_done(&check))
		return malformed(err);
	while (count-- > 0)
		if (entry_add_found(txn, reader_blob(&r)) == 1)
			added++;
	*ret_value = added;
	return 0;
}

/* ---- the account */

static int apply_batch(struct txn *txn, struct reader r, uint64_t *ret_value, struct err *err)
{
	struct span body = {.at = r.at, .len = (size_t)(r.end - r.at)};
	struct batch batch;

	if (batch_decode(body, &batch) != 0)
		return malformed(err);
	*ret_value = batch_store(txn, &batch);
	return 0;
}

static int apply_batch_part(struct txn *txn, struct reader r, uint64_t *ret_value, struct err *err)
{
	uint64_t number = reader_u64(&r);
	uint32_t part = reader_u32(&r);
	struct span items = reader_blob(&r);
	struct reader check;
	struct batch_item item;
	uint32_t count = 0;

	if (!reader_done(&r))
		return malformed(err);
	check = reader_of(items.at, items.len);
	while (!reader_done(&check))
		if (batch_item_decode(&check, &item) != 0 || ++count > BATCH_PART_ITEMS)
			return malformed(err);
	if (batch_store_part(txn, number, part, items) == 0)
		return err_set(err, ERR_SYNTAX, "no batch %" PRIu64, number);
	*ret_value = count;
	return 0;
}

/* ---- rules */

static int apply_rule_set(
    struct txn *txn, struct span request, uint64_t *ret_value, struct err *err)
{
	struct rule rule;
	int code = request_rule_of(request, &rule, err);

	if (code != 0)
		return code;
	code = rulebook_set(txn, &rule);
	rule_release(&rule);
	if (code == ERR_LIMIT && txn->code == 0)
		return err_set(err, code, "more than %d rules", RULES_MAX);
	*ret_value = code == 1;
	return 0;
}

static int apply_rule_unset(
    struct txn *txn, struct span request, uint64_t *ret_value, struct err *err)
{
	const char *subject;

	if (request_subject_of(request, &subject) != 0)
		return malformed(err);
	*ret_value = rulebook_unset(txn, subject) == 1;
	return 0;
}

/* ---- the instance */

/* Another queue directory is another Postfix; another host name is the same one, renamed. */
static int apply_instance(struct txn *txn, struct reader r, uint64_t *ret_value, struct err *err)
{
	const char *directory = reader_text(&r), *hostname = reader_text(&r);
	struct bytes value = {0};
	struct span stored = {0};
	struct strlist known;
	int code = 0;

	if (!reader_done(&r) || directory[0] == '\0')
		return malformed(err);
	bytes_put(&value, directory, strlen(directory) + 1);
	bytes_put(&value, hostname, strlen(hostname) + 1);
	*ret_value = 0;
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	else if (home_instance(txn, &stored) == 1 &&
		 strlist_view(stored.at, stored.len, 2, &known) == 0 &&
		 strcmp(known.first, directory) != 0)
		code = err_set(err, ERR_INSTANCE,
		    "the index belongs to another Postfix instance (queue directory '%s')",
		    known.first);
	else if (txn->code == 0 &&
		 (stored.len != value.len || memcmp(stored.at, value.at, value.len) != 0)) {
		home_set_instance(txn, bytes_span(&value));
		*ret_value = 1;
	}
	bytes_release(&value);
	return code;
}

/* ---- the count */

static int apply_synced(struct txn *txn, struct reader r, struct err *err)
{
	struct span body = {.at = r.at, .len = (size_t)(r.end - r.at)};
	struct synced synced;

	if (synced_decode(body, &synced) != 0)
		return malformed(err);
	synced_put(txn, &synced);
	return 0;
}

int request_apply(struct txn *txn, struct span request, uint64_t *ret_value, struct err *err)
{
	int kind = request_kind_of(request), code;
	uint64_t value = 0;
	struct reader body;

	if (kind == ERR_VERSION)
		return err_set(err, kind, "request of a newer version");
	if (kind < 0)
		return malformed(err);
	body = reader_of((const char *)request.at + 4, request.len - 4);
	switch (kind) {
	case REQUEST_DROP:
		code = apply_drop(txn, body, &value, err);
		break;
	case REQUEST_ADD:
		code = apply_add(txn, body, &value, err);
		break;
	case REQUEST_BATCH:
		code = apply_batch(txn, body, &value, err);
		break;
	case REQUEST_BATCH_PART:
		code = apply_batch_part(txn, body, &value, err);
		break;
	case REQUEST_RULE_SET:
		code = apply_rule_set(txn, request, &value, err);
		break;
	case REQUEST_RULE_UNSET:
		code = apply_rule_unset(txn, request, &value, err);
		break;
	case REQUEST_INSTANCE:
		code = apply_instance(txn, body, &value, err);
		break;
	case REQUEST_SYNCED:
		code = apply_synced(txn, body, err);
		break;
	case REQUEST_HITS: /* the writer did that before */
		code = reader_done(&body) ? 0 : malformed(err);
		break;
	case REQUEST_SETTLE:
		code = 0;
		break;
	default: /* STATUS changes nothing and is answered by whoever is alive */
		return err_set(err, ERR_SYNTAX, "not a request that changes the index");
	}
	if (code == 0 && txn->code != 0)
		code = err_set(err, txn->code, "%s", txn->err.text);
	if (code == 0)
		*ret_value = value;
	return code;
}
