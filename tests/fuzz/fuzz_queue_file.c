/* SPDX-License-Identifier: ISC */
/*
 * Queue files: whatever the bytes, what is read of them keeps its bounds and is the same from
 * memory and from a file.
 */
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

/* Through a descriptor, where it is read by windows. */
static void check_file(const uint8_t *data, size_t size, const struct identity *want, int want_code)
{
	int fd = memfd_create("queue-file", MFD_CLOEXEC);
	struct identity id;
	int code;

	fuzz_require(fd >= 0);
	fuzz_require(write(fd, data, size) == (ssize_t)size);
	code = queue_file_identity(fd, &id);
	close(fd);
	fuzz_require(code == want_code);
	fuzz_require(id.arrival_time == want->arrival_time && id.create_time == want->create_time);
	fuzz_require(id.client_port == want->client_port && net_equal(&id.client, &want->client));
	fuzz_require(id.has_sender == want->has_sender && strcmp(id.sender, want->sender) == 0);
	fuzz_require(want->size >= 0 ? id.size == want->size : id.size == (int64_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct identity id;
	int code = queue_file_identity_parse(data, size, &id);

	check(&id, code);
	check_file(data, size, &id, code);
	return 0;
}
