/* SPDX-License-Identifier: ISC */
/* Lines and memory files over a socket, whatever a peer sends and at any pace. */
#include "tests/unit/index/fixture.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "base/io.h"
#include "index/control/wire.h"

#define SOON (clock_steady() + USEC_PER_SEC / 20)

struct pair {
	int ends[2];
	struct wire wire; /* over ends[0] */
};

static struct pair make_pair(void)
{
	struct pair p;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p.ends), 0);
	wire_init(&p.wire, p.ends[0]);
	return p;
}

static void close_pair(struct pair *p)
{
	wire_release(&p->wire);
	(void)close(p->ends[0]);
	(void)close(p->ends[1]);
}

static void say(struct pair *p, const char *text)
{
	assert_int_equal(write(p->ends[1], text, strlen(text)), strlen(text));
}

static struct json *line_of(const char *text)
{
	struct json *o = json_new();

	json_put_text(o, "text", text);
	return o;
}

static int receive(struct pair *p, struct json **ret, int *ret_fd)
{
	struct err err = {0};
	int code = wire_receive(&p->wire, ret, ret_fd, SOON, &err);

	if (code < 0)
		assert_true(err.text[0] != '\0');
	return code;
}

static void test_lines(void **state)
{
	struct pair p = make_pair();
	struct json *o;
	int fd = io_sealed("body", 4), got = -1;
	struct blob blob = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(wire_send(p.ends[1], line_of("one"), -1, SOON), 0);
	assert_int_equal(wire_send(p.ends[1], line_of("two"), fd, SOON), 0);
	assert_int_equal(receive(&p, &o, &got), 1);
	assert_string_equal(json_text(o, "text"), "one");
	json_free(o);
	if (got >= 0)
		(void)close(got);
	assert_int_equal(receive(&p, &o, &got), 1);
	assert_string_equal(json_text(o, "text"), "two");
	assert_string_equal(strbuf_text(&p.wire.line), "{\"text\":\"two\"}");
	assert_int_equal(wire_map(got, &blob, NULL), 0);
	assert_int_equal(blob.len, 4);
	assert_memory_equal(blob.at, "body", 4);
	blob_release(&blob);
	json_free(o);
	assert_int_equal(close(got), 0);
	assert_int_equal(close(fd), 0);
	/* In pieces, and two at once. */
	say(&p, "{\"text\":");
	assert_int_equal(receive(&p, &o, &got), ERR_TIMEOUT);
	say(&p, "\"three\"}\n{\"text\":\"four\"}\n");
	assert_int_equal(receive(&p, &o, &got), 1);
	assert_string_equal(json_text(o, "text"), "three");
	assert_int_equal(got, -1);
	json_free(o);
	assert_int_equal(receive(&p, &o, &got), 1);
	assert_string_equal(json_text(o, "text"), "four");
	json_free(o);
	assert_int_equal(shutdown(p.ends[1], SHUT_WR), 0);
	assert_int_equal(receive(&p, &o, &got), 0);
	close_pair(&p);
}

static void test_bad_lines(void **state)
{
	static const struct {
		const char *name, *text;
		int want;
	} cases[] = {
	    {"no JSON", "what?\n", ERR_SYNTAX},
	    {"an array", "[1]\n", ERR_SYNTAX},
	    {"nothing", "\n", ERR_SYNTAX},
	    {"two objects", "{}{}\n", ERR_SYNTAX},
	    {"too deep", "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}\n", ERR_SYNTAX},
	    {"no end", "{", ERR_TIMEOUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pair p = make_pair();
		struct json *o;
		int fd, code;

		say(&p, cases[i].text);
		code = receive(&p, &o, &fd);
		if (code != cases[i].want)
			case_fail(cases[i].name, "code %d", code);
		close_pair(&p);
	}
}

/* A line without end is read until it is too long, and no further. */
static void test_endless_line(void **state)
{
	static char part[4096];
	struct pair p = make_pair();
	size_t sent = 0;
	int code = 0;

	(void)state;
	memset(part, ' ', sizeof part);
	while (code >= 0 || code == -EAGAIN) {
		if (send(p.ends[1], part, sizeof part, MSG_DONTWAIT) > 0)
			sent += sizeof part;
		code = wire_fill(&p.wire);
		assert_true(sent < 100 * WIRE_LINE_MAX);
	}
	assert_int_equal(code, ERR_LIMIT);
	assert_int_equal(p.wire.in.len, WIRE_LINE_MAX);
	close_pair(&p);
}

/* A peer that sends a byte now and then does not hold us past the deadline. */
static void test_slow_peer(void **state)
{
	struct pair p = make_pair();
	pid_t pid = fork();
	int64_t began = clock_steady();
	struct json *o;
	int fd;

	(void)state;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (write(p.ends[1], " ", 1) == 1)
			(void)usleep(1000);
		_exit(0);
	}
	assert_int_equal(receive(&p, &o, &fd), ERR_TIMEOUT);
	assert_true(clock_steady() - began < 5 * USEC_PER_SEC);
	fixture_kill(pid);
	close_pair(&p);
}

static int open_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void send_descriptors(int socket, int count)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = (void *)(uintptr_t) " ", .iov_len = 1};
	struct msghdr header = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(&control.align) + (size_t)i * sizeof(int), &(int){0}, sizeof(int));
	assert_int_equal(sendmsg(socket, &header, 0), 1);
}

/* Surplus descriptors, at once or one after the other, are closed. */
static void test_many_descriptors(void **state)
{
	int before = open_count();
	struct pair p = make_pair();

	(void)state;
	send_descriptors(p.ends[1], 2);
	assert_int_equal(wire_fill(&p.wire), ERR_SYNTAX);
	close_pair(&p);
	assert_int_equal(open_count(), before);
	p = make_pair();
	send_descriptors(p.ends[1], 1);
	assert_int_equal(wire_fill(&p.wire), 1);
	send_descriptors(p.ends[1], 1);
	assert_int_equal(wire_fill(&p.wire), ERR_SYNTAX);
	close_pair(&p);
	assert_int_equal(open_count(), before);
}

static void test_send(void **state)
{
	struct pair p = make_pair();
	struct strbuf text = {0};
	int code;

	(void)state;
	for (size_t i = 0; i < WIRE_LINE_MAX; i++)
		strbuf_putc(&text, 'x');
	assert_int_equal(wire_send(p.ends[1], line_of(text.text), -1, SOON), ERR_LIMIT);
	/* A peer that reads nothing: we write until its buffer is full, at most until the
	 * deadline. */
	text.text[WIRE_LINE_MAX / 2] = '\0';
	do
		code = wire_send(p.ends[1], line_of(text.text), -1, 0);
	while (code == 0);
	assert_int_equal(code, ERR_TIMEOUT);
	assert_int_equal(wire_send(p.ends[1], line_of("x"), -1, SOON), ERR_TIMEOUT);
	assert_int_equal(close(p.ends[0]), 0);
	assert_int_equal(wire_send(p.ends[1], line_of("x"), -1, SOON), -EPIPE);
	p.ends[0] = -1;
	strbuf_release(&text);
	close_pair(&p);
}

/* ---- memory files */

#define ALL (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int memory_file(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_map(void **state)
{
	static const struct {
		const char *name;
		off_t size;
		int seals, want;
	} cases[] = {
	    {"sealed", 100, ALL, 0},
	    {"empty", 0, ALL, 0},
	    {"the longest", (off_t)WIRE_BODY_MAX, ALL, 0},
	    {"too long", (off_t)WIRE_BODY_MAX + 1, ALL, ERR_CHILD},
	    {"huge", (off_t)1 << 50, ALL, ERR_CHILD},
	    {"not sealed", 100, 0, ERR_CHILD},
	    {"may shrink", 100, F_SEAL_GROW | F_SEAL_WRITE, ERR_CHILD},
	    {"may grow", 100, F_SEAL_SHRINK | F_SEAL_WRITE, ERR_CHILD},
	    {"may be written", 100, F_SEAL_SHRINK | F_SEAL_GROW, ERR_CHILD},
	    {"may be written by others", 100, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE,
		ERR_CHILD},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int fd = memory_file(cases[i].size, cases[i].seals);
		struct blob blob = {0};
		struct err err = {0};
		int code = wire_map(fd, &blob, &err);

		if (code != cases[i].want || (code != 0) != (err.text[0] != '\0'))
			case_fail(cases[i].name, "code %d '%s'", code, err.text);
		if (code == 0)
			case_assert(cases[i].name, blob.len == (size_t)cases[i].size);
		blob_release(&blob);
		assert_int_equal(close(fd), 0);
	}
}

static void test_map_what_is_none(void **state)
{
	static const char *const paths[] = {"/dev/zero", "/proc/self/maps", "/", "/etc/passwd"};
	struct blob blob = {0};
	int ends[2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		int fd = open(paths[i], O_RDONLY);

		assert_true(fd >= 0);
		case_assert(paths[i], wire_map(fd, &blob, NULL) == ERR_CHILD);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(wire_map(ends[0], &blob, NULL), ERR_CHILD);
	assert_int_equal(wire_map(-1, &blob, NULL), ERR_CHILD);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

UNIT_MAIN(cmocka_unit_test(test_lines), cmocka_unit_test(test_bad_lines),
    cmocka_unit_test(test_endless_line), cmocka_unit_test(test_slow_peer),
    cmocka_unit_test(test_many_descriptors), cmocka_unit_test(test_send),
    cmocka_unit_test(test_map), cmocka_unit_test(test_map_what_is_none))
