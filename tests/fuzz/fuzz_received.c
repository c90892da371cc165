/* SPDX-License-Identifier: ISC */
/*
 * Received headers: the first line of the input is a HELO, the others are header values from the
 * top. Postfix's line with any HELO is read correctly. For any other lines, the results keep their
 * bounds.
 */
#include "postfix/file/queue_route.h"
#include "tests/fuzz/fuzz.h"

#define LINES 30

static const struct queue_host host = {.hostname = "mx.rig.test", .mail_owner = 102};

/* As in smtpd.c: printable(), then neuter() of NEUTER_CHARACTERS. */
static void neuter(char *helo)
{
	for (; *helo; helo++)
		if ((unsigned char)*helo <= ' ' || (unsigned char)*helo >= 0x7f ||
		    strchr("<>()\\\";@", *helo))
			*helo = '?';
}

static void check_own(char *helo)
{
	struct received_pass pass;
	char line[2000], text[NET_TEXT_SIZE];

	neuter(helo);
	snprintf(line, sizeof(line),
	    "from %.900s (evil.test [203.0.113.7])\n\tby mx.rig.test (Postfix) with ESMTP id "
	    "C951EA72936\n\tfor <%.900s>; date",
	    helo, helo);
	fuzz_require(received_read(line, host.hostname, &pass));
	fuzz_require(strcmp(pass.queue_id.text, "C951EA72936") == 0);
	fuzz_require(strcmp(net_text(&pass.client, text), "203.0.113.7") == 0);
	fuzz_require(pass.login[0] == '\0' && pass.plain && pass.by_smtp && pass.uid == -1);
	/* Nor does it turn another host's line into ours. */
	snprintf(line, sizeof(line),
	    "from %.900s (evil.test [203.0.113.7])\n\tby other.test (Postfix) with ESMTP id "
	    "C951EA72936\n\tfor <%.900s>; date",
	    helo, helo);
	fuzz_require(!received_read(line, host.hostname, &pass));
}

static void check_pass(const struct received_pass *pass)
{
	struct queue_id id;

	fuzz_require(memchr(pass->login, '\0', sizeof(pass->login)));
	fuzz_require(!strpbrk(pass->login, "?()"));
	fuzz_require(!pass->queue_id.text[0] ||
		     queue_id_parse(pass->queue_id.text, strlen(pass->queue_id.text), &id) == 0);
	fuzz_require(pass->uid >= -1 && pass->uid <= UINT32_MAX);
	fuzz_require(pass->uid < 0 || !pass->by_smtp);
	fuzz_require(pass->by_smtp || pass->queue_id.text[0]);
	fuzz_require(!pass->plain || !pass->login[0]);
}

/* In a remote client's file the lines below mean nothing. */
static void check_remote(const struct queue_route *route)
{
	struct message m;

	message_init(&m);
	m.origin = ORIGIN_QUEUE;
	m.queued.known = true;
	fuzz_require(net_parse("203.0.113.7", &m.queued.client) == 0);
	m.queued.log_client = m.queued.client;
	fuzz_require(queue_id_parse("A1B2CA73701", 11, &m.queue_id) == 0);
	m.queued.log_ident = m.queue_id.text;
	queue_route_judge(route, &host, &m);
	fuzz_require(m.flags == 0 && m.queued.uid == -1);
	fuzz_require(!m.first.queue_id.text[0] && !m.first.login[0] && m.first.client.family == 0);
}

/* In a local client's file every fact comes from one of the lines. */
static void check_local(const struct queue_route *route)
{
	struct message m;
	bool told = false;

	message_init(&m);
	m.origin = ORIGIN_QUEUE;
	m.queued.known = true;
	fuzz_require(net_parse("127.0.0.1", &m.queued.client) == 0);
	queue_route_judge(route, &host, &m);
	for (unsigned n = 0; n < route->count; n++)
		told |= strcmp(route->lines[n].login, m.first.login) == 0 &&
			queue_id_equal(&route->lines[n].queue_id, &m.first.queue_id) &&
			net_equal(&route->lines[n].client, &m.first.client);
	told |= !m.first.login[0] && !m.first.queue_id.text[0] && m.first.client.family == 0;
	fuzz_require((m.flags & MESSAGE_UNJOINED) ? told : m.first.queue_id.text[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct queue_route route;
	char *copy = malloc(size + 1), *line = copy;

	fuzz_require(copy != NULL);
	memcpy(copy, data, size);
	copy[size] = '\0';
	queue_route_clear(&route);
	for (unsigned n = 0; n < LINES && line; n++) {
		char *newline = strchr(line, '\n');

		if (newline)
			*newline++ = '\0';
		if (n == 0)
			check_own(line);
		else
			queue_route_take(&route, line, n == 1, &host);
		line = newline;
	}
	for (unsigned n = 0; n < route.count; n++)
		check_pass(&route.lines[n]);
	check_remote(&route);
	check_local(&route);
	free(copy);
	return 0;
}
