/* SPDX-License-Identifier: ISC */
/* pqpurge-idx log: past batches, the newest last. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "index/batch.h"
#include "index/select.h"
#include "purge/session.h"
#include "purge/table.h"

/* In the child: every batch in its stored form; the number is not part of it. */
static int collect(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct bytes one = {0};
	struct batch b;
	struct txn txn;
	int code = txn_begin(store, false, &txn);

	(void)arg;
	for (uint64_t number = 0; code >= 0; number = b.number + 1) {
		code = batch_next(&txn, number, &b);
		if (code <= 0)
			break;
		bytes_clear(&one);
		batch_encode(&b, &one);
		bytes_put_u64(out, b.number);
		bytes_put_blob(out, one.at, one.len);
		out->failed |= one.failed;
	}
	bytes_release(&one);
	txn_abort(&txn);
	return code < 0 ? err_set(err, code, "failed to read the batches (%s)", err_word(code)) : 0;
}

static int put_json(const struct batch *b)
{
	struct json *o = json_new();

	json_put_int(o, "batch", (int64_t)b->number);
	json_put_int(o, "time", b->time / USEC_PER_SEC);
	json_put_text(o, "user", b->user);
	json_put_int(o, "uid", b->uid);
	json_put_text(o, "verb", b->verb);
	json_put_text(o, "command", b->command);
	json_put_text(o, "reason", b->reason);
	json_put_int(o, "matched", (int64_t)b->matched);
	json_put_int(o, "done", (int64_t)b->done);
	json_put_int(o, "gone", (int64_t)b->gone);
	json_put_int(o, "changed", (int64_t)b->changed);
	json_put_int(o, "failed", (int64_t)b->failed);
	json_put_int(o, "unindexed", (int64_t)b->unindexed);
	json_put_int(o, "rules_set", b->rules_set);
	return json_line(stdout, o);
}

static void add_row(struct table *t, const struct batch *b)
{
	char number[24], time[CLOCK_TEXT_SIZE], done[24], gone[24], changed[24], failed[24];

	snprintf(number, sizeof(number), "%" PRIu64, b->number);
	snprintf(done, sizeof(done), "%" PRIu64, b->done);
	snprintf(gone, sizeof(gone), "%" PRIu64, b->gone);
	snprintf(changed, sizeof(changed), "%" PRIu64, b->changed);
	snprintf(failed, sizeof(failed), "%" PRIu64, b->failed);
	clock_text(b->time, time, sizeof(time));
	table_add(t, (const char *[]){number, time, b->user, b->verb, done, gone, changed, failed,
			 b->reason, b->command});
}

/* Calls put_json or add_row for the last `limit` batches. */
static int put_all(
    const struct session *s, const struct blob *blob, struct table *t, struct err *err)
{
	size_t total = 0, at = 0;
	struct reader r;
	int code = 0;

	for (r = reader_of(blob->at, blob->len); !reader_done(&r) && !r.failed; total++) {
		(void)reader_u64(&r);
		(void)reader_blob(&r);
	}
	for (r = reader_of(blob->at, blob->len); code == 0 && at < total; at++) {
		uint64_t number = reader_u64(&r);
		struct span stored = reader_blob(&r);
		struct batch b;

		if (s->options.limit && total - at > s->options.limit)
			continue;
		code = batch_decode(stored, &b);
		b.number = number;
		if (code < 0)
			return err_set(err, code, "batch %" PRIu64 " is damaged", number);
		if (s->options.json)
			code = put_json(&b);
		else
			add_row(t, &b);
	}
	return code < 0 ? err_sys(err, -code, "failed to write") : 0;
}

int verb_log(struct session *s, struct err *err)
{
	static const struct table_column columns[] = {{.name = "BATCH", .right = true},
	    {.name = "TIME"}, {.name = "USER"}, {.name = "VERB"}, {.name = "DONE", .right = true},
	    {.name = "GONE", .right = true}, {.name = "CHANGED", .right = true},
	    {.name = "FAILED", .right = true}, {.name = "REASON", .cut = true},
	    {.name = "COMMAND", .cut = true}};
	struct table *t = NULL;
	struct blob blob = {0};
	int code = index_read(s->settings.index_directory, collect, NULL, &blob, err);

	if (code < 0)
		return code;
	if (!s->options.json)
		t = table_new(stdout, columns, COUNT_OF(columns));
	code = put_all(s, &blob, t, err);
	if (t && table_end(t) < 0 && code == 0)
		code = err_set(err, -ENOMEM, "out of memory");
	blob_release(&blob);
	return code;
}
