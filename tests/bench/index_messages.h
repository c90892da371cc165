/* SPDX-License-Identifier: ISC */
/* For bench_index: clocks, and messages by number. */
#ifndef PQPURGE_BENCH_INDEX_MESSAGES_H
#define PQPURGE_BENCH_INDEX_MESSAGES_H

#include <inttypes.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "index/control/client.h"

static inline void __attribute__((noreturn)) die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench_index: %s: %s\n", what, err->text);
	exit(1);
}

static inline int64_t usec_of(struct timeval t)
{
	return (int64_t)t.tv_sec * USEC_PER_SEC + t.tv_usec;
}

/* CPU time of this process and its children: on a busy machine wall time says little. */
static inline int64_t used(void)
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

static inline struct since begin(void)
{
	return (struct since){.time = clock_steady(), .cpu = used()};
}

static inline void tell(const char *what, uint64_t count, struct since began)
{
	int64_t took = clock_steady() - began.time, cpu = used() - began.cpu;

	(void)printf("%s\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\n", what, count, took, cpu);
	(void)fflush(stdout);
}

/* ---- messages */

struct made {
	char sender[64], recipient[64], id[64];
	struct strbuf from, recipients, originals;
	struct message m;
};

/* The inodes of a queue are in no order, and neither are the microseconds. */
static inline void make_id(uint64_t n, struct queue_id *ret)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%05X%" PRIX64, (unsigned)(n * 7919 % 1000000),
	    1000 + ((n & ~UINT64_C(1023)) | (n * 37 & 1023)));
	if (queue_id_parse(text, strlen(text), ret) != 0)
		abort();
}

static inline void make_queued(uint64_t n, struct made *made)
{
	struct queued *q = &made->m.queued;
	struct queue_id_parts parts;

	queue_id_split(&made->m.queue_id, &parts);
	strlist_push(&made->originals, "", 0);
	q->known = true;
	q->arrival_time = made->m.mail_time + 300;
	q->create_time = q->arrival_time - q->arrival_time % USEC_PER_SEC;
	q->inode = parts.inode;
	q->size = 2000 + (int64_t)(n % 5000);
	q->uid = -1;
	q->client = q->log_client = made->m.client;
	q->client_port = made->m.client_port;
	q->sender = made->sender;
	q->login = made->m.login;
	q->message_id = made->id;
	q->log_ident = "";
	q->from = made->m.from;
	q->recipients = made->m.recipients;
	q->originals = strlist_of(&made->originals);
	q->recipient_count = 1;
}

static inline void make(uint64_t n, bool read, struct made *made)
{
	struct message *m = &made->m;

	message_init(m);
	make_id(n, &m->queue_id);
	m->origin = read ? ORIGIN_QUEUE : ORIGIN_SMTPD;
	m->mail_time = INT64_C(1790000000000000) + (int64_t)n * 1000;
	m->connect_time = m->mail_time - 500;
	m->rcpt_time = m->mail_time + 700;
	m->end_time = m->mail_time + 9000;
	if (net_parse("192.0.2.7", &m->client) != 0)
		abort();
	m->client_port = 40000;
	if (n % 10 == 0)
		(void)snprintf(
		    made->sender, sizeof made->sender, "user%" PRIu64 "@bad.example", n % 977);
	else
		(void)snprintf(made->sender, sizeof made->sender,
		    "user%" PRIu64 "@d%" PRIu64 ".example", n % 977, n % 5003);
	(void)snprintf(made->recipient, sizeof made->recipient,
	    "someone%" PRIu64 "@r%" PRIu64 ".example.net", n % 1009, n % 97);
	(void)snprintf(made->id, sizeof made->id, "<20261123.%" PRIu64 "@bad.example>", n);
	strbuf_clear(&made->from);
	strbuf_clear(&made->recipients);
	strbuf_clear(&made->originals);
	strlist_push(&made->from, made->sender, strlen(made->sender));
	strlist_push(&made->recipients, made->recipient, strlen(made->recipient));
	m->sender = made->sender;
	m->login = n % 1000 == 0 ? "mallory" : "alice";
	m->message_id = made->id;
	m->from = strlist_of(&made->from);
	m->recipients = strlist_of(&made->recipients);
	m->recipient_count = 1;
	if (read)
		make_queued(n, made);
}

static inline void release(struct made *made)
{
	strbuf_release(&made->from);
	strbuf_release(&made->recipients);
	strbuf_release(&made->originals);
}

#endif
