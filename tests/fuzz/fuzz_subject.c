/* SPDX-License-Identifier: ISC */
/*
 * A Subject in the form to which --subject is compared. It is bounded, UTF-8, without controls,
 * without invisible marks, and without blanks at its ends or side by side. A text without encoded
 * words that has this form keeps it.
 */
#include "mail/subject.h"
#include "tests/fuzz/fuzz.h"

static void check_form(const struct strbuf *s)
{
	const char *text = strbuf_text(s);
	uint32_t point;
	size_t step;

	fuzz_require(s->len <= SUBJECT_MAX && strlen(text) == s->len && str_is_utf8(text));
	fuzz_require(*text != ' ' && (s->len == 0 || text[s->len - 1] != ' '));
	fuzz_require(!strstr(text, "  "));
	for (size_t at = 0; at < s->len; at += step) {
		step = str_utf8(text + at, s->len - at, &point);
		fuzz_require(step > 0 && !str_is_unsafe(point));
	}
}

/* More words than converters may be opened for. */
static bool has_many_words(const uint8_t *data, size_t size)
{
	unsigned words = 0;

	for (size_t at = 1; at < size; at++)
		words += data[at - 1] == '=' && data[at] == '?';
	return words > 64;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf once = {0}, twice = {0};
	bool cut = subject_normal((const char *)data, size, &once);

	check_form(&once);
	fuzz_require(!cut || once.len > SUBJECT_MAX - 5 || has_many_words(data, size));
	(void)!subject_normal(strbuf_text(&once), once.len, &twice);
	check_form(&twice);
	if (!strstr(strbuf_text(&once), "=?"))
		fuzz_require(strcmp(strbuf_text(&once), strbuf_text(&twice)) == 0);
	strbuf_release(&once);
	strbuf_release(&twice);
	return 0;
}
