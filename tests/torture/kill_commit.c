/* SPDX-License-Identifier: ISC */
/*
 * An owner of the index is killed (SIGKILL) at every system call of its work, and at a number of
 * moments between them. Everything that it was told is in the index must be there when the index is
 * opened again, which reads all of it.
 *
 *   kill_commit ROUNDS [SEED]    ROUNDS: moments, for each kind of work
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "index/control/update.h"
#include "tests/torture/torture.h"

#define MAP_SIZE (INT64_C(2) << 20)
#define BEFORE   60   /* rows from before */
#define WORK     4    /* acknowledged steps */
#define MOMENTS  3000 /* microseconds that they take, roughly */

/* ---- messages */

static struct message numbered(unsigned n, bool read)
{
	static struct strbuf recipients, originals;
	static char sender[64];
	struct message m;
	char id[32];

	message_init(&m);
	snprintf(id, sizeof(id), "%05X%X", n % 1000000, 1000 + n);
	require(queue_id_parse(id, strlen(id), &m.queue_id) == 0, "%s", id);
	snprintf(sender, sizeof(sender), "u%u@d%u.example", n, n % 17);
	strbuf_clear(&recipients);
	strbuf_clear(&originals);
	strlist_push(&recipients, "someone@dest.example", strlen("someone@dest.example"));
	strlist_push(&originals, "", 0);
	m.origin = read ? ORIGIN_QUEUE : ORIGIN_SMTPD;
	m.mail_time = m.rcpt_time = m.end_time = 1000 + n;
	m.sender = sender;
	m.recipients = strlist_of(&recipients);
	m.recipient_count = 1;
	if (read)
		m.queued = (struct queued){.known = true,
		    .arrival_time = 1000 + n,
		    .create_time = -1,
		    .inode = 1000 + n,
		    .size = 500,
		    .uid = -1,
		    .recipient_count = 1,
		    .sender = sender,
		    .login = "",
		    .message_id = "",
		    .log_ident = "",
		    .recipients = m.recipients,
		    .originals = strlist_of(&originals)};
	return m;
}

static struct packed_id packed(unsigned n)
{
	struct message m = numbered(n, false);
	struct packed_id id;

	require(queue_id_pack(&m.queue_id, &id) == 0, "%s", m.queue_id.text);
	return id;
}

static void record(struct index *ix, unsigned n)
{
	struct message m = numbered(n, false);
	struct err err = {{0}};

	require(index_record(ix, &m, &err) == 0, "%s", err.text);
}

static void update(struct index *ix, unsigned from, unsigned reads, const struct packed_id *left,
    uint32_t left_count)
{
	struct bytes records = {0}, body = {0}, out = {0};
	struct update u = {.place = {1, 2},
	    .queue_directory = "/q",
	    .hostname = "h",
	    .began = INT64_C(1) << 60,
	    .record_count = reads,
	    .left = left,
	    .left_count = left_count};
	struct index_updated updated;
	struct err err = {{0}};

	for (unsigned n = from; n < from + reads; n++) {
		struct message m = numbered(n, true);

		update_add(&records, &m);
	}
	u.records = bytes_span(&records);
	update_encode(&u, &body);
	require(
	    index_update(ix, bytes_span(&body), NULL, NULL, INT64_MAX, &out, &updated, &err) == 0,
	    "%s", err.text);
	bytes_release(&records);
	bytes_release(&body);
	bytes_release(&out);
}

/* ---- kinds of work: each step is acknowledged, and must then be there */

struct rows {
	bool there[4096], read[4096];
	unsigned count;
};

static void record_step(struct index *ix, unsigned step)
{
	record(ix, BEFORE + step);
}

static void record_check(const struct rows *r, unsigned done)
{
	for (unsigned n = 0; n < BEFORE + done; n++)
		require(r->there[n], "row %u of %u", n, BEFORE + done);
	require(r->count <= BEFORE + done + 1, "%u rows", r->count);
}

/* Answered, and committed before the next: a kill falls between the two as well. */
static void pend_step(struct index *ix, unsigned step)
{
	const struct strlist none = {0};
	struct message m;

	if (step > 0)
		index_settle(ix);
	m = numbered(BEFORE + step, false);
	require(index_pend(ix, &m, &none), "no slot");
}

/* Completes a row, adds one, and drops one. */
static void update_step(struct index *ix, unsigned step)
{
	struct packed_id left = packed(20 + step);

	update(ix, step, 1, NULL, 0);
	update(ix, 200 + step, 1, &left, 1);
}

static void update_check(const struct rows *r, unsigned done)
{
	for (unsigned n = 0; n < BEFORE; n++)
		require(r->there[n] || (n >= 20 && n <= 20 + done), "row %u", n);
	for (unsigned step = 0; step < done; step++) {
		require(r->read[step], "row %u is not read", step);
		require(r->read[200 + step], "row %u is not there", 200 + step);
		require(!r->there[20 + step], "row %u is there", 20 + step);
	}
}

/* In a map that is nearly full each row displaces others. */
static void full_step(struct index *ix, unsigned step)
{
	if (step == 0)
		for (unsigned n = 0; n < 3000; n += 1000)
			update(ix, 500 + n, 900, NULL, 0);
	record(ix, 3900 + step);
}

static void full_check(const struct rows *r, unsigned done)
{
	for (unsigned step = 0; step < done; step++)
		require(r->there[3900 + step], "row %u", 3900 + step);
}

static void prune_step(struct index *ix, unsigned step)
{
	struct err err = {{0}};

	if (step == 0)
		for (unsigned n = 0; n < 3000; n += 1000)
			update(ix, 500 + n, 900, NULL, 0);
	require(index_prune(ix, &err) >= 0, "%s", err.text);
	record(ix, 3900 + step);
}

static const struct kind {
	const char *name;
	void (*step)(struct index *ix, unsigned step);
	void (*check)(const struct rows *r, unsigned done);
	unsigned from; /* the step at whose beginning killing starts */
} kinds[] = {
    {"record", record_step, record_check, 0},
    {"pend", pend_step, record_check, 0},
    {"update", update_step, update_check, 0},
    {"full", full_step, full_check, 1},
    {"prune", prune_step, full_check, 1},
};

/* ---- the owner that is killed */

static struct index *open_index(const char *directory)
{
	struct err err = {{0}}, note = {{0}};
	struct index *ix;

	require(index_open(directory, MAP_SIZE, &ix, &note, &err) == 0, "%s", err.text);
	require(note.text[0] == '\0', "%s", note.text);
	return ix;
}

static void __attribute__((noreturn))
own(const char *directory, const struct kind *kind, int acknowledged)
{
	struct index *ix = open_index(directory);

	index_pend_begin(ix, NULL, NULL);
	require(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "%s", strerror(errno));
	for (unsigned step = 0; step < WORK; step++) {
		if (step == kind->from)
			raise(SIGSTOP);
		kind->step(ix, step);
		require(write(acknowledged, "x", 1) == 1, "%s", strerror(errno));
	}
	index_close(ix);
	_exit(0);
}

/* It stops at the beginning of its work. */
static void wait_for_begin(pid_t pid)
{
	int status;

	require(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "it did not begin");
}

static void kill_now(pid_t pid)
{
	int status;

	require(kill(pid, SIGKILL) == 0, "%s", strerror(errno));
	require(waitpid(pid, &status, 0) == pid, "%s", strerror(errno));
	require(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "status %x", status);
}

/* Kills it at its stops-th stop; each call stops it twice. Returns the number of stops: fewer if it
 * ended before. */
static uint64_t kill_at_call(pid_t pid, uint64_t stops)
{
	int status;

	wait_for_begin(pid);
	for (uint64_t n = 0; n < stops; n++) {
		require(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0, "%s", strerror(errno));
		require(waitpid(pid, &status, 0) == pid, "%s", strerror(errno));
		if (!WIFSTOPPED(status)) {
			require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
			return n;
		}
	}
	kill_now(pid);
	return stops;
}

static uint64_t kill_after(pid_t pid, uint64_t usec)
{
	wait_for_begin(pid);
	require(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0, "%s", strerror(errno));
	usleep((useconds_t)usec);
	kill_now(pid);
	return usec;
}

/* ---- the state afterwards */

static void note_rows(struct index *ix, struct rows *r)
{
	struct bytes out = {0};
	struct err err = {{0}};
	struct reader in;
	uint64_t count;

	require(index_names(ix, INT64_MAX, &out, &err) == 0, "%s", err.text);
	in = reader_of(out.at, out.len);
	(void)reader_take(&in, 16);
	count = reader_u64(&in);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t time = reader_u64(&in), inode = reader_u64(&in);

		require(
		    inode >= 1000 && inode < 1000 + COUNT_OF(r->there), "inode %" PRIu64, inode);
		r->there[inode - 1000] = true;
		r->read[inode - 1000] = time & INDEX_NAME_READ;
		r->count++;
	}
	bytes_release(&out);
}

static void prepare(const char *directory)
{
	static const char *const names[] = {
	    INDEX_FILE, INDEX_FILE "-lock", INDEX_LOCK, INDEX_PENDING};
	struct index *ix;
	char path[200];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		require(unlink(path) == 0 || errno == ENOENT, "%s", path);
	}
	ix = open_index(directory);
	for (unsigned n = 0; n < BEFORE; n++)
		record(ix, n);
	index_close(ix);
}

static uint64_t one(const char *directory, const struct kind *kind,
    uint64_t (*kill_it)(pid_t pid, uint64_t where), uint64_t where)
{
	struct rows rows = {.count = 0};
	struct index_counts counts;
	struct index *ix;
	unsigned done = 0;
	uint64_t stopped;
	int ends[2];
	pid_t pid;
	char byte;

	prepare(directory);
	require(pipe(ends) == 0, "%s", strerror(errno));
	pid = fork();
	if (pid == 0)
		own(directory, kind, ends[1]);
	close(ends[1]);
	stopped = kill_it(pid, where);
	while (read(ends[0], &byte, 1) == 1)
		done++;
	close(ends[0]);
	ix = open_index(directory);
	note_rows(ix, &rows);
	require(index_count(ix, &counts, NULL) == 0 && counts.rows == rows.count,
	    "a message has two rows");
	kind->check(&rows, done);
	record(ix, 4000);
	index_close(ix);
	return stopped;
}

int main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)clock_wall();
	char directory[] = "/dev/shm/pqpurge-kill.XXXXXX";

	require(mkdtemp(directory) != NULL, "%s", strerror(errno));
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		uint64_t calls = 0;

		while (one(directory, &kinds[i], kill_at_call, calls) == calls)
			calls++;
		for (uint64_t n = 0; n < rounds; n++)
			(void)one(directory, &kinds[i], kill_after, below(&seed, MOMENTS));
		printf("kill_commit: %s: killed at %" PRIu64 " stops of its calls and at %" PRIu64
		       " moments, nothing lost\n",
		    kinds[i].name, calls, rounds);
		fflush(stdout);
	}
	remove_tree(directory);
	return 0;
}
