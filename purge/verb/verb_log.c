/* SPDX-License-Identifier: ISC */
/* pqpurge-idx log: past batches, the newest last. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "index/batch.h"
#include "index/rows/select.h"
#include "purge/session.h"
#include "purge/tell/table.h"

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

/* The batches that are shown: the last `limit` ones. */
struct shown {
	struct batch *list;
	size_t count;
};

static int take_all(
    const struct session *s, const struct blob *blob, struct shown *ret, struct err *err)
{
	size_t total = 0, limit = s->options.limit;
	struct reader r;

	for (r = reader_of(blob->at, blob->len); !reader_done(&r) && !r.failed; total++) {
		(void)reader_u64(&r);
		(void)reader_blob(&r);
	}
	ret->list = calloc(total + 1, sizeof(*ret->list));
	if (!ret->list)
		return err_set(err, -ENOMEM, "out of memory");
	r = reader_of(blob->at, blob->len);
	for (size_t at = 0; at < total; at++) {
		uint64_t number = reader_u64(&r);
		struct batch *b = &ret->list[ret->count];
		int code = batch_decode(reader_blob(&r), b);

		if (code < 0)
			return err_set(err, code, "batch %" PRIu64 " is damaged", number);
		b->number = number;
		ret->count += limit == 0 || total - at <= limit;
	}
	return 0;
}

/* ---- as a table */

/* What a column counts; on a terminal a column of zeros is left out. */
enum { GONE, CHANGED, FAILED, RULES, COUNTS };
static const char *const count_names[COUNTS] = {"GONE", "CHANGED", "FAILED", "RULES"};

static uint64_t count_of(const struct batch *b, int which)
{
	switch (which) {
	case GONE:
		return b->gone;
	case CHANGED:
		return b->changed;
	case FAILED:
		return b->failed;
	default:
		return b->rules_set;
	}
}

struct layout {
	bool terminal;
	bool counts[COUNTS];
};

static struct layout layout_of(const struct shown *shown)
{
	struct layout layout = {.terminal = isatty(STDOUT_FILENO)};

	for (int i = 0; i < COUNTS; i++) {
		layout.counts[i] = !layout.terminal;
		for (size_t n = 0; n < shown->count; n++)
			layout.counts[i] |= count_of(&shown->list[n], i) > 0;
	}
	return layout;
}

/* The words behind the program's name, which is always the same. */
static const char *command_of(const struct layout *layout, const struct batch *b)
{
	const char *blank = layout->terminal ? strchr(b->command, ' ') : NULL;

	return blank ? blank + 1 : b->command;
}

static void add_row(struct table *t, const struct layout *layout, const struct batch *b)
{
	char number[24], time[CLOCK_TEXT_SIZE], done[24], counts[COUNTS][24];
	const char *row[7 + COUNTS];
	size_t n = 0;

	snprintf(number, sizeof(number), "%" PRIu64, b->number);
	snprintf(done, sizeof(done), "%" PRIu64, b->done);
	row[n++] = number;
	row[n++] = clock_text(b->time, time, sizeof(time));
	row[n++] = b->user;
	row[n++] = b->verb;
	row[n++] = done;
	for (int i = 0; i < COUNTS; i++)
		if (layout->counts[i]) {
			snprintf(counts[i], sizeof(counts[i]), "%" PRIu64, count_of(b, i));
			row[n++] = counts[i];
		}
	row[n++] = b->reason;
	row[n++] = command_of(layout, b);
	table_add(t, row);
}

static int put_table(const struct shown *shown, struct err *err)
{
	struct layout layout = layout_of(shown);
	struct table_column columns[7 + COUNTS] = {{.name = "BATCH", .right = true},
	    {.name = "TIME"}, {.name = "USER"}, {.name = "VERB"}, {.name = "DONE", .right = true}};
	size_t n = 5;
	struct table *t;

	for (int i = 0; i < COUNTS; i++)
		if (layout.counts[i])
			columns[n++] = (struct table_column){.name = count_names[i], .right = true};
	columns[n++] = (struct table_column){.name = "REASON", .cut = true};
	columns[n++] = (struct table_column){.name = "COMMAND", .cut = true};
	t = table_new(stdout, columns, n);
	for (size_t i = 0; i < shown->count; i++)
		add_row(t, &layout, &shown->list[i]);
	return table_end(t) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int put_lines(const struct shown *shown, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < shown->count && code == 0; i++)
		code = put_json(&shown->list[i]);
	return code < 0 ? err_sys(err, -code, "failed to write") : 0;
}

int verb_log(struct session *s, struct err *err)
{
	struct shown shown = {0};
	struct blob blob = {0};
	int code = index_read(s->settings.index_directory, collect, NULL, &blob, err);

	if (code == 0)
		code = take_all(s, &blob, &shown, err);
	if (code == 0)
		code = s->options.json ? put_lines(&shown, err) : put_table(&shown, err);
	free(shown.list);
	blob_release(&blob);
	return code;
}
