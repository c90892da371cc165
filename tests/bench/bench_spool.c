/* SPDX-License-Identifier: ISC */
/*
 * The cost of looking at a queue. bench_spool DIRECTORY OWNER COUNT makes a queue of COUNT messages
 * in DIRECTORY, hashed once, then walks it, and proves, looks for and reads the messages. Each line
 * has: what, names, wall microseconds, microseconds of CPU (with the children's), KiB of the
 * largest child so far, and KiB added here. "readdir" is getdents64(2) alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "postfix/spool/spool.h"
#include "postfix/spool/spool_read.h"
#include "postfix/spool/walk.h"
#include "tests/tools/queue_bytes.h"

#define ROUNDS  5
#define ARRIVAL INT64_C(1764000000000000)

struct bench {
	struct postfix p;
	size_t count;
	struct queue_id *ids;
	struct packed_id *known;
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_spool: %s: %s\n", what, why);
	exit(1);
}

/* ---- the queue */

static void make_directory(const struct bench *b, const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		die(path, strerrordesc_np(errno));
	if (chown(path, b->p.owner.uid, b->p.owner.gid) < 0)
		die(path, strerrordesc_np(errno));
}

static void make_directories(const struct bench *b)
{
	static const char *const words[] = {
	    "maildrop", "incoming", "active", "deferred", "hold", "defer", "bounce"};
	char path[4096];

	make_directory(b, b->p.queue_directory);
	for (size_t n = 0; n < COUNT_OF(words); n++) {
		snprintf(path, sizeof(path), "%s/%s", b->p.queue_directory, words[n]);
		make_directory(b, path);
	}
	for (const char *level = QUEUE_LEVELS; *level; level++) {
		snprintf(path, sizeof(path), "%s/deferred/%c", b->p.queue_directory, *level);
		make_directory(b, path);
	}
}

static int64_t arrival_of(size_t n)
{
	return ARRIVAL + (int64_t)n * 1000;
}

/* A file whose ID contains its inode, as Postfix makes it. */
static void make_message(struct bench *b, size_t n, struct bytes *file)
{
	char temporary[4096], path[4096], relative[QUEUE_PATH_MAX], text[64];
	struct stat st;
	int fd;

	bytes_clear(file);
	queue_bytes(file, arrival_of(n), "someone@flood.example", n);
	snprintf(temporary, sizeof(temporary), "%s/new", b->p.queue_directory);
	fd = open(temporary, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0700);
	if (fd < 0 || fstat(fd, &st) < 0 || fchown(fd, b->p.owner.uid, b->p.owner.gid) < 0 ||
	    write(fd, file->at, file->len) != (ssize_t)file->len || close(fd) < 0)
		die(temporary, strerrordesc_np(errno));
	snprintf(text, sizeof(text), "%05X%lX", (unsigned)((n * 7919) % 1000000),
	    (unsigned long)st.st_ino);
	if (queue_id_parse(text, strlen(text), &b->ids[n]) < 0 ||
	    queue_id_pack(&b->ids[n], &b->known[n]) < 0)
		die(text, "no queue ID");
	b->known[n].time |= WALK_READ;
	queue_path("deferred", 1, &b->ids[n], relative);
	snprintf(path, sizeof(path), "%s/%s", b->p.queue_directory, relative);
	if (rename(temporary, path) < 0)
		die(path, strerrordesc_np(errno));
}

static void make_queue(struct bench *b)
{
	struct bytes file = {0};

	b->ids = calloc(b->count, sizeof(*b->ids));
	b->known = calloc(b->count, sizeof(*b->known));
	if (!b->ids || !b->known)
		die("queue", "no memory");
	make_directories(b);
	for (size_t n = 0; n < b->count; n++)
		make_message(b, n, &file);
	bytes_release(&file);
}

/* ---- measuring */

struct mark {
	int64_t wall, cpu;
	long child, self;
};

static int64_t usec_of(const struct rusage *usage)
{
	return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * USEC_PER_SEC +
	       usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/* In KiB. */
static long private_memory(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	long total = 0, part;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Private_Dirty: %ld", &part) == 1)
			total += part;
	if (file)
		fclose(file);
	return total;
}

static struct mark mark_now(void)
{
	struct rusage self, children;

	if (getrusage(RUSAGE_SELF, &self) < 0 || getrusage(RUSAGE_CHILDREN, &children) < 0)
		die("getrusage", strerrordesc_np(errno));
	return (struct mark){clock_steady(), usec_of(&self) + usec_of(&children),
	    children.ru_maxrss, private_memory()};
}

static void tell(const char *what, uint64_t count, const struct mark *began)
{
	struct mark now = mark_now();

	(void)printf("%s\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t%ld\t%ld\n", what, count,
	    now.wall - began->wall, now.cpu - began->cpu, now.child, now.self - began->self);
}

static void read_names(const struct bench *b)
{
	struct mark began = mark_now();
	static uint64_t buffer[8192];
	char path[4096];

	for (const char *level = QUEUE_LEVELS; *level; level++) {
		int fd;

		snprintf(path, sizeof(path), "%s/deferred/%c", b->p.queue_directory, *level);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		while (getdents64(fd, buffer, sizeof(buffer)) > 0)
			;
		close(fd);
	}
	tell("readdir", b->count, &began);
}

static void walk(const struct bench *b, const char *what, size_t known)
{
	struct mark began = mark_now();
	struct walked w;
	struct err err = {{0}};

	if (spool_walk(&b->p, b->known, known, false, &w, &err) < 0)
		die(what, err.text);
	tell(what, w.names, &began);
	if (w.names != b->count || w.known_there != known || w.to_read_count != b->count - known)
		die(what, "the names are not those of the queue");
	walked_release(&w);
}

static const struct message *message_at(void *arg, size_t n)
{
	static struct message m;
	struct queue_id_parts parts;

	message_init(&m);
	m.queue_id = ((const struct bench *)arg)->ids[n];
	queue_id_split(&m.queue_id, &parts);
	m.origin = ORIGIN_QUEUE;
	m.queued.known = true;
	m.queued.arrival_time = arrival_of(n);
	m.queued.inode = parts.inode;
	return &m;
}

static void prove(struct bench *b)
{
	struct mark began = mark_now();
	struct proof *proofs;
	struct err err = {{0}};
	size_t same = 0;

	if (spool_prove(&b->p, message_at, b, b->count, &proofs, &err) < 0)
		die("prove", err.text);
	tell("prove", b->count, &began);
	for (size_t n = 0; n < b->count; n++)
		same += proofs[n].state == PROOF_SAME;
	if (same != b->count)
		die("prove", "not all are proven");
	free(proofs);
}

static void look_for_gone(const struct bench *b)
{
	struct queue_id *ids = calloc(b->count, sizeof(*ids));
	struct mark began;
	struct proof *states;
	struct err err = {{0}};

	if (!ids)
		die("gone", "no memory");
	for (size_t n = 0; n < b->count; n++)
		snprintf(
		    ids[n].text, sizeof(ids[n].text), "%05X%X", (unsigned)n % 1000000, 0xabcdefu);
	began = mark_now();
	if (spool_states(&b->p, ids, b->count, &states, &err) < 0)
		die("gone", err.text);
	tell("gone", b->count, &began);
	free(states);
	free(ids);
}

static const struct queue_id *id_at(void *arg, size_t n)
{
	return &((const struct bench *)arg)->ids[n];
}

static void take(void *arg, size_t n, const struct queue_message *m, struct bytes *out)
{
	(void)arg, (void)n;
	bytes_put(out, &m->identity, sizeof(m->identity));
}

static int give(void *arg, struct span part, struct err *err)
{
	(void)arg, (void)part, (void)err;
	return 0;
}

static void read_all(struct bench *b)
{
	struct spool_reading r = {
	    .get = id_at, .take = take, .give = give, .arg = b, .count = b->count};
	struct mark began = mark_now();
	struct err err = {{0}};

	r.max_recipients = 1000;
	if (spool_read(&b->p, &r, &err) < 0)
		die("read", err.text);
	tell("read", r.read, &began);
	spool_reading_release(&r);
}

int main(int argc, char **argv)
{
	struct bench b = {.p = {.hashed_queues = QUEUE_DEFERRED, .hash_depth = 1}};
	struct err err = {{0}};

	if (argc != 4 || role_of_user(argv[2], &b.p.owner, &err) < 0)
		die("usage: bench_spool DIRECTORY OWNER COUNT", err.text);
	b.p.queue_directory = argv[1];
	b.count = (size_t)atol(argv[3]);
	make_queue(&b);
	for (int round = 0; round < ROUNDS; round++) {
		read_names(&b);
		walk(&b, "walk known", b.count);
		walk(&b, "walk unknown", 0);
		look_for_gone(&b);
		prove(&b);
		read_all(&b);
	}
	return 0;
}
