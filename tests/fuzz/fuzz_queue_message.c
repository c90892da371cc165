/* SPDX-License-Identifier: ISC */
/*
 * Queue files as messages: for any bytes the result keeps its bounds, is the same if the reader was
 * used before, and makes a record that decodes to the same message. No bytes make a notice of a
 * file that has a sender or a client, or let a remote client name another one's login.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "index/rows/record.h"
#include "postfix/file/queue_message.h"
#include "tests/fuzz/fuzz.h"

#define RECIPIENTS 5

static const struct queue_host host = {.hostname = "rig.test", .mail_owner = 102};

static void require_same_list(const struct strlist *a, const struct strlist *b)
{
	fuzz_require(a->count == b->count && a->bytes == b->bytes);
	fuzz_require(a->bytes == 0 || memcmp(a->first, b->first, a->bytes) == 0);
}

static void require_same(const struct message *a, const struct message *b)
{
	fuzz_require(a->flags == b->flags && a->origin == b->origin);
	fuzz_require(a->queued.arrival_time == b->queued.arrival_time);
	fuzz_require(strcmp(a->queued.sender, b->queued.sender) == 0);
	fuzz_require(strcmp(a->queued.login, b->queued.login) == 0);
	fuzz_require(strcmp(a->queued.message_id, b->queued.message_id) == 0);
	fuzz_require(strcmp(a->queued.log_ident, b->queued.log_ident) == 0);
	require_same_list(&a->queued.from, &b->queued.from);
	require_same_list(&a->queued.recipients, &b->queued.recipients);
	require_same_list(&a->queued.originals, &b->queued.originals);
	fuzz_require(a->queued.recipient_count == b->queued.recipient_count);
	fuzz_require(a->queued.uid == b->queued.uid);
	fuzz_require(queue_id_equal(&a->first.queue_id, &b->first.queue_id));
	fuzz_require(strcmp(a->first.login, b->first.login) == 0);
	fuzz_require(net_equal(&a->first.client, &b->first.client));
}

static void check_record(const struct message *m)
{
	struct bytes record = {0};
	struct message back;

	record_encode(m, &record);
	fuzz_require(record_decode(bytes_span(&record), &back) == 0);
	require_same(m, &back);
	bytes_release(&record);
}

static void check_normal(const char *text)
{
	struct address address;

	address_split(text, &address);
	fuzz_require(strcmp(address.text, text) == 0);
}

static void check(const struct queue_message *m)
{
	const struct message *out = &m->message;
	const struct queued *q = &out->queued;

	fuzz_require(out->origin == ORIGIN_QUEUE && q->known && out->recipients.count == 0);
	fuzz_require(q->arrival_time >= 0 && q->arrival_time == m->identity.arrival_time);
	fuzz_require(q->recipients.count <= RECIPIENTS);
	fuzz_require(q->originals.count == q->recipients.count);
	fuzz_require(q->recipients.count == q->recipient_count ||
		     (out->flags & MESSAGE_CUT_QUEUED_RECIPIENTS) != 0);
	fuzz_require(strlen(q->login) <= MESSAGE_TEXT_MAX);
	fuzz_require(strlen(q->message_id) <= MESSAGE_TEXT_MAX);
	fuzz_require(q->uid >= -1 && q->uid <= UINT32_MAX);
	check_normal(q->sender);
	strlist_each (recipient, &q->recipients)
		check_normal(recipient);
	strlist_each (original, &q->originals)
		check_normal(original);
	if (out->flags & MESSAGE_NOTICE)
		fuzz_require(q->sender[0] == '\0' && q->client.family == 0 && q->uid < 0);
	if (!join_is_local(&q->client, NULL, 0))
		fuzz_require(!out->first.login[0] && !(out->flags & MESSAGE_UNJOINED));
	check_record(out);
}

/* Any subject either matches or does not, unless something is missing. */
static const struct selector *selector(void)
{
	static struct selector s;
	struct pattern p = {0};

	if (s.subject.count == 0) {
		fuzz_require(pattern_parse("/^[a-m]|=/i", &p, NULL) == 0);
		fuzz_require(pattern_set_add(&s.subject, &p) == 0);
	}
	return &s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct queue_id id = {"A1B2CA73701"};
	static struct queue_message used;
	struct queue_message fresh = {.mailboxes.selector = selector()};
	int fd = memfd_create("queue-file", MFD_CLOEXEC);
	int code;

	used.mailboxes.selector = selector();
	fuzz_require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	code = queue_message_read(fd, &id, &host, RECIPIENTS, &fresh);
	fuzz_require(code == 0 || code == ERR_SYNTAX);
	fuzz_require(queue_message_read(fd, &id, &host, RECIPIENTS, &used) == code);
	close(fd);
	if (code == 0) {
		check(&fresh);
		require_same(&fresh.message, &used.message);
		fuzz_require(fresh.subject == used.subject);
		fuzz_require(fresh.subject != SELECTOR_UNSURE || !fresh.finished ||
			     fresh.header.cut || fresh.mailboxes.subject_unsure);
	}
	queue_message_release(&fresh);
	return 0;
}
