/* SPDX-License-Identifier: ISC */
/* Queue files as messages; which of them are this host's own notices. */
#include "tests/unit/postfix/rig.h"

#include "base/err.h"
#include "postfix/file/queue_message.h"

#define ARRIVAL INT64_C(1700000000123456)
#define MAX     3

static const struct queue_id some_id = {"A1B2CA73701"};
static const struct queue_host host = {.hostname = "rig.test", .mail_owner = 102};

static int parse_as(const struct bytes *file, const struct queue_id *id, struct queue_message *m)
{
	int fd = rig_memory_file(file);
	int code = queue_message_read(fd, id, &host, MAX, m);

	close(fd);
	return code;
}

static int parse(const struct bytes *file, struct queue_message *m)
{
	return parse_as(file, &some_id, m);
}

/* One record of a crafted file: a type and its data. "" data with type 0 ends the list. */
struct line {
	char type;
	const char *data;
};

static void craft(struct bytes *file, const struct line *lines)
{
	bytes_clear(file);
	for (; lines->type; lines++)
		rig_record(file, lines->type, lines->data);
}

static void expect_list(const char *name, const struct strlist *list, const char *want)
{
	char got[512] = "";

	strlist_each (item, list) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s", len ? "," : "", item);
	}
	case_assert_text(name, got, want);
}

#define HEAD                                                                                       \
	{'T', "1700000000 123456"},                                                                \
	{                                                                                          \
		'S', "a@Bad.Example"                                                               \
	}

static const struct {
	const char *name;
	struct line lines[24];
	const char *recipients, *originals, *from, *message_id, *login;
	int64_t uid;
	uint32_t count, flags;
} files[] = {
    {"usual",
	{HEAD, {'A', "client_address=192.0.2.1"}, {'A', "sasl_username=joe"}, {'O', "u@X.Example"},
	    {'R', "new@y.example"}, {'M', ""}, {'N', "Received: from x (localhost [127.0.0.1])"},
	    {'N', "\tby y (Postfix, from userid 7)"}, {'N', "From: A <a@b.example>,"},
	    {'N', " c@D.example"}, {'N', "message-ID:  <m@x> (comment)"}, {'N', ""},
	    {'N', "From: z@z.example"}, {'X', ""}, {'E', ""}, {0}},
	"new@y.example", "u@x.example", "a@b.example,c@d.example", "<m@x>", "joe", -1, 1, 0},
    {"sendmail(1)",
	{HEAD, {'O', "u@x.example"}, {'R', "u@X.example"}, {'M', ""},
	    {'N', "Received: by rig.test (Postfix, from userid 4711)"},
	    {'N', "\tid A1B2CA73701; date"}, {'N', ""}, {'X', ""}, {'E', ""}, {0}},
	"u@x.example", "-", "", "", "", 4711, 1, 0},
    {"delivered recipients, and no original",
	{HEAD, {'O', "one@x.example"}, {'D', "n@x.example"}, {'O', ""}, {'R', "two@x.example"},
	    {'M', ""}, {'X', ""}, {'E', ""}, {0}},
	"two@x.example", "-", "", "", "", -1, 1, 0},
    {"an original belongs to the next recipient alone",
	{HEAD, {'O', "one@x.example"}, {'D', "n@x.example"}, {'R', "two@x.example"},
	    {'O', "three@x.example"}, {'R', "n3@x.example"}, {'R', "four@x.example"}, {'M', ""},
	    {'X', ""}, {'E', ""}, {0}},
	"two@x.example,n3@x.example,four@x.example", "-,three@x.example,-", "", "", "", -1, 3, 0},
    {"all delivered",
	{HEAD, {'O', "one@x.example"}, {'D', "n@x.example"}, {'M', ""}, {'X', ""}, {'E', ""}, {0}},
	"", "", "", "", "", -1, 0, 0},
    {"more recipients than are kept",
	{HEAD, {'R', "1@x.example"}, {'D', "0@x.example"}, {'R', "2@x.example"},
	    {'R', "3@x.example"}, {'R', "4@x.example"}, {'M', ""}, {'X', ""}, {'E', ""}, {0}},
	"1@x.example,2@x.example,3@x.example", "-,-,-", "", "", "", -1, 4,
	MESSAGE_CUT_QUEUED_RECIPIENTS},
    {"redirected",
	{HEAD, {'O', "one@x.example"}, {'R', "1@x.example"}, {'M', ""}, {'X', ""},
	    {'>', "new@Y.example"}, {'E', ""}, {0}},
	"1@x.example,new@y.example", "one@x.example,-", "", "", "", -1, 2, 0},
    {"a line in pieces",
	{HEAD, {'R', "1@x.example"}, {'M', ""}, {'L', "From: a@b.exa"}, {'L', "mple, c@"},
	    {'N', "d.example"}, {'N', "Subject: From: z@z.example"}, {'N', ""}, {'X', ""},
	    {'E', ""}, {0}},
	"1@x.example", "-", "a@b.example,c@d.example", "", "", -1, 1, 0},
    {"several From fields, a blank before the colon",
	{HEAD, {'R', "1@x.example"}, {'M', ""}, {'N', "From: a@b.example"},
	    {'N', "FROM : c@d.example"}, {'N', "Fromage: e@f.example"}, {'N', ""}, {'X', ""},
	    {'E', ""}, {0}},
	"1@x.example", "-", "a@b.example,c@d.example", "", "", -1, 1, 0},
    {"no header at all",
	{HEAD, {'R', "1@x.example"}, {'M', ""}, {'N', "hello"}, {'N', "From: a@b.example"},
	    {'X', ""}, {'E', ""}, {0}},
	"1@x.example", "-", "", "", "", -1, 1, 0},
    {"L in the envelope names a filter",
	{HEAD, {'L', "smtp:filter"}, {'R', "1@x.example"}, {'M', ""}, {'N', "From: a@b.example"},
	    {'N', ""}, {'X', ""}, {'E', ""}, {0}},
	"1@x.example", "-", "a@b.example", "", "", -1, 1, 0},
    {"cut short in the header",
	{HEAD, {'R', "1@x.example"}, {'M', ""}, {'N', "From: a@b.example"}, {0}}, "1@x.example",
	"-", "a@b.example", "", "", -1, 1, MESSAGE_CUT_QUEUED_RECIPIENTS | MESSAGE_CUT_QUEUED_FROM},
};

static void expect_originals(const char *name, const struct strlist *list, const char *want)
{
	char got[512] = "";

	strlist_each (item, list) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s", len ? "," : "", *item ? item : "-");
	}
	case_assert_text(name, got, want);
}

static void test_files(void **state)
{
	struct queue_message m = {0};
	const struct queued *q = &m.message.queued;
	struct bytes file = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(files); n++) {
		const char *name = files[n].name;

		craft(&file, files[n].lines);
		case_assert(name, parse(&file, &m) == 0);
		case_assert_text(name, q->sender, "a@bad.example");
		case_assert(name, m.message.origin == ORIGIN_QUEUE && q->known);
		case_assert(name, m.message.mail_time == ARRIVAL && m.message.end_time == ARRIVAL);
		case_assert(name, q->arrival_time == ARRIVAL && q->inode > 0);
		expect_list(name, &q->recipients, files[n].recipients);
		expect_originals(name, &q->originals, files[n].originals);
		case_assert(name, q->originals.count == q->recipients.count);
		expect_list(name, &q->from, files[n].from);
		case_assert_text(name, q->message_id, files[n].message_id);
		case_assert_text(name, q->login, files[n].login);
		case_assert(name, q->uid == files[n].uid);
		case_assert(name, q->recipient_count == files[n].count);
		case_assert(name, m.message.flags == files[n].flags);
		case_assert_text(name, m.message.sender, "");
		case_assert(name, m.message.recipients.count == 0 && m.message.from.count == 0);
	}
	queue_message_release(&m);
	bytes_release(&file);
}

/* smtpd's record of the client. */
static void test_attributes(void **state)
{
	static const struct line lines[] = {HEAD, {'A', "create_time=1700000001"},
	    {'A', "log_ident=C951EA72936"}, {'A', "log_client_address=IPv6:2001:db8::9"},
	    {'A', "client_address=127.0.0.1"}, {'A', "client_port=4711"}, {'R', "u@x.example"},
	    {'M', ""}, {'X', ""}, {'E', ""}, {0}};
	struct queue_message m = {0};
	const struct queued *q = &m.message.queued;
	struct bytes file = {0};
	char text[NET_TEXT_SIZE];

	(void)state;
	craft(&file, lines);
	assert_int_equal(parse(&file, &m), 0);
	assert_string_equal(q->log_ident, "C951EA72936");
	assert_string_equal(net_text(&q->log_client, text), "2001:db8::9");
	assert_string_equal(net_text(&q->client, text), "127.0.0.1");
	assert_int_equal(q->client_port, 4711);
	assert_true(q->create_time == INT64_C(1700000001000000));
	/* XFORWARD from a local client: the message came back from a filter, and its login is
	 * unknown. */
	assert_int_equal(m.message.flags, MESSAGE_UNJOINED);
	assert_string_equal(m.message.first.queue_id.text, "C951EA72936");
	queue_message_release(&m);
	bytes_release(&file);
}

/* Mailboxes beyond the recorded ones, for a caller that asks. */
static void test_asked(void **state)
{
	static const struct queue_id id = {"A1B2CA73701"};
	struct queue_message m = {0};
	struct selector selector;
	struct bytes file = {0};
	struct pattern p;
	struct strbuf from = {0};

	(void)state;
	selector_init(&selector);
	assert_int_equal(pattern_parse("late.example", &p, NULL), 0);
	assert_int_equal(pattern_set_add(&selector.author, &p), 0);
	strbuf_puts(&from, "From: ");
	for (unsigned n = 0; n < 70; n++)
		strbuf_printf(&from, "a%u@x.example, ", n);
	strbuf_puts(&from, "b@late.example");
	rig_record(&file, 'T', "1700000000 123456");
	rig_record(&file, 'S', "a@bad.example");
	rig_record(&file, 'R', "u@x.example");
	rig_record(&file, 'M', "");
	rig_record(&file, 'N', from.text);
	rig_record(&file, 'X', "");
	rig_record(&file, 'E', "");
	assert_int_equal(parse_as(&file, &id, &m), 0);
	assert_int_equal(m.message.flags, MESSAGE_CUT_QUEUED_FROM);
	assert_int_equal(
	    selector_nominate(&selector, &m.message, NULL), MATCHED_FROM | MATCHED_UNSURE);
	m.mailboxes.selector = &selector;
	assert_int_equal(parse_as(&file, &id, &m), 0);
	assert_true(m.mailboxes.author && !m.mailboxes.from);
	assert_int_equal(
	    selector_nominate_read(&selector, &m.message, &m.mailboxes, NULL), MATCHED_FROM);
	/* The next file has its own header. */
	bytes_clear(&file);
	rig_record(&file, 'T', "1700000000 123456");
	rig_record(&file, 'S', "a@bad.example");
	rig_record(&file, 'R', "u@x.example");
	rig_record(&file, 'M', "");
	rig_record(&file, 'X', "");
	rig_record(&file, 'E', "");
	assert_int_equal(parse_as(&file, &id, &m), 0);
	assert_false(m.mailboxes.author);
	selector_release(&selector);
	queue_message_release(&m);
	bytes_release(&file);
	strbuf_release(&from);
}

/* A milter replaced From, so its record is elsewhere, and so are recipients taken from the
 * header. */
static void test_pointers(void **state)
{
	static const char there[] = "From: new@b.example";
	struct queue_message m = {0};
	struct bytes file = {0};
	char text[128];
	size_t size_at = 2, pointer_at, back, content, end, elsewhere;

	(void)state;
	rig_record(
	    &file, 'C', "                                                                  ");
	rig_record(&file, 'T', "1700000000 123456");
	rig_record(&file, 'S', "a@bad.example");
	rig_record(&file, 'M', "");
	content = file.len;
	pointer_at = file.len + 2;
	rig_record(&file, 'p', "               ");
	back = file.len;
	rig_record(&file, 'N', "");
	rig_record(&file, 'N', "From: body@z.example");
	end = file.len;
	rig_record(&file, 'X', "");
	rig_record(&file, 'R', "extracted@x.example");
	rig_record(&file, 'E', "");
	elsewhere = file.len;
	rig_record(&file, 'N', there);
	snprintf(text, sizeof(text), "%15zu", back);
	rig_record(&file, 'p', text);
	snprintf(text, sizeof(text), "%15zu", elsewhere);
	memcpy(file.at + pointer_at, text, 15);
	snprintf(text, sizeof(text), "%15zu %15zu %15d %15d", end - content, content, 1, 0);
	memcpy(file.at + size_at, text, strlen(text));
	assert_int_equal(parse(&file, &m), 0);
	expect_list("pointer", &m.message.queued.from, "new@b.example");
	expect_list("extracted", &m.message.queued.recipients, "extracted@x.example");
	assert_true(m.finished);
	queue_message_release(&m);
	bytes_release(&file);
}

static void test_no_queue_file(void **state)
{
	static const struct {
		const char *name;
		struct line lines[8];
	} cases[] = {
	    {"nothing", {{0}}},
	    {"no time", {{'C', "1 2 3"}, {'S', "a@b"}, {'R', "c@d"}, {0}}},
	    {"no sender", {{'T', "1700000000 1"}, {'R', "c@d"}, {'M', ""}, {'E', ""}, {0}}},
	    {"text", {{'N', "From: a@b"}, {0}}},
	};
	struct queue_message m = {0};
	struct bytes file = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		craft(&file, cases[n].lines);
		case_assert(cases[n].name, parse(&file, &m) == ERR_SYNTAX);
	}
	queue_message_release(&m);
	bytes_release(&file);
}

#define REPORT "Content-Type: multipart/report; report-type=delivery-status;"
#define NOTICE                                                                                     \
	{'M', ""}, {'N', "Received: by rig.test (Postfix)"}, {'N', "\tid A1B2CA73701; date"},      \
	    {'N', "Auto-Submitted: auto-replied"}, {'N', REPORT},                                  \
	    {'N', "\tboundary=\"6A326A73701.1795459757/rig.test\""}, {'N', ""}, {'X', ""},         \
	{                                                                                          \
		'E', ""                                                                            \
	}
#define TIME                                                                                       \
	{                                                                                          \
		'T', "1700000000 1"                                                                \
	}
#define LOCAL                                                                                      \
	{                                                                                          \
		'A', "log_message_origin=local"                                                    \
	}
#define TO                                                                                         \
	{                                                                                          \
		'R', "a@bad.example"                                                               \
	}

static void test_notices(void **state)
{
	static const struct {
		const char *name;
		struct line lines[24];
		bool want;
	} cases[] = {
	    {"a bounce", {TIME, LOCAL, {'S', ""}, TO, NOTICE, {0}}, true},
	    {"a bounce that was requeued",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""},
		    {'N', "Received: by rig.test (Postfix, from userid 102)"},
		    {'N', "\tid A1B2CA73701; date"}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73702; date"}, {'N', "Auto-Submitted: auto-replied"},
		    {'N', REPORT}, {'N', "\tboundary=\"6A326A73701.1795459757/rig.test\""},
		    {'N', ""}, {'X', ""}, {'E', ""}, {0}},
		true},
	    {"another file's header",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73702; date"}, {'N', "Auto-Submitted: auto-replied"},
		    {'N', REPORT}, {'N', "\tboundary=\"6A326A73701.1795459757/rig.test\""},
		    {'N', ""}, {'X', ""}, {'E', ""}, {0}},
		false},
	    {"a field in front of Received",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "X: y"}, NOTICE, {0}}, false},
	    {"has a sender", {TIME, LOCAL, {'S', "x@y"}, TO, NOTICE, {0}}, false},
	    {"no origin", {TIME, {'S', ""}, TO, NOTICE, {0}}, false},
	    {"another origin",
		{TIME, {'A', "log_message_origin=local[127.0.0.1]"}, {'S', ""}, TO, NOTICE, {0}},
		false},
	    {"a client brought it",
		{TIME, LOCAL, {'S', ""}, {'A', "client_address=127.0.0.1"}, TO, NOTICE, {0}},
		false},
	    {"a client brought what was forwarded",
		{TIME, LOCAL, {'S', ""}, {'A', "log_client_name=x"}, TO, NOTICE, {0}}, false},
	    {"no recipient", {TIME, LOCAL, {'S', ""}, NOTICE, {0}}, false},
	    {"a user submitted it",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""},
		    {'N', "Received: by rig.test (Postfix, from userid 0)"},
		    {'N', "\tid A1B2CA73701; date"}, NOTICE, {0}},
		false},
	    {"forwarded",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73701; date"}, {'N', "Delivered-To: x@y"}, NOTICE, {0}},
		false},
	    {"another host",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""},
		    {'N', "Received: by rig.test.evil.test (Postfix)"}, NOTICE, {0}},
		false},
	    {"no report",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73701; date"}, {'N', "Auto-Submitted: auto-replied"},
		    {'N', "Content-Type: text/plain"}, {'N', ""}, {'X', ""}, {'E', ""}, {0}},
		false},
	    {"a report of another host",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73701; date"}, {'N', "Auto-Submitted: auto-replied"},
		    {'N', REPORT}, {'N', "\tboundary=\"6A326A73701.1795459757/other.test\""},
		    {'N', ""}, {'X', ""}, {'E', ""}, {0}},
		false},
	    {"a boundary that is none of Postfix's",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73701; date"}, {'N', "Auto-Submitted: auto-replied"},
		    {'N', REPORT}, {'N', "\tboundary=\"x.1795459757/rig.test\""}, {'N', ""},
		    {'X', ""}, {'E', ""}, {0}},
		false},
	    {"cut short",
		{TIME, LOCAL, {'S', ""}, TO, {'M', ""}, {'N', "Received: by rig.test (Postfix)"},
		    {'N', "\tid A1B2CA73701; date"}, {'N', "Auto-Submitted: auto-replied"},
		    {'N', REPORT}, {'N', "\tboundary=\"6A326A73701.1795459757/rig.test\""}, {0}},
		false},
	};
	struct queue_message m = {0};
	struct bytes file = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		craft(&file, cases[n].lines);
		case_assert(cases[n].name, parse(&file, &m) == 0);
		case_assert(
		    cases[n].name, ((m.message.flags & MESSAGE_NOTICE) != 0) == cases[n].want);
	}
	queue_message_release(&m);
	bytes_release(&file);
}

UNIT_MAIN(cmocka_unit_test(test_files), cmocka_unit_test(test_attributes),
    cmocka_unit_test(test_asked), cmocka_unit_test(test_pointers),
    cmocka_unit_test(test_no_queue_file), cmocka_unit_test(test_notices))
