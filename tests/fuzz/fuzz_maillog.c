/* SPDX-License-Identifier: ISC */
/*
 * A mail log of hostile lines (floods --try), up to the detector. Each message is counted once, has
 * a queue ID and some recipients, and came at a time in its line.
 */
#include "tests/fuzz/fuzz.h"

#include "base/clock.h"
#include "flood/maillog.h"
#include "mail/address/address.h"

struct fuzz {
	struct flood *flood;
	uint64_t messages, recipients, bad;
};

static void on_message(void *arg, const struct flood_message *m)
{
	struct fuzz *f = arg;
	struct queue_id id;

	fuzz_require(queue_id_parse(m->queue_id, strlen(m->queue_id), &id) == 0);
	fuzz_require(m->recipients >= 1 && m->recipients <= 100000);
	fuzz_require(m->now % USEC_PER_SEC == 0);
	fuzz_require(strlen(m->login) < 128 && strlen(m->sender) <= ADDRESS_MAX);
	fuzz_require(!m->local || (!*m->login && !m->client.family));
	f->messages++;
	f->recipients += m->recipients;
	flood_feed(f->flood, m);
}

static void on_bad(void *arg, enum flood_kind kind, const char *key, int64_t now)
{
	struct fuzz *f = arg;

	fuzz_require(kind == FLOOD_LOGIN || kind == FLOOD_LOCAL);
	f->bad++;
	flood_undelivered(f->flood, kind, key, (uint32_t)f->bad, now);
}

static struct flood *new_flood(void)
{
	struct flood_config config = {.secret = {1, 2}};

	memcpy(config.limits, flood_defaults, sizeof(config.limits));
	return flood_new(&config);
}

/* Reads the whole input as lines; *ret_lines is their number. */
static void read_all(struct maillog *l, char *text, uint64_t *ret_lines)
{
	for (char *line; (line = strsep(&text, "\n")); ++*ret_lines) {
		if (*ret_lines == 0)
			maillog_file(l, maillog_first(line, INT64_C(1796000000)));
		maillog_line(l, line, strlen(line) > MAILLOG_LINE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flood *flood; /* large, so reused as it is left */
	struct fuzz f = {.flood = flood ? flood : new_flood()};
	struct maillog *l = maillog_new(on_message, on_bad, &f);
	char *text = malloc(size + 1);
	uint64_t lines = 0;

	flood = f.flood;
	fuzz_require(f.flood && l && text);
	memcpy(text, data, size);
	text[size] = '\0';
	read_all(l, text, &lines);
	const struct maillog_counts *c = maillog_counts(l);
	fuzz_require(c->lines == lines && c->broken <= lines);
	fuzz_require(c->messages == f.messages && c->recipients == f.recipients);
	fuzz_require(f.messages <= lines && f.bad <= f.messages);
	maillog_free(l);
	free(text);
	return 0;
}
