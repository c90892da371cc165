/* SPDX-License-Identifier: ISC */
/*
 * Plays Postfix's part for the daemon and the command, faster than a Postfix: mail passes through a
 * real queue directory. A message is announced to the milter and is in incoming with mode 0600
 * until its end of message is answered. Then it becomes complete and goes to active, moves between
 * active and deferred, and is unlinked. The queue always holds QUEUE messages; chance decides which
 * one leaves next. Each file has the short ID of its own inode and cleanup(8)'s content, without
 * the fsync.
 *
 *   passing SPOOL OWNER SOCKET QUEUE RATE SESSIONS
 *
 * Becomes OWNER. RATE: messages a second, 0 for as many as possible. Reads commands, one a line:
 *   go N    lets N more messages come in from now on; returns at once
 *   hold    lets no more come in, and waits for those in progress
 *   count   prints: messages begun, answered, and left; the most at one time; how many different
 *           inodes they have had
 * Each command is answered by that line. Ends with its input.
 */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <search.h>
#include <time.h>

#include "tests/tools/mta.h"
#include "tests/tools/queue_bytes.h"
#include "tests/torture/torture.h"

#define QUEUE_MAX    100000
#define SESSIONS_MAX 100

struct file { /* of a message that is present */
	char id[QUEUE_ID_MAX + 1];
	bool deferred;
};

static const char *socket_path;
static uint64_t queue_max, rate;

/* The holder of the lock owns everything below. The steps of complete messages need the lock, too,
 * since the queue manager is one process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static struct file queue[QUEUE_MAX];
static uint64_t queued, seed = 1;
static uint64_t allowed, given, under_way; /* turns */
static uint64_t first;                     /* turn of the last `go`, */
static int64_t went;                       /* and its time */
static uint64_t begun, answered, gone, most, inodes;
static void *seen; /* inodes: a tree */

/* ---- a message in the queue; call with the lock held */

static const char *path_of(const struct file *f, char path[64])
{
	if (f->deferred)
		snprintf(path, 64, "deferred/%c/%s", f->id[0], f->id);
	else
		snprintf(path, 64, "active/%s", f->id);
	return path;
}

static void wander(struct file *f)
{
	char from[64], to[64];

	path_of(f, from);
	f->deferred = !f->deferred;
	require(rename(from, path_of(f, to)) == 0, "%s", from);
}

static void leave(const struct file *f)
{
	char path[64];

	require(unlink(path_of(f, path)) == 0, "%s", path);
	gone++;
}

static void come(const struct file *f)
{
	uint64_t place = queued < queue_max ? queued++ : below(&seed, queue_max);
	char from[64], to[64];

	snprintf(from, sizeof(from), "incoming/%s", f->id);
	require(rename(from, path_of(f, to)) == 0, "%s", from);
	if (*queue[place].id)
		leave(&queue[place]);
	queue[place] = *f;
	wander(&queue[below(&seed, queued)]);
}

static int by_number(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;

	return (x > y) - (x < y);
}

static void note_inode(uint64_t inode)
{
	void *key = (void *)(uintptr_t)inode;

	if (tfind(key, &seen, by_number))
		return;
	require(tsearch(key, &seen, by_number), "out of memory");
	inodes++;
}

/* ---- an arriving message */

/* As mail_queue_enter: a name that is no queue ID, until the inode and the time make one. */
static int create_file(unsigned session, struct file *ret)
{
	char name[64], path[64];
	struct queue_id id;
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "incoming/%u.%d", session, (int)getpid());
	pthread_mutex_lock(&lock);
	begun++;
	most = begun - gone > most ? begun - gone : most;
	pthread_mutex_unlock(&lock);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	require(fd >= 0 && fstat(fd, &st) == 0, "%s", name);
	id = short_id((uint32_t)(clock_wall() % USEC_PER_SEC), st.st_ino);
	*ret = (struct file){.deferred = false};
	memcpy(ret->id, id.text, sizeof(ret->id));
	snprintf(path, sizeof(path), "incoming/%s", ret->id);
	require(rename(name, path) == 0, "%s", path);
	pthread_mutex_lock(&lock);
	note_inode(st.st_ino);
	pthread_mutex_unlock(&lock);
	return fd;
}

static void write_file(int fd, int64_t arrival, const char *sender, uint64_t n)
{
	struct bytes bytes = {0};

	queue_bytes(&bytes, arrival, sender, n);
	require(!bytes.failed && io_write_all(fd, bytes.at, bytes.len) == 0, "queue file");
	bytes_release(&bytes);
}

static void pass_one(struct mta *mta, unsigned session, uint64_t n)
{
	char sender[80], bracketed[84];
	struct file file;
	int64_t arrival;
	int fd;

	snprintf(sender, sizeof(sender), "user%" PRIu64 "@d%" PRIu64 ".example", n % 977, n % 503);
	snprintf(bracketed, sizeof(bracketed), "<%s>", sender);
	mta_put(mta, 'D', "M", 1);
	mta_put_text(mta, 'M', bracketed);
	mta_ask(mta);
	arrival = clock_wall();
	mta_put_text(mta, 'R', "<someone@dest.example>");
	mta_flush(mta);
	fd = create_file(session, &file);
	write_file(fd, arrival, sender, n);
	mta_put_header(mta, "From", bracketed);
	mta_put_header(mta, "Subject", "one of many");
	mta_put_end(mta, file.id);
	mta_ask(mta);
	require(fchmod(fd, 0700) == 0 && close(fd) == 0, "%s", file.id);
	mta_put(mta, 'A', "", 0);
	pthread_mutex_lock(&lock);
	come(&file);
	answered++;
	pthread_mutex_unlock(&lock);
}

/* ---- turns */

static uint64_t next_turn(void)
{
	int64_t due;
	uint64_t n;

	pthread_mutex_lock(&lock);
	while (given == allowed)
		pthread_cond_wait(&turned, &lock);
	n = given++;
	under_way++;
	due = rate ? went + (int64_t)((n - first) * USEC_PER_SEC / rate) : 0;
	pthread_mutex_unlock(&lock);
	due -= clock_steady();
	if (due > 0)
		usleep((useconds_t)due);
	return n;
}

static void end_turn(void)
{
	pthread_mutex_lock(&lock);
	if (--under_way == 0)
		pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&lock);
}

static void *session(void *number)
{
	struct mta mta;

	mta_open(&mta, socket_path);
	for (;;) {
		pass_one(&mta, (unsigned)(uintptr_t)number, next_turn());
		end_turn();
	}
	return NULL;
}

/* ---- commands */

static void go(uint64_t n)
{
	pthread_mutex_lock(&lock);
	first = given;
	went = clock_steady();
	allowed = given + n;
	pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&lock);
}

static void hold(void)
{
	pthread_mutex_lock(&lock);
	allowed = given;
	while (under_way > 0)
		pthread_cond_wait(&turned, &lock);
	pthread_mutex_unlock(&lock);
}

static void count(void)
{
	pthread_mutex_lock(&lock);
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", begun, answered,
	    gone, most, inodes);
	pthread_mutex_unlock(&lock);
	fflush(stdout);
}

static void obey(void)
{
	char line[80];

	while (fgets(line, sizeof(line), stdin)) {
		if (strncmp(line, "go ", 3) == 0)
			go(strtoull(line + 3, NULL, 10));
		else if (strcmp(line, "hold\n") == 0)
			hold();
		else
			require(strcmp(line, "count\n") == 0, "%s", line);
		count();
	}
}

/* ---- start */

static void become(const char *owner)
{
	const struct passwd *pw = getpwnam(owner);

	require(pw, "%s", owner);
	require(initgroups(owner, pw->pw_gid) == 0 && setgid(pw->pw_gid) == 0 &&
		    setuid(pw->pw_uid) == 0,
	    "%s", owner);
}

static void make_directories(void)
{
	char path[64];

	for (const char *digit = "0123456789ABCDEF"; *digit; digit++) {
		snprintf(path, sizeof(path), "deferred/%c", *digit);
		require(mkdir(path, 0700) == 0, "%s", path);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;
	unsigned long sessions;

	if (argc != 7)
		errx(1, "usage: passing SPOOL OWNER SOCKET QUEUE RATE SESSIONS");
	socket_path = argv[3];
	queue_max = strtoull(argv[4], NULL, 10);
	rate = strtoull(argv[5], NULL, 10);
	sessions = strtoul(argv[6], NULL, 10);
	require(queue_max > 0 && queue_max <= QUEUE_MAX && sessions <= SESSIONS_MAX, "limits");
	become(argv[2]);
	require(chdir(argv[1]) == 0, "%s", argv[1]);
	make_directories();
	for (unsigned long n = 0; n < sessions; n++)
		require(pthread_create(&thread, NULL, session, (void *)n) == 0, "a thread");
	obey();
	return 0;
}
