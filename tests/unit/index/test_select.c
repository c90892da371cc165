/* SPDX-License-Identifier: ISC */
/* Selection: exactly what the selector means, from whichever source; and what is said where there
 * is no index to read. */
#include "tests/unit/index/fixture.h"

#include "index/select.h"

static const char *const long_label =
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff";

static char deep_domain[260], deeper_domain[270], deep_address[300], deeper_address[300];

/* Inode 100 + position; time 1000 + position. */
static struct mail mails[] = {
    {.sender = "a@example.com", .recipient = "u@dest.example"},
    {.sender = "b@sub.example.com", .login = "mallory"},
    {.sender = "c@badexample.com"},
    {.sender = "d@example.com.evil.test"},
    {.sender = "e@other.example", .from = "f@example.com"},
    {.sender = "", .from = "g@deep.sub.example.com"},
    {.sender = "A@example.net", .recipient = "v@dest.example"},
    {.sender = "x@[192.0.2.1]"},
    {.sender = "nodomain"},
    {.sender = "h@example.com", .from = "h@example.com"},
    {.sender = deep_address},
    {.sender = deeper_address},
};

static void make_deep_domains(void)
{
	(void)snprintf(deep_domain, sizeof deep_domain, "%s.%s.%s.%s.com", long_label, long_label,
	    long_label, long_label);
	(void)snprintf(deeper_domain, sizeof deeper_domain, "x.%s", deep_domain);
	(void)snprintf(deep_address, sizeof deep_address, "a@%s", deep_domain);
	(void)snprintf(deeper_address, sizeof deeper_address, "a@%s", deeper_domain);
}

static void add_mails(struct store *store)
{
	struct txn txn;

	make_deep_domains();
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		mails[i].usec = (uint32_t)i;
		mails[i].inode = 100 + i;
		mails[i].time = 1000 + (int64_t)i;
		fixture_add(&txn, &mails[i], NULL);
	}
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

/* What a selector takes from the command line. */
struct ask {
	const char *author[4], *sender, *from, *recipient, *login;
	unsigned ids[3]; /* positions + 1 */
	bool subdomains, all, no_ids;
};

static void add_pattern(struct pattern_set *set, const char *text, bool subdomains)
{
	struct pattern p;
	struct err err = {0};

	if (!text)
		return;
	if (pattern_parse(text, &p, &err) != 0)
		case_fail(text, "%s", err.text);
	if (subdomains)
		pattern_include_subdomains(&p);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

static struct selector selector_of(const struct ask *ask)
{
	struct selector s;

	selector_init(&s);
	for (size_t i = 0; i < COUNT_OF(ask->author); i++)
		add_pattern(&s.author, ask->author[i], ask->subdomains);
	add_pattern(&s.sender, ask->sender, ask->subdomains);
	add_pattern(&s.from, ask->from, ask->subdomains);
	add_pattern(&s.recipient, ask->recipient, ask->subdomains);
	if (ask->login)
		assert_int_equal(selector_add_login(&s, ask->login), 0);
	for (size_t i = 0; i < COUNT_OF(ask->ids) && ask->ids[i]; i++) {
		struct queue_id id = fixture_id(ask->ids[i] - 1, 99 + ask->ids[i]);

		assert_int_equal(selector_add_id(&s, &id), 0);
	}
	if (ask->no_ids)
		s.ids_given = true;
	s.all = ask->all;
	selector_seal(&s);
	return s;
}

/* As bytes that the parent took over. */
static struct candidates view(struct bytes *out)
{
	struct blob blob = {.at = out->at, .len = out->len};
	struct candidates got;
	struct err err = {0};

	if (select_view(&blob, &got, &err) != 0)
		case_fail("view", "%s", err.text);
	assert_null(blob.at);
	return got;
}

static void positions_of(const struct candidates *c, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < c->count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%d", i ? " " : "",
		    (int)(candidate_mail_time(&c->list[i]) - 1000));
}

static void test_selectors(void **state)
{
	static const struct {
		const char *name;
		struct ask ask;
		const char *want;
	} cases[] = {
	    {"domain", {.author = {"example.com"}}, "0 4 9"},
	    {"subdomains", {.author = {".example.com"}}, "1 5"},
	    {"within", {.author = {"example.com"}, .subdomains = true}, "0 1 4 5 9"},
	    {"address", {.author = {"A@example.com"}}, "0"},
	    {"null sender", {.author = {"<>"}}, "5"},
	    {"literal", {.author = {"[192.0.2.1]"}}, "7"},
	    {"alternatives out of order",
		{.author = {"example.net", "other.example", "example.com"}}, "0 4 6 9"},
	    {"the same twice", {.author = {"example.com", "h@example.com"}}, "0 4 9"},
	    {"expression", {.author = {"/^[ab]@.*example/"}}, "0 1"},
	    {"expression and domain", {.author = {"/^[ab]@.*example/", "example.net"}}, "0 1 6"},
	    {"sender", {.sender = "example.com"}, "0 9"},
	    {"from", {.from = "example.com"}, "4 9"},
	    {"expression, narrowed by from", {.author = {"/example/"}, .from = "example.com"},
		"4 9"},
	    {"author and from", {.author = {"other.example"}, .from = "example.com"}, "4"},
	    {"recipient", {.recipient = "dest.example"}, "0 6"},
	    {"recipient and author", {.author = {"example.com"}, .recipient = "dest.example"}, "0"},
	    {"login", {.login = "mallory"}, "1"},
	    {"ids", {.ids = {7, 2}}, "1 6"},
	    {"ids and author", {.ids = {7, 2}, .author = {"example.net"}}, "6"},
	    {"no ids at all", {.no_ids = true}, ""},
	    {"all", {.all = true}, "0 1 2 3 4 5 6 7 8 9 10 11"},
	    {"nothing asked", {.all = false}, ""},
	    {"unknown domain", {.author = {"nowhere.test"}}, ""},
	    {"long domain", {.author = {deep_domain}}, "10"},
	    {"long domain below", {.author = {deeper_domain}}, "11"},
	    {"long domain within", {.author = {deep_domain}, .subdomains = true}, "10 11"},
	    {"whole top", {.author = {".com"}}, "0 1 2 4 5 9 10 11"},
	};
	char *dir = fixture_dir(), got[200];
	struct store *store = fixture_store(dir, MAP_SIZE);

	(void)state;
	add_mails(store);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct selector s = selector_of(&cases[i].ask);
		struct bytes out = {0};
		struct candidates c;

		case_assert(cases[i].name, select_into(store, &s, &out, NULL) == 0);
		c = view(&out);
		positions_of(&c, got, sizeof got);
		case_assert_text(cases[i].name, got, cases[i].want);
		case_assert(cases[i].name, c.damaged == 0);
		c.memory = (struct blob){0}; /* the bytes are ours */
		candidates_release(&c);
		bytes_release(&out);
		selector_release(&s);
	}
	store_close(store);
	fixture_remove(dir);
}

static void test_what_matched(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct bytes out = {0};
	struct candidates c;

	(void)state;
	add_mails(store);
	assert_int_equal(select_into(store, &s, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.list[0].matched, MATCHED_ENVELOPE);
	assert_int_equal(c.list[1].matched, MATCHED_FROM);
	assert_int_equal(c.list[2].matched, MATCHED_ENVELOPE | MATCHED_FROM);
	assert_int_equal(c.list[0].sequence, 1);
	assert_string_equal(candidate_message(&c.list[0]).sender, "a@example.com");
	c.memory = (struct blob){0};
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	store_close(store);
	fixture_remove(dir);
}

static void test_damaged_rows_are_counted(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	struct selector all = selector_of(&(struct ask){.all = true});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	unsigned char key[ENTRY_KEY_SIZE];
	struct bytes out = {0};
	struct candidates c;
	struct txn txn;

	(void)state;
	add_mails(store);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	txn_put(&txn, STORE_MESSAGE, entry_key(1, key), span_text("damage"), false);
	assert_int_equal(txn_delete(&txn, STORE_MESSAGE, entry_key(10, key)),
	    1); /* an author row that points nowhere */
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(select_into(store, &s, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.damaged, 1);
	c.memory = (struct blob){0};
	candidates_release(&c);
	bytes_clear(&out);
	assert_int_equal(select_into(store, &all, &out, NULL), 0);
	c = view(&out);
	assert_int_equal(c.count, COUNT_OF(mails) - 2);
	assert_int_equal(c.damaged, 1);
	c.memory = (struct blob){0};
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	selector_release(&all);
	store_close(store);
	fixture_remove(dir);
}

/* One bit of a record, wherever it is, whether the record is then meant or not. */
static void test_a_damaged_bit(void **state)
{
	struct selector domain = selector_of(&(struct ask){.author = {"example.com"}});
	struct selector login = selector_of(&(struct ask){.login = "mallory"});
	const struct selector *selectors[] = {&domain, &login};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct bytes whole = {0};
	unsigned char key[ENTRY_KEY_SIZE];
	struct span record;
	struct txn txn;

	(void)state;
	add_mails(store);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_get(&txn, STORE_MESSAGE, entry_key(1, key), &record), 1);
	bytes_put(&whole, record.at, record.len);
	txn_abort(&txn);
	for (size_t i = 1; i < whole.len; i++) {
		whole.at[i] ^= 4;
		assert_int_equal(txn_begin(store, true, &txn), 0);
		txn_put(&txn, STORE_MESSAGE, entry_key(1, key), bytes_span(&whole), false);
		assert_int_equal(txn_commit(&txn, NULL), 0);
		whole.at[i] ^= 4;
		for (size_t n = 0; n < COUNT_OF(selectors); n++) {
			struct bytes out = {0};
			struct candidates c;

			assert_int_equal(select_into(store, selectors[n], &out, NULL), 0);
			c = view(&out);
			assert_int_equal(c.damaged, 1);
			assert_int_equal(c.count, n == 0 ? 2 : 1);
			c.memory = (struct blob){0};
			candidates_release(&c);
			bytes_release(&out);
		}
	}
	bytes_release(&whole);
	selector_release(&domain);
	selector_release(&login);
	store_close(store);
	fixture_remove(dir);
}

static void test_read_faults(void **state)
{
	static const struct ask asks[] = {{.author = {"example.com"}}, {.ids = {1}}, {.all = true}};
	struct store_faults faults = {0};
	char *dir = fixture_dir();
	struct store *inner = fixture_store(dir, MAP_SIZE), *store;

	(void)state;
	add_mails(inner);
	store = store_open_failing(inner, &faults);
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		struct selector s = selector_of(&asks[i]);
		long n = 0;
		int code;

		do {
			struct bytes out = {0};
			struct err err = {0};

			faults.fail_after = n++;
			faults.fail_code = -EIO;
			code = select_into(store, &s, &out, &err);
			faults.fail_code = 0;
			if (code != 0)
				assert_true(code == -EIO && err.text[0] != '\0');
			bytes_release(&out);
		} while (code != 0 && n < 1000);
		assert_in_range(n, 4, 100);
		selector_release(&s);
	}
	store_close(store);
	fixture_remove(dir);
}

/* The parent believes nothing that the child wrote. */
static void test_view_of_nonsense(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct bytes out = {0};
	struct candidates c;
	struct blob blob;

	(void)state;
	add_mails(store);
	assert_int_equal(select_into(store, &s, &out, NULL), 0);
	for (size_t len = 0; len < out.len; len++) {
		blob = (struct blob){.at = out.at, .len = len};
		assert_int_equal(select_view(&blob, &c, NULL), ERR_CHILD);
	}
	for (size_t i = 0; i < out.len; i++) {
		if ((i >= 8 && i < 36) || (i > 36 && out.at[i] == 0))
			continue; /* counts and sequences are numbers like any other */
		out.at[i] ^= 0x80;
		blob = (struct blob){.at = out.at, .len = out.len};
		if (select_view(&blob, &c, NULL) == 0) {
			c.memory = (struct blob){0};
			candidates_release(&c);
		} else {
			assert_null(blob.at);
		}
		out.at[i] ^= 0x80;
	}
	out.at[out.len - 2] ^= 1;
	blob = (struct blob){.at = out.at, .len = out.len};
	assert_int_equal(select_view(&blob, &c, NULL), 0);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.damaged, 1);
	c.memory = (struct blob){0};
	candidates_release(&c);
	bytes_release(&out);
	selector_release(&s);
	store_close(store);
	fixture_remove(dir);
}

/* ---- through a child that is the owner */

static int make_index(void *arg, struct bytes *out, struct err *err)
{
	struct home home;
	int code = home_open(arg, MAP_SIZE, false, &home, err);

	(void)out;
	if (code != 0)
		return code;
	add_mails(home.store);
	home_close(&home);
	return 0;
}

static char *owned_index(void)
{
	char *dir = fixture_dir();
	struct blob blob = {0};
	struct err err = {0};
	struct role owner;

	fixture_role(&owner);
	if (role_collect(&owner, make_index, dir, &blob, &err) != 0)
		case_fail("make index", "%s", err.text);
	blob_release(&blob);
	make_deep_domains();
	return dir;
}

static void test_in_a_child(void **state)
{
	struct selector s = selector_of(&(struct ask){.author = {"example.com"}});
	struct queue_id ids[] = {
	    fixture_id(0, 100), fixture_id(50, 100), fixture_id(3, 103), fixture_id(1, 999)};
	char *dir = owned_index(), got[100];
	struct candidates c;
	struct err err = {0};
	uint32_t *unknown;
	size_t count;

	(void)state;
	if (index_select(dir, &s, &c, &err) != 0)
		case_fail("select", "%s", err.text);
	positions_of(&c, got, sizeof got);
	assert_string_equal(got, "0 4 9");
	candidates_release(&c);
	if (index_unknown(dir, ids, COUNT_OF(ids), &unknown, &count, &err) != 0)
		case_fail("unknown", "%s", err.text);
	assert_int_equal(count, 2);
	assert_int_equal(unknown[0], 1);
	assert_int_equal(unknown[1], 3);
	free(unknown);
	selector_release(&s);
	fixture_remove(dir);
}

static void test_no_index(void **state)
{
	struct selector s = selector_of(&(struct ask){.all = true});
	char *dir = fixture_dir(), want[200];
	struct candidates c;
	struct err err = {0};

	(void)state;
	(void)snprintf(want, sizeof want,
	    "no index in '%s' (has pqpurge-milter run with this configuration?)", dir);
	assert_int_equal(index_select(dir, &s, &c, &err), ERR_NO_INDEX);
	assert_string_equal(err.text, want);
	assert_int_equal(index_select("/nonexistent/pqpurge", &s, &c, &err), ERR_NO_INDEX);
	selector_release(&s);
	fixture_remove(dir);
}

/* Bytes all over the file: whatever the reader dies of, the parent gets an error or an answer. */
static void test_damaged_file(void **state)
{
	struct selector s = selector_of(&(struct ask){.all = true});
	char *dir = owned_index(), path[100];
	struct candidates c;
	struct err err = {0};
	int fd, code;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	assert_int_equal(truncate(path, 2 * 4096), 0);
	code = index_select(dir, &s, &c, &err);
	assert_int_equal(code, ERR_DAMAGED);
	assert_non_null(strstr(err.text, "is damaged"));
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "garbage garbage garbage garbage garbage", 39), 39);
	assert_int_equal(close(fd), 0);
	assert_int_equal(index_select(dir, &s, &c, &err), ERR_DAMAGED);
	selector_release(&s);
	fixture_remove(dir);
}

static int read_as_stranger(void *arg, struct bytes *out, struct err *err)
{
	struct selector s = selector_of(&(struct ask){.all = true});
	struct candidates c;
	int code = index_select(arg, &s, &c, err);

	(void)out;
	return code == 0 ? -EINVAL : code;
}

static void test_no_permission(void **state)
{
	char *dir = owned_index();
	struct role stranger;
	struct blob blob = {0};
	struct err err = {0};

	(void)state;
	if (geteuid() != 0 || role_of_user("daemon", &stranger, NULL) != 0) {
		fixture_remove(dir);
		skip();
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(role_collect(&stranger, read_as_stranger, dir, &blob, &err), -EACCES);
	assert_non_null(strstr(err.text, "no permission to read index"));
	assert_non_null(strstr(err.text, "(must be root or nobody)"));
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_selectors), cmocka_unit_test(test_what_matched),
    cmocka_unit_test(test_damaged_rows_are_counted), cmocka_unit_test(test_a_damaged_bit),
    cmocka_unit_test(test_read_faults), cmocka_unit_test(test_view_of_nonsense),
    cmocka_unit_test(test_in_a_child), cmocka_unit_test(test_no_index),
    cmocka_unit_test(test_damaged_file), cmocka_unit_test(test_no_permission))
