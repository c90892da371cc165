/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: requests as the daemon reads them, applied to a store that keeps nothing, and
 * replies as the command does.
 */
#include <errno.h>

#include "index/request.h"
#include "tests/fuzz/fuzz.h"

static volatile size_t sink;

static int no_begin(struct store *store, struct txn *txn)
{
	txn->handle = store;
	return 0;
}

static int no_commit(struct txn *txn)
{
	(void)txn;
	return 0;
}

static void no_abort(struct txn *txn)
{
	(void)txn;
}

static int no_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	const unsigned char *at = key.at;

	(void)txn;
	(void)table;
	(void)append;
	fuzz_require(key.len > 0 && key.len <= 511); /* LMDB would refuse it */
	sink = at[key.len - 1];
	at = value.at;
	if (value.len > 0)
		sink = at[value.len - 1];
	return 0;
}

/* Every batch is there, so that parts find theirs. */
static int no_get(struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	(void)txn;
	fuzz_require(key.len > 0 && key.len <= 511);
	*ret = (struct span){.at = "", .len = 0};
	return table == STORE_BATCH;
}

static int no_delete(struct txn *txn, enum store_table table, struct span key)
{
	(void)txn;
	(void)table;
	fuzz_require(key.len > 0 && key.len <= 511);
	return 0;
}

static int no_count(struct txn *txn, enum store_table table, uint64_t *ret)
{
	(void)txn;
	(void)table;
	*ret = 0;
	return 0;
}

static struct store_cursor *no_cursor_open(struct txn *txn, enum store_table table, int *ret_code)
{
	struct store_cursor *cursor = malloc(sizeof *cursor);

	(void)table;
	*ret_code = -ENOMEM;
	if (cursor)
		cursor->txn = txn;
	return cursor;
}

static int no_cursor_move(
    struct store_cursor *cursor, int how, struct span *key, struct span *value)
{
	(void)cursor;
	(void)how;
	(void)key;
	(void)value;
	return 0;
}

static void no_cursor_close(struct store_cursor *cursor)
{
	free(cursor);
}

static const struct store_driver driver = {
    .begin = no_begin,
    .commit = no_commit,
    .abort = no_abort,
    .put = no_put,
    .get = no_get,
    .del = no_delete,
    .count = no_count,
    .cursor_open = no_cursor_open,
    .cursor_move = no_cursor_move,
    .cursor_close = no_cursor_close,
};

/* Whoever may read its words alone gets them of every rule there is. */
static void check_words(struct rule *r)
{
	struct bytes stored = {0};
	struct rule words;

	rule_encode(r, &stored);
	fuzz_require(stored.failed || rule_decode_words(bytes_span(&stored), &words, NULL) == 0);
	fuzz_require(!words.regex && strcmp(words.subject, r->subject) == 0);
	rule_release(&words);
	rule_release(r);
	bytes_release(&stored);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store store = {.driver = &driver};
	struct span request = {.at = data, .len = size};
	struct err err = {0};
	struct reply reply;
	const char *subject;
	struct rule rule;
	uint64_t value = 0;
	struct txn txn;

	(void)txn_begin(&store, true, &txn);
	fuzz_require(request_apply(&txn, request, &value, &err) == 0 || err.text[0] != '\0');
	txn_abort(&txn);
	if (request_rule_of(request, &rule, NULL) == 0)
		check_words(&rule);
	if (rule_decode_words(request, &rule, NULL) == 0)
		rule_release(&rule);
	if (request_subject_of(request, &subject) == 0)
		sink = strlen(subject);
	if (reply_decode(request, &reply) == 0)
		sink = strlen(reply.text) + strlen(reply.status);
	return 0;
}
