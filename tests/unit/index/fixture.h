/* SPDX-License-Identifier: ISC */
/* What the index's tests share: a directory of their own, messages, an open store. */
#ifndef PQPURGE_TESTS_INDEX_FIXTURE_H
#define PQPURGE_TESTS_INDEX_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/role.h"
#include "index/home.h"
#include "index/rows/entry.h"
#include "index/rows/record.h"
#include "index/store.h"
#include "index/store_double.h"

#define MAP_SIZE   (INT64_C(64) << 20)
#define EMPTY_SPAN ((struct span){.at = "", .len = 0})

static inline struct span span_text(const char *text)
{
	return (struct span){.at = text, .len = strlen(text)};
}

/* ---- a directory that belongs to whoever the index's owner is: nobody, or the caller where it is
 * not root */

static inline void fixture_role(struct role *ret)
{
	if (geteuid() == 0)
		assert_int_equal(role_of_user("nobody", ret, NULL), 0);
	else
		*ret = (struct role){.uid = geteuid(), .gid = getegid(), .name = "self"};
}

static inline char *fixture_dir(void)
{
	char *dir = strdup("/tmp/pqpurge-index.XXXXXX");
	struct role owner;

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	fixture_role(&owner);
	if (geteuid() == 0)
		assert_int_equal(chown(dir, owner.uid, owner.gid), 0);
	return dir;
}

static inline int fixture_remove_one(
    const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void fixture_remove(char *dir)
{
	(void)nftw(dir, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

static inline struct store *fixture_store(const char *dir, int64_t map_size)
{
	struct store_config config = {.directory = dir, .map_size = map_size};
	struct store *store = NULL;
	struct err err = {0};

	if (store_open_lmdb(&config, &store, &err) != 0)
		case_fail("open", "%s", err.text);
	return store;
}

/* ---- messages */

struct mail {
	uint32_t usec;
	uint64_t inode;
	int64_t time;
	const char *sender;
	const char *from;
	const char *recipient;
	const char *login;
};

/* Views static memory: good until the next call. */
static inline struct message fixture_message(const struct mail *mail)
{
	static struct strbuf from, recipients;
	struct message m;
	char id[32];

	message_init(&m);
	(void)snprintf(id, sizeof id, "%05X%" PRIX64, (unsigned)mail->usec, mail->inode);
	assert_int_equal(queue_id_parse(id, strlen(id), &m.queue_id), 0);
	strbuf_clear(&from);
	strbuf_clear(&recipients);
	if (mail->from)
		strlist_push(&from, mail->from, strlen(mail->from));
	if (mail->recipient)
		strlist_push(&recipients, mail->recipient, strlen(mail->recipient));
	m.origin = ORIGIN_SMTPD;
	m.connect_time = mail->time - 5;
	m.mail_time = mail->time;
	m.rcpt_time = mail->time + 1;
	m.end_time = mail->time + 2;
	m.sender = mail->sender ? mail->sender : "";
	m.login = mail->login ? mail->login : "";
	m.from = strlist_of(&from);
	m.recipients = strlist_of(&recipients);
	m.recipient_count = m.recipients.count;
	assert_int_equal(net_parse("192.0.2.7", &m.client), 0);
	m.client_port = 2525;
	return m;
}

static inline struct queue_id fixture_id(uint32_t usec, uint64_t inode)
{
	return fixture_message(&(struct mail){.usec = usec, .inode = inode}).queue_id;
}

static inline void fixture_add(struct txn *txn, const struct mail *mail, uint64_t *ret_sequence)
{
	struct message m = fixture_message(mail);
	struct bytes record = {0};

	record_encode(&m, &record);
	assert_false(record.failed);
	entry_add(txn, bytes_span(&record), ret_sequence);
	bytes_release(&record);
}

static inline uint64_t fixture_rows(struct store *store, enum store_table table)
{
	struct txn txn;
	uint64_t rows = 0;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_count(&txn, table, &rows), 0);
	txn_abort(&txn);
	return rows;
}

/* Commits rows until one fails; its code. */
static inline int fixture_fill(struct store *store, struct err *err)
{
	static char big[3000];
	unsigned char key[8];
	struct txn txn;
	int code = 0;

	for (uint64_t i = 1; code == 0 && i < 100000; i++) {
		(void)txn_begin(store, true, &txn);
		txn_put(&txn, STORE_MESSAGE, entry_key(i, key),
		    (struct span){.at = big, .len = sizeof big}, true);
		code = txn_commit(&txn, err);
	}
	return code;
}

/* By a signal, of the parent's or for its end: a test that fails leaves no child behind. */
static inline void fixture_wait_for_death(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(60);
	(void)pause();
}

/* A child that stays in a read transaction until it is killed. */
static inline pid_t fixture_reader(const char *dir)
{
	char byte;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct store_config config = {.directory = dir, .read_only = true};
		struct store *store;
		struct txn txn;

		if (store_open_lmdb(&config, &store, NULL) != 0 ||
		    txn_begin(store, false, &txn) != 0)
			_exit(1);
		(void)!write(ends[1], "x", 1);
		fixture_wait_for_death();
		_exit(1);
	}
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(close(ends[0]), 0);
	return pid;
}

#endif
