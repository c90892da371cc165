/* SPDX-License-Identifier: ISC */
/* Domains in normal form against libidn2's own answer, asked directly and judged by the letter of
 * the host name rules. */
#include <idn2.h>

#include "base/str.h"
#include "mail/domain.h"
#include "tests/fuzz/fuzz.h"

/* RFC 952 and 1123 with '_': labels of 1 to 63, 253 in all. */
static bool is_host_name(const char *text)
{
	size_t label = 0, len = strlen(text);

	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = text[i];

		if (c == '.' || c == '\0') {
			if (label == 0 || label > 63 || text[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", c) ||
		    (c == '-' && label == 0))
			return false;
		label++;
	}
	return true;
}

static void drop_dot(char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && text[len - 1] == '.' && text[len - 2] != '.')
		text[len - 1] = '\0';
}

static bool holds_a_label(const char *text)
{
	return strncmp(text, "xn--", 4) == 0 || strstr(text, ".xn--");
}

/* What libidn2 makes of it, where that is a host name which it leaves as it is. */
static bool opinion(const char *text, char *ret, size_t size)
{
	uint8_t *out = NULL, *again = NULL;
	bool ok = false;

	if (idn2_lookup_u8((const uint8_t *)text, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return false;
	snprintf(ret, size, "%s", (const char *)out);
	drop_dot(ret);
	if (strlen((const char *)out) < size && is_host_name(ret))
		ok =
		    !holds_a_label(ret) || (idn2_lookup_u8((const uint8_t *)ret, &again,
						IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
					       strcmp((const char *)again, ret) == 0);
	idn2_free(out);
	idn2_free(again);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[600], other[2048];
	struct domain got;
	bool ascii = true;

	if (size == 0 || size >= sizeof(text) || memchr(data, '\0', size))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < size; i++)
		ascii &= data[i] < 0x80;
	domain_normal(text, size, &got);
	drop_dot(text);                            /* as Postfix does, before anything else */
	for (size_t i = 0; ascii && i < size; i++) /* libidn2 has no say beyond punycode */
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] - 'A' + 'a');
	bool is_name = ascii && !holds_a_label(text) ? is_host_name(text)
						     : opinion(text, other, sizeof(other));
	if (ascii && holds_a_label(text))
		is_name = is_name && strcmp(other, text) == 0;
	fuzz_require((got.kind == DOMAIN_NAME) == is_name);
	if (is_name)
		fuzz_require(strcmp(got.text, ascii ? text : other) == 0);
	return 0;
}
