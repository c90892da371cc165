/* SPDX-License-Identifier: ISC */
/*
 * history [MESSAGES [SEED]]: identity over a random history of a simulated spool. Messages arrive
 * by SMTP and sendmail(1), with and without the daemon, are delivered, held, requeued, renamed onto
 * other queue IDs; the clock is set back and forth; inodes are few, and now and then a queue ID is
 * handed out again to the microsecond. The index is the real one, and so are selection and
 * judgement. After each purge: nothing went that was not the recorded message and did not match,
 * and nothing is left that matches and that its record proves.
 */
#include "tests/torture/torture.h"

#include "base/clock.h"
#include "index/home.h"
#include "index/rows/select.h"
#include "mail/identity.h"

#define INODES       300
#define DOMAINS      12
#define STEPS_COMMIT 50
#define RENAMED_MAX  16
#define MSEC         INT64_C(1000)

struct mail { /* a file in the spool, and the truth about it */
	bool there;
	uint64_t serial, sequence; /* sequence 0: not in the index */
	uint64_t inode;
	struct queue_id id;
	struct message recorded; /* as it was recorded; strings below */
	struct identity file;
	char sender[64], from[64], text[32];
};

/* What lay on an inode before, so that its ID can be handed out again. */
struct past {
	int64_t usec;
	bool known;
};

static uint64_t seed;
static int64_t now = INT64_C(1700000000000000);
static struct mail spool[INODES]; /* by inode - 1 */
static struct mail renamed[RENAMED_MAX];
static struct past past[INODES];
static struct home home;
static struct txn txn;
static int64_t latest;      /* nothing that is created now is older */
static uint64_t last_freed; /* an inode: the next file likes to get it */
static uint64_t serial, steps, purges, deleted, left_alone, reused, unrecorded;

/* ---- time */

static void pass(int64_t most)
{
	now += 1 + (int64_t)below(&seed, (uint64_t)most);
}

/* Between messages, and rarely: hours either way. */
static void set_clock(void)
{
	now += (int64_t)below(&seed, 7200 * USEC_PER_SEC) - 3600 * USEC_PER_SEC;
}

/* ---- arrival */

/*
 * The moment at which Postfix creates the file, whose microsecond becomes part of the ID. Now and
 * then it is that of the file that had the inode before.
 */
static void create_file(struct mail *m, bool again)
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
 * beside: sessions run side by side, and this one's MAIL is older than the file made last. No ID is
 * handed out again then: a file whose MAIL came inside another's window, that nobody recorded, and
 * that was made whole seconds after the other to the microsecond, on its inode, would pass for it.
 * Such a pair is one in a million of those that share the inode so soon.
 */
static void arrive_smtp(struct mail *m, bool step, bool beside)
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

static void arrive_local(struct mail *m)
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

static void record(struct mail *m)
{
	struct message *r = &m->recorded;

	r->sender = m->sender;
	r->from = (struct strlist){.first = m->from, .bytes = strlen(m->from) + 1, .count = 1};
	r->message_id = m->text;
	add_record(&txn, r, &m->sequence);
}

static void arrive(bool daemon)
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
	/* Canonical, SRS, CHGFROM: another sender in the file. */
	snprintf(m->file.sender, sizeof(m->file.sender), "%s",
	    one_in(&seed, 20) ? "rewritten@other.example" : m->sender);
	m->file.has_sender = true;
	m->file.size = 1000;
	m->there = true;
	if (daemon && !one_in(&seed, 10)) /* the index fails at times */
		record(m);
	else
		unrecorded++;
}

/* ---- what else befalls mail */

static void vanish(struct mail *m)
{
	m->there = false;
	if (m->inode <= INODES && m == &spool[m->inode - 1])
		last_freed = m->inode;
}

static struct mail *any(void)
{
	struct mail *m =
	    one_in(&seed, 30) ? &renamed[below(&seed, RENAMED_MAX)] : &spool[below(&seed, INODES)];
	return m->there ? m : NULL;
}

/* postsuper -r: a new file, a new ID, the old T; no filter sees it. */
static void requeue(struct mail *m)
{
	struct mail *to = &spool[below(&seed, INODES)];

	if (to->there)
		return;
	*to = *m;
	to->inode = to->file.inode = (uint64_t)(to - spool) + 1;
	to->file.create_time = now / USEC_PER_SEC * USEC_PER_SEC;
	to->sequence = 0;
	to->id = short_id((uint32_t)(now % USEC_PER_SEC), to->inode);
	vanish(m);
}

/* A file is renamed onto the ID of another, which is gone (restores do such things). */
static void rename_onto(struct mail *m)
{
	struct mail *to = &renamed[below(&seed, RENAMED_MAX)], *victim = NULL;

	for (size_t i = 0; i < INODES; i++) /* one that came at the same time, if there is */
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
		past[parts.inode - 1].known = false; /* no two files of one name */
	victim->there = false;
	*to = *m;
	m->there = false;
	to->id = id;
	to->sequence = 0;
	/* Its inode may be given out again, yet not twice at once: it stays the spool's. */
	to->file.inode += INODES;
}

/* ---- purging */

static struct mail *find(const struct queue_id *id)
{
	struct queue_id_parts parts;

	for (size_t i = 0; i < RENAMED_MAX; i++)
		if (renamed[i].there && queue_id_equal(&renamed[i].id, id))
			return &renamed[i];
	queue_id_split(id, &parts);
	if (parts.inode > INODES)
		return NULL;
	struct mail *m = &spool[parts.inode - 1];
	return m->there && queue_id_equal(&m->id, id) ? m : NULL;
}

static void commit(void)
{
	struct err err = {{0}};

	require(txn_commit(&txn, &err) == 0, "%s", err.text);
}

static void begin(void)
{
	require(txn_begin(home.store, true, &txn) == 0, "%s", txn.err.text);
}

static bool matches(const struct mail *m, const char *domain)
{
	return strcmp(strchr(m->sender, '@') + 1, domain) == 0 ||
	       strcmp(strchr(m->from, '@') + 1, domain) == 0;
}

static void purge_one(const struct candidate *c, const char *domain, bool tell)
{
	const struct message r = candidate_message(c);
	struct mail *m = find(&r.queue_id);

	if (!m)
		return;
	if (identity_judge(&r, &m->file) != JUDGED_SAME) {
		left_alone++;
		return;
	}
	require(strcmp(r.message_id, m->text) == 0,
	    "%s: message %s was recorded (origin %d, flags %u, sender %s; connect %" PRId64
	    " MAIL %" PRId64 " RCPT %" PRId64 " end %" PRId64 "), %s would be deleted (T %" PRId64
	    " create %" PRId64 " sender %s)",
	    m->id.text, r.message_id, (int)r.origin, (unsigned)r.flags, r.sender, r.connect_time,
	    r.mail_time, r.rcpt_time, r.end_time, m->text, m->file.arrival_time,
	    m->file.create_time, m->file.sender);
	require(matches(m, domain), "%s does not match %s", m->text, domain);
	vanish(m);
	deleted++;
	if (tell) /* the command may be killed before it tells the daemon */
		require(entry_drop(&txn, c->sequence, &r.queue_id) >= 0, "drop");
}

/* Whether the row of a message in the spool proves it, by what arrived and not by what is judged.
 */
static bool provable(const struct mail *m)
{
	bool rewritten = strcmp(m->sender, m->file.sender) != 0;

	if (m->sequence == 0)
		return false;
	if (m->recorded.origin == ORIGIN_SENDMAIL)
		return !rewritten;
	return !(m->recorded.flags & MESSAGE_CLOCK_STEPPED) || !rewritten;
}

static void check_left(const struct mail *m, const char *domain)
{
	const struct message *r = &m->recorded;

	require(!m->there || !matches(m, domain) || !provable(m),
	    "%s %s is left behind (sender %s, origin %d, flags %u; connect %" PRId64
	    " MAIL %" PRId64 " RCPT %" PRId64 " end %" PRId64 "; T %" PRId64 " create %" PRId64 ")",
	    m->id.text, m->text, m->sender, (int)r->origin, (unsigned)r->flags, r->connect_time,
	    r->mail_time, r->rcpt_time, r->end_time, m->file.arrival_time, m->file.create_time);
}

static void purge(void)
{
	struct candidates found = {0};
	struct bytes out = {0};
	struct selector s;
	struct pattern p;
	struct err err = {{0}};
	char domain[32];

	commit();
	snprintf(domain, sizeof(domain), "d%u.example", (unsigned)below(&seed, DOMAINS));
	selector_init(&s);
	require(pattern_parse(domain, &p, &err) == 0, "%s", err.text);
	require(pattern_set_add(&s.author, &p) == 0, "out of memory");
	selector_seal(&s);
	require(select_into(home.store, &s, &out, &err) == 0, "%s", err.text);
	struct blob blob = {.at = out.at, .len = out.len};
	require(select_view(&blob, &found, &err) == 0, "%s", err.text);
	begin();
	bool tell = !one_in(&seed, 4);
	for (size_t i = 0; i < found.count; i++)
		purge_one(&found.list[i], domain, tell);
	for (size_t i = 0; i < INODES; i++)
		check_left(&spool[i], domain);
	candidates_release(&found);
	selector_release(&s);
	bytes_release(&out);
	purges++;
}

/* The oldest rows go; what they proved is provable no more. */
static void prune(void)
{
	int64_t dropped_to;
	struct span key = {.at = "", .len = 0}, value;

	(void)entry_prune(&txn, 1 + below(&seed, 50), &dropped_to);
	struct store_cursor *cursor = cursor_open(&txn, STORE_MESSAGE);
	uint64_t first =
	    cursor_seek(cursor, key, &key, &value) == 1 ? entry_number(key) : UINT64_MAX;
	cursor_close(cursor);
	for (size_t i = 0; i < INODES; i++)
		if (spool[i].sequence < first)
			spool[i].sequence = 0;
}

static void step(bool *daemon)
{
	struct mail *m;

	pass(one_in(&seed, 100) ? 10 * USEC_PER_SEC : 5 * MSEC);
	if (++steps % STEPS_COMMIT == 0) {
		commit();
		begin();
	}
	if (one_in(&seed, 2000))
		*daemon = !*daemon;
	if (one_in(&seed, 3000))
		set_clock();
	if (one_in(&seed, 5000))
		prune();
	if (one_in(&seed, 300))
		purge();
	if (one_in(&seed, 200) && (m = any()))
		requeue(m);
	if (one_in(&seed, 500) && (m = any()))
		rename_onto(m);
	for (int i = 0; i < 3; i++) /* the queue is mostly short */
		if (one_in(&seed, 2) && (m = any()))
			vanish(m);
	arrive(*daemon);
}

int main(int argc, char **argv)
{
	char directory[] = "/dev/shm/pqpurge-history.XXXXXX";
	uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	struct err err = {{0}};
	bool daemon = true;

	seed = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) * 2654435761u + 1;
	require(mkdtemp(directory), "mkdtemp");
	require(home_open(directory, INT64_C(256) << 20, true, &home, &err) == 0, "%s", err.text);
	begin();
	while (serial < wanted)
		step(&daemon);
	purge();
	commit();
	home_close(&home);
	remove_tree(directory);
	printf("history: %" PRIu64 " messages (%" PRIu64 " unrecorded), %" PRIu64
	       " IDs handed out again, %" PRIu64 " purges: %" PRIu64 " deleted, %" PRIu64
	       " not proven and left alone; none wrong, none left\n",
	    serial, unrecorded, reused, purges, deleted, left_alone);
	require(deleted > wanted / 100 && reused > wanted / 100, "the history is too tame");
	return 0;
}
