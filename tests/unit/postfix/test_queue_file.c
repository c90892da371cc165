/* SPDX-License-Identifier: ISC */
/* The facts in a queue file, however it was made. */
#include "tests/unit/postfix/rig.h"

#include "base/err.h"
#include "postfix/file/queue_file.h"

#define ARRIVAL INT64_C(1700000000123456)

static int parse(const struct bytes *file, struct identity *id)
{
	int fd = rig_memory_file(file), code;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	code = queue_file_identity(fd, &st, id);
	close(fd);
	return code;
}

static void test_usual(void **state)
{
	struct bytes file = {0};
	struct net_address client;
	struct identity id;

	(void)state;
	rig_envelope(&file, ARRIVAL, "a@Bad.Example");
	assert_int_equal(parse(&file, &id), 0);
	assert_int_equal(id.arrival_time, ARRIVAL);
	assert_int_equal(id.create_time, INT64_C(1700000000000000));
	assert_int_equal(id.size, 1234);
	assert_true(id.has_sender);
	assert_string_equal(id.sender, "a@bad.example");
	assert_int_equal(net_parse("192.0.2.1", &client), 0);
	assert_true(net_equal(&id.client, &client));
	assert_int_equal(id.client_port, 1025);
	bytes_release(&file);
}

static void test_senders(void **state)
{
	static const struct {
		const char *name, *input, *want;
	} cases[] = {
	    {"null", "", ""},
	    {"plain", "a@bad.example", "a@bad.example"},
	    {"domain case", "A@BAD.Example.", "A@bad.example"},
	    {"internal form: quoted local part holds @", "a@b@bad.example", "a@b@bad.example"},
	    {"quotes are bytes here", "\"a b\"@bad.example", "\"a b\"@bad.example"},
	    {"blank", "a b@bad.example", "a b@bad.example"},
	    {"no domain", "root", "root"},
	    {"u-label",
		"a@b\xc3\xbc"
		"cher.example",
		"a@xn--bcher-kva.example"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct bytes file = {0};
		struct identity id;

		rig_envelope(&file, ARRIVAL, cases[n].input);
		case_assert(cases[n].name, parse(&file, &id) == 0);
		case_assert(cases[n].name, id.has_sender);
		case_assert_text(cases[n].name, id.sender, cases[n].want);
		bytes_release(&file);
	}
}

static void test_arrivals(void **state)
{
	static const struct {
		const char *name, *input;
		int64_t want;
	} cases[] = {
	    {"with microseconds", "1700000000 123456", ARRIVAL},
	    {"leading blanks", "  1700000000 123456", ARRIVAL},
	    {"seconds alone", "1700000000", INT64_C(1700000000000000)},
	    {"microseconds past a second", "1700000000 1000000", -1},
	    {"microseconds garbled", "1700000000 x", -1},
	    {"negative", "-1 5", -1},
	    {"empty", "", -1},
	    {"words", "yesterday", -1},
	    {"eighteen digits", "999999999999999999 0", -1},
	    {"too many digits", "17000000001700000000 0", -1},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct bytes file = {0};
		struct identity id;

		rig_record(&file, 'T', cases[n].input);
		rig_record(&file, 'T', "1800000000 1"); /* the first one counts */
		rig_record(&file, 'S', "a@b.example");
		rig_record(&file, 'M', "");
		case_assert(
		    cases[n].name, parse(&file, &id) == (cases[n].want < 0 ? ERR_SYNTAX : 0));
		case_assert(cases[n].name, id.arrival_time == cases[n].want);
		bytes_release(&file);
	}
}

/* A milter's new sender: a pointer in place of S; at the end of the file S and a pointer back. */
static void test_sender_behind_pointer(void **state)
{
	struct bytes file = {0};
	struct identity id;
	char text[32];
	size_t pointer, back;

	(void)state;
	rig_record(&file, 'C', "             10               0");
	rig_record(&file, 'T', "1700000000 123456");
	pointer = file.len;
	rig_record(&file, 'p', "              0");
	back = file.len;
	rig_record(&file, 'A', "client_port=77");
	rig_record(&file, 'R', "u@dest.example");
	rig_record(&file, 'M', "");
	rig_record(&file, 'N', "text");
	rig_record(&file, 'X', "");
	snprintf(text, sizeof(text), "%15zu", file.len);
	memcpy(file.at + pointer + 2, text, 15);
	rig_record(&file, 'S', "new@sender.example");
	snprintf(text, sizeof(text), "%15zu", back);
	rig_record(&file, 'p', text);

	assert_int_equal(parse(&file, &id), 0);
	assert_string_equal(id.sender, "new@sender.example");
	assert_int_equal(id.client_port, 77);
	bytes_release(&file);
}

static void test_broken(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
	} cases[] = {
	    {"empty", "", 0},
	    {"one byte", "C", 1},
	    {"text", "Subject: hello\n", 15},
	    {"endless length", "T\xff\xff\xff\xff\xff\xff\xff\xff", 9},
	    {"length past the end",
		"T\x7f"
		"17",
		4},
	    {"length of two gigabytes", "T\xff\xff\xff\xff\x07", 6},
	    {"length past an int", "T\xff\xff\xff\xff\x0f", 6},
	    {"length cut off", "T\x80", 2},
	    {"first record is another", "S\x00M\x00", 4},
	    {"pointer to itself",
		"T\x04"
		"1 22p\x01"
		"6",
		9},
	    {"pointer to the beginning",
		"T\x03"
		"1 2p\x01"
		"1",
		8},
	    {"pointer past the end",
		"T\x03"
		"1 2p\x03"
		"999",
		10},
	    {"pointer to nowhere",
		"T\x03"
		"1 2p\x03"
		"abc",
		10},
	    {"no T",
		"C\x01"
		"5S\x00M\x00",
		7},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct bytes file = {0};
		struct identity id;

		bytes_put(&file, cases[n].bytes, cases[n].len);
		case_assert(cases[n].name, parse(&file, &id) == ERR_SYNTAX);
		bytes_release(&file);
	}
}

/* Cut at any byte: no crash, and the facts before the cut are known. */
static void test_every_prefix(void **state)
{
	struct bytes file = {0}, part = {0};
	struct identity id;
	size_t behind_time = 0;

	(void)state;
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	for (size_t len = 0; len < file.len; len++) {
		part.at = file.at;
		part.len = len;
		if (parse(&part, &id) == 0)
			assert_true(id.has_sender);
		if (id.arrival_time == ARRIVAL && behind_time == 0)
			behind_time = len;
		assert_int_equal(id.arrival_time, behind_time ? ARRIVAL : -1);
	}
	assert_true(behind_time > 0);
	bytes_release(&file);
}

static void test_sender_too_long_to_keep(void **state)
{
	struct bytes file = {0};
	char *sender = calloc(1, 6000);
	struct identity id;

	(void)state;
	assert_non_null(sender);
	memset(sender, 'x', 5000);
	rig_envelope(&file, ARRIVAL, sender);
	assert_int_equal(parse(&file, &id), 0);
	assert_false(id.has_sender);
	assert_int_equal(id.client_port, 1025);
	free(sender);
	bytes_release(&file);
}

/* The same from a file, whose envelope takes several reads. */
static void test_file(void **state)
{
	struct bytes file = {0};
	char path[] = "/tmp/pqpurge-file.XXXXXX", filler[1001] = "";
	struct identity id;
	struct stat st;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	rig_record(&file, 'T', "1700000000 123456");
	memset(filler, 'f', sizeof(filler) - 1);
	for (int n = 0; n < 50; n++)
		rig_record(&file, 'A', filler);
	rig_record(&file, 'S', "a@bad.example");
	rig_record(&file, 'A', "log_ident=4dFVrw75plz1p3V6");
	rig_record(&file, 'A', "log_client_address=192.0.2.9");
	rig_record(&file, 'A', "client_address=2001:db8::1");
	rig_record(&file, 'R', "u@dest.example");
	rig_record(&file, 'M', "");
	assert_int_equal(write(fd, file.at, file.len), (ssize_t)file.len);
	assert_int_equal(fstat(fd, &st), 0);

	assert_int_equal(queue_file_identity(fd, &st, &id), 0);
	assert_int_equal(id.arrival_time, ARRIVAL);
	assert_string_equal(id.sender, "a@bad.example");
	assert_int_equal(id.client.family, 6);
	assert_int_equal(id.log_client.family, 4);
	assert_string_equal(id.log_ident, "4dFVrw75plz1p3V6");
	assert_int_equal(id.inode, st.st_ino);
	assert_int_equal(id.size, st.st_size); /* no C record, as in maildrop */
	close(fd);
	bytes_release(&file);
}

/* cleanup(8) writes the recipients of sender_bcc_maps right after the sender, before the client. */
static void test_recipients_before_the_client(void **state)
{
	struct bytes file = {0};
	struct identity id;

	(void)state;
	rig_record(&file, 'T', "1700000000 123456");
	rig_record(&file, 'S', "a@bad.example");
	rig_record(&file, 'A', "notify_flags=1");
	rig_record(&file, 'R', "boss@bcc.example");
	rig_record(&file, 'D', "clerk@bcc.example");
	rig_record(&file, 'A', "log_client_address=192.0.2.9");
	rig_record(&file, 'A', "client_address=192.0.2.1");
	rig_record(&file, 'A', "client_port=1025");
	rig_record(&file, 'O', "u@dest.example");
	rig_record(&file, 'R', "u@dest.example");
	rig_record(&file, 'A', "client_port=77"); /* too late */
	rig_record(&file, 'M', "");
	assert_int_equal(parse(&file, &id), 0);
	assert_int_equal(id.client.family, 4);
	assert_int_equal(id.log_client.family, 4);
	assert_int_equal(id.client_port, 1025);
	bytes_release(&file);
}

/* Mail without a client has nothing more to tell behind its first recipient, even if there are too
 * many to read. */
static void test_recipients_without_end(void **state)
{
	struct bytes file = {0};
	struct identity id;

	(void)state;
	rig_record(&file, 'T', "1700000000 123456");
	rig_record(&file, 'S', "a@bad.example");
	for (int n = 0; n < QUEUE_RECORDS_MAX; n++)
		rig_record(&file, 'R', "u@dest.example");
	rig_record(&file, 'M', "");
	assert_int_equal(parse(&file, &id), 0);
	assert_int_equal(id.arrival_time, ARRIVAL);
	assert_string_equal(id.sender, "a@bad.example");
	bytes_release(&file);
}

static void test_closed_descriptor(void **state)
{
	struct stat st = {0};
	struct identity id;

	(void)state;
	assert_int_equal(queue_file_identity(-1, &st, &id), -EBADF);
}

UNIT_MAIN(cmocka_unit_test(test_usual), cmocka_unit_test(test_senders),
    cmocka_unit_test(test_arrivals), cmocka_unit_test(test_sender_behind_pointer),
    cmocka_unit_test(test_broken), cmocka_unit_test(test_every_prefix),
    cmocka_unit_test(test_sender_too_long_to_keep), cmocka_unit_test(test_file),
    cmocka_unit_test(test_recipients_before_the_client),
    cmocka_unit_test(test_recipients_without_end), cmocka_unit_test(test_closed_descriptor))
