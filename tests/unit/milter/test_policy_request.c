/* SPDX-License-Identifier: ISC */
/* Requests of the policy protocol: the parts that are read, and refusals. */
#include "tests/unit/unit.h"

#include "base/str.h"
#include "milter/policy/request.h"

/* As Postfix 3.7 sends it. */
static const char real[] = "request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\n"
			   "protocol_name=ESMTP\nclient_address=2001:db8::7\n"
			   "client_name=client.example\nclient_port=2525\n"
			   "reverse_client_name=client.example\nserver_address=2001:db8::1\n"
			   "server_port=25\nhelo_name=h\nsender=a b@c.example\nrecipient=\n"
			   "recipient_count=2\nqueue_id=1B2C3D4E5F\n"
			   "instance=3f1.65a1b2c3.d4e5f.0\nsize=12\netrn_domain=\nstress=\n"
			   "sasl_method=plain\nsasl_username=joe=x@c.example\nsasl_sender=\n"
			   "ccert_subject=\nccert_issuer=\npolicy_context=\n\n";

/* slowly: byte by byte. */
static int find(const char *text, size_t len, bool slowly, size_t *ret_len, struct err *err)
{
	struct policy_scan scan = {0};
	int code = 0;

	if (!slowly)
		return policy_request_find(text, len, &scan, ret_len, err);
	for (size_t have = 0; have <= len && code == 0; have++)
		code = policy_request_find(text, have, &scan, ret_len, err);
	return code;
}

static void test_real(void **state)
{
	char text[sizeof(real)];
	struct policy_request r;
	struct err err;
	size_t len;
	(void)state;

	memcpy(text, real, sizeof(real));
	assert_int_equal(find(text, sizeof(text) - 1, false, &len, &err), 1);
	assert_int_equal(len, sizeof(text) - 1);
	assert_int_equal(policy_request_read(text, len, &r, &err), 0);
	assert_int_equal(r.stage, POLICY_END);
	assert_int_equal(r.recipient_count, 2);
	assert_string_equal(r.client, "2001:db8::7");
	assert_string_equal(r.client_port, "2525");
	assert_string_equal(r.server, "2001:db8::1");
	assert_string_equal(r.server_port, "25");
	assert_string_equal(r.sender, "a b@c.example");
	assert_string_equal(r.recipient, "");
	assert_string_equal(r.login, "joe=x@c.example");
	assert_string_equal(r.queue_id, "1B2C3D4E5F");
	assert_string_equal(r.instance, "3f1.65a1b2c3.d4e5f.0");
}

static void test_parts(void **state)
{
	static const struct {
		const char *name, *text;
		int want;
		size_t len;
	} cases[] = {
	    {"nothing", "", 0, 0},
	    {"half a line", "request=x", 0, 0},
	    {"no empty line yet", "request=x\nsender=\n", 0, 0},
	    {"whole", "request=x\n\n", 1, 11},
	    {"two", "request=x\n\nrequest=y\n\n", 1, 11},
	    {"one that is empty", "\n", 1, 1},
	    {"no name", "=x\n\n", 1, 4},
	    {"no '='", "request\n\n", ERR_SYNTAX, 0},
	    {"carriage return", "request=x\r\n\r\n", ERR_SYNTAX, 0},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (int slowly = 0; slowly < 2; slowly++) {
			struct err err = {{0}};
			size_t len = 0;
			int code = find(cases[i].text, strlen(cases[i].text), slowly, &len, &err);

			case_assert(cases[i].name, code == cases[i].want);
			case_assert(cases[i].name, len == cases[i].len);
			case_assert(cases[i].name, (code < 0) == (err.text[0] != '\0'));
		}
	}
}

static void test_nul(void **state)
{
	static const char text[] = "sender=a\0b\n\n";
	struct err err;
	size_t len;
	(void)state;

	assert_int_equal(find(text, sizeof(text) - 1, false, &len, &err), ERR_SYNTAX);
}

/* The largest that fits, and one more. */
static void test_caps(void **state)
{
	struct strbuf line = {0}, many = {0}, large = {0};
	struct err err;
	size_t len;
	(void)state;

	strbuf_puts(&line, "a=");
	while (line.len < POLICY_LINE_MAX - 1)
		strbuf_putc(&line, 'x');
	strbuf_puts(&line, "\n\n");
	assert_int_equal(find(line.text, line.len, false, &len, &err), 1);
	line.text[line.len - 2] = 'x';
	assert_int_equal(find(line.text, line.len, false, &len, &err), ERR_LIMIT);
	/* also before its end has come */
	assert_int_equal(find(line.text, line.len - 1, false, &len, &err), ERR_LIMIT);

	for (unsigned i = 0; i < POLICY_ATTRIBUTES_MAX; i++)
		strbuf_printf(&many, "a%u=\n", i);
	strbuf_puts(&many, "\n");
	assert_int_equal(find(many.text, many.len, false, &len, &err), 1);
	many.len--;
	strbuf_puts(&many, "b=\n\n");
	assert_int_equal(find(many.text, many.len, false, &len, &err), ERR_LIMIT);

	while (large.len < POLICY_REQUEST_MAX)
		strbuf_printf(&large, "a=%01000d\n", 0);
	assert_int_equal(find(large.text, large.len, false, &len, &err), ERR_LIMIT);
	assert_int_equal(find(large.text, large.len, true, &len, &err), ERR_LIMIT);
	strbuf_release(&line);
	strbuf_release(&many);
	strbuf_release(&large);
}

static void test_read(void **state)
{
	static const struct {
		const char *name, *text;
		int code;
		enum policy_stage stage;
		uint32_t count;
		const char *sender;
	} cases[] = {
	    {"empty", "\n", ERR_SYNTAX, 0, 0, ""},
	    {"another service", "request=junk\n\n", ERR_SYNTAX, 0, 0, ""},
	    {"least", "request=smtpd_access_policy\n\n", 0, POLICY_OTHER, 0, ""},
	    {"connect", "request=smtpd_access_policy\nprotocol_state=CONNECT\n\n", 0, POLICY_OTHER,
		0, ""},
	    {"mail", "request=smtpd_access_policy\nprotocol_state=MAIL\nsender=a\n\n", 0,
		POLICY_MAIL, 0, "a"},
	    {"recipient, twice the sender",
		"sender=a\nprotocol_state=RCPT\nsender=b=c\nrequest=smtpd_access_policy\n\n", 0,
		POLICY_RCPT, 0, "b=c"},
	    {"data, a count",
		"request=smtpd_access_policy\nprotocol_state=DATA\n"
		"recipient_count=4294967295\n\n",
		0, POLICY_DATA, UINT32_MAX, ""},
	    {"a wrong count",
		"request=smtpd_access_policy\nprotocol_state=END-OF-MESSAGE\n"
		"recipient_count=4294967296\nSender=a\n\n",
		0, POLICY_END, 0, ""},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[256];
		struct policy_request r = {0};
		struct err err;

		snprintf(text, sizeof(text), "%s", cases[i].text);
		int code = policy_request_read(text, strlen(text), &r, &err);
		case_assert(cases[i].name, code == cases[i].code);
		if (code)
			continue;
		case_assert(cases[i].name, r.stage == cases[i].stage);
		case_assert(cases[i].name, r.recipient_count == cases[i].count);
		case_assert_text(cases[i].name, r.sender, cases[i].sender);
	}
}

static void test_instance(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
	    {"3f1.65a1b2c3.d4e5f.0", INT64_C(0x65a1b2c3) * 1000000 + 0xd4e5f},
	    {"1.0.0.0", 0},
	    {"1.1.f423f.ff", 1999999},
	    {"", 0},
	    {"3f1.65a1b2c3.0", 0}, /* Postfix before 2.2: no microseconds */
	    {"3f1.65a1b2c3.f4240.0", 0},
	    {"3f1.65A1B2C3.d4e5f.0", 0},
	    {"3f1.65a1b2c3.d4e5f.0.1", 0},
	    {"3f1.65a1b2c3.d4e5f.", 0},
	    {"3f1..d4e5f.0", 0},
	    {"3f1.1234567890123.0.0", 0},
	    {"3f1.ffffffffffff.0.0", 0},
	    {"3f1.65a1b2c3.d4e5f.0 ", 0},
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		case_assert(cases[i].text, policy_instance_time(cases[i].text) == cases[i].want);
}

UNIT_MAIN(cmocka_unit_test(test_real), cmocka_unit_test(test_parts), cmocka_unit_test(test_nul),
    cmocka_unit_test(test_caps), cmocka_unit_test(test_read), cmocka_unit_test(test_instance))
