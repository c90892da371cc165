/* SPDX-License-Identifier: ISC */
/*
 * damage [ROUNDS [SEED]]: damaged index files. An index gets a past. Copies of its file are damaged
 * (random bytes, whole pages, swapped pages, truncation). A child opens each as the daemon does,
 * reads all of it, records, completes and drops. It may find the file sound, or set it aside, or
 * die of it; then it is started again, as by systemd. In every case an index is soon open that
 * finds each message recorded from then on, and every row ever returned equals, byte for byte, one
 * that was once written.
 */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/torture/torture.h"

#include "base/clock.h"
#include "index/control/update.h"
#include "index/index_lock.h"
#include "index/store/data_file.h"

#define MAP_SIZE  (INT64_C(64) << 20)
#define PAST      6000 /* messages of the sound index */
#define LATER     (INT64_C(1) << 60)
#define PAGE      4096
#define LIFE_MAX  60 /* seconds */
#define LIVES_MAX 6  /* some that die at work, two that die opening it, one with a new file */

static char directory[] = "/dev/shm/pqpurge-damage.XXXXXX";
static uint64_t seed;

/* ---- messages: the number determines everything */

static struct message numbered(uint64_t n, bool read)
{
	static struct strbuf recipients, originals;
	static char sender[64], text[32];
	uint64_t own = (n + 1) * 2654435761u;
	unsigned count = one_in(&own, 20) ? 1 + (unsigned)below(&own, 300) : 1;
	struct message m;

	message_init(&m);
	m.queue_id = short_id((uint32_t)(n * 7919 % 1000000), 1000 + n);
	snprintf(sender, sizeof(sender), "u%" PRIu64 "@d%" PRIu64 ".example", n, n % 500);
	snprintf(text, sizeof(text), "<%" PRIu64 ">", n);
	strbuf_clear(&recipients);
	strbuf_clear(&originals);
	for (unsigned i = 0; i < count; i++) {
		char recipient[64];
		int len = snprintf(recipient, sizeof(recipient), "recipient%u@dest.example", i);

		strlist_push(&recipients, recipient, (size_t)len);
		strlist_push(&originals, "", 0);
	}
	m.origin = read ? ORIGIN_QUEUE : ORIGIN_SMTPD;
	m.mail_time = m.rcpt_time = m.end_time = (int64_t)(1000 + n);
	m.sender = read ? "" : sender;
	m.message_id = read ? "" : text;
	if (!read) {
		m.recipients = strlist_of(&recipients);
		m.recipient_count = count;
		return m;
	}
	m.queued = (struct queued){.known = true,
	    .arrival_time = (int64_t)(1000 + n),
	    .create_time = -1,
	    .inode = 1000 + n,
	    .size = 500,
	    .uid = -1,
	    .recipient_count = count,
	    .sender = sender,
	    .login = "",
	    .message_id = text,
	    .log_ident = "",
	    .recipients = strlist_of(&recipients),
	    .originals = strlist_of(&originals)};
	return m;
}

static bool is_encoded(const struct message *m, struct span row)
{
	struct bytes record = {0};
	bool same;

	record_encode(m, &record);
	require(!record.failed, "out of memory");
	same = record.len == row.len && memcmp(record.at, row.at, row.len) == 0;
	bytes_release(&record);
	return same;
}

/* Its row must be as recorded, as read, or with both halves. */
static void check_row(const struct candidate *c)
{
	struct span row = {.at = c->record, .len = c->record_len};
	struct message m = candidate_message(c), given, read, both;
	uint64_t n;

	require(sscanf(message_id_of(&m), "<%" SCNu64 ">", &n) == 1, "row %s", m.queue_id.text);
	given = numbered(n, false);
	if (is_encoded(&given, row))
		return;
	read = numbered(n, true);
	if (is_encoded(&read, row))
		return;
	both = numbered(n, false);
	both.queued = read.queued;
	require(is_encoded(&both, row), "a row that nobody wrote: %s", m.queue_id.text);
}

/* ---- work, as by a daemon and a command; returns a code on failure */

static int record(struct index *ix, uint64_t n)
{
	struct message m = numbered(n, false);

	return index_record(ix, &m, NULL);
}

/* Reads `reads` files from `from` on; `count` messages from `left` on have gone. */
static int update(struct index *ix, uint64_t from, unsigned reads, uint64_t left, unsigned count)
{
	struct bytes records = {0}, body = {0}, out = {0};
	struct packed_id gone[64];
	struct update u = {.place = {1, 2},
	    .queue_directory = "/q",
	    .hostname = "h",
	    .began = LATER,
	    .record_count = reads,
	    .left = gone,
	    .left_count = count};
	struct index_updated updated;

	for (unsigned i = 0; i < reads; i++) {
		struct message m = numbered(from + i, true);

		update_add(&records, &m);
	}
	for (unsigned i = 0; i < count; i++) {
		struct message m = numbered(left + i, false);

		require(queue_id_pack(&m.queue_id, &gone[i]) == 0, "%s", m.queue_id.text);
	}
	u.records = bytes_span(&records);
	update_encode(&u, &body);
	int code = index_update(ix, bytes_span(&body), NULL, NULL, INT64_MAX, &out, &updated, NULL);
	bytes_release(&records);
	bytes_release(&body);
	bytes_release(&out);
	return code;
}

/* Finds every row that a selector matches; *ret_count may be NULL. */
static int find(struct index *ix, struct selector *s, size_t *ret_count)
{
	struct candidates found = {0};
	struct bytes out = {0};

	selector_seal(s);
	int code = index_find(ix, s, INT64_MAX, &out, NULL);
	if (code == 0) {
		struct blob blob = {.at = out.at, .len = out.len};

		require(select_view(&blob, &found, NULL) == 0, "no selection");
		for (size_t i = 0; i < found.count; i++)
			check_row(&found.list[i]);
		if (ret_count)
			*ret_count = found.count;
		candidates_release(&found);
	}
	selector_release(s);
	bytes_release(&out);
	return code;
}

static int find_all(struct index *ix)
{
	struct selector s;

	selector_init(&s);
	s.all = true;
	return find(ix, &s, NULL);
}

static int find_one(struct index *ix, uint64_t n, size_t *ret_count)
{
	struct message m = numbered(n, false);
	struct selector s;

	selector_init(&s);
	require(selector_add_id(&s, &m.queue_id) == 0, "out of memory");
	return find(ix, &s, ret_count);
}

static int find_domain(struct index *ix, const char *domain)
{
	struct selector s;
	struct pattern p;

	selector_init(&s);
	require(pattern_parse(domain, &p, NULL) == 0, "%s", domain);
	require(pattern_set_add(&s.author, &p) == 0, "out of memory");
	return find(ix, &s, NULL);
}

/* ---- an index with a past */

static unsigned char *sound;
static size_t sound_len;
static char lock_text[200];
static size_t lock_len;

static struct index *open_index(const char *where, struct err *note)
{
	struct index *ix = NULL;
	struct err err = {{0}};

	require(index_open(where, MAP_SIZE, &ix, note, &err) == 0, "%s", err.text);
	return ix;
}

static void write_past(void)
{
	struct index *ix = open_index(directory, NULL);

	for (uint64_t n = 0; n < PAST; n++) {
		require(record(ix, n) == 0, "record");
		if (one_in(&seed, 100))
			require(update(ix, below(&seed, n + 1), 1 + (unsigned)below(&seed, 40),
				    below(&seed, n + 1), (unsigned)below(&seed, 40)) == 0,
			    "update");
	}
	require(find_all(ix) == 0, "a sound index");
	index_close(ix);
}

static size_t read_file(const char *name, void *into, size_t size)
{
	char path[160];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	require(fd >= 0, "%s", path);
	len = read(fd, into, size);
	require(len > 0 && (size_t)len < size, "%s", path);
	close(fd);
	return (size_t)len;
}

static void write_file(const char *where, const char *name, const void *from, size_t len)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", where, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, from, len) == (ssize_t)len, "%s", path);
	close(fd);
}

/* ---- damage */

static size_t damage(unsigned char *data, size_t len)
{
	size_t pages = len / PAGE, a = below(&seed, pages) * PAGE, b = below(&seed, pages) * PAGE;
	unsigned char page[PAGE];

	switch (below(&seed, 7)) {
	case 0: /* random bytes */
		for (uint64_t n = 1 + below(&seed, 200); n > 0; n--)
			data[below(&seed, len)] = (unsigned char)chance(&seed);
		return len;
	case 1: /* a bit in the first bytes of a page, which hold its head and its nodes' offsets */
		for (uint64_t n = 1 + below(&seed, 8); n > 0; n--)
			data[below(&seed, pages) * PAGE + below(&seed, 32)] ^=
			    (unsigned char)(1u << below(&seed, 8));
		return len;
	case 2:
		memset(data + a, one_in(&seed, 2) ? 0 : 0xff, PAGE);
		return len;
	case 3: /* an old page in place of a new one */
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

enum checksum {
	CHECKSUM_OLD,  /* the owner closed the sound file */
	CHECKSUM_NONE, /* the owner died */
	CHECKSUM_FITS, /* someone damaged the file on purpose */
	CHECKSUMS,
};

static void note_checksum(const char *where, enum checksum kind)
{
	struct index_lock lock;
	char path[160];

	if (kind == CHECKSUM_OLD)
		return;
	snprintf(path, sizeof(path), "%s/" INDEX_FILE, where);
	require(index_lock_take(where, &lock, NULL) == 0, "%s", where);
	lock.sum = 0;
	if (kind == CHECKSUM_FITS)
		require(data_file_sum(path, &lock.sum) == 0, "%s", path);
	index_lock_note(&lock);
	close(lock.fd);
}

static void write_damaged(const char *where, enum checksum kind)
{
	unsigned char *data = malloc(sound_len);

	require(data, "out of memory");
	memcpy(data, sound, sound_len);
	size_t len = damage(data, sound_len);
	require(mkdir(where, 0700) == 0, "%s", where);
	write_file(where, INDEX_FILE, data, len);
	write_file(where, INDEX_LOCK, lock_text, lock_len);
	note_checksum(where, kind);
	free(data);
}

/* ---- a daemon's lives with it */

enum life {
	LIFE_SOUND = 10, /* nothing failed */
	LIFE_REPLACED,   /* opened with a new file, and then nothing failed */
	LIFE_FAILED,     /* something failed; the daemon closes the index and opens a new one */
	LIFE_STUCK,      /* something failed, and the index calls itself usable */
	LIFE_DIED,
	LIVES_KINDS,
};

static int work(struct index *ix, uint64_t from)
{
	int code = find_all(ix);

	if (code == 0)
		code = find_domain(ix, "d7.example");
	for (uint64_t n = 0; code == 0 && n < 300; n++)
		code = record(ix, from + n);
	if (code == 0)
		code = update(ix, below(&seed, PAST), 40, below(&seed, PAST), 60);
	if (code == 0)
		code = update(ix, from, 40, from + 100, 60);
	while (code == 0 && index_prune(ix, NULL) == 1)
		continue;
	for (uint64_t n = 0; code == 0 && n < 100; n++) {
		size_t count = 0;

		code = find_one(ix, from + n, &count);
		if (code == 0 && count != 1)
			code = ERR_DAMAGED;
	}
	return code != 0 ? code : find_all(ix);
}

static enum life live(const char *where, uint64_t from)
{
	struct err note = {{0}};
	struct index *ix = open_index(where, &note);
	bool replaced = note.text[0] != '\0';
	int code = work(ix, from);
	enum life how = LIFE_FAILED;

	if (code == 0)
		how = replaced ? LIFE_REPLACED : LIFE_SOUND;
	else if (replaced || index_check(ix) == 0)
		how = LIFE_STUCK;
	if (how != LIFE_STUCK) /* the successor of one that did not close it reads all of it */
		index_close(ix);
	return how;
}

static enum life life_of(const char *where, uint64_t from)
{
	pid_t pid = fork();
	int status;

	require(pid >= 0, "fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(LIFE_MAX);
		_exit(live(where, from));
	}
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	if (WIFEXITED(status)) {
		require(WEXITSTATUS(status) >= LIFE_SOUND, "see above");
		return (enum life)WEXITSTATUS(status);
	}
	require(WTERMSIG(status) != SIGALRM, "it does not come to an end");
	return LIFE_DIED;
}

/* Lives until one is good. */
static void one(const char *where, unsigned long nth, unsigned long lives[LIVES_KINDS])
{
	enum life how = LIFE_DIED;

	for (unsigned i = 0; how != LIFE_SOUND && how != LIFE_REPLACED && i < LIVES_MAX; i++) {
		how = life_of(where, PAST + 1000 * i);
		lives[how]++;
	}
	/* Stuck: rows that are not found are read from the queue. But no daemon dies for ever. */
	require(how == LIFE_SOUND || how == LIFE_REPLACED || how == LIFE_STUCK,
	    "file %lu: after %d lives it is still not usable", nth, LIVES_MAX);
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
	unsigned long lives[LIVES_KINDS] = {0};
	char where[128];

	seed = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) * 2654435761u + 1;
	require(mkdtemp(directory), "mkdtemp");
	write_past();
	sound = malloc(MAP_SIZE + 1);
	require(sound, "out of memory");
	sound_len = read_file(INDEX_FILE, sound, MAP_SIZE + 1);
	lock_len = read_file(INDEX_LOCK, lock_text, sizeof(lock_text));
	snprintf(where, sizeof(where), "%s/damaged", directory);
	for (unsigned long i = 0; i < rounds; i++) {
		write_damaged(where, (enum checksum)below(&seed, CHECKSUMS));
		one(where, i, lives);
		remove_tree(where);
	}
	remove_tree(directory);
	free(sound);
	printf("damage: %lu files of %zu bytes: %lu harmless, %lu set aside; %lu lives failed, %lu "
	       "stuck, %lu died of it\n",
	    rounds, sound_len, lives[LIFE_SOUND], lives[LIFE_REPLACED], lives[LIFE_FAILED],
	    lives[LIFE_STUCK], lives[LIFE_DIED]);
	return 0;
}
