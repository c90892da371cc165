/* SPDX-License-Identifier: ISC */
/*
 * Queue files as messages: whatever the bytes, what is read keeps its bounds, is the same from
 * memory and from a file, and makes a record that decodes to the same message. No bytes make a
 * notice of a file that has a sender or a client.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "index/rows/record.h"
#include "postfix/file/queue_message.h"
#include "tests/fuzz/fuzz.h"

#define RECIPIENTS 5

static void check_record(const struct message *m)
{
	struct bytes record = {0};
	struct message back;

	record_encode(m, &record);
	fuzz_require(record_decode(bytes_span(&record), &back) == 0);
	fuzz_require(back.origin == ORIGIN_SCAN && back.mail_time == m->mail_time);
	fuzz_require(strcmp(back.sender, m->sender) == 0 && strcmp(back.login, m->login) == 0);
	fuzz_require(strcmp(back.message_id, m->message_id) == 0);
	fuzz_require(back.from.count == m->from.count && back.from.bytes == m->from.bytes);
	fuzz_require(back.recipients.count == m->recipients.count);
	bytes_release(&record);
}

static void check(const struct queue_message *m)
{
	const struct message *out = &m->message;

	fuzz_require(out->mail_time >= 0 && out->mail_time == m->identity.arrival_time);
	fuzz_require(out->recipients.count <= RECIPIENTS);
	fuzz_require(out->recipients.count == out->recipient_count ||
		     (out->flags & MESSAGE_CUT_RECIPIENTS) != 0);
	fuzz_require(strlen(out->login) <= MESSAGE_TEXT_MAX);
	fuzz_require(strlen(out->message_id) <= MESSAGE_TEXT_MAX);
	fuzz_require(m->user >= -1 && m->user <= UINT32_MAX);
	if (queue_message_is_notice(m, "rig.test"))
		fuzz_require(out->sender[0] == '\0' && out->client.family == 0 && m->user < 0);
	check_record(out);
}

static void check_same(const struct queue_message *a, const struct queue_message *b)
{
	fuzz_require(strcmp(a->message.sender, b->message.sender) == 0);
	fuzz_require(a->message.recipient_count == b->message.recipient_count);
	fuzz_require(a->message.from.count == b->message.from.count);
	fuzz_require(a->message.flags == b->message.flags);
	fuzz_require(a->user == b->user || b->user >= 0); /* a file has an owner */
	fuzz_require(
	    queue_message_is_notice(a, "rig.test") == queue_message_is_notice(b, "rig.test"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct queue_id id = {"A1B2CA73701"};
	struct queue_message memory = {.user = -1}, file = {.user = -1};
	int fd = memfd_create("queue-file", MFD_CLOEXEC);
	int code = queue_message_parse(data, size, &id, RECIPIENTS, &memory);

	fuzz_require(code == 0 || code == ERR_SYNTAX);
	fuzz_require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	fuzz_require(queue_message_read(fd, &id, RECIPIENTS, &file) == code);
	close(fd);
	if (code == 0) {
		check(&memory);
		check_same(&memory, &file);
	}
	queue_message_release(&memory);
	queue_message_release(&file);
	return 0;
}
