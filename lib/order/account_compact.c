/* SPDX-License-Identifier: ISC */
/*
 * The log written anew, smaller: the newest batches, and of their messages those that a hold may
 * still hold. What cannot be written leaves the old log as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "order/account_write.h"
#include "order/ledger.h"

#define FACTS_KEEP 500 /* batches that keep what a report is made of */
#define FLUSH_SIZE (1u << 20)

struct compacting {
	const struct account_log *log;
	const struct ledger *ledger;
	struct ledger_entries entries; /* that are still held */
	int fd;
	struct strbuf out; /* not written yet */
	uint64_t written;
};

static bool is_large(const struct account_log *log, const struct ledger *ledger)
{
	struct stat st;
	uint64_t bound = 2 * ledger->kept > ACCOUNT_BYTES ? 2 * ledger->kept : ACCOUNT_BYTES;

	return fstat(log->fd, &st) == 0 && (uint64_t)st.st_size > bound;
}

/* The last word of a message says how it stands; one in doubt takes nothing out of a hold. */
static bool is_held(const struct ledger_entries *e, size_t begin, size_t end, size_t *ret_last)
{
	bool held = false;

	for (size_t n = begin; n < end; n++) {
		if (e->list[n].doubt && e->list[n].effect != EFFECT_HOLDS)
			continue;
		held = e->list[n].effect == EFFECT_HOLDS;
		*ret_last = n;
	}
	return held;
}

static int by_batch(const void *a, const void *b)
{
	const struct ledger_entry *x = a, *y = b;

	return (x->batch > y->batch) - (x->batch < y->batch);
}

static int find_held(struct compacting *c, struct err *err)
{
	struct ledger_entries *e = &c->entries;
	size_t kept = 0, last = 0;
	int code;

	for (size_t n = 0; n < c->ledger->count; n++)
		c->ledger->list[n].wanted = c->ledger->list[n].effect != EFFECT_NONE;
	code = ledger_entries(c->log, c->ledger, e, err);
	if (code < 0)
		return code;
	ledger_entries_sort(e);
	for (size_t begin = 0, end; begin < e->count; begin = end) {
		end = ledger_entries_next(e, begin);
		if (is_held(e, begin, end, &last))
			e->list[kept++] = e->list[last];
	}
	e->count = kept;
	if (kept > 1)
		qsort(e->list, kept, sizeof(*e->list), by_batch);
	return 0;
}

/* Where the messages of this batch begin among those that are held. */
static size_t first_of(const struct ledger_entries *e, uint64_t batch)
{
	size_t low = 0, high = e->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (e->list[middle].batch < batch)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool holds_some(const struct ledger_entries *e, uint64_t batch)
{
	size_t first = first_of(e, batch);

	return first < e->count && e->list[first].batch == batch;
}

static int flush(struct compacting *c, size_t at_least)
{
	int code = c->out.failed ? -ENOMEM : 0;

	if (code == 0 && c->out.len >= at_least) {
		code = io_write_all(c->fd, strbuf_text(&c->out), c->out.len);
		c->written += c->out.len;
		strbuf_clear(&c->out);
	}
	return code;
}

static void put_held(struct compacting *c, uint64_t batch)
{
	const struct ledger_entries *e = &c->entries;
	unsigned long long number = batch;
	struct strbuf ids = {0};

	for (size_t n = first_of(e, batch); n < e->count && e->list[n].batch == batch; n++)
		account_entry_put(&ids, &e->list[n].message);
	if (ids.len > 0)
		strbuf_printf(&c->out,
		    "{\"chunk\":%llu,\"part\":1,\"ids\":\"%s\"}\n{\"done\":%llu,"
		    "\"part\":1}\n",
		    number, ids.text, number);
	c->out.failed |= ids.failed;
	strbuf_release(&ids);
}

static void put_end(
    struct compacting *c, const struct ledger_batch *batch, const struct account_line *line)
{
	bool says_so = json_bool(batch->end, "undone", false);

	if (batch->effect == EFFECT_HOLDS)
		put_held(c, batch->number);
	strbuf_add(&c->out, line->text, line->len - 1);
	strbuf_puts(&c->out, batch->undone && !says_so ? ",\"undone\":true}\n" : "}\n");
}

static int visit(void *arg, const struct account_line *line)
{
	struct compacting *c = arg;
	const struct ledger *ledger = c->ledger;
	const struct ledger_batch *batch =
	    line->kind == LINE_KEPT ? NULL : ledger_find(ledger, line->number);
	size_t age = batch ? ledger->count - (size_t)(batch - ledger->list) : 0;

	if (!batch ||
	    (age > ACCOUNT_KEEP && batch->ended && !holds_some(&c->entries, batch->number)))
		return 0;
	if (line->kind == LINE_FACTS && age > FACTS_KEEP)
		return 0;
	if ((line->kind == LINE_CHUNK || line->kind == LINE_DONE) && batch->ended)
		return 0;
	if (line->kind == LINE_END) {
		put_end(c, batch, line);
	} else {
		strbuf_add(&c->out, line->text, line->len);
		strbuf_putc(&c->out, '\n');
	}
	return flush(c, FLUSH_SIZE);
}

static int write_anew(struct compacting *c, struct err *err)
{
	int code = account_log_read(c->log, visit, c, err);

	if (code == 0)
		code = flush(c, 0);
	if (code == 0 && c->written > 0)
		strbuf_printf(&c->out, "{\"kept\":%llu}\n", (unsigned long long)c->written);
	if (code == 0)
		code = flush(c, 0);
	if (code == 0 && fsync(c->fd) < 0)
		code = -errno;
	if (code == 0 &&
	    renameat(c->log->directory, ACCOUNT_NEW, c->log->directory, ACCOUNT_FILE) < 0)
		code = -errno;
	if (code == 0 && fsync(c->log->directory) < 0)
		code = -errno;
	return code;
}

void account_compact(struct account_log *log, const struct ledger *ledger)
{
	struct compacting c = {.log = log, .ledger = ledger, .fd = -1};
	int code;

	if (!is_large(log, ledger))
		return;
	code = find_held(&c, NULL);
	if (code == 0)
		code = c.fd = openat(log->directory, ACCOUNT_NEW,
		    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (c.fd >= 0)
		code = write_anew(&c, NULL);
	if (code == 0) {
		io_close(&log->fd);
		log->fd = c.fd;
	} else if (c.fd >= 0) {
		unlinkat(log->directory, ACCOUNT_NEW, 0);
		io_close(&c.fd);
	}
	ledger_entries_release(&c.entries);
	strbuf_release(&c.out);
}
