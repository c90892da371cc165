/* SPDX-License-Identifier: ISC */
/*
 * The stream of postqueue -j: any bytes are read to their end, what is handed over keeps its
 * bounds, and each line is either visited or counted.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "mail/queue_id.h"
#include "postfix/tool/postqueue.h"
#include "tests/fuzz/fuzz.h"

static int visit(void *arg, const struct postqueue_entry *entry)
{
	char address[POSTQUEUE_TEXT_MAX], reason[POSTQUEUE_TEXT_MAX];
	uint64_t *visited = arg;
	struct queue_id id;

	fuzz_require(queue_id_parse(entry->queue_id.text, strlen(entry->queue_id.text), &id) == 0);
	fuzz_require((entry->queue & QUEUE_ALL) && (entry->queue & (entry->queue - 1)) == 0);
	fuzz_require(entry->arrival_time >= 0);
	for (size_t n = 0; n <= entry->recipients; n++) {
		postqueue_recipient(entry, n, address, reason);
		fuzz_require(strlen(address) < POSTQUEUE_TEXT_MAX);
		fuzz_require(strlen(reason) < POSTQUEUE_TEXT_MAX);
		fuzz_require(!strpbrk(reason, "\n\r\033"));
	}
	++*visited;
	return 0;
}

static uint64_t count_lines(const uint8_t *data, size_t size)
{
	uint64_t lines = 0;

	for (size_t n = 0; n < size; n++)
		lines += data[n] == '\n';
	return lines + (size > 0 && data[size - 1] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint64_t visited = 0, unread = 0;
	struct err err = {{0}};

	if (fd < 0)
		fd = memfd_create("lines", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size, 0) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	fuzz_require(postqueue_read(fd, visit, &visited, &unread, &err) == 0);
	fuzz_require(visited + unread == count_lines(data, size));
	fuzz_require((unread > 0) == (err.text[0] != '\0'));
	return 0;
}
