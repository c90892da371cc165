/* SPDX-License-Identifier: ISC */
/* The rule of an incident covers its key and nothing else, whatever name a stranger chose. */
#include "tests/unit/unit.h"

#include "flood/flood_config.h"

static void test_rule_pattern(void **state)
{
	static const struct {
		enum flood_kind kind;
		const char *key, *pattern;
	} cases[] = {
	    {FLOOD_LOGIN, "joe", "login:joe"},
	    {FLOOD_LOGIN, "@example.com", ""},
	    {FLOOD_LOGIN, "/.*/", ""},
	    {FLOOD_CLIENT, "192.0.2.1", "client:192.0.2.1"},
	    {FLOOD_CLIENT, "2001:db8::/64", "client:2001:db8::/64"},
	    {FLOOD_CLIENT, "0.0.0.0/0", ""},
	    {FLOOD_CLIENT, "192.0.0.0/16", ""},
	    {FLOOD_CLIENT, "::/0", ""},
	    {FLOOD_CLIENT, "::ffff:0.0.0.0/96", ""},
	    {FLOOD_CLIENT, "192.0.2.1 ", ""},
	    {FLOOD_LOCAL, "www-data@a.example", "www-data@a.example"},
	    {FLOOD_LOCAL, "login:ceo@a.example", "\"login:ceo\"@a.example"},
	    {FLOOD_LOCAL, "client:x@a.example", "\"client:x\"@a.example"},
	    {FLOOD_LOCAL, "/.*@a/", "\"/.*\"@a/"},
	    {FLOOD_SENDER, "/.*/@a.example", "\"/.*/\"@a.example"},
	    {FLOOD_SENDER, "a b@a.example", "\"a b\"@a.example"},
	    {FLOOD_SENDER, "srs@a.example", ""},
	    {FLOOD_SENDER, "*", ""},
	    {FLOOD_DOMAIN, "a.example", "a.example"},
	    {FLOOD_DOMAIN, "[192.0.2.1]", "[192.0.2.1]"},
	    {FLOOD_DOMAIN, ".example", ""},
	    {FLOOD_XDOMAIN, "/.*/", ""},
	    {FLOOD_XDOMAIN, "login:joe", ""},
	    {FLOOD_XDOMAIN, "client:0.0.0.0/0", ""},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct flood_incident i = {.id = 1, .kind = (uint8_t)cases[n].kind};
		char pattern[FLOOD_KEY_MAX + 16];

		snprintf(i.key, sizeof(i.key), "%s", cases[n].key);
		flood_rule_pattern(&i, pattern, sizeof(pattern));
		if (strcmp(pattern, cases[n].pattern) != 0)
			case_fail(cases[n].key, "'%s', want '%s'", pattern, cases[n].pattern);
		i.key_cut = true;
		flood_rule_pattern(&i, pattern, sizeof(pattern));
		assert_string_equal(pattern, "");
	}
}

/* Only with force may it hit innocents; those waiting for bounces are never hit. */
static void test_may_act(void **state)
{
	static const struct {
		enum flood_kind kind;
		const char *key;
		bool loopback, force, may;
	} cases[] = {
	    {FLOOD_LOGIN, "joe", false, false, true},
	    {FLOOD_LOGIN, "@example.com", false, true, false},
	    {FLOOD_LOCAL, "web@a.example", false, false, true},
	    {FLOOD_LOCAL, "*", false, true, false},
	    {FLOOD_SENDER, "app@a.example", false, false, true},
	    {FLOOD_CLIENT, "192.0.2.1", false, false, true},
	    {FLOOD_CLIENT, "127.0.0.1", true, false, false},
	    {FLOOD_CLIENT, "127.0.0.1", true, true, true},
	    {FLOOD_CLIENT, "0.0.0.0/0", false, true, false},
	    {FLOOD_DOMAIN, "a.example", false, false, false},
	    {FLOOD_DOMAIN, "a.example", false, true, true},
	    {FLOOD_XDOMAIN, "a.example", false, false, false},
	    {FLOOD_XDOMAIN, "a.example", false, true, true},
	    {FLOOD_BOUNCE, "u@a.example", false, false, false},
	    {FLOOD_BOUNCE, "u@a.example", false, true, false},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct settings settings = {0};
		struct flood_incident i = {
		    .id = 1, .kind = (uint8_t)cases[n].kind, .loopback = cases[n].loopback};

		snprintf(i.key, sizeof(i.key), "%s", cases[n].key);
		settings.flood[i.kind].force = cases[n].force;
		settings.flood[i.kind].action = -1; /* not given */
		if (flood_may_act(&settings, &i) != cases[n].may)
			case_fail(cases[n].key, "kind %d, force %d", cases[n].kind, cases[n].force);
		bool holds = i.kind < FLOOD_DOMAIN || (cases[n].force && i.kind != FLOOD_BOUNCE);
		assert_int_equal(
		    flood_action_of(&settings, cases[n].kind), holds ? FLOOD_HOLD : FLOOD_WARN);
	}
}

UNIT_MAIN(cmocka_unit_test(test_rule_pattern), cmocka_unit_test(test_may_act))
