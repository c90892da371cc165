/* SPDX-License-Identifier: ISC */
/* Orders as frames: each order is read back as sent, and both ends refuse a wrong one. */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/io.h"
#include "door/door.h"

#define DAY (86400 * USEC_PER_SEC)

static struct door_order hold(enum door_key key, const char *value)
{
	return (struct door_order){.kind = DOOR_HOLD,
	    .hold = {.key = key,
		.value = value,
		.since = DAY,
		.until = 2 * DAY,
		.most = 500,
		.token = "flood:12",
		.reason = "101 recipients in 10 min"}};
}

static int encode(const struct door_order *order)
{
	struct bytes out = {0};
	struct err err = {{0}};
	int code = door_encode(order, &out, &err);

	if (code < 0)
		assert_string_not_equal(err.text, "");
	bytes_release(&out);
	return code;
}

static void test_hold(void **state)
{
	struct door_order sent = hold(DOOR_CLIENT, "2001:db8::/64"), got;
	struct bytes out = {0};

	(void)state;
	assert_int_equal(door_encode(&sent, &out, NULL), 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), 0);
	assert_int_equal(got.kind, DOOR_HOLD);
	assert_int_equal(got.hold.key, DOOR_CLIENT);
	assert_string_equal(got.hold.value, "2001:db8::/64");
	assert_string_equal(got.hold.token, "flood:12");
	assert_string_equal(got.hold.reason, "101 recipients in 10 min");
	assert_true(got.hold.since == DAY && got.hold.until == 2 * DAY && got.hold.most == 500);
	door_order_release(&got);
	bytes_release(&out);
}

static void test_keys(void **state)
{
	static const struct {
		enum door_key key;
		bool good;
		const char *value;
	} cases[] = {
	    {DOOR_LOGIN, true, "joe"},
	    {DOOR_LOGIN, true, "joe@example.com"},
	    {DOOR_LOGIN, false, ""},
	    {DOOR_LOGIN, false, "@example.com"},
	    {DOOR_LOGIN, false, "/.*/"},
	    {DOOR_LOGIN, false, "joe\n"},
	    {DOOR_LOGIN, false, "j\xf6"},
	    {DOOR_LOCAL, true, "www-data@example.com"},
	    {DOOR_SENDER, true, "u@example.com"},
	    {DOOR_SENDER, true, "\"login:joe\"@example.com"},
	    {DOOR_SENDER, false, "login:joe@example.com"},
	    {DOOR_SENDER, false, "U@example.com"},
	    {DOOR_SENDER, false, "u@Example.com"},
	    {DOOR_SENDER, false, "example.com"},
	    {DOOR_SENDER, false, "/./"},
	    {DOOR_SENDER, false, "<>"},
	    {DOOR_CLIENT, true, "192.0.2.1"},
	    {DOOR_CLIENT, true, "192.0.2.0/24"},
	    {DOOR_CLIENT, false, "192.0.2.1/24"},
	    {DOOR_CLIENT, false, "2001:DB8::1"},
	    {DOOR_CLIENT, false, "example.com"},
	    {DOOR_CLIENT, true, "2001:db8:1::/48"},
	    {DOOR_CLIENT, false, "0.0.0.0/0"},
	    {DOOR_CLIENT, false, "192.0.2.0/23"},
	    {DOOR_CLIENT, false, "::/0"},
	    {DOOR_CLIENT, false, "2001:db8::/47"},
	    {DOOR_CLIENT, false, "::ffff:0.0.0.0/96"},
	    {DOOR_DOMAIN, true, "example.com"},
	    {DOOR_DOMAIN, false, ".example.com"},
	    {DOOR_DOMAIN, false, "Example.com"},
	    {DOOR_DOMAIN, false, "example.com."},
	    {DOOR_DOMAIN, false, "u@example.com"},
	    {DOOR_KEYS, false, "example.com"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct door_order order = hold(cases[n].key, cases[n].value);

		case_assert(cases[n].value, encode(&order) == (cases[n].good ? 0 : ERR_SYNTAX));
	}
}

/* These make a good order invalid. */
static void window_too_long(struct door_order *o)
{
	o->hold.until = o->hold.since + DOOR_WINDOW_MAX + 1;
}
static void window_backwards(struct door_order *o)
{
	o->hold.until = o->hold.since - 1;
}
static void window_wraps(struct door_order *o)
{
	o->hold.since = 1;
	o->hold.until = INT64_MAX;
}
static void before_time(struct door_order *o)
{
	o->hold.since = INT64_MIN;
}
static void none(struct door_order *o)
{
	o->hold.most = 0;
}
static void too_many(struct door_order *o)
{
	o->hold.most = DOOR_HOLD_MAX + 1;
}
static void odd_token(struct door_order *o)
{
	o->hold.token = "a b";
}
static void no_token(struct door_order *o)
{
	o->hold.token = "";
}
static void odd_reason(struct door_order *o)
{
	o->hold.reason = "two\nlines";
}
static void no_kind(struct door_order *o)
{
	o->kind = DOOR_KINDS;
}

static void test_wrong_holds(void **state)
{
	static void (*const spoil[])(struct door_order *) = {window_too_long, window_backwards,
	    window_wraps, before_time, none, too_many, odd_token, no_token, odd_reason, no_kind};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(spoil); n++) {
		struct door_order order = hold(DOOR_DOMAIN, "example.com");

		assert_int_equal(encode(&order), 0);
		spoil[n](&order);
		assert_int_equal(encode(&order), ERR_SYNTAX);
	}
}

static void test_hook(void **state)
{
	struct door_field fields[3] = {{.name = "key", .kind = DOOR_TEXT, .text = "login:joe"},
	    {.name = "recipients", .kind = DOOR_NUMBER, .number = -3},
	    {.name = "clients", .kind = DOOR_LIST}};
	struct door_order sent = {
	    .kind = DOOR_HOOK, .hook = {.event = DOOR_UPDATE, .fields = fields, .count = 3}};
	struct bytes out = {0};
	struct door_order got;

	(void)state;
	strlist_push(&fields[2].list, "192.0.2.1", 9);
	strlist_push(&fields[2].list, "192.0.2.2", 9);
	assert_int_equal(door_encode(&sent, &out, NULL), 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), 0);
	assert_int_equal(got.hook.event, DOOR_UPDATE);
	assert_int_equal(got.hook.count, 3);
	assert_string_equal(got.hook.fields[0].text, "login:joe");
	assert_true(got.hook.fields[1].number == -3);
	assert_int_equal(strlist_of(&got.hook.fields[2].list).count, 2);
	door_order_release(&got);
	bytes_release(&out);

	fields[1].name = "key";
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	fields[1].name = "LD_PRELOAD";
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	fields[1].name = "n";
	fields[0].text = "\033[2J";
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	sent.hook.event = DOOR_EVENTS;
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	strbuf_release(&fields[2].list);
}

static void test_verb(void **state)
{
	const char *words[] = {"hold", "--reason=a b", "--", "example.com"};
	struct door_order sent = {.kind = DOOR_VERB,
	    .verb = {.words = words, .count = 4, .answered = true, .columns = 80}};
	struct bytes out = {0};
	struct door_order got;

	(void)state;
	assert_int_equal(door_encode(&sent, &out, NULL), 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), 0);
	assert_true(got.verb.answered);
	assert_int_equal(got.verb.columns, 80);
	assert_int_equal(got.verb.count, 4);
	for (size_t n = 0; n < 4; n++)
		assert_string_equal(got.verb.words[n], words[n]);
	door_order_release(&got);
	/* Cut anywhere, or with one more byte, it is invalid. */
	for (size_t len = 0; len < out.len; len++)
		assert_true(door_decode((struct span){out.at, len}, &got, NULL) < 0);
	bytes_put_u8(&out, 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), ERR_SYNTAX);
	bytes_release(&out);

	sent.verb.columns = DOOR_COLUMNS_MAX + 1;
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	sent.verb.columns = 0;
	words[0] = "--help";
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	sent.verb.count = 0;
	assert_int_equal(encode(&sent), ERR_SYNTAX);
}

static void test_limits(void **state)
{
	const char **words = calloc(DOOR_WORDS_MAX + 1, sizeof(*words));
	struct door_order sent = {.kind = DOOR_VERB, .verb = {.words = words}};
	char *text = calloc(1, DOOR_TEXT_MAX + 2);

	(void)state;
	assert_non_null(words);
	assert_non_null(text);
	for (size_t n = 0; n <= DOOR_WORDS_MAX; n++)
		words[n] = "list";
	sent.verb.count = DOOR_WORDS_MAX;
	assert_int_equal(encode(&sent), 0);
	sent.verb.count++;
	assert_int_equal(encode(&sent), ERR_LIMIT);
	memset(text, 'x', DOOR_TEXT_MAX);
	words[1] = text;
	sent.verb.count = 2;
	assert_int_equal(encode(&sent), 0);
	text[DOOR_TEXT_MAX] = 'x';
	assert_int_equal(encode(&sent), ERR_SYNTAX);
	text[DOOR_TEXT_MAX] = '\0';
	for (size_t n = 1; n < 20; n++)
		words[n] = text;
	sent.verb.count = 20;
	assert_int_equal(encode(&sent), ERR_LIMIT);
	free(words);
	free(text);
}

/* ---- the talk */

static char directory[] = "/tmp/pqpurge-door.XXXXXX";
static int listener;
static volatile sig_atomic_t stop;

static int open_door(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" DOOR_DAEMON_SOCKET, directory);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert_true(listen(listener, 1) == 0);
	return 0;
}

static int close_door(void **state)
{
	char path[64];

	(void)state;
	close(listener);
	snprintf(path, sizeof(path), "%s/" DOOR_DAEMON_SOCKET, directory);
	unlink(path);
	return rmdir(directory);
}

/* Root's side: reads an order, answers, waits until it is asked to stop, and ends. */
static void *serve(void *arg)
{
	int fd = accept(listener, NULL, NULL);
	struct bytes frame = {0};
	struct door_order order;
	struct door_end end = {.status = 3, .batch = 7, .matched = 5, .done = 4, .failed = 1};
	char rest;

	(void)arg;
	snprintf(end.words, sizeof(end.words), "stopped");
	assert_int_equal(
	    io_frame_read(fd, &frame, DOOR_FRAME_MAX, clock_steady() + 20 * USEC_PER_SEC), 1);
	assert_int_equal(door_decode(bytes_span(&frame), &order, NULL), 0);
	assert_int_equal(door_answer_write(fd, DOOR_SAYS, (struct span){"held", 4}, INT64_MAX), 0);
	assert_int_equal(read(fd, &rest, 1), 0);
	assert_int_equal(door_end_write(fd, &end, INT64_MAX), 0);
	door_order_release(&order);
	bytes_release(&frame);
	close(fd);
	return NULL;
}

static int says(void *arg, enum door_answer_kind kind, struct span bytes)
{
	assert_int_equal(kind, DOOR_SAYS);
	assert_int_equal(bytes.len, 4);
	memcpy(arg, bytes.at, bytes.len);
	stop = 1;
	return 0;
}

static void test_talk(void **state)
{
	struct door_order order = hold(DOOR_LOGIN, "joe");
	char text[8] = "";
	struct door_talk talk = {.says = says, .arg = text, .stop = &stop};
	struct err err = {{0}};
	struct door_end end;
	pthread_t thread;
	int code;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	code = door_call(directory, DOOR_DAEMON_SOCKET, &order, 1, &talk,
	    clock_steady() + 20 * USEC_PER_SEC, &end, &err);
	if (geteuid() != 0) { /* a listener that is not root's gets nothing */
		assert_int_equal(code, ERR_REFUSED);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		return;
	}
	pthread_join(thread, NULL);
	assert_int_equal(code, 0);
	assert_string_equal(text, "held");
	assert_true(end.status == 3 && end.batch == 7 && end.matched == 5 && end.done == 4);
	assert_string_equal(end.words, "stopped");
}

static void test_no_door(void **state)
{
	struct door_order order = hold(DOOR_LOGIN, "joe");
	struct door_end end;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(
	    door_call("/nowhere", DOOR_DAEMON_SOCKET, &order, 1, NULL, 0, &end, &err), -ENOENT);
	assert_non_null(strstr(err.text, "order door"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_wrong_holds),
	    cmocka_unit_test(test_hook),
	    cmocka_unit_test(test_verb),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test_setup_teardown(test_talk, open_door, close_door),
	    cmocka_unit_test(test_no_door),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
