/* SPDX-License-Identifier: ISC */
/*
 * The content of queue files: for any bytes, reading ends, the content is no longer than the file,
 * and a field keeps its bounds.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "postfix/file/content.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int from = memfd_create("queue-file", MFD_CLOEXEC), to = memfd_create("eml", MFD_CLOEXEC);
	char field[64];
	int code;

	fuzz_require(from >= 0 && to >= 0);
	fuzz_require(write(from, data, size) == (ssize_t)size);
	code = content_write(from, to);
	fuzz_require(code == 0 || code == ERR_SYNTAX);
	/* Each record is read once, except in loops of pointers, which are few. */
	fuzz_require(code < 0 || lseek(to, 0, SEEK_END) <= (off_t)(size * size));
	memset(field, 0x7e, sizeof(field));
	if (content_field(from, "Subject", field, sizeof(field)))
		fuzz_require(memchr(field, '\0', sizeof(field)));
	close(from);
	close(to);
	return 0;
}
