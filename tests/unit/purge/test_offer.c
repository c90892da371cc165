/* SPDX-License-Identifier: ISC */
/* The words that may be offered to a shell. */
#include "tests/unit/unit.h"

#include "purge/offer.h"

static void test_words(void **state)
{
	static const struct {
		const char *word;
		bool name, number;
	} cases[] = {
	    {"example.com", true, false},
	    {".example.com", true, false},
	    {"A-Z_a-z.0-9", true, false},
	    {"_dmarc", true, false},
	    {"17", true, true},
	    {"18446744073709551616", true, true},
	    {"0", true, true},
	    {"1.5", true, false},
	    {"a-", true, false},
	    {"", false, false},
	    {"-", false, false},
	    {"-1", false, false},
	    {"-n", false, false},
	    {"--yes", false, false},
	    {"-n.example", false, false},
	    {"`id`", false, false},
	    {"example.com`id`", false, false},
	    {"$(id)", false, false},
	    {"17$(id)", false, false},
	    {"${HOME}", false, false},
	    {"$HOME", false, false},
	    {"~", false, false},
	    {"~root", false, false},
	    {"*.example", false, false},
	    {"a b", false, false},
	    {"a\tb", false, false},
	    {"a\nb", false, false},
	    {"a\n", false, false},
	    {"17\n", false, false},
	    {"a\r", false, false},
	    {"\033[31m", false, false},
	    {"\177", false, false},
	    {"user@example.com", false, false},
	    {"login:a", false, false},
	    {"client:192.0.2.1", false, false},
	    {"/a/", false, false},
	    {"<>", false, false},
	    {"[192.0.2.1]", false, false},
	    {"a=b", false, false},
	    {"\303\274.example", false, false},
	    {"\342\200\256a.example", false, false},
	    {"\377", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		case_assert(cases[i].word, offer_fits(OFFER_NAME, cases[i].word) == cases[i].name);
		case_assert(
		    cases[i].word, offer_fits(OFFER_NUMBER, cases[i].word) == cases[i].number);
	}
}

/* Each byte alone, and after a good one. */
static void test_bytes(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		char alone[] = {(char)byte, '\0'}, behind[] = {'1', (char)byte, '\0'};
		bool digit = byte >= '0' && byte <= '9';
		bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
		bool mark = byte == '.' || byte == '_';

		assert_int_equal(offer_fits(OFFER_NUMBER, alone), digit);
		assert_int_equal(offer_fits(OFFER_NUMBER, behind), digit);
		assert_int_equal(offer_fits(OFFER_NAME, alone), digit || letter || mark);
		assert_int_equal(
		    offer_fits(OFFER_NAME, behind), digit || letter || mark || byte == '-');
	}
}

UNIT_MAIN(cmocka_unit_test(test_words), cmocka_unit_test(test_bytes))
