/* SPDX-License-Identifier: ISC */
/*
 * A hostile daemon: any bytes, at any speed, with any memory file. The command gets an error in
 * time, and goes on with the queue files.
 */
#include "tests/unit/index/daemon_fixture.h"

#include <sys/time.h>

static int sealed(const void *at, size_t len)
{
	return io_sealed(at, len);
}

/* {"ok":true,"bytes":N} with a memory file. */
static void answer_with(int fd, uint64_t bytes, int memory)
{
	char line[100];

	(void)snprintf(
	    line, sizeof line, "{\"ok\":true,\"bytes\":%llu}", (unsigned long long)bytes);
	send_line(fd, line, memory);
	if (memory >= 0)
		(void)close(memory);
}

static void hang_up(int fd, struct json *request, int body)
{
	(void)fd;
	(void)request;
	(void)body;
}

static void say_nonsense(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	send_line(fd, "what?", -1);
}

static void say_nothing_of_use(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	send_line(fd, "{}", -1);
}

static void say_without_end(int fd, struct json *request, int body)
{
	static char part[4096];

	(void)request;
	(void)body;
	memset(part, ' ', sizeof part);
	while (write(fd, part, sizeof part) > 0)
		;
}

static void refuse(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	send_line(fd, "{\"error\":\"no-index\",\"text\":\"the daemon has no index now\"}", -1);
}

static void hand_garbage(int fd, struct json *request, int body)
{
	static const char garbage[1000] = "\xff\xff\xff\xff\xff\xff\xff\xff garbage";

	(void)request;
	(void)body;
	answer_with(fd, sizeof garbage, sealed(garbage, sizeof garbage));
}

/* Announces many rows, and sends none. */
static void hand_many(int fd, struct json *request, int body)
{
	uint64_t head[4] = {UINT64_C(1) << 60};

	(void)request;
	(void)body;
	answer_with(fd, sizeof head, sealed(head, sizeof head));
}

static void hand_nothing(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	answer_with(fd, 0, -1);
}

static void lie_about_length(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	answer_with(fd, 500, sealed("short", 5));
}

static void hand_unsealed(int fd, struct json *request, int body)
{
	int memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)request;
	(void)body;
	(void)!ftruncate(memory, 4096);
	answer_with(fd, 4096, memory);
}

static void hand_huge(int fd, struct json *request, int body)
{
	int memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)request;
	(void)body;
	(void)!ftruncate(memory, (off_t)1 << 40);
	(void)fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	answer_with(fd, UINT64_C(1) << 40, memory);
}

static void hand_device(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	answer_with(fd, 4096, open("/dev/zero", O_RDONLY));
}

static const struct manner manners[] = {
    {"hangs up", hang_up, ERR_NO_INDEX, "without an answer"},
    {"talks nonsense", say_nonsense, ERR_NO_INDEX, "failed to read JSON"},
    {"says nothing of use", say_nothing_of_use, ERR_NO_INDEX, "is invalid"},
    {"talks without end", say_without_end, ERR_NO_INDEX, "failed to read from a socket"},
    {"has no index", refuse, ERR_NO_INDEX, "the daemon has no index now"},
    {"hands over garbage", hand_garbage, ERR_NO_INDEX, ""},
    {"hands over many rows", hand_many, ERR_NO_INDEX, ""},
    {"hands over nothing", hand_nothing, ERR_NO_INDEX, ""},
    {"lies about the length", lie_about_length, ERR_NO_INDEX, "another length than it says"},
    {"keeps the memory writable", hand_unsealed, ERR_NO_INDEX, "not a sealed memory file"},
    {"hands over a terabyte", hand_huge, ERR_NO_INDEX, "too long"},
    {"hands over a device", hand_device, ERR_NO_INDEX, "not a sealed memory file"},
};

static void assert_fails(const struct manner *m, const char *what, int code, const struct err *err)
{
	if (code != m->want || !strstr(err->text, m->words))
		case_fail(m->name, "%s: code %d, '%s'", what, code, err->text);
}

static void test_manners(void **state)
{
	struct selector all = select_all();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(manners); i++) {
		char *dir = fixture_dir();
		struct index_client c = client_of(dir);
		pid_t pid = start_daemon(dir, manners[i].answer);
		struct client_names names;
		struct candidates got;
		struct err err = {0};

		assert_fails(&manners[i], "select", client_select(&c, &all, &got, &err), &err);
		assert_fails(&manners[i], "names", client_names(&c, &names, &err), &err);
		fixture_kill(pid);
		fixture_remove(dir);
	}
}

/* ---- a record that is well-formed but wrong */

/* One record is valid and one is not: the invalid one is counted and skipped. */
static void hand_records(int fd, struct json *request, int body)
{
	struct message m = fixture_message(
	    &(struct mail){.usec = 1, .inode = 2, .time = 3, .sender = "a@example.com"});
	struct bytes out = {0}, record = {0};
	struct selection s;

	(void)request;
	(void)body;
	record_encode(&m, &record);
	selection_begin(&s, &out);
	selection_add(&s, 1, MATCHED_OTHER, bytes_span(&record));
	record.at[record.len - 2] ^= 1;
	selection_add(&s, 2, MATCHED_OTHER, bytes_span(&record));
	selection_end(&s);
	answer_with(fd, out.len, io_sealed(out.at, out.len));
}

static void test_damaged_records(void **state)
{
	struct selector all = select_all();
	char *dir = fixture_dir();
	struct index_client c = client_of(dir);
	pid_t pid = start_daemon(dir, hand_records);
	struct candidates got;

	(void)state;
	assert_int_equal(client_select(&c, &all, &got, NULL), 0);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.damaged, 1);
	candidates_release(&got);
	fixture_kill(pid);
	fixture_remove(dir);
}

/* ---- time */

static void say_nothing(int fd, struct json *request, int body)
{
	(void)fd;
	(void)request;
	(void)body;
	(void)pause();
}

static void say_slowly(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	while (write(fd, " ", 1) == 1)
		(void)usleep(20000);
}

static void test_no_answer(void **state)
{
	static const struct manner slow[] = {
	    {"says nothing", say_nothing, ERR_TIMEOUT, "the daemon does not answer"},
	    {"says a byte now and then", say_slowly, ERR_TIMEOUT, "the daemon does not answer"},
	};
	struct selector all = select_all();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(slow); i++) {
		char *dir = fixture_dir();
		struct index_client c = client_of(dir);
		pid_t pid = start_daemon(dir, slow[i].answer);
		int64_t began = clock_steady();
		struct candidates got;
		struct err err = {0};

		assert_fails(&slow[i], "select", client_select(&c, &all, &got, &err), &err);
		assert_true(clock_steady() - began >= WIRE_ANSWER_TIME);
		assert_true(clock_steady() - began < 10 * WIRE_ANSWER_TIME);
		fixture_kill(pid);
		fixture_remove(dir);
	}
}

/* Says that it works, and then nothing more. */
static void work_for_ever(int fd, struct json *request, int body)
{
	(void)request;
	(void)body;
	send_line(fd, "{\"working\":true}", -1);
	(void)pause();
}

/* Stops the process that asks. */
static void stop_the_child(int fd, struct json *request, int body)
{
	struct ucred who;
	socklen_t len = sizeof who;

	(void)request;
	(void)body;
	/* By its own user. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		(void)kill(who.pid, SIGSTOP);
	(void)pause();
}

static volatile sig_atomic_t stopped;

static void on_alarm(int number)
{
	(void)number;
	stopped = 1;
}

/* ^C ends it soon, whatever daemon and child do. */
static void test_stop(void **state)
{
	static const struct manner endless[] = {
	    {"works for ever", work_for_ever, ERR_STOPPED, ""},
	    {"stops the child", stop_the_child, ERR_STOPPED, ""},
	};
	static const struct itimerval soon = {.it_value = {.tv_usec = 300000}};
	struct selector all = select_all();

	(void)state;
	(void)signal(SIGALRM, on_alarm);
	for (size_t i = 0; i < COUNT_OF(endless); i++) {
		char *dir = fixture_dir();
		struct index_client c = client_of(dir);
		pid_t pid = start_daemon(dir, endless[i].answer);
		int64_t began = clock_steady();
		struct candidates got;
		struct err err = {0};

		c.stop = &stopped;
		stopped = 0;
		assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
		assert_fails(&endless[i], "select", client_select(&c, &all, &got, &err), &err);
		assert_true(clock_steady() - began < WIRE_ANSWER_TIME);
		fixture_kill(pid);
		fixture_remove(dir);
	}
}

UNIT_MAIN(cmocka_unit_test(test_manners), cmocka_unit_test(test_damaged_records),
    cmocka_unit_test(test_no_answer), cmocka_unit_test(test_stop))
