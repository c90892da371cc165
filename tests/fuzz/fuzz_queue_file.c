/* SPDX-License-Identifier: ISC */
/* Queue files: for any bytes, the facts read from them keep their bounds. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "postfix/file/queue_file.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct identity *id, int code)
{
	struct address address;

	fuzz_require(code == 0 || code == ERR_SYNTAX);
	fuzz_require(id->arrival_time >= -1 && id->create_time >= -1 && id->size >= -1);
	fuzz_require(code != 0 || id->arrival_time >= 0);
	fuzz_require(memchr(id->sender, '\0', sizeof(id->sender)));
	fuzz_require(id->has_sender || id->sender[0] == '\0');
	address_split(id->sender, &address);
	fuzz_require(strcmp(address.text, id->sender) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("queue-file", MFD_CLOEXEC);
	struct identity id;
	struct stat st;
	int code;

	fuzz_require(fd >= 0 && write(fd, data, size) == (ssize_t)size && fstat(fd, &st) == 0);
	code = queue_file_identity(fd, &st, &id);
	check(&id, code);
	close(fd);
	return 0;
}
