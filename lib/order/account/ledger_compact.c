/* SPDX-License-Identifier: ISC */
/* Writes the log anew with the newest batches, and with only those of their messages that a hold
 * may still hold. If that fails, the old log stays. Others go on writing; they wait only while the
 * lines that they added meanwhile are copied. */
#include "base/io.h"
#include "order/account/writer.h"

#define FACTS_KEEP 500 /* batches that keep their facts */
#define FLUSH_SIZE (1 << 20)

struct compacting {
	struct ledger ledger;
	ino_t inode; /* of the old log */
	int fd;
	struct strbuf out; /* text not written yet */
	uint64_t written;
};

static bool is_large(const struct account_log *log, uint64_t written)
{
	struct stat st;
	uint64_t bound = 2 * written > ACCOUNT_BYTES ? 2 * written : ACCOUNT_BYTES;

	return fstat(log->fd, &st) == 0 && (uint64_t)st.st_size > bound;
}

static int find_held(struct ledger *ledger)
{
	struct ledger_entries entries = {0};
	const struct ledger_entry *last;
	int code = ledger_entries(ledger, &entries);

	for (size_t at = 0; code == 0 && at < entries.count;) {
		at = ledger_message(&entries, at, &last);
		if (last && last->batch->effect == EFFECT_HOLDS)
			account_entry_put(&last->batch->held, &last->message);
	}
	for (size_t n = 0; n < ledger->count; n++)
		if (ledger->list[n].held.failed)
			code = -ENOMEM;
	free(entries.list);
	return code;
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

static size_t age_of(const struct ledger *ledger, const struct ledger_batch *b)
{
	return ledger->count - (size_t)(b - ledger->list);
}

static bool is_dropped(const struct ledger *ledger, const struct ledger_batch *b)
{
	return age_of(ledger, b) > ACCOUNT_KEEP && b->ended && b->held.len == 0;
}

static bool is_kept(
    const struct ledger *ledger, const struct ledger_batch *b, const struct account_line *line)
{
	if (is_dropped(ledger, b))
		return false;
	if (line->kind == LINE_FACTS)
		return age_of(ledger, b) <= FACTS_KEEP;
	return !b->ended || (line->kind != LINE_CHUNK && line->kind != LINE_DONE);
}

/* Writes several parts, because a line has a limit. */
static void put_held(struct compacting *c, unsigned long long number, const char *ids)
{
	for (unsigned part = 1; *ids; part++) {
		const char *end = ids;

		do {
			end = strchrnul(end + (*end == ' '), ' ');
			end = strchrnul(end + (*end == ' '), ' ');
		} while (*end && end - ids < FLUSH_SIZE);
		strbuf_printf(&c->out,
		    "{\"chunk\":%llu,\"part\":%u,\"ids\":\"%.*s\"}\n{\"done\":%llu,\"part\":%u}\n",
		    number, part, (int)(end - ids), ids, number, part);
		ids = end + strspn(end, " ");
	}
}

static void put_end(
    struct compacting *c, const struct ledger_batch *b, const struct account_line *line)
{
	bool told = !b->undone || strstr(line->rest, ",\"undone\":true");

	put_held(c, b->told.number, strbuf_text(&b->held));
	strbuf_add(&c->out, line->text, line->len - 1);
	strbuf_puts(&c->out, told ? "}\n" : ",\"undone\":true}\n");
}

static int visit(void *arg, const struct account_line *line)
{
	struct compacting *c = arg;
	const bool of_batch = line->kind != LINE_KEPT && line->kind != LINE_SUMS;
	const struct ledger_batch *b = of_batch ? ledger_find(&c->ledger, line->number) : NULL;

	if (!b || !is_kept(&c->ledger, b, line))
		return 0;
	if (line->kind == LINE_END)
		put_end(c, b, line);
	else
		strbuf_printf(&c->out, "%s\n", line->text);
	return flush(c, FLUSH_SIZE);
}

static int copy_rest_locked(struct compacting *c, const struct account_log *log)
{
	char buffer[1 << 14];
	off_t at = log->end;
	ssize_t got;
	int code = 0;

	while (code == 0 && (got = pread(log->fd, buffer, sizeof(buffer), at)) > 0) {
		code = io_write_all(c->fd, buffer, (size_t)got);
		at += got;
	}
	return code < 0 ? code : got < 0 ? -errno : 0;
}

/* Writes the sums of batches that are dropped now or were dropped before. */
static void put_sums(struct compacting *c)
{
	struct sums *dropped = &c->ledger.dropped;

	for (size_t n = 0; n < c->ledger.count; n++)
		if (is_dropped(&c->ledger, &c->ledger.list[n]))
			sums_add(dropped, &c->ledger.list[n].told);
	sums_put_lines(dropped, &c->out);
}

static int write_anew(struct compacting *c, const struct account_log *log)
{
	put_sums(c);
	int code = account_log_read(log, visit, c, NULL);

	code = code ?: flush(c, 0);
	if (code == 0 && c->written > 0)
		strbuf_printf(&c->out, "{\"kept\":%llu}\n", (unsigned long long)c->written);
	code = code ?: flush(c, 0);
	/* Most of the data goes to disk before any other process waits. */
	return code == 0 && fsync(c->fd) < 0 ? -errno : code;
}

static int rename_over_locked(struct compacting *c, struct account_log *log)
{
	struct stat st;
	int code = fstat(log->fd, &st) < 0 ? -errno : st.st_ino != c->inode ? -ESTALE : 0;

	code = code ?: copy_rest_locked(c, log);
	if (code == 0 &&
	    (fsync(c->fd) < 0 ||
		renameat(log->directory, ACCOUNT_NEW, log->directory, ACCOUNT_FILE) < 0 ||
		fsync(log->directory) < 0))
		code = -errno;
	return code;
}

static int replace(struct compacting *c, struct account_log *log)
{
	c->fd = openat(log->directory, ACCOUNT_NEW,
	    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (c->fd < 0)
		return -errno;
	int code = write_anew(c, log);
	code = code ?: account_log_lock(log, NULL);
	if (code == 0) {
		code = rename_over_locked(c, log);
		account_log_unlock(log);
	}
	if (code < 0)
		unlinkat(log->directory, ACCOUNT_NEW, 0);
	io_close(&c->fd);
	return code;
}

/* Under the lock the log ends after a whole line. The inode tells later whether it is still the
 * log. */
static int find_end(struct compacting *c, struct account_log *log)
{
	struct stat st;
	int code = account_log_lock(log, NULL);

	if (code < 0)
		return code;
	code = fstat(log->fd, &st) < 0 ? -errno : 0;
	account_log_unlock(log);
	c->inode = st.st_ino;
	log->end = st.st_size;
	return code;
}

void ledger_compact(struct account_log *log, uint64_t written)
{
	struct compacting c = {.fd = -1};

	if (!is_large(log, written) || !account_log_compacts(log))
		return;
	if (find_end(&c, log) == 0 && ledger_read(log, true, &c.ledger, NULL) == 0 &&
	    is_large(log, c.ledger.written) && find_held(&c.ledger) == 0)
		(void)!replace(&c, log);
	log->end = 0;
	ledger_release(&c.ledger);
	strbuf_release(&c.out);
}
