/* SPDX-License-Identifier: ISC */
/* The output of the walk's child. The input is a byte, the number of known IDs, then the report.
 * The result keeps its bounds. */
#include "postfix/spool/walk.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct walked *w, size_t known)
{
	struct queue_id again;
	size_t last = 0;

	fuzz_require(w->nameless_count <= known && w->known_there <= known);
	for (size_t n = 0; n < w->nameless_count; n++) {
		fuzz_require(w->nameless[n] < known && (n == 0 || w->nameless[n] > last));
		last = w->nameless[n];
	}
	for (size_t n = 0; n < w->to_read_count; n++) {
		const char *text = w->to_read[n].queue_id.text;

		fuzz_require(memchr(text, '\0', QUEUE_ID_MAX + 1));
		fuzz_require(queue_id_parse(text, strlen(text), &again) == 0);
	}
	fuzz_require(strlist_of(&w->unreadable).count <= WALK_NAMED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob blob = {0};
	struct walked w;
	void *copy;

	if (size == 0)
		return 0;
	copy = malloc(size); /* a child's memory is aligned */
	fuzz_require(copy);
	memcpy(copy, data + 1, size - 1);
	blob.at = copy;
	blob.len = size - 1;
	if (walked_parse(&w, &blob, data[0]) == 0) {
		check(&w, data[0]);
		walked_release(&w);
	}
	free(copy);
	return 0;
}
