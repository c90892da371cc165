/* SPDX-License-Identifier: ISC */
/* The flood watch's detector: keys, limits, learning, incidents from begin to end, and the file. */
#include "tests/unit/flood/traffic.h"

#include "flood/flood_keys.h"

static void test_limits(void **state)
{
	static const struct {
		const char *name, *login, *sender, *client;
		unsigned quiet, loud; /* messages within 5 minutes without alarm, and with one */
		const char *want;
	} cases[] = {
	    {"login", "U@a.example", "u@a.example", "198.51.100.1", 100, 101,
		"begins login u@a.example 10m;"},
	    {"sendmail", "", "web+x@a.example", "local", 100, 101,
		"begins local web@a.example 10m;"},
	    {"SRS", "", "SRS0=aa=bb=c=d@fwd.example", "local", 100, 101,
		"begins local srs@fwd.example 10m;"},
	    {"own host", "", "app@a.example", "192.0.2.9", 300, 301,
		"begins sender app@a.example 10m;"},
	    {"stranger", "", "x@b.example", "2001:db8::1", 1000, 1001,
		"begins client 2001:db8::/64 10m;"},
	    {"backscatter", "", "", "198.51.100.1", 50, 51, "begins bounce r@there.example 10m;"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct flood *f = make(NULL);
		struct flood_message m = mail(cases[i].login, cases[i].sender, cases[i].client);

		send(f, m, cases[i].quiet, BEGIN, 5 * MINUTE);
		if (events(f)[0])
			fail_msg("%s: too early", cases[i].name);
		flood_free(f);
		f = make(NULL);
		send(f, m, cases[i].loud, BEGIN, 5 * MINUTE);
		const char *got = events(f);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i].name, got, cases[i].want);
		flood_free(f);
	}
}

/* One message to 16 recipients counts 16, once. */
static void test_recipients(void **state)
{
	struct flood *f = make(NULL);
	struct flood_message m = mail("u", "u@a.example", "198.51.100.1");

	(void)state;
	m.recipients = 16;
	send(f, m, 7, BEGIN, MINUTE);
	assert_string_equal(events(f), "begins login u 10m;");
	assert_int_equal(flood_at(f, 0)->recipients, 112);
	assert_int_equal(flood_at(f, 0)->messages, 7);
	flood_free(f);
}

/* An alarm of the login suppresses the domain's. */
static void test_judged_once(void **state)
{
	struct flood *f = make(NULL);

	(void)state;
	send(f, mail("u", "u@a.example", "198.51.100.1"), 5000, BEGIN, HOUR);
	assert_string_equal(events(f), "begins login u 10m;acts login u 10m;update login u 10m;");
	flood_free(f);
}

static void test_exempt(void **state)
{
	static const char *const words[] = {"login:U@A.example", "login:@a.example"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct flood *f = make(words[i]);

		send(f, mail("u@a.example", "u@a.example", "198.51.100.1"), 5000, BEGIN, HOUR);
		assert_string_equal(events(f), "");
		flood_free(f);
	}
	struct flood *f = make("client:198.51.100.0/24");
	send(f, mail("", "u@a.example", "198.51.100.1"), 30000, BEGIN, HOUR);
	assert_string_equal(events(f), "");
	flood_free(f);
	assert_int_equal(
	    settings_exempt_parse("logins:x", &(struct settings_exempt){0}, NULL), ERR_CONFIG);
	assert_int_equal(
	    settings_exempt_parse("client:x", &(struct settings_exempt){0}, NULL), ERR_CONFIG);
	assert_int_equal(
	    settings_exempt_parse("login:", &(struct settings_exempt){0}, NULL), ERR_CONFIG);
}

static void send_from(struct flood *f, bool own, unsigned n, unsigned each, int64_t gap)
{
	for (unsigned i = 0; i < n; i++) {
		char client[32];

		snprintf(client, sizeof(client), own ? "192.0.2.%u" : "198.51.%u.1", i);
		send(f, mail("u", "u@a.example", client), each, BEGIN + i * gap, MINUTE);
	}
}

static void test_networks(void **state)
{
	struct flood *f = make(NULL);

	(void)state;
	send_from(f, false, 5, 4, 5 * MINUTE); /* many messages from each: 6 are allowed */
	assert_string_equal(events(f), "");
	flood_free(f);
	f = make(NULL);
	send_from(f, false, 12, 4, MINUTE);
	assert_string_equal(events(f), "begins login u networks/1h;acts login u networks/1h;");
	flood_free(f);
	f = make(NULL); /* own networks do not count */
	send_from(f, true, 12, 1, MINUTE);
	assert_string_equal(events(f), "");
	flood_free(f);
}

static void test_senders(void **state)
{
	struct flood *f = make(NULL);
	char sender[64];

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		snprintf(sender, sizeof(sender), "x%u@y%u.example", i, i);
		send(f, mail("u", sender, "198.51.100.1"), 1, BEGIN + i * MINUTE, 1);
	}
	assert_string_equal(events(f), "begins login u senders;acts login u senders;");
	flood_free(f);
	/* Forged senders of sendmail(1): each is new, but together they are noticed. */
	f = make(NULL);
	for (unsigned i = 0; i < 60; i++) {
		snprintf(sender, sizeof(sender), "info%u@a.example", i);
		send(f, mail("", sender, "local"), 1, BEGIN + i * MINUTE / 2, 1);
	}
	assert_string_equal(events(f), "begins local * senders;acts local * senders;");
	flood_free(f);
}

static void test_undelivered(void **state)
{
	struct flood *f = make(NULL);

	(void)state;
	send(f, mail("u", "u@a.example", "198.51.100.1"), 60, BEGIN, 30 * MINUTE);
	flood_undelivered(f, FLOOD_LOGIN, "u", 19, BEGIN + 30 * MINUTE);
	assert_string_equal(events(f), "");
	flood_undelivered(f, FLOOD_LOGIN, "u", 20, BEGIN + 30 * MINUTE);
	assert_string_equal(events(f), "begins login u undelivered;");
	flood_free(f);
	f = make(NULL); /* 20 of 90 are less than 30 % */
	send(f, mail("u", "u@a.example", "198.51.100.1"), 90, BEGIN, 30 * MINUTE);
	flood_undelivered(f, FLOOD_LOGIN, "u", 20, BEGIN + 30 * MINUTE);
	assert_string_equal(events(f), "");
	flood_free(f);
}

static void test_hysteresis(void **state)
{
	struct flood *f = make(NULL);
	const struct flood_message m = mail("u", "u@a.example", "198.51.100.1");

	(void)state;
	send(f, m, 150, BEGIN, 5 * MINUTE);
	flood_tick(f, BEGIN + 30 * MINUTE);
	assert_string_equal(events(f), "begins login u 10m;");
	flood_tick(f, BEGIN + 36 * MINUTE);
	assert_string_equal(events(f), "ends login u 10m;");
	assert_int_equal(flood_open_count(f), 0);
	send(f, m, 20, BEGIN + 40 * MINUTE, MINUTE); /* nothing is reported twice */
	assert_string_equal(events(f), "");
	send(f, m, 150, BEGIN + 2 * HOUR, 5 * MINUTE);
	assert_string_equal(events(f), "again login u 10m;");
	flood_tick(f, BEGIN + 3 * HOUR);
	assert_string_equal(events(f), "ends login u 10m;");
	send(f, m, 150, BEGIN + 10 * HOUR, 5 * MINUTE);
	assert_string_equal(events(f), "begins login u 10m;");
	assert_non_null(flood_find(f, 2));
	flood_free(f);
}

/* Hits of its rule keep it open, although nothing is counted. */
static void test_goes_on(void **state)
{
	struct flood *f = make(NULL);

	(void)state;
	send(f, mail("u", "u@a.example", "198.51.100.1"), 150, BEGIN, 5 * MINUTE);
	flood_goes_on(flood_at(f, 0), BEGIN + 30 * MINUTE);
	flood_tick(f, BEGIN + 50 * MINUTE);
	assert_string_equal(events(f), "begins login u 10m;");
	flood_free(f);
}

/* Mail that a filter on this host sends back was counted before. */
static void test_second_pass(void **state)
{
	struct flood *f = make(NULL);
	struct flood_message first = mail("", "x@b.example", "192.0.2.7");
	struct flood_message back = mail("", "x@b.example", "127.0.0.1");
	char id[32];

	(void)state;
	for (unsigned i = 0; i < 290; i++) {
		snprintf(id, sizeof(id), "<%u@b.example>", i);
		first.message_id = back.message_id = id;
		send(f, first, 1, BEGIN + i * USEC_PER_SEC, 1);
		send(f, back, 1, BEGIN + i * USEC_PER_SEC + 1, 1);
	}
	assert_string_equal(events(f), "");
	back.message_id = "<same@b.example>"; /* no first pass: counted */
	send(f, back, 20, BEGIN + 5 * MINUTE, 1);
	assert_string_equal(events(f), "begins sender x@b.example 10m;");
	flood_free(f);
}

/* New keys displace strangers' keys, never one with an open incident. */
static void test_memory(void **state)
{
	struct flood *f = make(NULL);
	struct flood_message m = mail("", "x@b.example", "198.51.100.1");

	(void)state;
	assert_true(flood_memory() <= FLOOD_MEMORY_MAX);
	send(f, m, 1100, BEGIN, 5 * MINUTE);
	for (uint32_t i = 0; i < 200000; i++) {
		m.now = BEGIN + 5 * MINUTE + i;
		memcpy(m.client.at + 12, &i, 4);
		flood_feed(f, &m);
	}
	assert_int_equal(strncmp(events(f), "begins client 198.51.100.1 10m;", 31), 0);
	flood_tick(f, BEGIN + HOUR);
	assert_non_null(strstr(events(f), "ends client 198.51.100.1"));
	flood_free(f);
}

static void test_open_at_most(void **state)
{
	struct flood *f = make(NULL);
	char login[32];

	(void)state;
	for (unsigned i = 0; i < FLOOD_OPEN_MAX + 40; i++) {
		snprintf(login, sizeof(login), "u%u", i);
		send(f, mail(login, "u@a.example", "198.51.100.1"), 101, BEGIN + i, 1);
	}
	assert_int_equal(flood_open_count(f), FLOOD_OPEN_MAX);
	assert_true(flood_unopened(f) > 0);
	flood_free(f);
}

/* A clock that is set back, far or near, and one that jumps ahead. */
static void test_clock(void **state)
{
	struct flood *f = make(NULL);
	const struct flood_message m = mail("u", "u@a.example", "198.51.100.1");

	(void)state;
	send(f, m, 30, BEGIN + DAY, MINUTE);
	send(f, m, 30, BEGIN - 400 * DAY, MINUTE);
	assert_string_equal(events(f), "");
	send(f, m, 60, BEGIN + 400 * DAY, MINUTE);
	assert_string_equal(events(f), "");
	send(f, m, 60, BEGIN + 400 * DAY - MINUTE, MINUTE);
	assert_string_equal(events(f), "begins login u 10m;");
	flood_tick(f, BEGIN);
	flood_tick(f, BEGIN + HOUR);
	assert_string_equal(events(f), "ends login u 10m;");
	flood_free(f);
}

/* Only letters are folded: tested for each byte at each place of a word, and after the last
 * word. */
static void test_fold(void **state)
{
	struct flood_key key;
	char text[12], want[12];

	(void)state;
	for (int byte = 1; byte < 256; byte++)
		for (size_t at = 0; at < sizeof(text) - 1; at++) {
			memcpy(text, "@[`{xZzA/9a", sizeof(text));
			memcpy(want, "@[`{xzza/9a", sizeof(want));
			text[at] = (char)byte;
			want[at] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
			flood_key_text(&key, text, true);
			assert_string_equal(key.text, want);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_recipients),
	    cmocka_unit_test(test_judged_once),
	    cmocka_unit_test(test_exempt),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_senders),
	    cmocka_unit_test(test_undelivered),
	    cmocka_unit_test(test_hysteresis),
	    cmocka_unit_test(test_goes_on),
	    cmocka_unit_test(test_second_pass),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_open_at_most),
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
