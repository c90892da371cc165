/* SPDX-License-Identifier: ISC */
/* Client addresses and networks. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/net.h"

static const struct {
	const char *name, *input, *want; /* NULL: refused */
	int family;
} parse_cases[] = {
    {"IPv4", "192.0.2.1", "192.0.2.1", 4},
    {"IPv6", "2001:db8::1", "2001:db8::1", 6},
    {"IPv6 in full", "2001:0DB8:0:0:0:0:0:1", "2001:db8::1", 6},
    {"Postfix's prefix", "IPv6:2001:db8::1", "2001:db8::1", 6},
    {"prefix in lower case", "ipv6:2001:db8::1", "2001:db8::1", 6},
    {"mapped", "::ffff:192.0.2.1", "192.0.2.1", 4},
    {"prefix and mapped", "IPv6:::ffff:192.0.2.1", "192.0.2.1", 4},
    {"loopback", "::1", "::1", 6},
    {"prefix before IPv4", "IPv6:192.0.2.1", NULL, 0},
    {"empty", "", NULL, 0},
    {"three parts", "192.0.2", NULL, 0},
    {"part too large", "192.0.2.256", NULL, 0},
    {"leading zero", "192.0.2.01", NULL, 0},
    {"brackets", "[192.0.2.1]", NULL, 0},
    {"blank", "192.0.2.1 ", NULL, 0},
    {"zone", "fe80::1%eth0", NULL, 0},
    {"name", "unknown", NULL, 0},
    {"block", "192.0.2.0/24", NULL, 0},
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(parse_cases); i++) {
		const char *name = parse_cases[i].name;
		struct net_address got = {.family = 99};
		int code = net_parse(parse_cases[i].input, &got);
		char text[NET_TEXT_SIZE];

		if (!parse_cases[i].want) {
			case_assert(name, code == ERR_SYNTAX && got.family == 99);
			continue;
		}
		case_assert(name, code == 0);
		case_assert(name, got.family == parse_cases[i].family);
		case_assert_text(name, net_text(&got, text), parse_cases[i].want);
	}
}

static const struct {
	const char *name, *block, *address;
	int want; /* -1: the block is refused */
} block_cases[] = {
    {"inside /24", "192.0.2.0/24", "192.0.2.255", 1},
    {"outside /24", "192.0.2.0/24", "192.0.3.0", 0},
    {"inside /25", "192.0.2.128/25", "192.0.2.200", 1},
    {"outside /25", "192.0.2.128/25", "192.0.2.127", 0},
    {"no bits, equal", "192.0.2.1", "192.0.2.1", 1},
    {"no bits, other", "192.0.2.1", "192.0.2.2", 0},
    {"/32", "192.0.2.1/32", "192.0.2.1", 1},
    {"all of IPv4", "0.0.0.0/0", "203.0.113.9", 1},
    {"all of IPv4 has no IPv6", "0.0.0.0/0", "2001:db8::1", 0},
    {"all of IPv6", "::/0", "2001:db8::1", 1},
    {"all of IPv6 has no IPv4", "::/0", "192.0.2.1", 0},
    {"inside /33", "2001:db8:8000::/33", "2001:db8:ffff::1", 1},
    {"outside /33", "2001:db8:8000::/33", "2001:db8:7fff::1", 0},
    {"/128", "2001:db8::1/128", "2001:db8::1", 1},
    {"mapped block", "::ffff:192.0.2.0/120", "192.0.2.9", 1},
    {"mapped address in a v4 block", "192.0.2.0/24", "::ffff:192.0.2.9", 1},
    {"mapped block that is too wide", "::ffff:0.0.0.0/90", "192.0.2.9", -1},
    {"host bits", "192.0.2.1/24", NULL, -1},
    {"host bits in IPv6", "2001:db8::1/64", NULL, -1},
    {"too many bits", "192.0.2.1/33", NULL, -1},
    {"too many bits in IPv6", "2001:db8::1/129", NULL, -1},
    {"no digits", "192.0.2.0/", NULL, -1},
    {"sign", "192.0.2.0/+24", NULL, -1},
    {"blank", "192.0.2.0/ 24", NULL, -1},
    {"rubbish behind", "192.0.2.0/24x", NULL, -1},
    {"mask", "192.0.2.0/255.255.255.0", NULL, -1},
    {"no address", "/24", NULL, -1},
    {"long", "0000000000000000000000000000000000000000000000000000000000000:/24", NULL, -1},
};

static void test_block(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(block_cases); i++) {
		const char *name = block_cases[i].name;
		struct net_address address;
		struct net_block block;
		int code = net_parse_block(block_cases[i].block, &block);

		case_assert(name, code == (block_cases[i].want < 0 ? ERR_SYNTAX : 0));
		if (code < 0)
			continue;
		case_assert(name, net_parse(block_cases[i].address, &address) == 0);
		case_assert(name, net_contains(&block, &address) == (block_cases[i].want == 1));
	}
}

static void test_no_address(void **state)
{
	struct net_address none = {.family = 0}, some;
	struct net_block all;
	char text[NET_TEXT_SIZE];

	(void)state;
	assert_int_equal(net_parse_block("0.0.0.0/0", &all), 0);
	assert_false(net_contains(&all, &none));
	assert_string_equal(net_text(&none, text), "");
	assert_int_equal(net_parse("192.0.2.1", &some), 0);
	assert_false(net_equal(&none, &some));
	assert_true(net_equal(&none, &none));
}

static void test_sockaddr(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(2525)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(2526)};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct net_address got, mapped;
	char text[NET_TEXT_SIZE];

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr);
	assert_int_equal(net_of_sockaddr((struct sockaddr *)&v4, &got), 2525);
	assert_string_equal(net_text(&got, text), "192.0.2.1");
	assert_int_equal(net_of_sockaddr((struct sockaddr *)&v6, &mapped), 2526);
	assert_true(net_equal(&got, &mapped));
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	net_of_sockaddr((struct sockaddr *)&v6, &got);
	assert_string_equal(net_text(&got, text), "2001:db8::1");
	assert_false(net_equal(&got, &mapped));
	assert_int_equal(net_of_sockaddr((struct sockaddr *)&local, &got), 0);
	assert_int_equal(got.family, 0);
	got.family = 4;
	assert_int_equal(net_of_sockaddr(NULL, &got), 0);
	assert_int_equal(got.family, 0);
}

static void test_list(void **state)
{
	static const struct {
		const char *text, *want; /* joined by spaces; NULL: no list */
	} cases[] = {
	    {"", ""},
	    {" ,\t, ", ""},
	    {"192.0.2.1", "192.0.2.1"},
	    {"192.0.2.0/24,10.0.0.0/8", "192.0.2.0/24 10.0.0.0/8"},
	    {"  127.0.0.0/8 , ::1\t2001:db8::/32 ", "127.0.0.0/8 ::1 2001:db8::/32"},
	    {"[::1]/128 [2001:db8::]/32 [192.0.2.1]", "::1/128 2001:db8::/32 192.0.2.1"},
	    {"192.0.2.0/24;10.0.0.0/8", NULL},
	    {"192.0.2.1/24", NULL},
	    {"[::1", NULL},
	    {"[]", NULL},
	    {"/etc/networks", NULL},
	    {"!192.0.2.1", NULL},
	    {"1111:2222:3333:4444:5555:6666:7777:8888:1111:2222:3333:4444:5555:6666:7777:8888:"
	     "1111:2222:3333:4444:5555:6666:7777:8888/128",
		NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf list = {0}, joined = {0};
		struct err err = {{0}};
		int code = net_parse_list(cases[i].text, &list, &err);
		struct strlist blocks = strlist_of(&list);

		case_assert(cases[i].text, code == (cases[i].want ? 0 : ERR_SYNTAX));
		case_assert(cases[i].text, cases[i].want || strstr(err.text, "is not a network"));
		strlist_each (block, &blocks)
			strbuf_printf(&joined, "%s%s", joined.len ? " " : "", block);
		if (cases[i].want)
			case_assert_text(cases[i].text, strbuf_text(&joined), cases[i].want);
		strbuf_release(&list);
		strbuf_release(&joined);
	}
}

UNIT_MAIN(cmocka_unit_test(test_list), cmocka_unit_test(test_parse), cmocka_unit_test(test_block),
    cmocka_unit_test(test_no_address), cmocka_unit_test(test_sockaddr))
