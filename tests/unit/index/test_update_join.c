/* SPDX-License-Identifier: ISC */
/* Mail that came back from a content filter, and the row of its first pass. */
#include "tests/unit/index/update_fixture.h"

#define FIRST_ID "0000164" /* usec 1, inode 100 */

static const struct mail first = {.usec = 1,
    .inode = 100,
    .time = 1000,
    .sender = "a@example.com",
    .recipient = "u@dest.example",
    .login = "joe",
    .message_id = "<1@example.com>"};

/* As it is in the queue. */
static const struct mail second = {.usec = 2,
    .inode = 200,
    .arrival = 2000,
    .sender = "a@example.com",
    .recipient = "u@dest.example",
    .message_id = "<1@example.com>",
    .client = "127.0.0.1",
    .first = FIRST_ID};

static struct message read_second(struct index *ix, const struct mail *mail, struct candidates *c)
{
	struct queue_id id = fixture_id(2, 200);

	(void)update(ix, &(struct said){.read = mail, .read_count = 1});
	*c = rows_of(ix, &id);
	assert_int_equal(c->count, 1);
	return candidate_message(&c->list[0]);
}

static const char *login_of(const struct message *m)
{
	return m->first.login ? m->first.login : "";
}

static void test_joins(void **state)
{
	static const struct {
		const char *name, *client, *message_id;
		bool known, left, joined, unjoined;
		const char *login;
	} cases[] = {
	    {"from a filter here", "127.0.0.1", "<1@example.com>", true, false, true, false, "joe"},
	    {"of one's own networks", "10.1.2.3", "<1@example.com>", true, false, true, false,
		"joe"},
	    {"its first row left", "127.0.0.1", "<1@example.com>", true, true, true, false, "joe"},
	    {"a stranger says so", "198.51.100.1", "<1@example.com>", true, false, false, false,
		""},
	    {"another message", "127.0.0.1", "<2@example.com>", true, false, false, true, ""},
	    {"its first row is not known", "127.0.0.1", "<1@example.com>", false, false, false,
		true, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct index *ix = fixture_index(dir);
		struct mail mail = second;
		struct candidates c;
		struct message m;

		mail.client = cases[i].client;
		mail.message_id = cases[i].message_id;
		if (cases[i].known)
			fixture_record(ix, &first);
		/* The last catch-up saw it, so it has left since. */
		if (cases[i].left)
			(void)update(ix, &(struct said){.whole = clock_wall()});
		if (cases[i].left)
			(void)update(
			    ix, &(struct said){.left = {fixture_packed(1, 100)}, .left_count = 1});
		m = read_second(ix, &mail, &c);
		if (!(m.flags & MESSAGE_JOINED) != !cases[i].joined ||
		    !(m.flags & MESSAGE_UNJOINED) != !cases[i].unjoined)
			case_fail(cases[i].name, "flags %x", m.flags);
		case_assert_text(cases[i].name, login_of(&m), cases[i].login);
		candidates_release(&c);
		index_close(ix);
		fixture_remove(dir);
	}
}

/* A join stays, even if the first row is forgotten by the next reading. */
static void test_stays_joined(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct candidates c;
	struct message m;

	(void)state;
	fixture_record(ix, &first);
	m = read_second(ix, &second, &c);
	assert_true(m.flags & MESSAGE_JOINED);
	candidates_release(&c);
	(void)update(ix, &(struct said){.left = {fixture_packed(1, 100)}, .left_count = 1});
	m = read_second(ix, &second, &c);
	assert_true(m.flags & MESSAGE_JOINED);
	assert_string_equal(login_of(&m), "joe");
	candidates_release(&c);
	index_close(ix);
	fixture_remove(dir);
}

/* With two possible first rows, no login is taken over. */
static void test_ambiguous(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail other = first;
	struct candidates c;
	struct message m;

	(void)state;
	other.login = "mallory";
	fixture_record(ix, &first);
	fixture_record(ix, &other);
	m = read_second(ix, &second, &c);
	assert_false(m.flags & MESSAGE_JOINED);
	assert_true(m.flags & MESSAGE_UNJOINED);
	assert_string_equal(login_of(&m), "");
	candidates_release(&c);
	index_close(ix);
	fixture_remove(dir);
}

/* Rows that left are not kept for ever, and not at all if they left long ago. */
static void test_left_rows_go(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct mail recent = first;
	struct candidates c;
	struct message m;

	(void)state;
	recent.time = clock_wall() - 10 * USEC_PER_SEC;
	fixture_record(ix, &first); /* of 1970, and no catch-up ever saw it */
	(void)update(ix, &(struct said){.left = {fixture_packed(1, 100)}, .left_count = 1});
	m = read_second(ix, &second, &c);
	assert_true(m.flags & MESSAGE_UNJOINED);
	candidates_release(&c);
	fixture_record(ix, &recent);
	(void)update(ix, &(struct said){.left = {fixture_packed(1, 100)}, .left_count = 1});
	assert_int_equal(index_prune(ix, NULL), 0);
	assert_int_equal(fixture_counts(ix).rows, 1);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_joins), cmocka_unit_test(test_stays_joined),
    cmocka_unit_test(test_ambiguous), cmocka_unit_test(test_left_rows_go))
