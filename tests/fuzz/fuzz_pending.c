/* SPDX-License-Identifier: ISC */
/* The bytes of a slot that a killed daemon left. */
#include "index/pending/flat.h"
#include "index/rows/record.h"
#include "tests/fuzz/fuzz.h"

static volatile size_t sink;

static void use_list(const struct strlist *list)
{
	strlist_each (item, list)
		sink = strlen(item);
}

/* What can be read makes a record, and is written again as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes record = {0};
	struct message m, copy;
	struct strlist fields;
	unsigned char *again;

	if (flat_read((struct span){.at = data, .len = size}, &m, &fields) != 0)
		return 0;
	use_list(&m.from);
	use_list(&m.recipients);
	use_list(&fields);
	record_encode(&m, &record);
	fuzz_require(record.failed || record_decode(bytes_span(&record), &copy) == 0);
	bytes_release(&record);
	again = malloc(size);
	fuzz_require(again && flat_write(&m, &fields, again, size) == size);
	free(again);
	return 0;
}
