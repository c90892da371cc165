/* SPDX-License-Identifier: ISC */
/* The command's way to the index: by the daemon if one runs, else directly. */
#include "tests/unit/index/daemon_fixture.h"

#include <poll.h>
#include <sys/inotify.h>

static const struct mail reads[] = {
    {.usec = 1, .inode = 100, .arrival = 1000, .sender = "a@example.com"},
    {.usec = 2, .inode = 200, .arrival = 2000, .sender = "b@example.org"},
};
static const struct said said = {
    .read = reads, .read_count = COUNT_OF(reads), .left = {{0}}, .left_count = 0, .whole = 500};

/* ---- the same questions, with and without a daemon */

static void update_by(const struct index_client *c)
{
	struct selector all = select_all();
	struct index_updated updated;
	struct candidates got;
	struct bytes body = {0};
	struct update update;
	struct err err = {0};

	said_encode(&said, &body);
	assert_int_equal(update_decode(bytes_span(&body), &update), 0);
	if (client_update(c, &update, &all, &got, &updated, &err) != 0)
		case_fail("update", "%s", err.text);
	assert_int_equal(updated.added, 2);
	assert_int_equal(got.count, 2);
	assert_string_equal(candidate_message(&got.list[1]).queued.sender, "b@example.org");
	candidates_release(&got);
	if (client_update(c, &update, NULL, NULL, &updated, &err) != 0)
		case_fail("update", "%s", err.text);
	assert_int_equal(updated.completed, 2);
	bytes_release(&body);
}

static void select_by(const struct index_client *c)
{
	struct candidates got;
	struct pattern p;
	struct selector s;
	struct err err = {0};

	selector_init(&s);
	assert_int_equal(pattern_parse("example.com", &p, NULL), 0);
	assert_int_equal(pattern_set_add(&s.author, &p), 0);
	selector_seal(&s);
	if (client_select(c, &s, &got, &err) != 0)
		case_fail("select", "%s", err.text);
	assert_int_equal(got.count, 1);
	assert_string_equal(candidate_id(&got.list[0]).text, fixture_id(1, 100).text);
	candidates_release(&got);
	selector_release(&s);
}

static void names_by(const struct index_client *c)
{
	struct client_names names;
	struct packed_id one = fixture_packed(1, 100);
	struct err err = {0};

	if (client_names(c, &names, &err) != 0)
		case_fail("names", "%s", err.text);
	assert_int_equal(names.count, 2);
	assert_int_equal(names.place.device, 7);
	assert_string_equal(names.queue_directory, "/var/spool/postfix");
	assert_int_equal(names.list[0].time, one.time | INDEX_NAME_READ);
	assert_int_equal(names.list[0].inode, one.inode);
	client_names_release(&names);
}

static void count_by(const struct index_client *c)
{
	struct index_counts counts;
	struct err err = {0};

	if (client_count(c, &counts, &err) != 0)
		case_fail("count", "%s", err.text);
	assert_int_equal(counts.rows, 2);
	assert_int_equal(counts.caught_up, 500);
	assert_int_equal(counts.map_bytes, MAP_SIZE);
	assert_string_equal(counts.hostname, HOST);
}

/* Once it is awaited, the rows are gone. */
static void send_by(const struct index_client *c)
{
	const struct packed_id left[] = {fixture_packed(1, 100)};
	const struct update update = {.place = {7, 70},
	    .queue_directory = "/var/spool/postfix",
	    .hostname = HOST,
	    .began = INT64_C(1) << 60,
	    .left = left,
	    .left_count = COUNT_OF(left)};
	struct index_counts counts;
	struct err err = {0};

	client_await(NULL);
	client_await(client_send(c, &update));
	if (client_count(c, &counts, &err) != 0)
		case_fail("count", "%s", err.text);
	assert_int_equal(counts.rows, 1);
}

static void test_directly(void **state)
{
	static const char *const files[] = {INDEX_LOCK, INDEX_FILE, "index.mdb-lock"};
	char *dir = fixture_dir();
	struct index_client c = client_of(dir);
	struct role owner;

	(void)state;
	update_by(&c);
	select_by(&c);
	names_by(&c);
	count_by(&c);
	/* Nothing became root's. */
	fixture_role(&owner);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct stat st;

		assert_int_equal(stat(fixture_path(dir, files[i]), &st), 0);
		assert_int_equal(st.st_uid, owner.uid);
		assert_int_equal(st.st_mode & 077, 0);
	}
	send_by(&c);
	fixture_remove(dir);
}

/* In the daemon's process. */
static struct index *served;
static char *served_dir;

static void serve_it(int fd, struct json *request, int body)
{
	struct json *answer;
	int memory;

	if (!served)
		(void)!index_open(served_dir, MAP_SIZE, &served, NULL, NULL);
	send_line(fd, "{\"working\":true}", -1);
	serve(served, request, body, NEVER, &answer, &memory);
	(void)!wire_send(fd, answer, memory, clock_steady() + USEC_PER_SEC);
	if (memory >= 0)
		(void)close(memory);
}

static void test_by_a_daemon(void **state)
{
	char *dir = fixture_dir();
	struct index_client c = client_of(dir);
	pid_t pid;

	(void)state;
	served_dir = dir;
	pid = start_daemon(dir, serve_it);
	update_by(&c);
	select_by(&c);
	names_by(&c);
	count_by(&c);
	assert_int_equal(client_daemon(&c, NULL), 1);
	fixture_kill(pid);
	/* A socket left by a killed daemon is no daemon; the rows are there. */
	assert_int_equal(client_daemon(&c, NULL), 0);
	count_by(&c);
	pid = start_daemon(dir, serve_it);
	send_by(&c);
	fixture_kill(pid);
	fixture_remove(dir);
}

/* ---- without an index */

static void assert_no_index(const char *name, const struct index_client *c, const char *words)
{
	struct selector all = select_all();
	struct candidates got;
	struct err err = {0};
	int code = client_select(c, &all, &got, &err);

	if (code != ERR_NO_INDEX || !strstr(err.text, words))
		case_fail(name, "code %d, '%s'", code, err.text);
}

static void test_no_index(void **state)
{
	char *dir = fixture_dir();
	struct index_client c = client_of("/nonexistent/pqpurge");

	(void)state;
	assert_no_index("no directory", &c, "no directory '/nonexistent/pqpurge'");
	assert_int_equal(client_daemon(&c, NULL), 0);
	if (geteuid() != 0)
		skip();
	/* Root works only in its own directory. */
	c = client_of(dir);
	assert_int_equal(chown(dir, 0, 0), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_no_index("root's, and open to all", &c, "others can write to it");
	assert_int_equal(chmod(dir, 0755), 0);
	update_by(&c);
	count_by(&c);
	fixture_remove(dir);
}

static int select_as_stranger(void *arg, struct bytes *out, struct err *err)
{
	struct index_client c = client_of(arg);
	struct selector all = select_all();
	struct candidates got;

	(void)out;
	return client_select(&c, &all, &got, err);
}

static void test_no_permission(void **state)
{
	char *dir = fixture_dir();
	struct role stranger;
	struct blob blob = {0};
	struct err err = {0};

	(void)state;
	if (geteuid() != 0 || role_of_user("daemon", &stranger, NULL) != 0) {
		fixture_remove(dir);
		skip();
	}
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(role_ask(&stranger, NULL, ROLE_TIME, select_as_stranger, dir, &blob, &err),
	    ERR_NO_INDEX);
	assert_non_null(strstr(err.text, "no permission to use index"));
	assert_non_null(strstr(err.text, "(must be root or nobody)"));
	fixture_remove(dir);
}

/* Holds the index until another process has tried in vain to open it. */
static void hold_for_a_moment(char *dir, int ready)
{
	struct index *ix = fixture_index(dir);
	int watch = inotify_init();
	struct pollfd tried = {.fd = watch, .events = POLLIN};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)inotify_add_watch(watch, fixture_path(dir, INDEX_LOCK), IN_CLOSE_WRITE);
	(void)!write(ready, "x", 1);
	(void)poll(&tried, 1, 20000);
	index_close(ix);
	_exit(0);
}

static void test_locked(void **state)
{
	char *dir = fixture_dir(), byte;
	struct index_client c = client_of(dir);
	struct index *ix;
	int ready[2];
	pid_t pid;

	(void)state;
	update_by(&c);
	ix = fixture_index(dir);
	assert_no_index("for good", &c, "in use by pid");
	index_close(ix);
	/* By a daemon that is starting, or by another command. */
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		hold_for_a_moment(dir, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	names_by(&c);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(ready[0]);
	(void)close(ready[1]);
	fixture_remove(dir);
}

/* ---- an index that kills its readers */

static int fill(void *arg, struct bytes *out, struct err *err)
{
	struct index *ix = fixture_index(arg);

	(void)out;
	(void)err;
	for (unsigned i = 0; i < 3000; i++)
		fixture_record(ix, &(struct mail){.usec = i, .inode = 100 + i, .time = 1000});
	index_close(ix);
	return 0;
}

static void damage(const char *path)
{
	char page[4096];
	struct stat st;
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	memset(page, 0xff, sizeof page);
	for (off_t at = st.st_size / 4; at < st.st_size; at += (off_t)sizeof page)
		assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
	assert_int_equal(close(fd), 0);
}

/* Children die of it or find it damaged; the question is answered all the same. */
static void test_damaged(void **state)
{
	char *dir = fixture_dir();
	struct index_client c = client_of(dir);
	struct selector all = select_all();
	struct candidates got;
	struct blob blob = {0};
	struct err err = {0};
	struct role owner;

	(void)state;
	fixture_role(&owner);
	assert_int_equal(role_ask(&owner, NULL, ROLE_TIME, fill, dir, &blob, &err), 0);
	blob_release(&blob);
	damage(fixture_path(dir, INDEX_FILE));
	if (client_select(&c, &all, &got, &err) != 0)
		case_fail("select", "%s", err.text);
	assert_int_equal(got.count, 0);
	candidates_release(&got);
	assert_int_equal(access(fixture_path(dir, "index.mdb.bad"), F_OK), 0);
	update_by(&c);
	count_by(&c);
	fixture_remove(dir);
}

/* ---- other requests */

static void answer_ask(int fd, struct json *request, int body)
{
	(void)body;
	if (json_int(request, "n", 0) == 1)
		send_line(fd, "{\"ok\":true,\"state\":\"fine\"}", -1);
	else
		send_line(fd, "{\"error\":\"failed\",\"text\":\"not today\"}", -1);
}

static int ask(const struct index_client *c, int n, struct json **ret, struct err *err)
{
	struct json *o = json_new();

	json_put_text(o, "do", "anything");
	json_put_int(o, "n", n);
	return client_ask(c, o, 5 * USEC_PER_SEC, ret, err);
}

static void test_ask(void **state)
{
	char *dir = fixture_dir();
	struct index_client c = client_of(dir);
	struct json *answer = NULL;
	struct err err = {0};
	pid_t pid;

	(void)state;
	assert_int_equal(ask(&c, 1, &answer, &err), ERR_NO_DAEMON);
	assert_string_equal(err.text, "no daemon is running");
	pid = start_daemon(dir, answer_ask);
	if (ask(&c, 1, &answer, &err) != 0)
		case_fail("ask", "%s", err.text);
	assert_string_equal(json_text(answer, "state"), "fine");
	json_free(answer);
	assert_int_equal(ask(&c, 1, NULL, &err), 0);
	assert_int_equal(ask(&c, 2, &answer, &err), ERR_REFUSED);
	assert_string_equal(err.text, "not today");
	assert_int_equal(client_daemon(&c, NULL), 1);
	fixture_kill(pid);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_directly), cmocka_unit_test(test_by_a_daemon),
    cmocka_unit_test(test_no_index), cmocka_unit_test(test_no_permission),
    cmocka_unit_test(test_locked), cmocka_unit_test(test_damaged), cmocka_unit_test(test_ask))
