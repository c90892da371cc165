/* SPDX-License-Identifier: ISC */
/*
 * Defer logs, which contain remote servers' words: any bytes are read to their end, each block is
 * visited at most once, and the results keep their bounds and control no terminal.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/spool/spool.h"
#include "tests/fuzz/fuzz.h"

static char directory[] = "/tmp/pqp-reasons.XXXXXX";
static struct queue queue = {.dir = -1, .defer = 1};

static void remove_directory(void)
{
	(void)unlinkat(queue.dir, "defer/ABCDE1F", 0);
	(void)unlinkat(queue.dir, "defer", AT_REMOVEDIR);
	(void)rmdir(directory);
}

static void make_directory(void)
{
	fuzz_require(mkdtemp(directory) != NULL);
	queue.dir = open(directory, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	fuzz_require(queue.dir >= 0 && mkdirat(queue.dir, "defer", 0700) == 0);
	atexit(remove_directory);
}

static int visit(void *arg, const struct spool_reason *entry)
{
	const char *recipient = entry->recipient, *reason = entry->text;
	uint64_t *visited = arg;

	fuzz_require(recipient[0] || reason[0]);
	fuzz_require(strlen(recipient) <= SPOOL_REASON_MAX && strlen(reason) <= SPOOL_REASON_MAX);
	fuzz_require(!strpbrk(recipient, "\n\r\t\033\177") && !strpbrk(reason, "\n\r\t\033\177"));
	++*visited;
	return 0;
}

/* Blocks end at blank lines and at the end. */
static uint64_t count_blocks(const uint8_t *data, size_t size)
{
	uint64_t blocks = 1;

	for (size_t n = 0; n < size; n++)
		blocks += data[n] == '\n' && (n == 0 || data[n - 1] == '\n');
	return blocks;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t visited = 0;
	struct queue_id id;
	int fd;

	if (queue.dir < 0)
		make_directory();
	fd = openat(queue.dir, "defer/ABCDE1F", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fuzz_require(fd >= 0 && io_write_all(fd, data, size) == 0 && close(fd) == 0);
	fuzz_require(queue_id_parse("ABCDE1F", 7, &id) == 0);
	fuzz_require(spool_reasons_visit(&queue, &id, visit, &visited) == 0);
	fuzz_require(visited <= count_blocks(data, size));
	return 0;
}
