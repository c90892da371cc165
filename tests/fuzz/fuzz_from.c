/* SPDX-License-Identifier: ISC */
/*
 * Header From fields: mailboxes are in normal form, counted, capped, and recorded once; a caller
 * that looks them up gets all.
 */
#include "mail/address/from.h"
#include "tests/fuzz/fuzz.h"

static void check_normal(const char *text)
{
	struct address address;

	address_split(text, &address);
	fuzz_require(strcmp(address.text, text) == 0);
	fuzz_require(text[0] != '\0');
}

static void check_list(const struct from_list *from)
{
	struct strlist list = strlist_of(&from->packed);

	fuzz_require(list.count == from->count && from->count <= FROM_MAILBOX_MAX);
	strlist_each (item, &list) {
		check_normal(item);
		for (const char *other = item + strlen(item) + 1; other < list.first + list.bytes;
		     other += strlen(other) + 1)
			fuzz_require(strcmp(item, other) != 0);
	}
}

static bool holds(const struct from_list *from, const char *text)
{
	struct strlist list = strlist_of(&from->packed);

	strlist_each (item, &list)
		if (strcmp(item, text) == 0)
			return true;
	return false;
}

/* A separate field, after any other, still yields its author. */
static void check_author(struct from_list *from)
{
	static const char author[] = "\"A, B\" <author@example.com>";
	bool cut = from->cut;

	if (from->count == FROM_MAILBOX_MAX)
		return;
	from_scan(from, author, strlen(author));
	fuzz_require(from->cut == cut && holds(from, "author@example.com"));
}

struct told {
	const struct from_list *from;
	unsigned count;
};

static void take(void *arg, const struct address *mailbox)
{
	struct told *told = arg;

	check_normal(mailbox->text);
	fuzz_require(told->from->count == FROM_MAILBOX_MAX || holds(told->from, mailbox->text));
	told->count++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct from_list silent = {0}, told = {0};
	struct told all = {.from = &told};
	unsigned count;
	bool cut;

	from_scan(&silent, text, size);
	check_list(&silent);
	told.taken = take;
	told.arg = &all;
	from_scan(&told, text, size);
	fuzz_require(told.count == silent.count && told.cut == silent.cut);
	fuzz_require(all.count >= told.count);
	fuzz_require(told.packed.len == 0 ||
		     memcmp(told.packed.text, silent.packed.text, told.packed.len) == 0);
	/* The same field again adds nothing. */
	count = silent.count;
	cut = silent.cut;
	from_scan(&silent, text, size);
	fuzz_require(silent.count == count && silent.cut == cut);
	check_author(&silent);
	from_release(&silent);
	from_release(&told);
	return 0;
}
