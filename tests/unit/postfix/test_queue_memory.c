/* SPDX-License-Identifier: ISC */
/* Queue files for which there is no memory: never a message that looks whole. */
#include "tests/unit/postfix/rig.h"

#include <dlfcn.h>
#include <errno.h>
#include <idn2.h>

#include "postfix/file/queue_message.h"

static const struct queue_host host = {.hostname = "rig.test", .mail_owner = 102};

static bool no_names;

int idn2_lookup_u8(const uint8_t *src, uint8_t **ret, int flags)
{
	int (*real)(const uint8_t *src, uint8_t **ret, int flags);

	*(void **)&real = dlsym(RTLD_NEXT, "idn2_lookup_u8");
	return no_names ? IDN2_MALLOC : real(src, ret, flags);
}

static int parse(const struct bytes *file, struct queue_message *m)
{
	static const struct queue_id id = {"A1B2CA73701"};
	int fd = rig_memory_file(file);
	int code = queue_message_read(fd, &id, &host, 3, m);

	close(fd);
	return code;
}

static bool no_memory;

void *reallocarray(void *list, size_t count, size_t size)
{
	return no_memory ? NULL : realloc(list, count * size);
}

static void test_no_memory(void **state)
{
	struct queue_header h = {0};

	(void)state;
	queue_header_clear(&h, &host);
	no_memory = true;
	queue_header_line(&h, "Subject: a", 10, true);
	no_memory = false;
	queue_header_line(&h, "X-Next: b", 9, true);
	queue_header_end(&h);
	assert_true(h.cut);
	queue_header_clear(&h, &host);
	queue_header_line(&h, "Subject: a", 10, true);
	queue_header_end(&h);
	assert_false(h.cut);
	queue_header_release(&h);
}

/* A domain that libidn2 had no memory for would be filed where nobody looks. */
static void test_no_memory_for_names(void **state)
{
	static const struct {
		char type;
		const char *data;
	} records[] = {{'T', "1700000000 123456"}, {'S', "a@xn--bcher-kva.example"},
	    {'R', "b@dest.example"}, {'M', ""}, {'X', ""}, {'E', ""}};
	struct queue_message m = {0};
	struct bytes file = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(records); n++)
		rig_record(&file, records[n].type, records[n].data);
	no_names = true;
	assert_int_equal(parse(&file, &m), -ENOMEM);
	no_names = false;
	assert_int_equal(parse(&file, &m), 0);
	queue_message_release(&m);
	bytes_release(&file);
}

/* A file whose reading failed, for whatever reason, says nothing about the next one. */
static void test_next_file(void **state)
{
	struct message recorded;
	struct bytes broken = {0}, whole = {0};
	struct queue_message m = {0};
	struct proof proof = {0};

	(void)state;
	message_init(&recorded);
	/* Without a sender, and ends early. */
	rig_record(&broken, 'T', "1700000000 123456");
	rig_record(&broken, 'R', "b@xn--bcher-kva.example");
	rig_record(&whole, 'T', "1700000000 123456");
	rig_record(&whole, 'S', "a@our.example");
	rig_record(&whole, 'R', "b@dest.example");
	for (const char *type = "MXE"; *type; type++)
		rig_record(&whole, *type, "");
	no_names = true;
	assert_int_equal(parse(&broken, &m), ERR_SYNTAX);
	no_names = false;
	assert_int_equal(parse(&whole, &m), 0);

	no_names = true;
	assert_int_equal(parse(&broken, &m), ERR_SYNTAX);
	no_names = false;
	int fd = rig_memory_file(&whole);
	assert_int_equal(fchmod(fd, 0700), 0);
	spool_judge(fd, &recorded, &proof);
	close(fd);
	assert_int_equal(proof.error, 0);
	queue_message_release(&m);
	bytes_release(&broken);
	bytes_release(&whole);
}

UNIT_MAIN(cmocka_unit_test(test_no_memory), cmocka_unit_test(test_no_memory_for_names),
    cmocka_unit_test(test_next_file))
