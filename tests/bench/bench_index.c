/* SPDX-License-Identifier: ISC */
/*
 * How fast the index is: rows taken in, found by domain, filtered, compared with the queue,
 * dropped. Not a test. bench_index DIRECTORY [ROWS [BATCH]] The directory should be new and on the
 * disk that is meant. A tenth of the rows is one domain's.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "index/entry.h"
#include "index/home.h"
#include "index/select.h"

static void __attribute__((noreturn)) die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench_index: %s: %s\n", what, err->text);
	exit(1);
}

/* What this process itself has used: on a busy machine the time that passes says little. */
static int64_t used(void)
{
	return (int64_t)clock() * USEC_PER_SEC / CLOCKS_PER_SEC;
}

struct since {
	int64_t time, cpu;
};

static struct since begin(void)
{
	return (struct since){.time = clock_steady(), .cpu = used()};
}

static void tell(const char *what, uint64_t count, struct since began)
{
	int64_t took = clock_steady() - began.time, cpu = used() - began.cpu;

	if (took < 1)
		took = 1;
	(void)printf("%-36s %9" PRIu64 " %9.1f ms %9.1f ms of CPU %12.0f/s\n", what, count,
	    (double)took / 1000, (double)cpu / 1000, (double)count * USEC_PER_SEC / (double)took);
	(void)fflush(stdout);
}

static void make_id(uint64_t n, struct queue_id *ret)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%05X%" PRIX64, (unsigned)(n % 1000000), n + 1000);
	if (queue_id_parse(text, strlen(text), ret) != 0)
		abort();
}

static void make_record(uint64_t n, struct bytes *record)
{
	char sender[64], mailbox[64], recipient[64], id[64];
	struct strbuf from = {0}, recipients = {0};
	struct message m;

	message_init(&m);
	make_id(n, &m.queue_id);
	m.origin = ORIGIN_SMTPD;
	m.mail_time = INT64_C(1790000000000000) + (int64_t)n * 1000;
	m.connect_time = m.mail_time - 500;
	m.rcpt_time = m.mail_time + 700;
	m.end_time = m.mail_time + 9000;
	if (net_parse("192.0.2.7", &m.client) != 0)
		abort();
	m.client_port = 40000;
	if (n % 10 == 0)
		(void)snprintf(sender, sizeof sender, "user%" PRIu64 "@bad.example", n % 977);
	else
		(void)snprintf(sender, sizeof sender, "user%" PRIu64 "@d%" PRIu64 ".example",
		    n % 977, n % 5003);
	(void)snprintf(mailbox, sizeof mailbox, "%s", sender);
	(void)snprintf(recipient, sizeof recipient, "someone%" PRIu64 "@r%" PRIu64 ".example.net",
	    n % 1009, n % 97);
	(void)snprintf(id, sizeof id, "<20261123.%" PRIu64 "@bad.example>", n);
	strlist_push(&from, mailbox, strlen(mailbox));
	strlist_push(&recipients, recipient, strlen(recipient));
	m.sender = sender;
	m.login = n % 1000 == 0 ? "mallory" : "alice";
	m.message_id = id;
	m.from = strlist_of(&from);
	m.recipients = strlist_of(&recipients);
	m.recipient_count = 1;
	bytes_clear(record);
	record_encode(&m, record);
	strbuf_release(&from);
	strbuf_release(&recipients);
}

static void ingest(
    struct store *store, uint64_t from, uint64_t rows, uint64_t batch, const char *what)
{
	struct since began = begin();
	struct bytes record = {0};
	struct err err = {0};

	for (uint64_t n = 0; n < rows;) {
		struct txn txn;

		(void)txn_begin(store, true, &txn);
		for (uint64_t i = 0; i < batch && n < rows; i++, n++) {
			make_record(from + n, &record);
			entry_add(&txn, bytes_span(&record), NULL);
		}
		if (txn_commit(&txn, &err) != 0)
			die("ingest", &err);
	}
	bytes_release(&record);
	tell(what, rows, began);
}

static void ask(struct store *store, const char *what, const char *author, const char *login,
    const char *recipient)
{
	struct selector s;
	struct pattern p;
	struct err err = {0};

	selector_init(&s);
	if (author && (pattern_parse(author, &p, &err) != 0 || pattern_set_add(&s.author, &p) != 0))
		die(author, &err);
	if (recipient &&
	    (pattern_parse(recipient, &p, &err) != 0 || pattern_set_add(&s.recipient, &p) != 0))
		die(recipient, &err);
	if (login && selector_add_login(&s, login) != 0)
		abort();
	selector_seal(&s);
	for (int round = 0; round < 3; round++) {
		struct bytes out = {0};
		struct since began = begin();

		if (select_into(store, &s, &out, &err) != 0)
			die(what, &err);
		tell(what, reader_u64(&(struct reader){.at = out.at, .end = out.at + out.len}),
		    began);
		bytes_release(&out);
	}
	selector_release(&s);
}

static void ask_through_child(const char *directory)
{
	struct selector s;
	struct pattern p;
	struct candidates c;
	struct err err = {0};
	struct since began = begin();

	selector_init(&s);
	if (pattern_parse("bad.example", &p, &err) != 0 || pattern_set_add(&s.author, &p) != 0)
		die("pattern", &err);
	if (index_select(directory, &s, &c, &err) != 0)
		die("index_select", &err);
	tell("the same through a child, viewed", c.count, began);
	candidates_release(&c);
	selector_release(&s);
}

static void compare(const char *directory, uint64_t rows)
{
	struct queue_id *ids = calloc(rows, sizeof *ids);
	struct err err = {0};
	uint32_t *unknown;
	size_t count;
	struct since began;

	if (!ids)
		abort();
	for (uint64_t n = 0; n < rows; n++) /* in no order, as a directory has them */
		make_id(n * 7919 % rows, &ids[n]);
	began = begin();
	if (index_unknown(directory, ids, rows, &unknown, &count, &err) != 0)
		die("index_unknown", &err);
	tell("IDs compared with the index", rows, began);
	free(unknown);
	free(ids);
}

static void prune(struct store *store, uint64_t rows)
{
	struct since began = begin();
	struct err err = {0};
	int64_t latest;

	for (uint64_t n = 0; n < rows; n += 2000) {
		struct txn txn;

		(void)txn_begin(store, true, &txn);
		(void)entry_prune(&txn, 2000, &latest);
		if (txn_commit(&txn, &err) != 0)
			die("prune", &err);
	}
	tell("oldest rows dropped, 2000 a commit", rows, began);
}

int main(int argc, char **argv)
{
	uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	uint64_t batch = argc > 3 ? strtoull(argv[3], NULL, 10) : 50;
	struct store_usage usage;
	struct err err = {0};
	struct home home;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: bench_index DIRECTORY [ROWS [BATCH]]\n");
		return 1;
	}
	if (home_open(argv[1], INT64_C(4) << 30, false, &home, &err) != 0)
		die("open", &err);
	ingest(home.store, 0, rows / 20, batch, "rows taken in, synced, in batches");
	ingest(home.store, rows / 20, rows - rows / 20, 5000, "rows taken in, 5000 a commit");
	if (store_usage(home.store, &usage, &err) != 0)
		die("usage", &err);
	(void)printf(
	    "%.0f bytes a row\n", (double)(usage.used_pages * usage.page_size) / (double)rows);
	ask(home.store, "found by domain", "bad.example", NULL, NULL);
	ask(home.store, "found below a domain", ".example", NULL, NULL);
	ask(home.store, "filtered by login", NULL, "mallory", NULL);
	ask(home.store, "filtered by recipient domain", NULL, NULL, "r1.example.net");
	ask(home.store, "filtered by expression", "/^user1@bad/", NULL, NULL);
	ask_through_child(argv[1]);
	compare(argv[1], rows / 10);
	prune(home.store, rows / 10);
	home_close(&home);
	return 0;
}
