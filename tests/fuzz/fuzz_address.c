/* SPDX-License-Identifier: ISC */
/* Envelope addresses, domains and their keys: any bytes have one normal form, which is stable. */
#include "mail/address/address.h"
#include "tests/fuzz/fuzz.h"

static void require_same(const struct address *a, const struct address *b)
{
	fuzz_require(strcmp(a->text, b->text) == 0);
	fuzz_require(a->local_len == b->local_len);
	fuzz_require(domain_equal(&a->domain, &b->domain));
	fuzz_require(address_same(a->text, b->text));
}

static void check_address(const char *argument, const char *origin)
{
	struct address got, again;
	const char *at;

	address_envelope(argument, origin, &got);
	address_split(got.text, &again);
	require_same(&got, &again);
	at = strrchr(got.text, '@');
	fuzz_require(got.local_len == (at ? (size_t)(at - got.text) : strlen(got.text)));
	fuzz_require(strcmp(at ? at + 1 : "", got.domain.text) == 0);
	fuzz_require((got.text[0] == '\0') == (got.domain.kind == DOMAIN_NULL));
	fuzz_require((got.domain.text[0] == '\0') == (got.domain.kind <= DOMAIN_NULL));
}

static void check_domain(const char *bytes, size_t len, struct domain *ret)
{
	struct domain again;

	domain_normal(bytes, len, ret);
	fuzz_require(!domain_normal(ret->text, strlen(ret->text), &again));
	fuzz_require(domain_equal(ret, &again));
	if (ret->kind == DOMAIN_NAME)
		fuzz_require(strspn(ret->text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
			     strlen(ret->text));
}

/* Keys of two domains: equal if the domains are, and one the prefix of the other for a
 * subdomain. */
static void check_keys(const struct domain *a, const struct domain *b)
{
	unsigned char key_a[DOMAIN_KEY_MAX], key_b[DOMAIN_KEY_MAX];
	size_t len_a = domain_key(a, key_a), len_b = domain_key(b, key_b);
	bool labels = a->kind == DOMAIN_NAME || a->kind == DOMAIN_RAW;
	bool b_labels = b->kind == DOMAIN_NAME || b->kind == DOMAIN_RAW;
	bool same = len_a == len_b && memcmp(key_a, key_b, len_a) == 0;
	bool begins = len_b < len_a && memcmp(key_a, key_b, len_b) == 0;

	fuzz_require(same == domain_equal(a, b));
	fuzz_require(!memchr(key_a, 0, len_a < DOMAIN_KEY_MAX ? len_a : DOMAIN_KEY_PLAIN + 1));
	if (len_a <= DOMAIN_KEY_PLAIN)
		fuzz_require((key_a[len_a - 1] == '.') == labels);
	if (b_labels && len_b <= DOMAIN_KEY_PLAIN)
		fuzz_require(begins == domain_below(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct domain whole, half;
	size_t split = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_address(text, NULL);
	check_address(text, "origin.example");
	/*
	 * The first line break splits the bytes into two domains to compare. Without one, the
	 * second begins after the first dot.
	 */
	split = strcspn(text, "\n");
	if (split >= size)
		split = strcspn(text, ".");
	check_domain(text, split < size && text[split] == '\n' ? split : size, &whole);
	check_domain(
	    text + (split < size ? split + 1 : 0), size - (split < size ? split + 1 : 0), &half);
	check_keys(&whole, &half);
	check_keys(&half, &whole);
	free(text);
	return 0;
}
