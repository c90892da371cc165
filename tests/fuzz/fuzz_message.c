/* SPDX-License-Identifier: ISC */
/* Queue files read as messages: bounds are kept, texts are in normal form, and what came out can be
 * recorded. */
#include <sys/mman.h>
#include <unistd.h>

#include "index/rows/record.h"
#include "postfix/file/content.h"
#include "postfix/file/queue_message.h"
#include "tests/fuzz/fuzz.h"

#define RECIPIENTS 20

static void check(const struct message *m)
{
	struct bytes record = {0};
	struct message back;
	struct address address;

	address_split(m->sender, &address);
	fuzz_require(strcmp(address.text, m->sender) == 0);
	fuzz_require(m->recipients.count <= RECIPIENTS);
	fuzz_require(m->recipient_count >= m->recipients.count);
	fuzz_require(m->origin == ORIGIN_SCAN && m->mail_time >= 0);
	record_encode(m, &record);
	fuzz_require(record.failed || record_decode(bytes_span(&record), &back) == 0);
	bytes_release(&record);
}

/* The content of any file is written, or it is said to be none; never more than there is. */
static void write_content(const uint8_t *data, size_t size)
{
	int from = memfd_create("queue-file", MFD_CLOEXEC), to = memfd_create("eml", MFD_CLOEXEC);

	fuzz_require(from >= 0 && to >= 0 && write(from, data, size) == (ssize_t)size);
	(void)!content_write(from, to);
	fuzz_require(lseek(to, 0, SEEK_END) <= (off_t)(64 * size + 65536));
	close(from);
	close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct queue_message m;
	struct queue_id id;

	fuzz_require(queue_id_parse("0123456789A", 11, &id) == 0);
	if (queue_message_parse(data, size, &id, RECIPIENTS, &m) == 0) {
		check(&m.message);
		(void)queue_message_is_notice(&m, "host.example");
	}
	queue_message_release(&m);
	memset(&m, 0, sizeof(m));
	write_content(data, size);
	return 0;
}
