/* SPDX-License-Identifier: ISC */
/* The way to the writer: a daemon that answers, one that hangs, one that hangs up, none at all. */
#include "tests/unit/index/fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/io.h"
#include "index/client.h"

#define SECOND USEC_PER_SEC

static int make_index(void *arg, struct bytes *out, struct err *err)
{
	struct home home;
	int code = home_open(arg, MAP_SIZE, false, &home, err);

	(void)out;
	if (code == 0)
		home_close(&home);
	return code;
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
	return dir;
}

enum manner { ANSWERS, HANGS, HANGS_UP, TALKS_NONSENSE };

static void serve(int listener, enum manner manner)
{
	struct bytes frame = {0}, out = {0};
	struct reply reply = {.text = "", .status = "rows=7\n", .saved = true};
	const struct span nonsense = {.at = "\1\0what?", .len = 7};
	int64_t deadline = clock_steady() + 10 * SECOND;
	int fd = accept(listener, NULL, NULL);

	if (manner == HANGS_UP)
		return;
	if (manner == HANGS) {
		(void)pause();
		return;
	}
	while (io_frame_read(fd, &frame, REQUEST_MAX, deadline) == 1) {
		reply.value += 10;
		if (request_kind_of(bytes_span(&frame)) == REQUEST_DROP) {
			reply.code = ERR_FULL;
			reply.text = "the index is full";
		}
		reply.saved = request_kind_of(bytes_span(&frame)) != REQUEST_RULE_UNSET;
		reply_encode(&reply, &out);
		if (io_frame_write(fd, manner == ANSWERS ? bytes_span(&out) : nonsense, deadline) !=
		    0)
			return;
	}
}

/* A daemon in a child, listening before this returns. */
static pid_t start_daemon(const char *dir, enum manner manner)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(chmod(address.sun_path, 0666), 0);
	assert_int_equal(listen(listener, 5), 0);
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGPIPE, SIG_IGN);
		serve(listener, manner);
		_exit(0);
	}
	assert_int_equal(close(listener), 0);
	return pid;
}

static void stop_daemon(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct bytes rule_request(const char *subject)
{
	struct bytes request = {0};
	struct rule rule;

	assert_int_equal(rule_make(subject, RULE_REJECT, NULL, &rule, NULL), 0);
	request_rule_set(&request, &rule);
	rule_release(&rule);
	return request;
}

static void test_directly(void **state)
{
	struct bytes a = rule_request("a.example"), b = rule_request("b.example");
	struct span requests[] = {bytes_span(&a), bytes_span(&b), bytes_span(&a)};
	char *dir = owned_index(), path[100];
	struct client_answer answer = {0};
	struct err err = {0};
	struct role owner;
	struct stat st;

	(void)state;
	if (client_send(dir, requests, COUNT_OF(requests), 5 * SECOND, &answer, &err) != 0)
		case_fail("send", "%s", err.text);
	assert_int_equal(answer.code, 0);
	assert_int_equal(answer.value, 1); /* the last one replaced the first */
	assert_false(answer.by_daemon);
	assert_true(answer.saved);
	client_answer_release(&answer);
	/* Nothing in the index became root's. */
	fixture_role(&owner);
	(void)snprintf(path, sizeof path, "%s/lock", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, owner.uid);
	bytes_release(&a);
	bytes_release(&b);
	fixture_remove(dir);
}

static void test_directly_stops_at_a_failure(void **state)
{
	struct bytes one = {0}, two = {0};
	struct span requests[2];
	char *dir = owned_index();
	struct client_answer answer = {0};
	struct err err = {0};

	(void)state;
	request_instance(&one, "/a", "mx.example");
	request_instance(&two, "/b", "mx.example");
	requests[0] = bytes_span(&one);
	requests[1] = bytes_span(&two);
	assert_int_equal(client_send(dir, requests, 2, 5 * SECOND, &answer, &err), 0);
	assert_int_equal(answer.code, ERR_INSTANCE);
	assert_non_null(strstr(strbuf_text(&answer.text), "another Postfix instance"));
	assert_false(answer.saved);
	client_answer_release(&answer);
	bytes_release(&one);
	bytes_release(&two);
	fixture_remove(dir);
}

static void test_daemon_answers(void **state)
{
	struct bytes status = {0}, unset = {0}, drop = {0};
	struct client_answer answer = {0};
	struct err err = {0};
	struct span requests[3];
	char *dir = owned_index();
	pid_t pid = start_daemon(dir, ANSWERS);

	(void)state;
	request_status(&status);
	request_rule_unset(&unset, "a.example");
	request_drop(&drop, NULL, 0);
	requests[0] = bytes_span(&unset);
	requests[1] = bytes_span(&status);
	if (client_send(dir, requests, 2, 5 * SECOND, &answer, &err) != 0)
		case_fail("send", "%s", err.text);
	assert_true(answer.by_daemon);
	assert_int_equal(answer.code, 0);
	assert_int_equal(answer.value, 20);
	assert_false(answer.saved); /* one of them was not */
	assert_string_equal(strbuf_text(&answer.status), "rows=7\n");
	client_answer_release(&answer);
	stop_daemon(pid);
	fixture_remove(dir);
	dir = owned_index();
	pid = start_daemon(dir, ANSWERS);
	requests[1] = bytes_span(&drop);
	requests[2] = bytes_span(&status); /* never sent */
	assert_int_equal(client_send(dir, requests, 3, 5 * SECOND, &answer, &err), 0);
	assert_int_equal(answer.code, ERR_FULL);
	assert_int_equal(answer.value, 20);
	assert_string_equal(strbuf_text(&answer.text), "the index is full");
	client_answer_release(&answer);
	stop_daemon(pid);
	bytes_release(&status);
	bytes_release(&unset);
	bytes_release(&drop);
	fixture_remove(dir);
}

static void test_bad_daemons(void **state)
{
	static const struct {
		const char *name;
		enum manner manner;
		int want;
		const char *words;
	} cases[] = {
	    {"hangs", HANGS, ERR_TIMEOUT, "the daemon does not answer"},
	    {"hangs up", HANGS_UP, ERR_REFUSED, "without an answer"},
	    {"talks nonsense", TALKS_NONSENSE, ERR_SYNTAX, "makes no sense"},
	};
	struct bytes status = {0};
	struct span request;

	(void)state;
	request_status(&status);
	request = bytes_span(&status);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = owned_index();
		pid_t pid = start_daemon(dir, cases[i].manner);
		struct client_answer answer = {0};
		struct err err = {0};
		int code = client_send(dir, &request, 1, SECOND / 5, &answer, &err);

		if (code != cases[i].want || !strstr(err.text, cases[i].words))
			case_fail(cases[i].name, "code %d, '%s'", code, err.text);
		stop_daemon(pid);
		fixture_remove(dir);
	}
	bytes_release(&status);
}

static void test_no_daemon(void **state)
{
	struct bytes status = {0}, rule = rule_request("a.example");
	struct span request, rule_span = bytes_span(&rule);
	char *dir = owned_index(), path[100];
	struct client_answer answer = {0};
	struct err err = {0};
	struct home home;
	pid_t pid;

	(void)state;
	request_status(&status);
	request = bytes_span(&status);
	assert_int_equal(client_send(dir, &request, 1, SECOND, &answer, &err), 0);
	assert_int_equal(answer.code, ERR_NO_INDEX);
	assert_false(answer.by_daemon);
	assert_string_equal(strbuf_text(&answer.text), "no daemon is running");
	client_answer_release(&answer);
	/* A socket that a killed daemon left behind is no daemon. */
	pid = start_daemon(dir, HANGS);
	stop_daemon(pid);
	assert_int_equal(client_send(dir, &rule_span, 1, SECOND, &answer, &err), 0);
	assert_int_equal(answer.code, 0);
	assert_false(answer.by_daemon);
	client_answer_release(&answer);
	/* No socket, yet somebody has the lock. */
	(void)snprintf(path, sizeof path, "%s/control.sock", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(home_open(dir, MAP_SIZE, false, &home, &err), 0);
	assert_int_equal(client_send(dir, &rule_span, 1, SECOND / 10, &answer, &err), ERR_LOCKED);
	assert_non_null(strstr(err.text, "in use by pid"));
	/* Whatever the time: it is not a daemon that does not answer. */
	assert_int_equal(client_send(dir, &rule_span, 1, 0, &answer, &err), ERR_LOCKED);
	home_close(&home);
	bytes_release(&status);
	bytes_release(&rule);
	fixture_remove(dir);
}

static void test_no_index(void **state)
{
	struct bytes rule = rule_request("a.example");
	struct span request = bytes_span(&rule);
	char *dir = fixture_dir();
	struct client_answer answer = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(client_send(dir, &request, 1, SECOND, &answer, &err), ERR_NO_INDEX);
	assert_int_equal(
	    client_send("/nonexistent/pqpurge", &request, 1, SECOND, &answer, &err), ERR_NO_INDEX);
	assert_non_null(strstr(err.text, "no index in '/nonexistent/pqpurge'"));
	bytes_release(&rule);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_directly), cmocka_unit_test(test_directly_stops_at_a_failure),
    cmocka_unit_test(test_daemon_answers), cmocka_unit_test(test_bad_daemons),
    cmocka_unit_test(test_no_daemon), cmocka_unit_test(test_no_index))
