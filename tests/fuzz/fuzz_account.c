/* SPDX-License-Identifier: ISC */
/*
 * An account as its owner might leave it: the input is state_directory/log. The batches read from
 * it are in ascending order, their messages have Postfix's IDs, and both can be read back from
 * their text. A report's recollection is complete for the command, or refused.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "order/account/recall.h"

static char directory[] = "/tmp/pqpurge-fuzz.XXXXXX";

static void remove_directory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, ACCOUNT_FILE);
	unlink(path);
	rmdir(directory);
}

static void put_log(const uint8_t *data, size_t size)
{
	static bool made;
	char path[64];
	int fd;

	if (!made) {
		fuzz_require(mkdtemp(directory) != NULL);
		atexit(remove_directory);
		made = true;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, ACCOUNT_FILE);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	fuzz_require(fd >= 0 && io_write_all(fd, data, size) == 0);
	close(fd);
}

static void check_text(const struct ledger_entries *entries)
{
	struct account_entries read = {0};
	struct strbuf text = {0};
	struct queue_id id;

	for (size_t n = 0; n < entries->count; n++) {
		const struct account_entry *m = &entries->list[n].message;

		fuzz_require(queue_id_parse(m->queue_id.text, strlen(m->queue_id.text), &id) == 0);
		account_entry_put(&text, m);
	}
	fuzz_require(account_entries_parse(strbuf_text(&text), &read) == 0);
	fuzz_require(read.count == entries->count);
	for (size_t n = 0; n < read.count; n++)
		fuzz_require(account_entry_compare(&read.list[n], &entries->list[n].message) == 0);
	account_entries_release(&read);
	strbuf_release(&text);
}

static void check_messages(const struct ledger *ledger)
{
	struct ledger_entries entries = {0};
	const struct ledger_entry *last;

	fuzz_require(ledger_entries(ledger, &entries) == 0);
	check_text(&entries);
	for (size_t at = 0, end; at < entries.count; at = end) {
		end = ledger_message(&entries, at, &last);
		fuzz_require(end > at && (!last || last < entries.list + end));
	}
	free(entries.list);
}

static void check(const struct account_log *log, bool all)
{
	struct ledger ledger = {0};

	fuzz_require(ledger_read(log, all, &ledger, NULL) == 0);
	for (size_t n = 0; n < ledger.count; n++) {
		struct ledger_batch *b = &ledger.list[n];
		struct strbuf doubt = {0};

		fuzz_require(b->told.number > 0 && b->told.number <= ledger.highest);
		fuzz_require(n == 0 || ledger.list[n - 1].told.number < b->told.number);
		fuzz_require(ledger_find(&ledger, b->told.number) == b && !b->told.running);
		fuzz_require(all || !b->ended || ledger_doubt(b, &doubt) == 0);
		strbuf_release(&doubt);
	}
	check_messages(&ledger);
	ledger_release(&ledger);
}

static int take(struct span answer, struct recall *ret)
{
	struct recalling asked = {NULL, ret};

	*ret = (struct recall){0};
	return ledger_take(answer, &recall_question, &asked, NULL);
}

static void recall(struct account_log *log, struct recall_wish wish)
{
	struct bytes out = {0};
	struct recalling asked = {&wish, NULL};
	struct recall r;

	fuzz_require(ledger_put(log, &recall_question, &asked, &out, NULL) == 0 && !out.failed);
	fuzz_require(take(bytes_span(&out), &r) == 0);
	for (size_t n = 0; n < r.count; n++)
		fuzz_require(r.list[n].number > 0 && r.list[n].number <= r.highest);
	recall_release(&r);
	/* Cut anywhere, or with a byte changed: refused, or read as something else. */
	if (out.len > 0) {
		fuzz_require(take((struct span){out.at, out.len - 1}, &r) < 0);
		recall_release(&r);
		out.at[out.len / 2] ^= 0x55;
		(void)!take(bytes_span(&out), &r);
		recall_release(&r);
	}
	bytes_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct account_log log;

	put_log(data, size);
	fuzz_require(account_log_open(&log, directory, false, NULL) == 0);
	check(&log, false);
	check(&log, true);
	recall(&log, (struct recall_wish){.batch = 1});
	recall(&log, (struct recall_wish){.batch = 2});
	recall(&log, (struct recall_wish){.flood = 12});
	recall(&log, (struct recall_wish){.selector = "example.com"});
	account_log_close(&log);
	return 0;
}
