/* SPDX-License-Identifier: ISC */
/* If libidn2 or PCRE2 runs out of memory, that is reported: never a silent "no". */
#include "tests/unit/mail/selector_words.h"

#include <dlfcn.h>
#include <errno.h>
#include <idn2.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static bool none; /* there is no memory */

int idn2_lookup_u8(const uint8_t *src, uint8_t **ret, int flags)
{
	int (*real)(const uint8_t *src, uint8_t **ret, int flags);

	*(void **)&real = dlsym(RTLD_NEXT, "idn2_lookup_u8");
	return none ? IDN2_MALLOC : real(src, ret, flags);
}

int pcre2_match_8(const pcre2_code_8 *code, PCRE2_SPTR8 subject, PCRE2_SIZE len, PCRE2_SIZE at,
    uint32_t options, pcre2_match_data_8 *data, pcre2_match_context_8 *context)
{
	int (*real)(const pcre2_code_8 *code, PCRE2_SPTR8 subject, PCRE2_SIZE len, PCRE2_SIZE at,
	    uint32_t options, pcre2_match_data_8 *data, pcre2_match_context_8 *context);

	*(void **)&real = dlsym(RTLD_NEXT, "pcre2_match_8");
	return none ? PCRE2_ERROR_NOMEMORY : real(code, subject, len, at, options, data, context);
}

static void test_domains(void **state)
{
	static const char *const names[] = {"b\xc3\xbc"
					    "cher.example",
	    "xn--bcher-kva.example"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct domain d;

		none = true;
		domain_normal(names[i], strlen(names[i]), &d);
		assert_int_equal(d.kind, DOMAIN_RAW);
		assert_true(domain_lacked_memory());
		assert_false(domain_lacked_memory()); /* reported once */
		none = false;
		domain_normal(names[i], strlen(names[i]), &d);
		assert_int_equal(d.kind, DOMAIN_NAME);
		assert_false(domain_lacked_memory());
	}
}

/* Leaves a failure behind that nobody asks about. */
static void lack_for_another(void)
{
	struct domain d;

	none = true;
	domain_normal("xn--bcher-kva.example", 21, &d);
	none = false;
}

static void test_patterns(void **state)
{
	static const char *const patterns[] = {
	    "xn--bcher-kva.example", ".xn--bcher-kva.example", "a@xn--bcher-kva.example", "/a/"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		struct pattern p;

		struct err err = {{0}};

		none = true;
		if (pattern_parse(patterns[i], &p, &err) != -ENOMEM)
			case_fail(patterns[i], "it was parsed");
		if (strcmp(err.text, "out of memory") != 0)
			case_fail(patterns[i], "its error is '%s'", err.text);
		/* Another's failure does not concern this one. */
		lack_for_another();
		case_assert(patterns[i], pattern_parse(patterns[i], &p, NULL) == 0);
		pattern_release(&p);
	}
}

/* A message that would match does not, and that is reported. */
static void test_selectors(void **state)
{
	static const struct row rows[] = {
	    {"author", {"", "/example/"}, 0},
	    {"sender", {"sender", "/example/"}, 0},
	    {"from", {"from", "/example/"}, 0},
	    {"recipient", {"recipient", "/dest/"}, 0},
	    {"login", {"login", "/bob/"}, MATCHED_OTHER | MATCHED_UNSURE},
	    {"login's domain", {"login", "@xn--bcher-kva.example"}, MATCHED_OTHER | MATCHED_UNSURE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct selector_notes notes = {0};
		struct selector s;
		struct message m;
		unsigned got;

		usual(&m);
		if (i == COUNT_OF(rows) - 1)
			m.login = "joe@b\xc3\xbc"
				  "cher.example";
		fill(&s, rows[i].words);
		case_assert(rows[i].name, selector_match(&s, &m, &notes) != 0);
		assert_int_equal(notes.limits, 0);
		none = true;
		got = selector_nominate(&s, &m, &notes);
		none = false;
		if (got != rows[i].want || (got == 0 && notes.limits == 0))
			case_fail(rows[i].name, "got %u, %u in the notes", got, notes.limits);
		selector_release(&s);
	}
}

static void test_login_after_another(void **state)
{
	struct selector_notes notes = {0};
	struct selector s;
	struct message m;

	(void)state;
	usual(&m);
	m.login = "joe@a.example";
	fill(&s, (const char *const[11]){"login", "@b.example"});
	lack_for_another();
	assert_int_equal(selector_nominate(&s, &m, &notes), 0);
	selector_release(&s);
}

/* The mailboxes in a queue file's header, looked up while it is read. */
static void test_header(void **state)
{
	struct selector_header header = {0};
	struct selector_notes notes = {0};
	struct address mailbox;
	struct selector s;
	struct message m;

	(void)state;
	usual(&m);
	fill(&s, (const char *const[11]){"from", "/nowhere/"});
	header.selector = &s;
	address_split("a@example.com", &mailbox);
	none = true;
	selector_header_take(&header, &mailbox);
	none = false;
	assert_int_equal(selector_nominate_read(&s, &m, &header, &notes), 0);
	assert_int_equal(notes.limits, 1);
	selector_release(&s);
}

UNIT_MAIN(cmocka_unit_test(test_domains), cmocka_unit_test(test_patterns),
    cmocka_unit_test(test_selectors), cmocka_unit_test(test_login_after_another),
    cmocka_unit_test(test_header))
