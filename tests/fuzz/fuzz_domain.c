/* SPDX-License-Identifier: ISC */
/*
 * Domains in normal form compared with libidn2's own answer, which is judged by the letter of the
 * host name rules, after removing invisible characters.
 */
#include <idn2.h>

#include "base/str.h"
#include "mail/address/domain.h"
#include "tests/fuzz/fuzz.h"

/* RFC 952 and 1123 with '_': labels of 1 to 63 bytes, 253 in all. */
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

static void drop_dots(char *text)
{
	size_t len = strlen(text);

	while (len > 1 && text[len - 1] == '.')
		text[--len] = '\0';
}

/* Some of those in domain_text.h, and the two joiners. */
static bool is_unseen(const char *at, size_t len)
{
	static const char *const unseen[] = {"\xc2\xa0", "\xc2\xad", "\xe2\x80\x8b", "\xe2\x81\xa0",
	    "\xe3\x80\x80", "\xef\xbb\xbf", "\xef\xb8\x8f"};

	for (size_t n = 0; n < COUNT_OF(unseen); n++)
		if (strlen(unseen[n]) == len && memcmp(at, unseen[n], len) == 0)
			return true;
	return false;
}

static bool is_joiner(const char *at, size_t len)
{
	return len == 3 &&
	       (memcmp(at, "\xe2\x80\x8c", 3) == 0 || memcmp(at, "\xe2\x80\x8d", 3) == 0);
}

/*
 * Removes invisible characters. Of joiners it removes all (joiners is true), or only those after
 * ASCII and repeated ones. False: the text has bytes that are not judged here.
 */
static bool take_out(const char *from, char *to, bool joiners)
{
	bool ascii = true, joined = false;

	for (size_t len; *from; from += len) {
		uint32_t point = 0;

		len = str_utf8(from, strlen(from), &point);
		if (len == 0 || point < ' ' || point == 0x7f)
			return false;
		if (is_unseen(from, len))
			continue;
		if (is_joiner(from, len)) {
			if (joiners || ascii || joined)
				continue;
		} else if (str_is_unsafe(point) || point == 0x34f ||
			   (point >= 0x115f && point < 0x3400) || point >= 0xfe00) {
			return false;
		}
		ascii = len == 1;
		joined = is_joiner(from, len);
		memcpy(to, from, len);
		to += len;
	}
	*to = '\0';
	return true;
}

static bool holds_a_label(const char *text)
{
	return strncmp(text, "xn--", 4) == 0 || strstr(text, ".xn--");
}

/* libidn2's result, if it is a host name that libidn2 leaves unchanged. */
static bool opinion(const char *text, char *ret, size_t size)
{
	uint8_t *out = NULL, *again = NULL;
	bool ok = false;

	if (idn2_lookup_u8((const uint8_t *)text, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return false;
	snprintf(ret, size, "%s", (const char *)out);
	drop_dots(ret);
	if (strlen((const char *)out) < size && is_host_name(ret))
		ok =
		    !holds_a_label(ret) || (idn2_lookup_u8((const uint8_t *)ret, &again,
						IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
					       strcmp((const char *)again, ret) == 0);
	idn2_free(out);
	idn2_free(again);
	return ok;
}

/* The name in text, in lower case, without trailing dots; "" if it is none. */
static void name_of(const char *text, char *ret, size_t size)
{
	bool ascii = true, ok;

	for (const char *at = text; *at; at++)
		ascii &= (unsigned char)*at < 0x80;
	if (ascii && !holds_a_label(text)) { /* libidn2 decides no further than punycode */
		snprintf(ret, size, "%s", is_host_name(text) ? text : "");
		return;
	}
	ok = opinion(text, ret, size);
	if (!ok || (ascii && strcmp(ret, text) != 0))
		ret[0] = '\0';
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = str_lower(*text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[600], joined[600], plain[600], want[2048];
	struct domain got, again;

	if (size == 0 || size >= sizeof(text) || memchr(data, '\0', size))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	domain_normal(text, size, &got);
	fuzz_require(!domain_normal(got.text, strlen(got.text), &again));
	fuzz_require(domain_equal(&got, &again));
	(void)!domain_unmapped(text, size, &again);
	fuzz_require(again.kind != DOMAIN_NAME || domain_equal(&got, &again));
	if (!take_out(text, joined, false) || !take_out(text, plain, true))
		return 0;
	lower(joined);
	lower(plain);
	drop_dots(joined);
	drop_dots(plain);
	name_of(joined, want, sizeof(want));
	if (!want[0])
		name_of(plain, want, sizeof(want));
	fuzz_require((got.kind == DOMAIN_NAME) == (want[0] != '\0'));
	if (want[0])
		fuzz_require(strcmp(got.text, want) == 0);
	return 0;
}
