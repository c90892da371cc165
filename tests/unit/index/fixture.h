/* SPDX-License-Identifier: ISC */
/* A directory of the index's own, messages, an open store. */
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
#include "index/index.h"
#include "index/rows/entry.h"

#define MAP_SIZE   (INT64_C(64) << 20)
#define EMPTY_SPAN ((struct span){.at = "", .len = 0})
#define NEVER      INT64_MAX

static inline struct span span_text(const char *text)
{
	return (struct span){.at = text, .len = strlen(text)};
}

/* ---- a directory of the index's owner: nobody, or without root the caller */

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

/* "DIR/NAME", in memory that the fourth call after it reuses. */
static inline const char *fixture_path(const char *dir, const char *name)
{
	static char paths[4][120];
	static unsigned next;
	char *path = paths[next++ % COUNT_OF(paths)];

	(void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static inline struct store *fixture_store(const char *dir, int64_t map_size)
{
	struct store *store = NULL;
	struct err err = {0};

	if (store_open(fixture_path(dir, INDEX_FILE), map_size, &store, &err) != 0)
		case_fail("open", "%s", err.text);
	return store;
}

static inline struct index *fixture_index(const char *dir)
{
	struct index *ix = NULL;
	struct err err = {0};

	if (index_open(dir, MAP_SIZE, &ix, NULL, &err) != 0)
		case_fail("open", "%s", err.text);
	return ix;
}

/* ---- messages */

/* The queued half has only what is set here; arrival 0: the file was not read. */
struct mail {
	uint32_t usec;
	uint64_t inode;
	int64_t time; /* MAIL; RCPT and end a microsecond later each */
	const char *sender;
	const char *from;
	const char *recipient;
	const char *login;
	const char *message_id;
	const char *client;
	bool queue_only; /* ORIGIN_QUEUE */
	bool stepped;    /* the clock was set during the message */
	int64_t arrival;
	uint64_t file_inode; /* 0: inode */
	const char *queued_sender, *queued_recipient;
	const char *first; /* the queue ID of its first pass */
};

static inline void fixture_queue_half(const struct mail *mail, struct message *m)
{
	static struct strbuf recipients, originals;
	const char *recipient = mail->queued_recipient ? mail->queued_recipient : mail->recipient;
	struct queued *q = &m->queued;

	strbuf_clear(&recipients);
	strbuf_clear(&originals);
	if (recipient) {
		strlist_push(&recipients, recipient, strlen(recipient));
		strlist_push(&originals, "", 0);
	}
	q->known = true;
	q->arrival_time = mail->arrival;
	q->create_time = -1;
	q->inode = mail->file_inode ? mail->file_inode : mail->inode;
	q->size = 600;
	q->uid = -1;
	q->client = m->client;
	q->log_client = m->client;
	q->client_port = m->client_port;
	q->sender = mail->queued_sender ? mail->queued_sender : m->sender;
	q->login = m->login;
	q->message_id = m->message_id;
	q->from = m->from;
	q->recipients = strlist_of(&recipients);
	q->originals = strlist_of(&originals);
	q->recipient_count = q->recipients.count;
	q->log_ident = "";
}

/* A view of static memory, valid until the next call. */
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
	m.origin = mail->queue_only ? ORIGIN_QUEUE : ORIGIN_SMTPD;
	m.flags |= mail->stepped ? MESSAGE_CLOCK_STEPPED : 0;
	m.connect_time = mail->time - 5;
	m.mail_time = mail->time;
	m.rcpt_time = mail->time + 1;
	m.end_time = mail->time + 2;
	m.sender = mail->sender ? mail->sender : "";
	m.login = mail->login ? mail->login : "";
	m.message_id = mail->message_id ? mail->message_id : "";
	m.from = strlist_of(&from);
	m.recipients = strlist_of(&recipients);
	m.recipient_count = m.recipients.count;
	assert_int_equal(net_parse(mail->client ? mail->client : "192.0.2.7", &m.client), 0);
	m.client_port = 2525;
	if (mail->arrival != 0)
		fixture_queue_half(mail, &m);
	if (mail->first)
		assert_int_equal(
		    queue_id_parse(mail->first, strlen(mail->first), &m.first.queue_id), 0);
	return m;
}

static inline struct queue_id fixture_id(uint32_t usec, uint64_t inode)
{
	return fixture_message(&(struct mail){.usec = usec, .inode = inode}).queue_id;
}

static inline struct packed_id fixture_packed(uint32_t usec, uint64_t inode)
{
	struct queue_id id = fixture_id(usec, inode);
	struct packed_id packed;

	assert_int_equal(queue_id_pack(&id, &packed), 0);
	return packed;
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

static inline void fixture_record(struct index *ix, const struct mail *mail)
{
	struct message m = fixture_message(mail);
	struct err err = {0};

	if (index_record(ix, &m, &err) != 0)
		case_fail("record", "%s", err.text);
}

static inline uint64_t fixture_rows(struct store *store, enum store_table table)
{
	struct txn txn;
	struct store_usage usage;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_usage(&txn, &usage), 0);
	txn_abort(&txn);
	return usage.rows[table];
}

static inline struct index_counts fixture_counts(struct index *ix)
{
	struct index_counts counts;

	assert_int_equal(index_count(ix, &counts, NULL), 0);
	return counts;
}

/* By a signal to it, or at the parent's end, so that a failing test leaves no child behind. */
static inline void fixture_wait_for_death(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(60);
	(void)pause();
}

static inline void fixture_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
