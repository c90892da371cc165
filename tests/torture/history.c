/* SPDX-License-Identifier: ISC */
/*
 * history [MESSAGES [SEED]]: identity over a random history of a simulated spool. Messages arrive
 * by SMTP and sendmail(1), with and without the daemon, and are delivered, requeued, or renamed
 * onto other queue IDs. Others claim their IDs. The clock is set back and forth. Inodes are few,
 * and now and then a queue ID is reused to the microsecond. The index, its updates, selection and
 * judgement are real; the walk is simulated: messages that the index does not know as read are
 * read, and those that are nowhere have left. Each purge deletes what the index proves at once,
 * catches up, and deletes the rest. Only messages that match in one of their halves may go, no row
 * may stand for another message's file, and no match may be left.
 */
#include "tests/torture/spool.h"

#include "base/clock.h"
#include "index/control/update.h"
#include "index/index_private.h"
#include "mail/identity.h"

/* ---- the file's own facts */

static bool is_of(const char *address, const char *domain)
{
	return strcmp(strchr(address, '@') + 1, domain) == 0;
}

static bool file_matches(const struct mail *m, const char *domain)
{
	return is_of(m->file.sender, domain) || is_of(m->from, domain);
}

/* The file as the walk reads it. */
static struct message read_of(const struct mail *m)
{
	struct message r;

	message_init(&r);
	r.queue_id = m->id;
	r.origin = ORIGIN_QUEUE;
	r.mail_time = r.rcpt_time = r.end_time = m->file.arrival_time;
	r.queued = (struct queued){.known = true,
	    .arrival_time = m->file.arrival_time,
	    .create_time = m->file.create_time,
	    .inode = m->file.inode,
	    .size = m->file.size,
	    .uid = -1,
	    .client = m->file.client,
	    .client_port = m->file.client_port,
	    .sender = m->file.sender,
	    .login = "",
	    .message_id = m->text,
	    .log_ident = "",
	    .from = {.first = m->from, .bytes = strlen(m->from) + 1, .count = 1}};
	return r;
}

/* ---- a catch-up */

struct catchup {
	struct bytes names, records;
	uint32_t read_count, left_count;
	struct packed_id *left;
};

static bool is_moved(const struct mail *m)
{
	struct queue_id_parts parts;

	queue_id_split(&m->id, &parts);
	return parts.inode != m->file.inode;
}

static void read_one(struct catchup *c, struct mail *m)
{
	struct message r = read_of(m);

	update_add(&c->records, &r);
	c->read_count++;
	m->read_here = true;
}

/* What the index says of its file: read it, or trust the row. */
static void look_at(
    struct catchup *c, struct mail *m, const struct packed_id *known, uint64_t count)
{
	struct packed_id id;
	bool read = false;

	if (!m->there)
		return;
	require(queue_id_pack(&m->id, &id) == 0, "%s", m->id.text);
	for (uint64_t i = 0; i < count; i++)
		if (known[i].inode == id.inode && !((known[i].time ^ id.time) & ~PACKED_ID_FLAGS))
			read = known[i].time & INDEX_NAME_READ &&
			       !(known[i].time & INDEX_NAME_MOVED) == !is_moved(m);
	if (!read)
		read_one(c, m);
	else
		/* Nobody recorded it, and an older message with the same name was read. */
		require(m->read_here || !m->recorded_here, "%s is taken for read", m->id.text);
	shadowed += read && !m->read_here;
}

static struct mail *find(const struct packed_id *id)
{
	struct mail *m = id->inode <= INODES ? &spool[id->inode - 1] : NULL;
	struct packed_id its;

	for (size_t i = 0; i < RENAMED_MAX; i++) {
		require(!renamed[i].there || queue_id_pack(&renamed[i].id, &its) == 0, "an ID");
		if (renamed[i].there && its.inode == id->inode &&
		    !((its.time ^ id->time) & ~PACKED_ID_FLAGS))
			return &renamed[i];
	}
	if (!m || !m->there)
		return NULL;
	require(queue_id_pack(&m->id, &its) == 0, "an ID");
	return (its.time ^ id->time) & ~PACKED_ID_FLAGS ? NULL : m;
}

static void send_update(struct catchup *c)
{
	struct bytes body = {0}, out = {0};
	struct index_updated updated;
	struct err err = {{0}};
	struct update u = {.place = {1, 2},
	    .queue_directory = "/q",
	    .hostname = "h",
	    .began = now + 1,
	    .records = bytes_span(&c->records),
	    .record_count = c->read_count,
	    .left = c->left,
	    .left_count = c->left_count};

	update_encode(&u, &body);
	require(
	    index_update(ix, bytes_span(&body), NULL, NULL, INT64_MAX, &out, &updated, &err) == 0,
	    "%s", err.text);
	bytes_release(&body);
	bytes_release(&out);
}

static void catch_up(void)
{
	struct catchup c = {.read_count = 0};
	const struct packed_id *known;
	struct err err = {{0}};
	struct reader in;
	uint64_t count;

	require(index_names(ix, INT64_MAX, &c.names, &err) == 0, "%s", err.text);
	in = reader_of(c.names.at, c.names.len);
	(void)reader_take(&in, 16);
	count = reader_u64(&in);
	known = (const void *)(c.names.at + 24);
	c.left = calloc(count + 1, sizeof(*c.left));
	require(c.left && c.names.len == 24 + count * sizeof(*known), "names");
	for (size_t i = 0; i < INODES; i++)
		look_at(&c, &spool[i], known, count);
	for (size_t i = 0; i < RENAMED_MAX; i++)
		look_at(&c, &renamed[i], known, count);
	for (uint64_t i = 0; i < count; i++)
		if (!find(&known[i]))
			c.left[c.left_count++] = known[i];
	send_update(&c);
	bytes_release(&c.names);
	bytes_release(&c.records);
	free(c.left);
}

/* ---- purging */

/* It is the recorded message, and matches by its record or by its file. */
static void purge_one(const struct candidate *c, const char *domain)
{
	const struct message r = candidate_message(c);
	struct packed_id id;

	require(queue_id_pack(&r.queue_id, &id) == 0, "%s", r.queue_id.text);
	struct mail *m = find(&id);
	if (!m)
		return;
	if (identity_judge(&r, &m->file) != JUDGED_SAME) {
		left_alone++;
		return;
	}
	require(strcmp(message_id_of(&r), m->text) == 0,
	    "%s: message %s was recorded (origin %d, flags %u, sender %s; connect %" PRId64
	    " MAIL %" PRId64 " RCPT %" PRId64 " end %" PRId64 "), %s would be deleted (T %" PRId64
	    " create %" PRId64 " sender %s)",
	    m->id.text, message_id_of(&r), (int)r.origin, (unsigned)r.flags, r.sender,
	    r.connect_time, r.mail_time, r.rcpt_time, r.end_time, m->text, m->file.arrival_time,
	    m->file.create_time, m->file.sender);
	require(file_matches(m, domain) || is_of(m->sender, domain), "%s does not match %s",
	    m->text, domain);
	vanish(m);
	deleted++;
}

/* Whether its given half proves it; computed from the arrival, not by the judgement under test. */
static bool provable(const struct mail *m)
{
	bool rewritten = strcmp(m->sender, m->file.sender) != 0;

	if (!m->recorded_here)
		return false;
	if (m->recorded.origin == ORIGIN_SENDMAIL)
		return !rewritten;
	return !(m->recorded.flags & MESSAGE_CLOCK_STEPPED) || !rewritten;
}

static void check_left(const struct mail *m, const char *domain)
{
	const struct message *r = &m->recorded;
	bool known = m->read_here; /* else an older one of its name is, and nobody saw this */

	require(!m->there || !known || !file_matches(m, domain), "%s %s is left behind", m->id.text,
	    m->text);
	require(!m->there || !provable(m) || !is_of(m->sender, domain),
	    "%s %s is left behind (sender %s, origin %d, flags %u; connect %" PRId64
	    " MAIL %" PRId64 " RCPT %" PRId64 " end %" PRId64 "; T %" PRId64 " create %" PRId64 ")",
	    m->id.text, m->text, m->sender, (int)r->origin, (unsigned)r->flags, r->connect_time,
	    r->mail_time, r->rcpt_time, r->end_time, m->file.arrival_time, m->file.create_time);
}

static void purge_known(const char *domain)
{
	struct candidates found = {0};
	struct bytes out = {0};
	struct selector s;
	struct pattern p;
	struct err err = {{0}};

	selector_init(&s);
	require(pattern_parse(domain, &p, &err) == 0, "%s", err.text);
	require(pattern_set_add(&s.author, &p) == 0, "out of memory");
	selector_seal(&s);
	require(index_find(ix, &s, INT64_MAX, &out, &err) == 0, "%s", err.text);
	struct blob blob = {.at = out.at, .len = out.len};
	require(select_view(&blob, &found, &err) == 0, "%s", err.text);
	require(found.damaged == 0, "damaged rows");
	for (size_t i = 0; i < found.count; i++)
		purge_one(&found.list[i], domain);
	candidates_release(&found);
	selector_release(&s);
	bytes_release(&out);
}

static void purge(void)
{
	char domain[32];

	snprintf(domain, sizeof(domain), "d%u.example", (unsigned)below(&seed, DOMAINS));
	if (one_in(&seed, 2)) /* known ones go first, as in an emergency */
		purge_known(domain);
	catch_up();
	purge_known(domain);
	for (size_t i = 0; i < INODES; i++)
		check_left(&spool[i], domain);
	for (size_t i = 0; i < RENAMED_MAX; i++)
		check_left(&renamed[i], domain);
	if (!one_in(&seed, 4)) /* the command may be killed before it tells the daemon */
		catch_up();
	purges++;
}

/* Drops some of the oldest rows; what only their given halves proved is no longer provable. */
static void prune(void)
{
	room_make(ix);
	for (size_t i = 0; i < INODES; i++)
		spool[i].recorded_here = false;
}

static void step(bool *daemon)
{
	struct mail *m;

	pass(one_in(&seed, 100) ? 10 * USEC_PER_SEC : 5 * MSEC);
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
	require(index_open(directory, INT64_C(256) << 20, &ix, NULL, &err) == 0, "%s", err.text);
	while (serial < wanted)
		step(&daemon);
	purge();
	index_close(ix);
	remove_tree(directory);
	printf("history: %" PRIu64 " messages (%" PRIu64 " unrecorded), %" PRIu64
	       " forged rows, %" PRIu64 " IDs handed out again, %" PRIu64 " purges: %" PRIu64
	       " deleted, %" PRIu64 " rows disproven, %" PRIu64
	       " hidden by an older one of the same name; none wrong, none left\n",
	    serial, unrecorded, forged, reused, purges, deleted, left_alone, shadowed);
	require(deleted > wanted / 100 && reused > wanted / 100, "the history is too tame");
	return 0;
}
