/* SPDX-License-Identifier: ISC */
/* Header From fields: what is reported is in normal form, counted, capped, and reported once. */
#include "mail/from.h"
#include "tests/fuzz/fuzz.h"

static void check_list(const struct strlist *list)
{
	strlist_each (item, list) {
		struct address address;

		address_split(item, &address);
		fuzz_require(strcmp(address.text, item) == 0);
		fuzz_require(item[0] != '\0');
		for (const char *other = item + strlen(item) + 1; other < list->first + list->bytes;
		     other += strlen(other) + 1)
			fuzz_require(strcmp(item, other) != 0);
	}
}

/* A field of its own, after any other, still has its author. */
static void check_author(struct strbuf *packed, unsigned count)
{
	static const char author[] = "\"A, B\" <author@example.com>";
	struct strlist list;
	bool found = false;

	if (count == FROM_MAILBOX_MAX)
		return;
	fuzz_require(!from_scan(author, strlen(author), packed, &count));
	list = strlist_of(packed);
	strlist_each (item, &list)
		found |= strcmp(item, "author@example.com") == 0;
	fuzz_require(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf packed = {0};
	unsigned count = 0, before;
	struct strlist list;
	bool cut;

	cut = from_scan(size ? (const char *)data : "", size, &packed, &count);
	list = strlist_of(&packed);
	fuzz_require(list.count == count && count <= FROM_MAILBOX_MAX);
	check_list(&list);
	/* The same field again adds nothing. */
	before = count;
	fuzz_require(from_scan(size ? (const char *)data : "", size, &packed, &count) == cut);
	fuzz_require(count == before);
	check_author(&packed, count);
	strbuf_release(&packed);
	return 0;
}
