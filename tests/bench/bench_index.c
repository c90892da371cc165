/* SPDX-License-Identifier: ISC */
/*
 * How fast the index is, apart from everything else. Not a test. A tenth of the rows is one
 * domain's, and one in 1,000 has the login "mallory".
 *
 *   bench_index fill DIRECTORY FROM ROWS BATCH   takes rows in, BATCH a commit
 *   bench_index ask DIRECTORY [NAME]             selections, all or one, each several times
 *   bench_index compare DIRECTORY ROWS           ROWS queue IDs, in no order, against the index
 *   bench_index prune DIRECTORY ROWS             drops the oldest
 *
 * Each measurement is one line: a name, how many, microseconds passed, microseconds of CPU (this
 * process and the children it waited for), with tabs between them.
 */
#include <inttypes.h>
#include <malloc.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "index/home.h"
#include "index/rows/entry.h"
#include "index/rows/select.h"

#define ROUNDS   5
#define MAP_SIZE (INT64_C(8) << 30)

static void __attribute__((noreturn)) die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench_index: %s: %s\n", what, err->text);
	exit(1);
}

static int64_t usec_of(struct timeval t)
{
	return (int64_t)t.tv_sec * USEC_PER_SEC + t.tv_usec;
}

/* What this process and its children have used: on a busy machine the time that passes says little.
 */
static int64_t used(void)
{
	static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	struct rusage usage;
	int64_t sum = 0;

	for (size_t i = 0; i < COUNT_OF(whose); i++)
		if (getrusage(whose[i], &usage) == 0)
			sum += usec_of(usage.ru_utime) + usec_of(usage.ru_stime);
	return sum;
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

	(void)printf("%s\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\n", what, count, took, cpu);
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

/* ---- what is measured */

/* Records are made beforehand, as the sessions' threads do in the daemon. */
struct made {
	struct bytes bytes;
	size_t *ends;
};

static void make_records(uint64_t from, uint64_t rows, struct made *ret)
{
	struct bytes record = {0};

	ret->bytes = (struct bytes){0};
	ret->ends = calloc(rows + 1, sizeof *ret->ends);
	if (!ret->ends)
		abort();
	for (uint64_t n = 0; n < rows; n++) {
		make_record(from + n, &record);
		bytes_put(&ret->bytes, record.at, record.len);
		ret->ends[n + 1] = ret->bytes.len;
	}
	if (ret->bytes.failed || record.failed)
		abort();
	bytes_release(&record);
}

static void take_in(struct store *store, const struct made *made, uint64_t rows, uint64_t batch)
{
	struct err err = {0};

	for (uint64_t n = 0; n < rows;) {
		struct txn txn;

		(void)txn_begin(store, true, &txn);
		for (uint64_t i = 0; i < batch && n < rows; i++, n++)
			entry_add(&txn,
			    (struct span){.at = made->bytes.at + made->ends[n],
				.len = made->ends[n + 1] - made->ends[n]},
			    NULL);
		if (txn_commit(&txn, &err) != 0)
			die("fill", &err);
	}
}

#define PART 100000 /* rows whose records are in memory at once */

static void fill(struct store *store, uint64_t from, uint64_t rows, uint64_t batch)
{
	for (uint64_t n = 0, part; n < rows; n += part) {
		struct made made;
		struct since began;

		part = rows - n < PART ? rows - n : PART;
		make_records(from + n, part, &made);
		began = begin();
		take_in(store, &made, part, batch);
		tell("fill", part, began);
		bytes_release(&made.bytes);
		free(made.ends);
	}
}

static void usage(struct store *store)
{
	struct store_usage usage;
	struct err err = {0};

	if (store_usage(store, &usage, &err) != 0)
		die("usage", &err);
	(void)printf("bytes\t%" PRIu64 "\t%" PRIu64 "\t0\n", usage.rows[STORE_MESSAGE],
	    usage.used_pages * usage.page_size);
}

/* One thing that is asked; NULL: not by this. */
static const struct question {
	const char *name, *author, *login, *recipient;
} questions[] = {
    {"domain", "bad.example", NULL, NULL},
    {"domain-few", "d42.example", NULL, NULL},
    {"login", NULL, "mallory", NULL},
    {"recipient", NULL, NULL, "r1.example.net"},
    {"expression", "/^user1@bad/", NULL, NULL},
};

static void add_pattern(struct pattern_set *set, const char *text)
{
	struct pattern p;
	struct err err = {0};

	if (text && (pattern_parse(text, &p, &err) != 0 || pattern_set_add(set, &p) != 0))
		die(text, &err);
}

/* In this process, and as the command does it: through children, and viewed. */
static void ask(struct store *store, const char *directory, const struct question *q)
{
	char through[64];
	struct selector s;
	struct err err = {0};

	selector_init(&s);
	add_pattern(&s.author, q->author);
	add_pattern(&s.recipient, q->recipient);
	if (q->login && selector_add_login(&s, q->login) != 0)
		abort();
	selector_seal(&s);
	(void)snprintf(through, sizeof through, "%s-command", q->name);
	for (int round = 0; round < ROUNDS; round++) {
		struct bytes out = {0};
		struct candidates c;
		struct since began = begin();

		if (select_into(store, &s, &out, &err) != 0)
			die(q->name, &err);
		tell(q->name, reader_u64(&(struct reader){.at = out.at, .end = out.at + out.len}),
		    began);
		bytes_release(&out);
		began = begin();
		if (index_select(directory, &s, &c, &err) != 0)
			die(through, &err);
		tell(through, c.count, began);
		candidates_release(&c);
	}
	selector_release(&s);
}

static void compare(const char *directory, uint64_t rows)
{
	struct queue_id *ids = calloc(rows + 1, sizeof *ids);
	struct err err = {0};
	uint32_t *unknown;
	size_t count;

	if (!ids)
		abort();
	for (uint64_t n = 0; n < rows; n++)
		make_id(n * 7919 % rows, &ids[n]);
	for (int round = 0; round < ROUNDS; round++) {
		struct since began = begin();

		if (index_unknown(directory, ids, rows, &unknown, &count, &err) != 0)
			die("index_unknown", &err);
		tell("compare", rows, began);
		free(unknown);
	}
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
	tell("prune", rows, began);
}

int main(int argc, char **argv)
{
	uint64_t numbers[3] = {0, 0, 1};
	struct err err = {0};
	struct home home;

	if (argc < 3) {
		(void)fprintf(
		    stderr, "usage: bench_index fill|ask|compare|prune DIRECTORY [N...]\n");
		return 1;
	}
	for (int i = 3; i < argc && i < 6; i++)
		numbers[i - 3] = strtoull(argv[i], NULL, 10);
	/* What was freed goes back at once, as if the command had just begun: a child that is given
	 * it would copy it page by page. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	if (home_open(argv[2], MAP_SIZE, false, &home, &err) != 0)
		die("open", &err);
	if (strcmp(argv[1], "fill") == 0) {
		fill(home.store, numbers[0], numbers[1], numbers[2]);
		usage(home.store);
	} else if (strcmp(argv[1], "ask") == 0) {
		for (size_t i = 0; i < COUNT_OF(questions); i++)
			if (argc == 3 || strcmp(argv[3], questions[i].name) == 0)
				ask(home.store, argv[2], &questions[i]);
	} else if (strcmp(argv[1], "compare") == 0) {
		compare(argv[2], numbers[0]);
	} else if (strcmp(argv[1], "prune") == 0) {
		prune(home.store, numbers[0]);
	}
	home_close(&home);
	return 0;
}
