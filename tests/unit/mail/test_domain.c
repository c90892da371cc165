/* SPDX-License-Identifier: ISC */
/* Domains: normal form, which is stable, subdomains, author keys. */
#include "tests/unit/unit.h"

#include "base/str.h"
#include "mail/address/domain.h"

static const struct {
	const char *name, *input, *want;
	enum domain_kind kind;
} normal_cases[] = {
    {"plain", "example.com", "example.com", DOMAIN_NAME},
    {"upper case", "EXAMPLE.Com", "example.com", DOMAIN_NAME},
    {"single label", "localhost", "localhost", DOMAIN_NAME},
    {"underscore", "_dmarc.a_b.example", "_dmarc.a_b.example", DOMAIN_NAME},
    {"one trailing dot", "example.com.", "example.com", DOMAIN_NAME},
    {"two trailing dots", "example.com..", "example.com", DOMAIN_NAME},
    {"lone dot", ".", ".", DOMAIN_RAW},
    {"two dots", "..", ".", DOMAIN_RAW},
    {"empty", "", "", DOMAIN_NONE},
    {"empty label", "a..b", "a..b", DOMAIN_RAW},
    {"empty first label", ".Example.com", ".example.com", DOMAIN_RAW},
    {"U-label",
	"B\xc3\x9c"
	"CHER.example",
	"xn--bcher-kva.example", DOMAIN_NAME},
    {"sharp s is kept", "fa\xc3\x9f.de", "xn--fa-hia.de", DOMAIN_NAME},
    {"decomposed umlaut",
	"bu\xcc\x88"
	"cher.example",
	"xn--bcher-kva.example", DOMAIN_NAME},
    {"A-label", "xn--bcher-kva.example", "xn--bcher-kva.example", DOMAIN_NAME},
    {"A-label in upper case", "XN--BCHER-KVA.example", "xn--bcher-kva.example", DOMAIN_NAME},
    {"fullwidth letters and dot",
	"\xef\xbd\x85\xef\xbd\x98\xef\xbd\x81\xef\xbd\x8d\xef\xbd\x90\xef\xbd\x8c\xef\xbd\x85"
	"\xef\xbc\x8e\xef\xbd\x83\xef\xbd\x8f\xef\xbd\x8d",
	"example.com", DOMAIN_NAME},
    {"ideographic dot",
	"example\xe3\x80\x82"
	"com",
	"example.com", DOMAIN_NAME},
    {"ideographic dot at the end", "example.com\xe3\x80\x82", "example.com", DOMAIN_NAME},
    {"ideographic dots at the end", "example.com\xe3\x80\x82\xe3\x80\x82", "example.com",
	DOMAIN_NAME},
    {"fullwidth @ stays raw",
	"A\xef\xbc\xa0"
	"b.example",
	"a\xef\xbc\xa0"
	"b.example",
	DOMAIN_RAW},
    {"fullwidth slash stays raw",
	"a\xef\xbc\x8f"
	"b.example",
	"a\xef\xbc\x8f"
	"b.example",
	DOMAIN_RAW},
    {"account-of sign stays raw", "\xe2\x84\x80.example", "\xe2\x84\x80.example", DOMAIN_RAW},
    {"no-break space", "example.com\xc2\xa0", "example.com", DOMAIN_NAME},
    {"no-break space inside", "exam\xc2\xa0ple.com", "example.com", DOMAIN_NAME},
    {"Latin-1 no-break space", "example.com\xa0", "example.com", DOMAIN_NAME},
    {"ideographic and thin spaces",
	"\xe3\x80\x80"
	"example\xe2\x80\x89.com",
	"example.com", DOMAIN_NAME},
    {"zero width space", "exam\xe2\x80\x8bple.com", "example.com", DOMAIN_NAME},
    {"zero width joiner", "exam\xe2\x80\x8dple.com", "example.com", DOMAIN_NAME},
    {"zero width non-joiner at the end", "example.com\xe2\x80\x8c", "example.com", DOMAIN_NAME},
    {"joiner in front of the trailing dot", "example.com\xe2\x80\x8c.", "example.com", DOMAIN_NAME},
    {"byte order mark",
	"\xef\xbb\xbf"
	"example.com",
	"example.com", DOMAIN_NAME},
    {"word joiner", "example\xe2\x81\xa0.com", "example.com", DOMAIN_NAME},
    {"direction marks",
	"\xe2\x80\xae"
	"example.com\xe2\x80\x8f",
	"example.com", DOMAIN_NAME},
    {"variation selector", "example\xef\xb8\x8f.com", "example.com", DOMAIN_NAME},
    {"tag", "exam\xf3\xa0\x81\xb0ple.com", "example.com", DOMAIN_NAME},
    {"control character", "exam\x01ple.com", "example.com", DOMAIN_NAME},
    {"joiner between umlauts", "\xc3\xbc\xe2\x80\x8d\xc3\xbc.example", "xn--tdaa.example",
	DOMAIN_NAME},
    {"joiner that a name needs", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7.example",
	"xn--11b2ezcw70k.example", DOMAIN_NAME},
    {"joiners stacked", "\xe2\x80\xe2\x80\x8d\x8d.example", ".example", DOMAIN_RAW},
    {"soft hyphen vanishes",
	"exam\xc2\xad"
	"ple.com",
	"example.com", DOMAIN_NAME},
    {"nothing but a soft hyphen", "\xc2\xad", "", DOMAIN_NONE},
    {"not UTF-8",
	"B\xfc"
	"cher.Example",
	"b\xfc"
	"cher.example",
	DOMAIN_RAW},
    {"cut UTF-8", "b\xc3", "b\xc3", DOMAIN_RAW},
    {"bad punycode", "XN--a.Example", "xn--a.example", DOMAIN_RAW},
    {"punycode of ASCII", "xn--example-.com", "xn--example-.com", DOMAIN_RAW},
    {"bad punycode beside a U-label",
	"xn--b\xc3\xbc"
	"cher.de",
	"xn--b\xc3\xbc"
	"cher.de",
	DOMAIN_RAW},
    {"hyphen first", "-bad.Example", "-bad.example", DOMAIN_RAW},
    {"hyphen last", "bad-.example", "bad-.example", DOMAIN_RAW},
    {"two hyphens inside", "r3---sn.example", "r3---sn.example", DOMAIN_NAME},
    {"space", "exa mple.com", "exa mple.com", DOMAIN_RAW},
    {"leading space", " example.com", " example.com", DOMAIN_RAW},
    {"angle bracket", "example.net>", "example.net>", DOMAIN_RAW},
    {"quote", "\"example\".net", "\"example\".net", DOMAIN_RAW},
    {"null sender's key", "<>", "<>", DOMAIN_RAW},
    {"IPv4 literal", "[192.0.2.1]", "[192.0.2.1]", DOMAIN_LITERAL},
    {"IPv6 literal", "[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]", DOMAIN_LITERAL},
    {"literal with a trailing dot", "[192.0.2.1].", "[192.0.2.1]", DOMAIN_LITERAL},
    {"empty literal", "[]", "[]", DOMAIN_LITERAL},
    {"unclosed literal", "[192.0.2.1", "[192.0.2.1", DOMAIN_RAW},
    {"two literals", "[a][b]", "[a][b]", DOMAIN_RAW},
    {"bare address is a name", "192.0.2.1", "192.0.2.1", DOMAIN_NAME},
};

static void test_normal(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(normal_cases); i++) {
		const char *name = normal_cases[i].name;
		struct domain got, again;

		case_assert(name,
		    !domain_normal(normal_cases[i].input, strlen(normal_cases[i].input), &got));
		case_assert_text(name, got.text, normal_cases[i].want);
		case_assert(name, got.kind == normal_cases[i].kind);
		case_assert(name, !domain_normal(got.text, strlen(got.text), &again));
		case_assert(name, domain_equal(&got, &again));
	}
}

/* All that Unicode calls White_Space or Default_Ignorable_Code_Point beyond ASCII, and what else is
 * displayed as a blank or not at all. */
static const struct {
	uint32_t first, last;
} unseen[] = {{0x80, 0xa0}, {0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c}, {0x115f, 0x1160},
    {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x2000, 0x200f}, {0x2028, 0x202f},
    {0x205f, 0x206f}, {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};

static void put_point(uint32_t point, struct strbuf *to)
{
	if (point < 0x800) {
		strbuf_putc(to, (char)(0xc0 | point >> 6));
	} else {
		if (point < 0x10000) {
			strbuf_putc(to, (char)(0xe0 | point >> 12));
		} else {
			strbuf_putc(to, (char)(0xf0 | point >> 18));
			strbuf_putc(to, (char)(0x80 | (point >> 12 & 0x3f)));
		}
		strbuf_putc(to, (char)(0x80 | (point >> 6 & 0x3f)));
	}
	strbuf_putc(to, (char)(0x80 | (point & 0x3f)));
}

/* In front of the name, inside it, behind it, and around its trailing dot. */
static void assert_unseen(uint32_t point)
{
	static const char *const parts[][3] = {
	    {"", "example.com", ""}, {"exam", "ple.com", ""}, {"example", ".com.", ""}};
	AUTO(strbuf_release) struct strbuf text = {0};
	struct domain got;
	char name[16];

	snprintf(name, sizeof(name), "U+%04X", (unsigned)point);
	for (size_t n = 0; n < COUNT_OF(parts); n++) {
		strbuf_clear(&text);
		for (size_t part = 0; part < COUNT_OF(parts[n]); part++) {
			strbuf_puts(&text, parts[n][part]);
			put_point(point, &text);
		}
		domain_normal(text.text, text.len, &got);
		case_assert_text(name, got.text, "example.com");
		case_assert(name, got.kind == DOMAIN_NAME);
	}
}

static void test_unseen(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(unseen); n++)
		for (uint32_t point = unseen[n].first; point <= unseen[n].last; point++)
			assert_unseen(point);
}

static void test_nul_is_no_end(void **state)
{
	struct domain got;

	(void)state;
	domain_normal("a\0b.com", 7, &got);
	assert_string_equal(got.text, "a?b.com");
	assert_int_equal(got.kind, DOMAIN_RAW);
}

/* Free it. */
static char *repeated(const char *unit, size_t n, const char *tail)
{
	size_t len = strlen(unit);
	char *text = malloc(n * len + strlen(tail) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, unit, len);
	memcpy(text + n * len, tail, strlen(tail) + 1);
	return text;
}

static const struct {
	const char *name, *unit;
	size_t times;
	const char *tail;
	bool cut;
	enum domain_kind kind;
} long_cases[] = {
    {"label of 63", "a", 63, ".example.com", false, DOMAIN_NAME},
    {"label of 64", "a", 64, ".example.com", false, DOMAIN_RAW},
    {"253 bytes", "a.", 121, "example.com", false, DOMAIN_NAME},
    {"254 bytes", "a.", 121, "exxample.com", false, DOMAIN_RAW},
    {"255 bytes", "a.", 122, "example.com", false, DOMAIN_RAW},
    {"257 bytes", "a.", 123, "example.com", true, DOMAIN_RAW},
    {"3000 bytes", "abcdefghi.", 300, "example.com", true, DOMAIN_RAW},
    {"3000 bytes of dots", ".", 3000, "", true, DOMAIN_RAW},
    {"long literal", "[", 1, NULL, true, DOMAIN_RAW},
    {"fullwidth, 600 bytes that map to 200", "\xef\xbd\x81\xef\xbc\x8e", 100, "example.com", false,
	DOMAIN_NAME},
    {"fullwidth, 1800 bytes", "\xef\xbd\x81\xef\xbc\x8e", 300, "example.com", true, DOMAIN_RAW},
    {"umlauts, 600 bytes", "\xc3\xbc", 300, ".example.com", true, DOMAIN_RAW},
};

static void test_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(long_cases); i++) {
		const char *name = long_cases[i].name;
		char *text = long_cases[i].tail ? repeated(long_cases[i].unit, long_cases[i].times,
						      long_cases[i].tail)
						: repeated("[", 1, "");
		struct domain got, again, parent;

		if (!long_cases[i].tail) {
			free(text);
			text = repeated("1", 400, "]");
			text[0] = '[';
		}
		case_assert(name, domain_normal(text, strlen(text), &got) == long_cases[i].cut);
		case_assert(name, got.kind == long_cases[i].kind);
		case_assert(name, strlen(got.text) <= DOMAIN_MAX);
		case_assert(name, !long_cases[i].cut || got.text[0] == '*');
		case_assert(name, !domain_normal(got.text, strlen(got.text), &again));
		case_assert(name, domain_equal(&got, &again));
		if (long_cases[i].tail && long_cases[i].tail[0]) {
			domain_normal("com", 3, &parent);
			case_assert(name, domain_below(&got, &parent));
		}
		free(text);
	}
}

static const struct {
	const char *name, *domain, *parent;
	bool want;
} below_cases[] = {
    {"child", "a.example.com", "example.com", true},
    {"grandchild", "b.a.example.com", "example.com", true},
    {"itself", "example.com", "example.com", false},
    {"no label boundary", "badexample.com", "example.com", false},
    {"in front", "example.com.evil.test", "example.com", false},
    {"parent", "com", "example.com", false},
    {"literal", "[1.example.com]", "example.com]", false},
    {"raw child", "-bad.example.com", "example.com", true},
    {"raw bytes", "\xff.example.com", "example.com", true},
    {"empty label", ".example.com", "example.com", true},
    {"of nothing", "example.com", "", false},
    {"dots", "x..y", "y", true},
};

static void test_below(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(below_cases); i++) {
		struct domain d, parent;

		domain_normal(below_cases[i].domain, strlen(below_cases[i].domain), &d);
		domain_normal(below_cases[i].parent, strlen(below_cases[i].parent), &parent);
		case_assert(below_cases[i].name, domain_below(&d, &parent) == below_cases[i].want);
	}
}

static const struct {
	const char *name, *domain, *want;
} key_cases[] = {
    {"name", "example.com", "com.example."},
    {"single label", "com", "com."},
    {"three labels", "a.example.com", "com.example.a."},
    {"raw", "exa mple.com", "com.exa mple."},
    {"empty labels", "a..b", "b..a."},
    {"literal", "[192.0.2.1]", "[192.0.2.1]"},
    {"none", "", "@"},
    {"raw that looks like the null key", "<>", "<>."},
    {"raw that looks like the none key", "@", "@."},
    {"raw that looks like a literal key", "[a]b.c[d]", "c[d].[a]b."},
};

static void test_key(void **state)
{
	struct domain null_sender = {.kind = DOMAIN_NULL};
	unsigned char key[DOMAIN_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(key_cases); i++) {
		struct domain d;
		size_t len;

		domain_normal(key_cases[i].domain, strlen(key_cases[i].domain), &d);
		len = domain_key(&d, key);
		case_assert(key_cases[i].name, len == strlen(key_cases[i].want));
		case_assert(key_cases[i].name, memcmp(key, key_cases[i].want, len) == 0);
	}
	assert_int_equal(domain_key(&null_sender, key), 2);
	assert_memory_equal(key, "<>", 2);
}

/* Two domains of 250 bytes that differ only in their first byte, which is cut from the key. */
static void test_key_cut(void **state)
{
	unsigned char key_a[DOMAIN_KEY_MAX], key_b[DOMAIN_KEY_MAX], key_parent[DOMAIN_KEY_MAX];
	char *text = repeated("a.", 119, "example.com");
	struct domain a, b, parent;
	size_t len;

	(void)state;
	domain_normal(text, strlen(text), &a);
	text[0] = 'b';
	domain_normal(text, strlen(text), &b);
	assert_int_equal(domain_key(&a, key_a), DOMAIN_KEY_MAX);
	assert_int_equal(domain_key(&b, key_b), DOMAIN_KEY_MAX);
	assert_memory_equal(key_a, key_b, DOMAIN_KEY_PLAIN);
	assert_memory_not_equal(key_a, key_b, DOMAIN_KEY_MAX);
	assert_null(memchr(key_a, 0, DOMAIN_KEY_PLAIN + 1));
	domain_normal("example.com", 11, &parent);
	len = domain_key(&parent, key_parent);
	assert_memory_equal(key_a, key_parent, len);
	free(text);
}

/* The longest key that is not cut. */
static void test_key_edge(void **state)
{
	unsigned char key[DOMAIN_KEY_MAX];
	char *text = repeated("a.", 114, "example.com"); /* 239 bytes */
	struct domain d;

	(void)state;
	domain_normal(text, strlen(text), &d);
	assert_int_equal(domain_key(&d, key), DOMAIN_KEY_PLAIN);
	assert_int_equal(key[DOMAIN_KEY_PLAIN - 1], '.');
	free(text);
}

static void test_equal(void **state)
{
	struct domain none = {.kind = DOMAIN_NONE}, null_sender = {.kind = DOMAIN_NULL};

	(void)state;
	assert_false(domain_equal(&none, &null_sender));
	assert_true(domain_equal(&none, &none));
}

UNIT_MAIN(cmocka_unit_test(test_normal), cmocka_unit_test(test_unseen),
    cmocka_unit_test(test_nul_is_no_end), cmocka_unit_test(test_long), cmocka_unit_test(test_below),
    cmocka_unit_test(test_key), cmocka_unit_test(test_key_cut), cmocka_unit_test(test_key_edge),
    cmocka_unit_test(test_equal))
