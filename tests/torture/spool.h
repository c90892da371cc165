/* SPDX-License-Identifier: ISC */
/*
 * A simulated spool and the events of its mail: it arrives, is recorded or not, is claimed by
 * others, leaves, is requeued, and renamed onto other queue IDs. For history.c only.
 */
#ifndef PQPURGE_TESTS_TORTURE_SPOOL_H
#define PQPURGE_TESTS_TORTURE_SPOOL_H

#include "tests/torture/torture.h"

#include "base/clock.h"
#include "index/index.h"
#include "mail/identity.h"

#define INODES      300
#define DOMAINS     12
#define RENAMED_MAX 16
#define MSEC        INT64_C(1000)

struct mail { /* a file in the spool, and the truth about it */
	bool there;
	bool recorded_here; /* the index has its given half, under its present ID */
	bool read_here;     /* its file was read in its present place */
	uint64_t serial;
	uint64_t inode;
	struct queue_id id;
	struct message recorded; /* as it was recorded; its strings are below */
	struct identity file;
	char sender[64], from[64], text[32];
};

/* An inode's previous message, so that its ID can be reused. */
struct past {
	int64_t usec;
	bool known;
};

static uint64_t seed;
static int64_t now = INT64_C(1700000000000000);
static struct mail spool[INODES]; /* by inode - 1 */
static struct mail renamed[RENAMED_MAX];
static struct past past[INODES];
static struct index *ix;
static int64_t latest;      /* nothing created now is older */
static uint64_t last_freed; /* an inode; the next file tends to get it */
static uint64_t serial, purges, deleted, left_alone, reused, unrecorded, forged, shadowed;

/* ---- time */

static inline void pass(int64_t most)
{
	now += 1 + (int64_t)below(&seed, (uint64_t)most);
}

/* Between messages, and rarely: by hours, in either direction. */
static inline void set_clock(void)
{
	now += (int64_t)below(&seed, 7200 * USEC_PER_SEC) - 3600 * USEC_PER_SEC;
}

/* ---- arrival */

/*
 * The moment at which Postfix creates the file, whose microsecond becomes part of the ID. Now and
 * then it is that of the inode's previous file.
 */
static inline void create_file(struct mail *m, bool again)
{
	struct past *p = &past[m->inode - 1];

	if (now < latest)
		now = latest;
	pass(12 * MSEC);
	if (p->known && again) {
		now += (p->usec - now % USEC_PER_SEC + USEC_PER_SEC) % USEC_PER_SEC;
		reused++;
	}
	*p = (struct past){.usec = now % USEC_PER_SEC, .known = true};
	m->file.create_time = now / USEC_PER_SEC * USEC_PER_SEC;
	m->id = m->recorded.queue_id = short_id((uint32_t)p->usec, m->inode);
}

/*
 * beside: sessions run side by side, and this one's MAIL is older than the last file. Then no ID is
 * reused: an unrecorded file whose MAIL came inside another's window, made whole seconds later to
 * the microsecond on its inode, would pass for it. Such a pair is one in a million of those that
 * share the inode so soon.
 */
static inline void arrive_smtp(struct mail *m, bool step, bool beside)
{
	struct message *r = &m->recorded;

	latest = now;
	if (beside)
		now -= (int64_t)below(&seed, 150 * MSEC);
	r->origin = ORIGIN_SMTPD;
	r->connect_time = now;
	pass(MSEC);
	r->mail_time = now;
	pass(80 * MSEC);
	m->file.arrival_time = now;
	pass(80 * MSEC);
	if (step) {
		set_clock();
		latest = now;
		r->flags |= MESSAGE_CLOCK_STEPPED;
	}
	r->rcpt_time = now;
	create_file(m, !beside && one_in(&seed, 2)); /* once a recipient was accepted */
	require(net_parse("192.0.2.7", &r->client) == 0, "net_parse");
	r->client_port = (uint16_t)(1024 + serial % 60000);
	m->file.client = r->client;
	m->file.client_port = r->client_port;
}

static inline void arrive_local(struct mail *m)
{
	struct message *r = &m->recorded;

	latest = now;
	r->origin = ORIGIN_SENDMAIL;
	m->file.arrival_time = now; /* then it waits in maildrop */
	pass(one_in(&seed, 3) ? 100 * USEC_PER_SEC : 10 * MSEC);
	create_file(m, one_in(&seed, 2)); /* before cleanup(8) calls any filter */
	pass(12 * MSEC);
	r->connect_time = now;
	pass(MSEC);
	r->mail_time = r->rcpt_time = now;
}

static inline void record(struct mail *m)
{
	struct message *r = &m->recorded;
	struct err err = {{0}};

	r->sender = m->sender;
	r->from = (struct strlist){.first = m->from, .bytes = strlen(m->from) + 1, .count = 1};
	r->message_id = m->text;
	require(index_record(ix, r, &err) == 0, "%s", err.text);
	m->recorded_here = true;
}

/* Another client claims its ID, at about the same time, for some domain. */
static inline void forge(const struct mail *m)
{
	struct message r = m->recorded;
	struct err err = {{0}};
	char sender[64];

	snprintf(sender, sizeof(sender), "u@d%u.example", (unsigned)below(&seed, DOMAINS));
	r.origin = ORIGIN_SMTPD;
	r.sender = sender;
	r.from = (struct strlist){.first = "", .count = 0};
	r.message_id = "<forged>";
	r.flags = 0;
	r.mail_time = r.connect_time = m->recorded.mail_time - (int64_t)below(&seed, MSEC);
	r.rcpt_time = r.end_time = now;
	require(net_parse("198.51.100.9", &r.client) == 0, "net_parse");
	r.client_port = 2525;
	require(index_record(ix, &r, &err) == 0, "%s", err.text);
	forged++;
}

static inline void arrive(bool daemon)
{
	uint64_t inode = one_in(&seed, 2) && last_freed ? last_freed : 1 + below(&seed, INODES);
	struct mail *m = &spool[inode - 1];

	if (m->there)
		return;
	memset(m, 0, sizeof(*m));
	message_init(&m->recorded);
	m->serial = ++serial;
	m->inode = m->file.inode = inode;
	snprintf(m->sender, sizeof(m->sender), "u%u@d%u.example", (unsigned)below(&seed, 2),
	    (unsigned)below(&seed, DOMAINS));
	snprintf(m->from, sizeof(m->from), "f@d%u.example", (unsigned)below(&seed, DOMAINS));
	snprintf(m->text, sizeof(m->text), "<%" PRIu64 ">", serial);
	bool local = one_in(&seed, 4), step = !local && one_in(&seed, 50);
	if (local)
		arrive_local(m);
	else
		arrive_smtp(m, step, one_in(&seed, 2));
	pass(20 * MSEC);
	m->recorded.end_time = now;
	/* Canonical, SRS, CHGFROM: the file has another sender. */
	snprintf(m->file.sender, sizeof(m->file.sender), "%s",
	    one_in(&seed, 20) ? "rewritten@other.example" : m->sender);
	m->file.has_sender = true;
	m->file.size = 1000;
	m->there = true;
	if (daemon && one_in(&seed, 20))
		forge(m);
	if (daemon && !one_in(&seed, 10)) /* the index sometimes fails */
		record(m);
	else
		unrecorded++;
	if (daemon && one_in(&seed, 20))
		forge(m);
}

/* ---- other events */

static inline void vanish(struct mail *m)
{
	m->there = false;
	if (m->inode <= INODES && m == &spool[m->inode - 1])
		last_freed = m->inode;
}

static inline struct mail *any(void)
{
	struct mail *m =
	    one_in(&seed, 30) ? &renamed[below(&seed, RENAMED_MAX)] : &spool[below(&seed, INODES)];
	return m->there ? m : NULL;
}

/* postsuper -r: a new file, a new ID, the old T; no filter sees it. */
static inline void requeue(struct mail *m)
{
	struct mail *to = &spool[below(&seed, INODES)];

	if (to->there)
		return;
	*to = *m;
	to->inode = to->file.inode = (uint64_t)(to - spool) + 1;
	to->file.create_time = now / USEC_PER_SEC * USEC_PER_SEC;
	to->recorded_here = to->read_here = false;
	to->id = short_id((uint32_t)(now % USEC_PER_SEC), to->inode);
	vanish(m);
}

/* A file is renamed onto the ID of another one, which is gone (as some restores do). */
static inline void rename_onto(struct mail *m)
{
	struct mail *to = &renamed[below(&seed, RENAMED_MAX)], *victim = NULL;

	for (size_t i = 0; i < INODES; i++) /* one that came at the same time, if there is one */
		if (spool[i].there && spool[i].serial == m->serial + 1)
			victim = &spool[i];
	if (!victim)
		victim = any();
	if (to->there || !victim || victim == m)
		return;
	struct queue_id id = victim->id;
	struct queue_id_parts parts;
	queue_id_split(&id, &parts);
	if (parts.inode <= INODES)
		past[parts.inode - 1].known = false; /* no two files with one name */
	victim->there = false;
	*to = *m;
	m->there = false;
	to->id = id;
	to->recorded_here = to->read_here = false;
	/* Its inode may be reused, but not twice at once: it stays the spool's. */
	to->file.inode += INODES;
}

#endif
