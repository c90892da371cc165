/* SPDX-License-Identifier: ISC */
/*
 * damage [ROUNDS [SEED]]: damaged index files. An index is written by a random history, and the
 * check of its pages must find it sound after each commit. Then copies of it are damaged (random
 * bytes, whole pages, swapped pages, truncation, holes), and a child opens each as the daemon does,
 * reads all of it, adds, drops and prunes. It may say that the index is damaged, and it may not
 * notice what does no harm; it must not die.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/torture/torture.h"

#include "base/clock.h"
#include "index/data_pages.h"
#include "index/home.h"

#define MAP_SIZE  (INT64_C(64) << 20)
#define HISTORY   60
#define PAGE      4096
#define CHILD_MAX 60 /* seconds */

static char directory[] = "/tmp/pqpurge-damage.XXXXXX";
static uint64_t seed;

/* ---- an index with a past */

static void some_message(struct txn *txn)
{
	static char recipients[400000];
	char sender[96], domain[48];
	struct message m;
	size_t len = 0;

	message_init(&m);
	snprintf(domain, sizeof(domain), "d%u.example", (unsigned)below(&seed, 500));
	snprintf(sender, sizeof(sender), "u%u@%s", (unsigned)below(&seed, 90000), domain);
	m.queue_id = short_id((uint32_t)below(&seed, 1000000), 1 + below(&seed, 20000));
	m.origin = ORIGIN_SMTPD;
	m.connect_time = m.mail_time = clock_wall();
	m.rcpt_time = m.end_time = m.mail_time + 1000;
	m.sender = sender;
	/* Some records need pages of their own, some many. */
	unsigned count = one_in(&seed, 20) ? (unsigned)below(&seed, 2000) : 1;
	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(recipients + len, sizeof(recipients) - len,
			   "recipient%u@dest.example", i) +
		       1;
	m.recipients = (struct strlist){.first = recipients, .bytes = len, .count = count};
	m.recipient_count = count;
	add_record(txn, &m, NULL);
}

static void commit(struct txn *txn)
{
	struct err err = {{0}};

	require(txn_commit(txn, &err) == 0, "%s", err.text);
	int code = data_pages_check(directory, INT64_MAX, &err);
	require(code == 0, "a sound index is called damaged: %s", err.text);
}

static void write_history(struct home *home)
{
	for (int i = 0; i < HISTORY; i++) {
		struct txn txn;
		int64_t dropped_to;

		txn_begin(home->store, true, &txn);
		for (uint64_t n = below(&seed, 400); n > 0; n--)
			some_message(&txn);
		if (one_in(&seed, 3))
			entry_prune(&txn, below(&seed, 500), &dropped_to);
		commit(&txn);
	}
}

/* ---- damage */

static unsigned char *sound;
static size_t sound_len;

static void read_sound(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/data.mdb", directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	require(fd >= 0 && fstat(fd, &st) == 0, "%s", path);
	sound_len = (size_t)st.st_size;
	sound = malloc(sound_len);
	require(sound && read(fd, sound, sound_len) == (ssize_t)sound_len, "%s", path);
	close(fd);
}

static size_t damage(unsigned char *data, size_t len)
{
	size_t pages = len / PAGE, a = below(&seed, pages) * PAGE, b = below(&seed, pages) * PAGE;
	unsigned char page[PAGE];

	switch (below(&seed, 7)) {
	case 0: /* bytes anywhere */
		for (uint64_t n = 1 + below(&seed, 200); n > 0; n--)
			data[below(&seed, len)] = (unsigned char)chance(&seed);
		return len;
	case 1: /* a bit, in the first bytes of a page, where its head and its nodes' places are */
		for (uint64_t n = 1 + below(&seed, 8); n > 0; n--)
			data[below(&seed, pages) * PAGE + below(&seed, 32)] ^=
			    (unsigned char)(1u << below(&seed, 8));
		return len;
	case 2:
		memset(data + a, one_in(&seed, 2) ? 0 : 0xff, PAGE);
		return len;
	case 3: /* an old page where a new one should be */
		memcpy(page, data + a, PAGE);
		memcpy(data + a, data + b, PAGE);
		memcpy(data + b, page, PAGE);
		return len;
	case 4: /* the meta pages */
		for (uint64_t n = 1 + below(&seed, 4); n > 0; n--)
			data[below(&seed, 2) * PAGE + below(&seed, 152)] =
			    (unsigned char)chance(&seed);
		return len;
	case 5: /* a number that points elsewhere */
		data[below(&seed, len / 2) * 2] ^= (unsigned char)(1 + below(&seed, 255));
		return len;
	default:
		return below(&seed, len);
	}
}

static void write_damaged(const char *into)
{
	unsigned char *data = malloc(sound_len);
	char path[160];

	require(data, "out of memory");
	memcpy(data, sound, sound_len);
	size_t len = damage(data, sound_len);
	require(mkdir(into, 0700) == 0, "%s", into);
	snprintf(path, sizeof(path), "%s/data.mdb", into);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, data, len) == (ssize_t)len, "%s", path);
	close(fd);
	free(data);
}

/* ---- what a daemon does with it */

static void read_all(struct txn *txn)
{
	for (int table = 0; table < STORE_TABLE_COUNT; table++) {
		struct store_cursor *cursor = cursor_open(txn, table);
		struct span key = {.at = "", .len = 0}, value;
		struct message m;
		int at = cursor_seek(cursor, key, &key, &value);

		for (; at == 1; at = cursor_next(cursor, &key, &value))
			if (table == STORE_MESSAGE && record_decode(value, &m) == 0)
				(void)strlen(m.sender);
		cursor_close(cursor);
	}
}

enum { FOUND_AT_ONCE = 10, FOUND_LATER, UNNOTICED };

static int live_with_it(const char *into)
{
	struct home home;
	struct err err = {{0}};
	struct txn txn;
	int64_t dropped_to;
	int code = home_open(into, MAP_SIZE, true, &home, &err);

	if (code != 0)
		return FOUND_AT_ONCE;
	for (int i = 0; i < 8 && code == 0; i++) {
		txn_begin(home.store, true, &txn);
		if (i == 0)
			read_all(&txn);
		for (int n = 0; n < 300; n++)
			some_message(&txn);
		entry_prune(&txn, 400, &dropped_to);
		code = txn_commit(&txn, &err);
	}
	home_close(&home);
	return code != 0 ? FOUND_LATER : UNNOTICED;
}

static int outcome_of(const char *into, bool *ret_died)
{
	pid_t pid = fork();
	int status;

	require(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		alarm(CHILD_MAX);
		_exit(live_with_it(into));
	}
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	*ret_died = !WIFEXITED(status);
	if (*ret_died)
		printf("died of signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 200, deaths = 0, outcomes[UNNOTICED + 1] = {0};
	struct home home;
	struct err err = {{0}};
	char into[128];

	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	seed = seed * 2654435761u + 1;
	require(mkdtemp(directory), "mkdtemp");
	require(home_open(directory, MAP_SIZE, true, &home, &err) == 0, "%s", err.text);
	write_history(&home);
	home_close(&home);
	read_sound();
	snprintf(into, sizeof(into), "%s/damaged", directory);
	for (long i = 0; i < rounds; i++) {
		uint64_t before = seed;
		bool died = false;

		write_damaged(into);
		int outcome = outcome_of(into, &died);
		if (died) {
			printf("damage: round %ld, state %" PRIu64 "\n", i, before);
			deaths++;
		} else {
			outcomes[outcome]++;
		}
		remove_tree(into);
	}
	remove_tree(directory);
	free(sound);
	printf(
	    "damage: %ld files of %zu bytes: %ld refused at once, %ld failed later, %ld harmless, "
	    "%ld killed their reader\n",
	    rounds, sound_len, outcomes[FOUND_AT_ONCE], outcomes[FOUND_LATER], outcomes[UNNOTICED],
	    deaths);
	return deaths > 0;
}
