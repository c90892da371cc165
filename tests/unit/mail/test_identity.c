/* SPDX-License-Identifier: ISC */
/*
 * Proof of identity: each row begins with a recorded message and its own file, and changes one
 * thing. The row gives the times; the inode is the one in the queue ID.
 */
#include "tests/unit/unit.h"

#include "mail/identity.h"

#define SEC       INT64_C(1000000)
#define START     (INT64_C(1764000000) * SEC)
#define MAIL_TIME (START + 250000)
#define RCPT_TIME (START + 330000)
#define END_TIME  (START + 5 * SEC + 1)
#define SHORT_ID  "1A2B3BC614E" /* usec 1A2B3, inode BC614E */
#define INODE     UINT64_C(0xBC614E)
#define SENDER    "user@example.com"
#define CLIENT    "192.0.2.1"
#define PORT      40001
#define NO_SENDER "(none)"

struct row {
	const char *name;
	enum judgement want;
	enum message_origin origin; /* 0: SMTPD */
	/* Recorded, where it differs from the usual. "" is the null sender. */
	uint32_t flags;
	const char *sender;
	int64_t mail_time, rcpt_time, connect_time, end_time;
	const char *client;
	int port;    /* -1: none */
	bool queued; /* its file was read: SENDER, INODE, MAIL_TIME */
	/* Found, where it differs from the usual. */
	uint64_t inode;
	int64_t arrival, create;
	const char *file_sender, *file_client;
	int file_port;
};

#define ZERO -2 /* stands for 0 in a row, where 0 means the usual value */

static int64_t or_usual(int64_t value, int64_t usual)
{
	return value == ZERO ? 0 : value != 0 ? value : usual;
}

static void set_client(struct net_address *ret, const char *text)
{
	memset(ret, 0, sizeof(*ret));
	if (text && *text)
		assert_int_equal(net_parse(text, ret), 0);
}

static void fill_message(const struct row *r, struct message *m)
{
	bool local = r->origin == ORIGIN_SENDMAIL;

	message_init(m);
	assert_int_equal(queue_id_parse(SHORT_ID, strlen(SHORT_ID), &m->queue_id), 0);
	m->origin = r->origin ? r->origin : ORIGIN_SMTPD;
	m->flags = r->flags;
	m->sender = r->sender ? r->sender : SENDER;
	m->mail_time = or_usual(r->mail_time, MAIL_TIME);
	m->rcpt_time = or_usual(r->rcpt_time, RCPT_TIME);
	m->connect_time = or_usual(r->connect_time, MAIL_TIME - 1000);
	m->end_time = or_usual(r->end_time, END_TIME);
	set_client(&m->client, local ? "" : r->client ? r->client : CLIENT);
	m->client_port = (uint16_t)(local || r->port == -1 ? 0 : r->port ? r->port : PORT);
	if (r->queued) {
		m->queued.known = true;
		m->queued.sender = SENDER;
		m->queued.inode = INODE;
		m->queued.arrival_time = or_usual(r->mail_time, MAIL_TIME);
	}
}

static void fill_identity(const struct row *r, struct identity *f)
{
	const char *sender = r->file_sender ? r->file_sender : r->sender ? r->sender : SENDER;
	bool local = r->origin == ORIGIN_SENDMAIL;

	memset(f, 0, sizeof(*f));
	f->inode = r->inode ? r->inode : INODE;
	f->arrival_time = or_usual(r->arrival, MAIL_TIME);
	f->create_time = or_usual(r->create, START);
	f->size = 1000;
	f->has_sender = strcmp(sender, NO_SENDER) != 0;
	if (f->has_sender)
		snprintf(f->sender, sizeof(f->sender), "%s", sender);
	set_client(&f->client, r->file_client ? r->file_client : local ? "" : CLIENT);
	f->client_port = (uint16_t)(r->file_port == -1 ? 0
				    : r->file_port     ? r->file_port
				    : local            ? 0
						       : PORT);
}

#define OTHER   .file_sender = "other@example.org"
#define WIDE(n) .rcpt_time = MAIL_TIME + (n)

static const struct row smtpd[] = {
    {"the file itself", JUDGED_SAME, .flags = 0},
    {"T at the start of the window", JUDGED_SAME, .arrival = MAIL_TIME},
    {"T at its end", JUDGED_SAME, .arrival = RCPT_TIME},
    {"T within", JUDGED_SAME, .arrival = MAIL_TIME + 1},
    {"T one microsecond early", JUDGED_CHANGED, .arrival = MAIL_TIME - 1, OTHER},
    {"T one microsecond late", JUDGED_CHANGED, .arrival = RCPT_TIME + 1, OTHER},
    {"T early, sender equal", JUDGED_UNPROVEN, .arrival = MAIL_TIME - 1},
    {"T late, sender equal", JUDGED_UNPROVEN, .arrival = RCPT_TIME + 1},
    {"no T", JUDGED_UNPROVEN, .arrival = -1},
    {"no T, other sender", JUDGED_CHANGED, .arrival = -1, OTHER},
    {"no T, no sender", JUDGED_CHANGED, .arrival = -1, .file_sender = NO_SENDER},
    {"T of zero", JUDGED_UNPROVEN, .arrival = ZERO},
    {"other inode", JUDGED_CHANGED, .inode = INODE + 1, OTHER},
    {"other inode, sender equal", JUDGED_UNPROVEN, .inode = INODE + 1},
    {"rewritten sender does not disprove", JUDGED_SAME, OTHER},
    {"no sender record does not disprove", JUDGED_SAME, .file_sender = NO_SENDER},
    {"other port", JUDGED_UNPROVEN, .file_port = PORT + 1},
    {"other port, other sender", JUDGED_CHANGED, .file_port = PORT + 1, OTHER},
    {"other address", JUDGED_UNPROVEN, .file_client = "192.0.2.9"},
    {"other address, other sender", JUDGED_CHANGED, .file_client = "192.0.2.9", OTHER},
    {"address of the other family", JUDGED_UNPROVEN, .file_client = "2001:db8::1"},
    {"no client in the file", JUDGED_CHANGED, .file_client = "", .file_port = -1, OTHER},
    {"no port in the file", JUDGED_UNPROVEN, .file_port = -1},
    {"no address in the file", JUDGED_UNPROVEN, .file_client = ""},
    {"no client recorded", JUDGED_UNPROVEN, .client = "", .port = -1},
    {"no client on either side", JUDGED_SAME, .client = "", .port = -1, .file_client = "",
	.file_port = -1},
    {"no port recorded", JUDGED_UNPROVEN, .port = -1},
    {"no port on either side", JUDGED_SAME, .port = -1, .file_port = -1},
    {"no port recorded, other address", JUDGED_UNPROVEN, .port = -1, .file_client = "192.0.2.9"},
    {"no address recorded, other port", JUDGED_UNPROVEN, .client = "", .file_port = PORT + 1},
    {"mapped IPv4", JUDGED_SAME, .client = "::ffff:192.0.2.1"},
    {"IPv6", JUDGED_SAME, .client = "2001:db8::1", .file_client = "2001:db8::1"},
    {"other IPv6", JUDGED_UNPROVEN, .client = "2001:db8::1", .file_client = "2001:db8::2"},
    {"create_time is not asked", JUDGED_SAME, .create = -1},
    {"no mail_time", JUDGED_UNPROVEN, .mail_time = ZERO, .arrival = 1},
    {"no mail_time, no T", JUDGED_UNPROVEN, .mail_time = ZERO, .arrival = ZERO},
    {"no rcpt_time", JUDGED_UNPROVEN, .rcpt_time = ZERO},
    {"one moment", JUDGED_SAME, .rcpt_time = MAIL_TIME, .arrival = MAIL_TIME},
    {"one moment, T past it", JUDGED_UNPROVEN, .rcpt_time = MAIL_TIME, .arrival = MAIL_TIME + 1},
    {"unknown origin", JUDGED_UNPROVEN, .origin = (enum message_origin)9},
    {"the longest window", JUDGED_SAME, WIDE(IDENTITY_WINDOW_MAX), OTHER},
    {"a longer window", JUDGED_CHANGED, WIDE(IDENTITY_WINDOW_MAX + 1), OTHER},
    {"a longer window, the sender equal", JUDGED_SAME, WIDE(IDENTITY_WINDOW_MAX + 1)},
    {"a longer window, no client", JUDGED_UNPROVEN, WIDE(IDENTITY_WINDOW_MAX + 1), .client = "",
	.port = -1, .file_client = "", .file_port = -1},
    {"a longer window, no port", JUDGED_UNPROVEN, WIDE(IDENTITY_WINDOW_MAX + 1), .port = -1,
	.file_port = -1},
    {"a longer window, T past it", JUDGED_UNPROVEN, WIDE(IDENTITY_WINDOW_MAX + 1),
	.arrival = MAIL_TIME + IDENTITY_WINDOW_MAX + 2},
    /* A forged row: MAIL long before, and an innocent message's ID at its end. */
    {"a forged row", JUDGED_CHANGED, WIDE(3600 * SEC), .client = "127.0.0.1", .port = -1,
	.arrival = MAIL_TIME + SEC, OTHER},
    {"a forged row of a unix socket", JUDGED_CHANGED, WIDE(2 * SEC), .client = "", .port = -1,
	.arrival = MAIL_TIME + SEC, OTHER},
    {"a row of a remote client, a file of sendmail(1)", JUDGED_CHANGED, WIDE(2 * SEC),
	.arrival = MAIL_TIME + SEC, .file_client = "", .file_port = -1, OTHER},
};

#define STEPPED .flags = MESSAGE_CLOCK_STEPPED

static const struct row stepped[] = {
    {"client, port and sender", JUDGED_SAME, STEPPED, .arrival = 1},
    {"T within does not help another client", JUDGED_UNPROVEN, STEPPED, .file_client = "192.0.2.2"},
    {"T within does not help another sender", JUDGED_CHANGED, STEPPED, OTHER},
    {"other port", JUDGED_UNPROVEN, STEPPED, .file_port = PORT + 1},
    {"no client in the file", JUDGED_UNPROVEN, STEPPED, .file_client = ""},
    {"no port in the file", JUDGED_UNPROVEN, STEPPED, .file_port = -1},
    {"no client recorded", JUDGED_UNPROVEN, STEPPED, .client = ""},
    {"no client on either side", JUDGED_UNPROVEN, STEPPED, .client = "", .file_client = ""},
    {"no port on either side", JUDGED_UNPROVEN, STEPPED, .port = -1, .file_port = -1},
    {"no sender record", JUDGED_CHANGED, STEPPED, .file_sender = NO_SENDER},
    {"other inode", JUDGED_UNPROVEN, STEPPED, .inode = INODE - 1},
    {"IPv6", JUDGED_SAME, STEPPED, .client = "2001:db8::1", .file_client = "2001:db8::1"},
    {"mapped IPv4", JUDGED_SAME, STEPPED, .client = "::ffff:192.0.2.1"},
    {"null sender", JUDGED_SAME, STEPPED, .sender = ""},
    {"null sender against none", JUDGED_CHANGED, STEPPED, .sender = "", .file_sender = NO_SENDER},
    {"null sender against a sender", JUDGED_CHANGED, STEPPED, .sender = "", OTHER},
};

/* connect_time is START + 249000: its second begins at START, the previous one at START - SEC. */
#define LOCAL .origin = ORIGIN_SENDMAIL

static const struct row sendmail[] = {
    {"the file itself", JUDGED_SAME, LOCAL},
    {"created one second before the second of connect", JUDGED_SAME, LOCAL, .create = START - SEC},
    {"created a microsecond before that", JUDGED_UNPROVEN, LOCAL, .create = START - SEC - 1},
    {"created two seconds before", JUDGED_UNPROVEN, LOCAL, .create = START - 2 * SEC},
    {"created as the message ended", JUDGED_SAME, LOCAL, .create = END_TIME},
    {"created past the end", JUDGED_UNPROVEN, LOCAL, .create = END_TIME + 1},
    {"connect on the second", JUDGED_SAME, LOCAL, .connect_time = START, .create = START - SEC},
    {"connect a microsecond before the second", JUDGED_SAME, LOCAL, .connect_time = START - 1,
	.create = START - 2 * SEC},
    {"no create_time", JUDGED_UNPROVEN, LOCAL, .create = -1},
    {"submitted long ago", JUDGED_SAME, LOCAL, .arrival = START - 90000 * SEC},
    {"submitted as the message ended", JUDGED_SAME, LOCAL, .arrival = END_TIME},
    {"submitted past the end", JUDGED_UNPROVEN, LOCAL, .arrival = END_TIME + 1},
    {"no T", JUDGED_UNPROVEN, LOCAL, .arrival = -1},
    {"other sender", JUDGED_CHANGED, LOCAL, OTHER},
    {"no sender record", JUDGED_CHANGED, LOCAL, .file_sender = NO_SENDER},
    {"other inode", JUDGED_UNPROVEN, LOCAL, .inode = 1},
    {"no connect_time", JUDGED_UNPROVEN, LOCAL, .connect_time = ZERO},
    {"no end_time", JUDGED_UNPROVEN, LOCAL, .end_time = ZERO},
    {"stepped clock", JUDGED_UNPROVEN, LOCAL, STEPPED},
    {"a client in the file", JUDGED_UNPROVEN, LOCAL, .file_client = "127.0.0.1"},
    {"a port in the file", JUDGED_UNPROVEN, LOCAL, .file_port = 25},
    {"null sender", JUDGED_SAME, LOCAL, .sender = ""},
    {"null sender against a sender", JUDGED_CHANGED, LOCAL, .sender = "", OTHER},
    {"null sender against none", JUDGED_CHANGED, LOCAL, .sender = "", .file_sender = NO_SENDER},
};

/* The file was read: only the inode and T count. */
#define READ .queued = true
#define ROW  .origin = ORIGIN_QUEUE, .queued = true

static const struct row queued[] = {
    {"the file itself", JUDGED_SAME, READ},
    {"without a given half", JUDGED_SAME, ROW},
    {"T one microsecond early", JUDGED_UNPROVEN, ROW, .arrival = MAIL_TIME - 1},
    {"T one microsecond late", JUDGED_UNPROVEN, READ, .arrival = MAIL_TIME + 1},
    {"T within the window", JUDGED_CHANGED, READ, .arrival = RCPT_TIME, OTHER},
    {"no T on either side", JUDGED_UNPROVEN, ROW, .mail_time = -1, .arrival = -1},
    {"T of zero on both sides", JUDGED_UNPROVEN, ROW, .mail_time = ZERO, .arrival = ZERO},
    {"other inode", JUDGED_UNPROVEN, READ, .inode = INODE + 1},
    {"other inode, other sender", JUDGED_CHANGED, ROW, .inode = INODE + 1, OTHER},
    {"the sender as given", JUDGED_UNPROVEN, READ, .inode = INODE + 1, .sender = "a@b.example",
	.file_sender = "a@b.example"},
    {"the sender as queued", JUDGED_UNPROVEN, READ, .inode = INODE + 1, .sender = "a@b.example",
	.file_sender = SENDER},
    {"rewritten sender does not disprove", JUDGED_SAME, READ, OTHER},
    {"a flag from the past", JUDGED_SAME, READ, STEPPED},
    {"the client is not asked", JUDGED_SAME, READ, .client = "", .port = -1},
    {"sendmail(1)", JUDGED_SAME, LOCAL, READ, .create = START - 9 * SEC},
    {"nothing known", JUDGED_CHANGED, .origin = ORIGIN_QUEUE},
    {"nothing known, null sender", JUDGED_CHANGED, .origin = ORIGIN_QUEUE, .sender = ""},
};

/* Only whether the senders count as equal; without T the proof fails. */
static const struct row senders[] = {
    {"local part without case", JUDGED_UNPROVEN, .arrival = -1, .file_sender = "USER@example.com"},
    {"other domain", JUDGED_CHANGED, .arrival = -1, .file_sender = "user@example.org"},
    {"domain below", JUDGED_CHANGED, .arrival = -1, .file_sender = "user@a.example.com"},
    {"domain that ends alike", JUDGED_CHANGED, .arrival = -1, .file_sender = "user@badexample.com"},
    {"other local part", JUDGED_CHANGED, .arrival = -1, .file_sender = "user1@example.com"},
    {"null sender", JUDGED_UNPROVEN, .arrival = -1, .sender = ""},
    {"null sender recorded", JUDGED_CHANGED, .arrival = -1, .sender = "", .file_sender = SENDER},
    {"null sender found", JUDGED_CHANGED, .arrival = -1, .file_sender = ""},
    {"no sender found", JUDGED_CHANGED, .arrival = -1, .file_sender = NO_SENDER},
    {"null sender recorded, none found", JUDGED_CHANGED, .arrival = -1, .sender = "",
	.file_sender = NO_SENDER},
    {"no domain", JUDGED_UNPROVEN, .arrival = -1, .sender = "root", .file_sender = "ROOT"},
};

static void judge_rows(const char *table, const struct row *rows, size_t count)
{
	static const char *const words[] = {"same", "changed", "unproven"};

	for (size_t i = 0; i < count; i++) {
		struct identity found;
		struct message m;
		enum judgement got;

		fill_message(&rows[i], &m);
		fill_identity(&rows[i], &found);
		got = identity_judge(&m, &found);
		if (got != rows[i].want)
			case_fail(rows[i].name, "%s: got %s, want %s", table, words[got],
			    words[rows[i].want]);
	}
}

static void test_smtpd(void **state)
{
	(void)state;
	judge_rows("smtpd", smtpd, COUNT_OF(smtpd));
	judge_rows("smtpd", senders, COUNT_OF(senders));
}

static void test_stepped(void **state)
{
	(void)state;
	judge_rows("stepped", stepped, COUNT_OF(stepped));
}

static void test_sendmail(void **state)
{
	(void)state;
	judge_rows("sendmail", sendmail, COUNT_OF(sendmail));
}

static void test_queued(void **state)
{
	(void)state;
	judge_rows("queued", queued, COUNT_OF(queued));
}

/* The same with a long queue ID, which proves no more by itself. */
static void test_long_id(void **state)
{
	struct row same = {"long ID", JUDGED_SAME, .flags = 0},
		   other = {"long ID, other inode", JUDGED_UNPROVEN, .flags = 0};
	struct identity found;
	struct message m;

	(void)state;
	fill_message(&same, &m);
	fill_identity(&same, &found);
	assert_int_equal(queue_id_parse("4dFVrw75plz1p3V6", 16, &m.queue_id), 0);
	found.inode = 12345678;
	case_assert(same.name, identity_judge(&m, &found) == same.want);
	found.inode++;
	case_assert(other.name, identity_judge(&m, &found) == other.want);
	/* A restored spool: what was read there counts, not the ID. */
	m.queued = (struct queued){
	    .known = true, .inode = found.inode, .arrival_time = MAIL_TIME, .sender = SENDER};
	assert_int_equal(identity_judge(&m, &found), JUDGED_SAME);
}

UNIT_MAIN(cmocka_unit_test(test_smtpd), cmocka_unit_test(test_stepped),
    cmocka_unit_test(test_sendmail), cmocka_unit_test(test_queued), cmocka_unit_test(test_long_id))
