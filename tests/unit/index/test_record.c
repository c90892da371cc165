/* SPDX-License-Identifier: ISC */
/* The record codec: it returns what went in, and believes nothing else. */
#include "tests/unit/index/fixture.h"

#include "mail/address/from.h"

/* Repairs the checksum, so that the test reaches the checks after it. */
static void reseal(struct bytes *record)
{
	bytes_set_u64(record, 1, bytes_hash(record->at + 9, record->len - 9));
}

static void assert_same_list(const char *name, const struct strlist *a, const struct strlist *b)
{
	case_assert(name, a->count == b->count);
	case_assert(name, a->bytes == b->bytes);
	if (a->bytes > 0)
		case_assert(name, memcmp(a->first, b->first, a->bytes) == 0);
}

static void assert_same_client(
    const char *name, const struct net_address *a, const struct net_address *b)
{
	case_assert(name, a->family == b->family);
	case_assert(name, a->family == 0 || net_equal(a, b));
}

static void assert_same_queued(const char *name, const struct queued *a, const struct queued *b)
{
	case_assert(name, a->known == b->known);
	if (!a->known)
		return;
	case_assert(name, a->arrival_time == b->arrival_time);
	case_assert(name, a->create_time == b->create_time);
	case_assert(name, a->inode == b->inode);
	case_assert(name, a->size == b->size);
	case_assert(name, a->uid == b->uid);
	assert_same_client(name, &a->client, &b->client);
	assert_same_client(name, &a->log_client, &b->log_client);
	case_assert(name, a->client_port == b->client_port);
	case_assert(name, a->recipient_count == b->recipient_count);
	case_assert_text(name, a->sender, b->sender);
	case_assert_text(name, a->login, b->login);
	case_assert_text(name, a->message_id, b->message_id);
	case_assert_text(name, a->log_ident, b->log_ident);
	assert_same_list(name, &a->from, &b->from);
	assert_same_list(name, &a->recipients, &b->recipients);
	assert_same_list(name, &a->originals, &b->originals);
}

static void assert_same(const char *name, const struct message *a, const struct message *b)
{
	case_assert_text(name, a->queue_id.text, b->queue_id.text);
	case_assert(name, a->origin == b->origin);
	case_assert(name, a->flags == b->flags);
	case_assert(name, a->connect_time == b->connect_time);
	case_assert(name, a->mail_time == b->mail_time);
	case_assert(name, a->rcpt_time == b->rcpt_time);
	case_assert(name, a->end_time == b->end_time);
	case_assert(name, a->client.family == b->client.family);
	case_assert(name, a->client.family == 0 || net_equal(&a->client, &b->client));
	case_assert(name, a->client_port == b->client_port);
	case_assert(name, a->recipient_count == b->recipient_count);
	case_assert_text(name, a->sender, b->sender);
	case_assert_text(name, a->login, b->login);
	case_assert_text(name, a->message_id, b->message_id);
	case_assert_text(name, a->subject, b->subject);
	assert_same_list(name, &a->from, &b->from);
	assert_same_list(name, &a->recipients, &b->recipients);
	assert_same_queued(name, &a->queued, &b->queued);
	case_assert_text(name, a->first.queue_id.text, b->first.queue_id.text);
	case_assert_text(
	    name, a->first.login ? a->first.login : "", b->first.login ? b->first.login : "");
	assert_same_client(name, &a->first.client, &b->first.client);
}

static const struct mail full = {.usec = 0xabc,
    .inode = 123456,
    .time = INT64_C(1790000000123456),
    .sender = "Someone@sub.example.com",
    .from = "other@example.org",
    .recipient = "user@dest.example",
    .login = "some one",
    .message_id = "<1@example.com>"};

static struct message full_message(void)
{
	struct message m = fixture_message(&full);

	m.subject = "hello";
	return m;
}

/* Both halves, different in every member, and a first pass. */
static struct message whole_message(void)
{
	struct mail mail = full;
	struct message m;

	mail.arrival = mail.time + 1;
	mail.file_inode = 999;
	mail.queued_sender = "srs0=x@relay.example";
	mail.queued_recipient = "alias@elsewhere.example";
	mail.first = "ABCDE1234";
	m = fixture_message(&mail);
	m.subject = "hello";
	m.queued.create_time = mail.time;
	m.queued.uid = 1000;
	m.queued.login = "other";
	m.queued.message_id = "<2@example.com>";
	m.queued.log_ident = "ABCDE1234";
	m.queued.from = m.queued.recipients;
	assert_int_equal(net_parse("127.0.0.1", &m.queued.client), 0);
	assert_int_equal(net_parse("2001:db8::9", &m.queued.log_client), 0);
	m.first.login = "first one";
	assert_int_equal(net_parse("198.51.100.1", &m.first.client), 0);
	m.flags = MESSAGE_JOINED | MESSAGE_NOTICE;
	return m;
}

static void test_round_trip(void **state)
{
	struct message m = full_message(), got;
	struct bytes record = {0};
	static const char *const clients[] = {"192.0.2.1", "2001:db8::1", NULL};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(clients); i++) {
		const char *name = clients[i] ? clients[i] : "local";

		memset(&m.client, 0, sizeof m.client);
		if (clients[i])
			assert_int_equal(net_parse(clients[i], &m.client), 0);
		m.origin = clients[i] ? ORIGIN_SMTPD : ORIGIN_SENDMAIL;
		m.flags = MESSAGE_HELD | MESSAGE_CLOCK_STEPPED;
		bytes_clear(&record);
		record_encode(&m, &record);
		case_assert(name, record_decode(bytes_span(&record), &got) == 0);
		assert_same(name, &m, &got);
		case_assert(name, record_peek(bytes_span(&record), &got) == 0);
		assert_same(name, &m, &got);
		case_assert(name, record.len < 300);
	}
	bytes_release(&record);
}

static void test_both_halves(void **state)
{
	struct message m = whole_message(), got;
	struct bytes record = {0};
	struct record_head head;

	(void)state;
	record_encode(&m, &record);
	assert_int_equal(record_decode(bytes_span(&record), &got), 0);
	assert_same("both", &m, &got);
	assert_int_equal(record_peek(bytes_span(&record), &got), 0);
	assert_same("both, viewed", &m, &got);
	assert_int_equal(record_head(bytes_span(&record), &head), 0);
	assert_true(head.read && head.moved);
	/* The authors of both halves: one domain for each sender and each From. */
	assert_int_equal(head.author_count, 4);
	bytes_release(&record);
}

/* A queue half that equals the given half costs little. */
static void test_halves_that_agree(void **state)
{
	struct mail mail = full;
	struct bytes given = {0}, both = {0};
	struct record_head head;
	struct message m, got;

	(void)state;
	m = fixture_message(&mail);
	record_encode(&m, &given);
	mail.arrival = mail.time + 1;
	m = fixture_message(&mail);
	record_encode(&m, &both);
	assert_int_equal(record_decode(bytes_span(&both), &got), 0);
	assert_same("agreeing", &m, &got);
	assert_int_equal(record_head(bytes_span(&both), &head), 0);
	assert_true(head.read && !head.moved);
	assert_true(both.len < given.len + 90);
	bytes_release(&given);
	bytes_release(&both);
}

/* In a row made from the queue file only the queue half counts, whatever the given half holds. */
static void test_queue_only(void **state)
{
	struct message m = whole_message(), got;
	struct bytes record = {0};

	(void)state;
	m.origin = ORIGIN_QUEUE;
	record_encode(&m, &record);
	assert_int_equal(record_decode(bytes_span(&record), &got), 0);
	assert_same_queued("queue only", &m.queued, &got.queued);
	assert_string_equal(got.sender, "");
	assert_string_equal(got.login, "");
	assert_int_equal(got.recipients.count, 0);
	assert_int_equal(got.client.family, 0);
	assert_int_equal(got.connect_time, 0);
	assert_int_equal(got.mail_time, m.queued.arrival_time);
	assert_int_equal(got.rcpt_time, m.queued.arrival_time);
	assert_int_equal(got.end_time, m.queued.arrival_time);
	bytes_clear(&record);
	m.queued.known = false; /* then neither half counts */
	record_encode(&m, &record);
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_DAMAGED);
	bytes_release(&record);
}

static void test_many_recipients(void **state)
{
	struct message m = full_message(), got;
	struct strbuf packed = {0};
	struct bytes record = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char address[64];

		(void)snprintf(address, sizeof address, "user%d@dest%d.example", i, i % 7);
		strlist_push(&packed, address, strlen(address));
	}
	m.recipients = strlist_of(&packed);
	m.recipient_count = 5000;
	record_encode(&m, &record);
	assert_int_equal(record_decode(bytes_span(&record), &got), 0);
	assert_same("many", &m, &got);
	bytes_release(&record);
	strbuf_release(&packed);
}

static void test_head_names_the_authors(void **state)
{
	struct message m = full_message();
	struct bytes record = {0};
	struct record_head head;
	struct span key;
	size_t at = 0;

	(void)state;
	record_encode(&m, &record);
	assert_int_equal(record_head(bytes_span(&record), &head), 0);
	assert_true(queue_id_equal(&head.queue_id, &m.queue_id));
	assert_int_equal(head.mail_time, m.mail_time);
	assert_int_equal(head.end_time, m.end_time);
	assert_int_equal(head.author_count, 2);
	assert_int_equal(record_next_author(&head, &at, &key), 1);
	assert_int_equal(key.len, strlen("com.example.sub."));
	assert_memory_equal(key.at, "com.example.sub.", key.len);
	assert_int_equal(record_next_author(&head, &at, &key), 1);
	assert_memory_equal(key.at, "org.example.", key.len);
	assert_int_equal(record_next_author(&head, &at, &key), 0);
	bytes_release(&record);
}

static void test_most_authors(void **state)
{
	struct message m = full_message();
	struct strbuf packed = {0};
	struct bytes record = {0};
	struct record_head head;
	char address[300];

	(void)state;
	for (int i = 0; i < FROM_MAILBOX_MAX; i++) {
		(void)snprintf(address, sizeof address, "a@l%02d.%0*d.%0*d.%0*d.%0*d.example", i,
		    55, 1, 55, 2, 55, 3, 55, 4);
		strlist_push(&packed, address, strlen(address));
	}
	m.from = strlist_of(&packed);
	record_encode(&m, &record);
	assert_int_equal(record_head(bytes_span(&record), &head), 0);
	assert_int_equal(head.author_count, 1 + FROM_MAILBOX_MAX);
	bytes_release(&record);
	strbuf_release(&packed);
}

static void test_every_flip_is_seen(void **state)
{
	struct message m = whole_message(), got;
	struct bytes record = {0};

	(void)state;
	record_encode(&m, &record);
	for (size_t i = 1; i < record.len; i++) {
		record.at[i] ^= 0x10;
		if (record_decode(bytes_span(&record), &got) != ERR_DAMAGED)
			case_fail("flip", "byte %zu", i);
		record.at[i] ^= 0x10;
	}
	for (size_t len = 0; len < record.len; len++)
		if (record_decode((struct span){.at = record.at, .len = len}, &got) != ERR_DAMAGED)
			case_fail("cut", "to %zu bytes", len);
	bytes_release(&record);
}

/* With a matching checksum: each byte in turn gets bad values, in a buffer of the exact size (for
 * the sanitizers). */
static void test_sealed_nonsense_is_safe(void **state)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0xff};
	struct message m = whole_message(), got;
	struct record_head head;
	struct bytes record = {0};

	(void)state;
	record_encode(&m, &record);
	for (size_t i = 9; i < record.len; i++) {
		for (size_t v = 0; v < COUNT_OF(values); v++) {
			unsigned char was = record.at[i], *exact = malloc(record.len);
			struct span span = {.at = exact, .len = record.len};
			size_t at = 0, total = 0;
			struct span key;

			record.at[i] = values[v];
			reseal(&record);
			assert_non_null(exact);
			memcpy(exact, record.at, record.len);
			if (record_head(span, &head) == 0)
				while (record_next_author(&head, &at, &key) == 1)
					total += key.len;
			if (record_decode(span, &got) == 0) {
				total += strlen(got.sender) + strlen(got.login) +
					 strlen(got.subject) + strlen(got.queued.sender) +
					 strlen(got.queued.log_ident) + strlen(got.first.login);
				strlist_each (item, &got.queued.recipients)
					total += strlen(item);
				strlist_each (item, &got.queued.originals)
					total += strlen(item);
				strlist_each (item, &got.recipients)
					total += strlen(item);
				strlist_each (item, &got.from)
					total += strlen(item);
			}
			assert_true(total < 2 * record.len);
			free(exact);
			record.at[i] = was;
		}
	}
	bytes_release(&record);
}

static void test_bad_queue_id_is_damage(void **state)
{
	struct message m = full_message(), got;
	struct record_head head;
	struct bytes record = {0};

	(void)state;
	record_encode(&m, &record);
	record.at[30] = '/';
	reseal(&record);
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_DAMAGED);
	assert_int_equal(record_head(bytes_span(&record), &head), ERR_DAMAGED);
	bytes_release(&record);
}

/* Nothing of another version is read; the index is emptied. */
static void test_other_version(void **state)
{
	struct message m = full_message(), got;
	struct record_head head;
	struct bytes record = {0};

	(void)state;
	record_encode(&m, &record);
	record.at[0] = RECORD_VERSION + 1;
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_VERSION);
	assert_int_equal(record_head(bytes_span(&record), &head), ERR_VERSION);
	record.at[0] = 0;
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_DAMAGED);
	bytes_release(&record);
}

/* For root's part: exactly the record's bytes, and nothing inconsistent. */
static void test_strict(void **state)
{
	struct message m = whole_message(), got;
	struct bytes record = {0};

	(void)state;
	record_encode(&m, &record);
	bytes_put_u8(&record, 0);
	reseal(&record);
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_DAMAGED);
	assert_int_equal(record_peek(bytes_span(&record), &got), 0);
	record.len--;
	record.at[9 + 17] ^= 2; /* the head's word of a moved file */
	reseal(&record);
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_DAMAGED);
	record.at[9 + 17] ^= 3;
	reseal(&record);
	assert_int_equal(record_decode(bytes_span(&record), &got), ERR_DAMAGED);
	bytes_release(&record);
}

static void test_overlong_text_is_cut_and_marked(void **state)
{
	struct message m = full_message(), got;
	struct bytes record = {0};
	char *text = malloc(70001);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 70000);
	text[70000] = '\0';
	m.subject = text;
	record_encode(&m, &record);
	assert_int_equal(record_decode(bytes_span(&record), &got), 0);
	assert_int_equal(strlen(got.subject), 65534);
	assert_true(got.flags & MESSAGE_CUT_TEXT);
	assert_string_equal(got.sender, m.sender);
	free(text);
	bytes_release(&record);
}

UNIT_MAIN(cmocka_unit_test(test_round_trip), cmocka_unit_test(test_both_halves),
    cmocka_unit_test(test_halves_that_agree), cmocka_unit_test(test_queue_only),
    cmocka_unit_test(test_many_recipients), cmocka_unit_test(test_head_names_the_authors),
    cmocka_unit_test(test_most_authors), cmocka_unit_test(test_every_flip_is_seen),
    cmocka_unit_test(test_sealed_nonsense_is_safe), cmocka_unit_test(test_bad_queue_id_is_damage),
    cmocka_unit_test(test_other_version), cmocka_unit_test(test_strict),
    cmocka_unit_test(test_overlong_text_is_cut_and_marked))
