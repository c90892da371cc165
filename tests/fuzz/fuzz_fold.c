/* SPDX-License-Identifier: ISC */
/* Reasons: folding ends and keeps its bounds, also on folded text. */
#include "postfix/spool/reason_fold.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf once = {0}, twice = {0};
	char *reason = malloc(size + 1);

	fuzz_require(reason);
	memcpy(reason, data, size);
	reason[size] = '\0';
	reason_fold(reason, &once);
	fuzz_require(!once.failed && once.len <= 8 * strlen(reason));
	reason_fold(strbuf_text(&once), &twice);
	fuzz_require(twice.len <= 8 * once.len);
	strbuf_release(&once);
	strbuf_release(&twice);
	free(reason);
	return 0;
}
