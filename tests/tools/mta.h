/* SPDX-License-Identifier: ISC */
/*
 * Postfix 3.7's part of the milter protocol, for programs that load a milter without Postfix. It
 * supports milters that negotiate what pqpurge-milter does: an answer at MAIL and at end of
 * message, none in between. Packets are sent when an answer is awaited, or by mta_flush. Any
 * failure ends the program.
 */
#ifndef PQPURGE_TESTS_MTA_H
#define PQPURGE_TESTS_MTA_H

#include <err.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"

#define MTA_ACTIONS    0x1ffu /* as Postfix offers them */
#define MTA_STEPS      0x1fffffu
#define MTA_SILENT     (1u << 7 | 1u << 12 | 1u << 15) /* no answer to headers, connect, RCPT */
#define MTA_PACKET_MAX 4096

struct mta {
	int fd;
	struct bytes out;
};

static inline void mta_store(unsigned char at[4], uint32_t v)
{
	v = htobe32(v);
	memcpy(at, &v, sizeof v);
}

static inline uint32_t mta_load(const unsigned char at[4])
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return be32toh(v);
}

static inline void mta_put(struct mta *m, char command, const void *data, size_t len)
{
	unsigned char head[4];

	mta_store(head, (uint32_t)len + 1);
	bytes_put(&m->out, head, sizeof head);
	bytes_put_u8(&m->out, (uint8_t)command);
	bytes_put(&m->out, data, len);
}

static inline void mta_put_text(struct mta *m, char command, const char *text)
{
	mta_put(m, command, text, strlen(text) + 1);
}

static inline void mta_put_header(struct mta *m, const char *name, const char *value)
{
	struct bytes text = {0};

	bytes_put(&text, name, strlen(name) + 1);
	bytes_put(&text, value, strlen(value) + 1);
	mta_put(m, 'L', text.at, text.len);
	bytes_release(&text);
}

/* The end of a message, with its queue ID in macro i. */
static inline void mta_put_end(struct mta *m, const char *queue_id)
{
	static const char name[] = "Ei";
	struct bytes macros = {0};

	bytes_put(&macros, name, sizeof name);
	bytes_put(&macros, queue_id, strlen(queue_id) + 1);
	mta_put(m, 'D', macros.at, macros.len);
	bytes_release(&macros);
	mta_put(m, 'E', "", 0);
}

static inline void mta_flush(struct mta *m)
{
	if (m->out.failed || io_write_all(m->fd, m->out.at, m->out.len) < 0)
		errx(1, "the milter hung up");
	bytes_clear(&m->out);
}

/* The command of the next packet; its content goes into data. */
static inline char mta_receive(struct mta *m, unsigned char data[MTA_PACKET_MAX])
{
	unsigned char head[4];
	uint32_t len;

	if (io_read_all(m->fd, head, sizeof head) != sizeof head)
		errx(1, "the milter hung up");
	len = mta_load(head);
	if (len == 0 || len > MTA_PACKET_MAX || io_read_all(m->fd, data, len) != (ssize_t)len)
		errx(1, "a packet that is none");
	return (char)data[0];
}

/* Sends the packets, and waits for the milter's CONTINUE. */
static inline void mta_ask(struct mta *m)
{
	unsigned char data[MTA_PACKET_MAX];
	char said;

	mta_flush(m);
	said = mta_receive(m, data);
	if (said != 'c')
		errx(1, "the milter said '%c'", said);
}

static inline void mta_negotiate(struct mta *m)
{
	static const uint32_t offer[] = {6, MTA_ACTIONS, MTA_STEPS};
	static const char client[] = "client.example\0"
				     "4"
				     "\x9c\x40" /* port 40000 */
				     "192.0.2.7";
	unsigned char words[sizeof offer], data[MTA_PACKET_MAX];

	for (size_t i = 0; i < COUNT_OF(offer); i++)
		mta_store(words + 4 * i, offer[i]);
	mta_put(m, 'O', words, sizeof words);
	mta_flush(m);
	if (mta_receive(m, data) != 'O' || (mta_load(data + 9) & MTA_SILENT) != MTA_SILENT)
		errx(1, "this milter asks for other events");
	mta_put(m, 'C', client, sizeof client);
}

/* Connects to the milter's socket, as smtpd does for a client. */
static inline void mta_open(struct mta *m, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*m = (struct mta){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (m->fd < 0 || strlen(path) >= sizeof address.sun_path)
		err(1, "socket");
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(m->fd, (struct sockaddr *)&address, sizeof address) < 0)
		err(1, "%s", path);
	mta_negotiate(m);
}

static inline void mta_close(struct mta *m)
{
	mta_put(m, 'Q', "", 0);
	mta_flush(m);
	(void)close(m->fd);
	bytes_release(&m->out);
}

#endif
