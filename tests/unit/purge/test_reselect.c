/* SPDX-License-Identifier: ISC */
/* A selection from the account, which is not root's: what is accepted, and the time it refers
 * to. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/report/reselect.h"

static void test_taken(void **state)
{
	static const struct {
		const char *name, *text;
		int code;
	} cases[] = {
	    {"a pattern", "example.com", 0},
	    {"several", "--sender=a.example --login=joe --queue=hold,deferred b@example.com", 0},
	    {"all", "--all", 0},
	    {"IDs", "--id=4A1B2C --id=4A1B2D", 0},
	    {"a network", "--client=192.0.2.0/24", 0},
	    {"nothing", "", ERR_REFUSED},
	    {"blanks", "   ", ERR_REFUSED},
	    {"an expression", "/x/", ERR_REFUSED},
	    {"an expression of an option", "--sender=/(a+)+$/", ERR_REFUSED},
	    {"of a login", "--login=/x/", ERR_REFUSED},
	    {"IDs of stdin", "--id=- (3 IDs, 0000abcd)", ERR_REFUSED},
	    {"a blank in a word", "--login='joe smith'", ERR_REFUSED},
	    {"a quotation mark", "a\"b@example.com", ERR_REFUSED},
	    {"a file's name", "--config=/etc/shadow example.com", ERR_REFUSED},
	    {"output", "--output=/etc/shadow example.com", ERR_REFUSED},
	    {"the fleet", "--fleet example.com", ERR_REFUSED},
	    {"a letter", "-y example.com", ERR_REFUSED},
	    {"the end of options", "-- -y", ERR_REFUSED},
	    {"a control", "example.com\n", ERR_REFUSED},
	    {"stdin alone", "--id=-", ERR_REFUSED},
	    {"no such option", "--nothing=1 example.com", ERR_REFUSED},
	    {"no pattern", "example", ERR_USAGE},
	    {"no value", "--sender=", ERR_USAGE},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct session s = {0};
		struct err err = {{0}};
		char *words = NULL;

		selector_init(&s.options.selector);
		int code = reselect(&s, cases[n].text, 1, &words, &err);
		if (code != cases[n].code)
			case_fail(cases[n].name, "code %d: %s", code, err.text);
		case_assert(cases[n].name, (code == 0) != selector_is_empty(&s.options.selector) ||
					       s.options.selector.all);
		case_assert(cases[n].name, (code == 0) == (err.text[0] == '\0'));
		options_release(&s.options);
		free(words);
	}
}

/* Ages count from the begin of the batch. */
static void test_ages(void **state)
{
	const int64_t then = INT64_C(1700000000) * USEC_PER_SEC, hour = 3600 * USEC_PER_SEC;
	struct session s = {0};
	struct err err;
	char *words = NULL;

	(void)state;
	selector_init(&s.options.selector);
	assert_int_equal(reselect(&s, "--older=1h --newer=2h example.com", then, &words, &err), 0);
	assert_int_equal(s.options.selector.arrived_before, then - hour);
	assert_int_equal(s.options.selector.arrived_after, then - 2 * hour);
	options_release(&s.options);
	free(words);
}

UNIT_MAIN(cmocka_unit_test(test_taken), cmocka_unit_test(test_ages))
