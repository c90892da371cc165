/* SPDX-License-Identifier: ISC */
/*
 * Speaks to a milter as Postfix 3.7 does, without Postfix: that many connections at once, with that
 * many messages on each. It supports milters that negotiate what pqpurge-milter does: an answer at
 * MAIL and at end of message, none in between.
 *
 *   milter_load SOCKET CONNECTIONS MESSAGES [PAUSE]
 *
 * PAUSE: microseconds from one message to the next, for latencies below saturation. Prints,
 * separated by tabs: messages, microseconds passed, and the median and 99th percentile of the wait
 * in microseconds, at MAIL and at end of message.
 */
#include <inttypes.h>
#include <pthread.h>

#include "base/clock.h"
#include "tests/tools/mta.h"

#define CONNECTIONS 1000
#define INODES      50000 /* in the imagined queue, which reuses them */

struct connection {
	pthread_t thread;
	unsigned number;
	struct mta mta;
};

static const char *path;
static uint64_t messages;
static int64_t pause_usec;
static uint32_t *mail_waits, *end_waits;

/* Microseconds that the milter takes to continue. */
static uint32_t ask(struct connection *c)
{
	int64_t began = clock_steady();

	mta_ask(&c->mta);
	return (uint32_t)(clock_steady() - began);
}

/* ---- a session */

static void put_headers(struct mta *mta, const char *sender, uint64_t n)
{
	char text[100];

	mta_put_header(mta, "Received",
	    " from client.example (client.example [192.0.2.7])\n\tby mx.example"
	    " (Postfix) with ESMTPS id 4ABC\n\tfor <someone@dest.example>; Mon, 23 Nov 2026 "
	    "19:00:00 +0000");
	mta_put_header(mta, "From", sender);
	mta_put_header(mta, "To", " <someone@dest.example>");
	mta_put_header(mta, "Subject", " one of many");
	mta_put_header(mta, "Date", " Mon, 23 Nov 2026 19:00:00 +0000");
	(void)snprintf(text, sizeof text, " <20261123.%" PRIu64 "@client.example>", n);
	mta_put_header(mta, "Message-ID", text);
	mta_put_header(mta, "MIME-Version", " 1.0");
	mta_put_header(mta, "Content-Type", " text/plain; charset=utf-8");
}

static void message(struct connection *c, uint64_t n)
{
	char sender[80], id[32];

	(void)snprintf(
	    sender, sizeof sender, "<user%" PRIu64 "@d%" PRIu64 ".example>", n % 977, n % 503);
	mta_put(&c->mta, 'D', "M", 1);
	mta_put_text(&c->mta, 'M', sender);
	mail_waits[n] = ask(c);
	mta_put_text(&c->mta, 'R', "<someone@dest.example>");
	put_headers(&c->mta, sender, n);
	(void)snprintf(id, sizeof id, "%05X%" PRIX64, (unsigned)(n % 1000000), 1000 + n % INODES);
	mta_put_end(&c->mta, id);
	end_waits[n] = ask(c);
	mta_put(&c->mta, 'A', "", 0);
	if (pause_usec > 0)
		(void)usleep((useconds_t)pause_usec);
}

static void *run(void *arg)
{
	struct connection *c = arg;

	mta_open(&c->mta, path);
	for (uint64_t n = 0; n < messages; n++)
		message(c, c->number * messages + n);
	mta_close(&c->mta);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void tell(uint32_t *waits, uint64_t count)
{
	qsort(waits, count, sizeof *waits, compare);
	(void)printf("\t%u\t%u", waits[count / 2], waits[count - 1 - count / 100]);
}

int main(int argc, char **argv)
{
	static struct connection connections[CONNECTIONS];
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	uint64_t all;
	int64_t began;

	if (argc < 4 || count == 0 || count > CONNECTIONS)
		errx(1, "usage: milter_load SOCKET CONNECTIONS MESSAGES [PAUSE]");
	path = argv[1];
	messages = strtoull(argv[3], NULL, 10);
	pause_usec = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
	all = count * messages;
	mail_waits = calloc(all + 1, sizeof *mail_waits);
	end_waits = calloc(all + 1, sizeof *end_waits);
	if (!mail_waits || !end_waits)
		errx(1, "out of memory");
	began = clock_steady();
	for (unsigned n = 0; n < count; n++) {
		connections[n].number = n;
		if (pthread_create(&connections[n].thread, NULL, run, &connections[n]) != 0)
			errx(1, "failed to start a thread");
	}
	for (unsigned n = 0; n < count; n++)
		(void)pthread_join(connections[n].thread, NULL);
	(void)printf("%" PRIu64 "\t%" PRId64, all, clock_steady() - began);
	tell(mail_waits, all);
	tell(end_waits, all);
	(void)printf("\n");
	return 0;
}
