/* SPDX-License-Identifier: ISC */
/*
 * Speaks to a milter as Postfix 3.7 does, without Postfix: so many connections at once, so many
 * messages on each. Knows milters that ask for what pqpurge-milter asks for: an answer at MAIL and
 * at end of message, none in between.
 *
 *   milter_load SOCKET CONNECTIONS MESSAGES [PAUSE]
 *
 * PAUSE: microseconds from one message to the next, for latencies below saturation. Prints
 * messages, microseconds passed, and of the wait at MAIL and at end of message the median and the
 * 99th percentile in microseconds, with tabs between them.
 */
#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/io.h"

#define ACTIONS     0x1ffu /* as Postfix offers them */
#define STEPS       0x1fffffu
#define SILENT      (1u << 7 | 1u << 12 | 1u << 15) /* no answer to headers, connect, RCPT */
#define PACKET_MAX  4096
#define CONNECTIONS 1000
#define INODES      50000 /* of the queue that there would be: they are used again */

struct connection {
	pthread_t thread;
	unsigned number;
	int fd;
	struct bytes out;
};

static const char *path;
static uint64_t messages;
static int64_t pause_usec;
static uint32_t *mail_waits, *end_waits;

/* ---- packets */

static void put_packet(struct bytes *out, char command, const void *data, size_t len)
{
	unsigned char head[4];

	be32_store(head, (uint32_t)len + 1);
	bytes_put(out, head, sizeof head);
	bytes_put_u8(out, (uint8_t)command);
	bytes_put(out, data, len);
}

static void flush(struct connection *c)
{
	if (c->out.failed || io_write_all(c->fd, c->out.at, c->out.len) < 0)
		errx(1, "the milter hung up");
	bytes_clear(&c->out);
}

/* The command of the next packet; what it carries goes into data. */
static char receive(struct connection *c, unsigned char data[PACKET_MAX])
{
	unsigned char head[4];
	uint32_t len;

	if (io_read_all(c->fd, head, sizeof head) != sizeof head)
		errx(1, "the milter hung up");
	len = be32_load(head);
	if (len == 0 || len > PACKET_MAX || io_read_all(c->fd, data, len) != (ssize_t)len)
		errx(1, "a packet that is none");
	return (char)data[0];
}

/* How long the milter takes to let pass what was said. */
static uint32_t ask(struct connection *c)
{
	unsigned char data[PACKET_MAX];
	int64_t began = clock_steady();

	flush(c);
	if (receive(c, data) != 'c')
		errx(1, "the milter said '%c'", data[0]);
	return (uint32_t)(clock_steady() - began);
}

/* ---- a session */

static void negotiate(struct connection *c)
{
	static const uint32_t offer[] = {6, ACTIONS, STEPS};
	static const char client[] = "client.example\0"
				     "4"
				     "\x9c\x40"
				     "192.0.2.7";
	unsigned char words[sizeof offer], data[PACKET_MAX];

	for (size_t i = 0; i < COUNT_OF(offer); i++)
		be32_store(words + 4 * i, offer[i]);
	put_packet(&c->out, 'O', words, sizeof words);
	flush(c);
	if (receive(c, data) != 'O' || (be32_load(data + 9) & SILENT) != SILENT)
		errx(1, "this milter asks for other events");
	put_packet(&c->out, 'C', client, sizeof client);
}

static void put_header(struct bytes *out, const char *name, const char *value)
{
	struct bytes text = {0};

	bytes_put(&text, name, strlen(name) + 1);
	bytes_put(&text, value, strlen(value) + 1);
	put_packet(out, 'L', text.at, text.len);
	bytes_release(&text);
}

static void put_text(struct bytes *out, char command, const char *text)
{
	put_packet(out, command, text, strlen(text) + 1);
}

static void put_headers(struct bytes *out, const char *sender, uint64_t n)
{
	char text[100];

	put_header(out, "Received",
	    " from client.example (client.example [192.0.2.7])\n\tby mx.example"
	    " (Postfix) with ESMTPS id 4ABC\n\tfor <someone@dest.example>; Mon, 23 Nov 2026 "
	    "19:00:00 +0000");
	put_header(out, "From", sender);
	put_header(out, "To", " <someone@dest.example>");
	put_header(out, "Subject", " one of many");
	put_header(out, "Date", " Mon, 23 Nov 2026 19:00:00 +0000");
	(void)snprintf(text, sizeof text, " <20261123.%" PRIu64 "@client.example>", n);
	put_header(out, "Message-ID", text);
	put_header(out, "MIME-Version", " 1.0");
	put_header(out, "Content-Type", " text/plain; charset=utf-8");
}

static void message(struct connection *c, uint64_t n)
{
	static const char macros[] = "Ei\0";
	char sender[80], id[32];
	struct bytes end = {0};

	(void)snprintf(
	    sender, sizeof sender, "<user%" PRIu64 "@d%" PRIu64 ".example>", n % 977, n % 503);
	put_packet(&c->out, 'D', "M", 1);
	put_text(&c->out, 'M', sender);
	mail_waits[n] = ask(c);
	put_text(&c->out, 'R', "<someone@dest.example>");
	put_headers(&c->out, sender, n);
	(void)snprintf(id, sizeof id, "%05X%" PRIX64, (unsigned)(n % 1000000), 1000 + n % INODES);
	bytes_put(&end, macros, sizeof macros - 1);
	bytes_put(&end, id, strlen(id) + 1);
	put_packet(&c->out, 'D', end.at, end.len);
	bytes_release(&end);
	put_packet(&c->out, 'E', "", 0);
	end_waits[n] = ask(c);
	put_packet(&c->out, 'A', "", 0);
	if (pause_usec > 0)
		(void)usleep((useconds_t)pause_usec);
}

static void *run(void *arg)
{
	struct connection *c = arg;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || strlen(path) >= sizeof address.sun_path)
		err(1, "socket");
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
		err(1, "%s", path);
	negotiate(c);
	for (uint64_t n = 0; n < messages; n++)
		message(c, c->number * messages + n);
	put_packet(&c->out, 'Q', "", 0);
	flush(c);
	(void)close(c->fd);
	bytes_release(&c->out);
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
