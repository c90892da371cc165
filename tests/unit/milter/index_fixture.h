/* SPDX-License-Identifier: ISC */
/* A directory for an index, and messages to record in it. */
#ifndef PQPURGE_TESTS_MILTER_INDEX_FIXTURE_H
#define PQPURGE_TESTS_MILTER_INDEX_FIXTURE_H

#include "tests/unit/milter/log_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/indexkeeper.h"

#define MAP_SIZE (INT64_C(16) << 20)

static char home[64], directory[80];

static int make_home(void **state)
{
	(void)state;
	snprintf(home, sizeof(home), "/tmp/pqp-keeper.XXXXXX");
	if (!mkdtemp(home))
		return -1;
	snprintf(directory, sizeof(directory), "%s/index", home);
	return mkdir(directory, 0700);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int remove_home(void **state)
{
	(void)state;
	return nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void remove_index(void)
{
	assert_int_equal(nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Takes the index's lock, as a command does; close the descriptor to release it. */
static inline int take_lock(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, INDEX_LOCK);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static inline struct message message_number(unsigned n)
{
	struct message m;

	message_init(&m);
	m.origin = ORIGIN_SMTPD;
	m.mail_time = clock_wall();
	m.rcpt_time = m.end_time = m.mail_time;
	m.sender = "a@example.com";
	snprintf(m.queue_id.text, sizeof(m.queue_id.text), "%05X%X", n % 1000000, 0x10000 + n);
	return m;
}

static inline bool record(struct indexkeeper *k, unsigned n)
{
	struct message m = message_number(n);

	return indexkeeper_record(k, &m);
}

/* A number in the status. */
static inline int64_t status_of(struct indexkeeper *k, const char *key)
{
	struct json *o = json_new(), *back = NULL;
	struct strbuf line = {0};
	int64_t value;

	indexkeeper_status(k, o);
	assert_int_equal(json_write(&line, o), 0);
	assert_int_equal(json_parse(line.text, line.len, &back, NULL), 0);
	value = json_int(back, key, json_bool(back, key, false));
	json_free(back);
	strbuf_release(&line);
	return value;
}

#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

#endif
