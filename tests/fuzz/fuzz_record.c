/* SPDX-License-Identifier: ISC */
/* Stored records. The first pass takes the bytes as they are, the second with a matching
 * checksum. */
#include "index/rows/record.h"
#include "tests/fuzz/fuzz.h"

static volatile size_t sink;

static void use_head(struct span span)
{
	struct record_head head;
	struct span key;
	size_t at = 0, total = 0;
	uint32_t count = 0;

	if (record_head(span, &head) != 0)
		return;
	while (record_next_author(&head, &at, &key) == 1) {
		for (size_t i = 0; i < key.len; i++)
			total += ((const unsigned char *)key.at)[i];
		count++;
	}
	fuzz_require(count == head.author_count);
	sink = total;
}

static void use_list(const struct strlist *list)
{
	strlist_each (item, list)
		sink = strlen(item);
}

/* Every text ends within the record. */
static void use_texts(const struct message *m)
{
	sink = strlen(m->sender) + strlen(m->login) + strlen(m->message_id) + strlen(m->subject);
	use_list(&m->from);
	use_list(&m->recipients);
	if (m->first.login)
		sink = strlen(m->first.login);
	sink = strlen(m->first.queue_id.text);
	if (!m->queued.known)
		return;
	sink = strlen(m->queued.sender) + strlen(m->queued.login) + strlen(m->queued.message_id) +
	       strlen(m->queued.log_ident);
	use_list(&m->queued.from);
	use_list(&m->queued.recipients);
	use_list(&m->queued.originals);
}

static void use_message(const struct message *m)
{
	struct bytes again = {0};
	struct message copy;

	use_texts(m);
	/* A decoded record can be encoded, and the result is the same. Its authors are computed
	 * anew. */
	record_encode(m, &again);
	fuzz_require(again.failed || record_decode(bytes_span(&again), &copy) == 0);
	fuzz_require(again.failed || strcmp(copy.sender, m->sender) == 0);
	fuzz_require(again.failed || copy.recipients.count == m->recipients.count);
	fuzz_require(again.failed || copy.queued.known == m->queued.known);
	fuzz_require(again.failed || copy.queued.recipients.count == m->queued.recipients.count);
	fuzz_require(again.failed || copy.queued.inode == m->queued.inode);
	bytes_release(&again);
}

static void try(struct span span)
{
	struct message m;
	int code = record_decode(span, &m);

	if (code == 0)
		use_message(&m);
	fuzz_require(code != 0 || record_peek(span, &m) == 0);
	if (record_peek(span, &m) == 0)
		use_texts(&m);
	use_head(span);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes sealed = {0};
	unsigned char *exact;

	try((struct span){.at = data, .len = size});
	if (size <= 9)
		return 0;
	bytes_put(&sealed, data, size);
	if (!sealed.failed) {
		bytes_set_u64(&sealed, 1, bytes_hash(sealed.at + 9, size - 9));
		exact = malloc(size);
		if (exact) {
			memcpy(exact, sealed.at, size);
			try((struct span){.at = exact, .len = size});
			free(exact);
		}
	}
	bytes_release(&sealed);
	return 0;
}
