/* SPDX-License-Identifier: ISC */
#include "postfix/spool/queue.h"

#include "base/clock.h"
#include "base/io.h"

#define LOOKS 3 /* over all spots, before a file counts as gone */
/* Since its inode was changed: cleanup(8) moves mail to hold before it is complete. */
#define STUCK_SECONDS 60

static const char *const words[QUEUE_COUNT] = {
    "maildrop", "incoming", "active", "deferred", "hold"};

enum queue_name queue_at(unsigned n)
{
	return (enum queue_name)(1u << (n < QUEUE_COUNT ? n : QUEUE_COUNT - 1));
}

const char *queue_word(enum queue_name queue)
{
	return queue & QUEUE_ALL ? words[__builtin_ctz(queue)] : "unknown";
}

static unsigned bit_of(const char *word, size_t len)
{
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (strlen(words[n]) == len && strncmp(words[n], word, len) == 0)
			return queue_at(n);
	return 0;
}

int64_t queue_patience(size_t count)
{
	return 120 * USEC_PER_SEC + (int64_t)count * 20000;
}

int queue_parse_list(const char *text, unsigned *ret_bits, struct err *err)
{
	unsigned bits = 0;
	for (const char *word = text;; word++) {
		size_t len = strcspn(word, ",");
		unsigned bit = bit_of(word, len);
		if (!bit)
			return err_set(err, ERR_SYNTAX,
			    "'%.*s' is not a queue (maildrop, incoming, active, deferred, hold)",
			    (int)(len < 64 ? len : 64), word);
		bits |= bit;
		word += len;
		if (!*word)
			break;
	}
	*ret_bits = bits;
	return 0;
}

unsigned queue_depth(const struct postfix *p, enum queue_name queue)
{
	return p->hashed_queues & queue ? p->hash_depth : 0;
}

/* One directory for each of the first depth characters of the ID ('_' past its end). For a long ID
 * these are its microseconds as five hex digits. */
void queue_path(
    const char *directory, unsigned depth, const struct queue_id *id, char path[QUEUE_PATH_MAX])
{
	struct queue_id_parts parts;
	char usec[16];
	const char *from = id->text;
	char *at = path;

	if (depth > 0) {
		queue_id_split(id, &parts);
		if (parts.is_long) {
			snprintf(usec, sizeof(usec), "%05X", (unsigned)parts.usec);
			from = usec;
		}
	}
	at = stpcpy(at, directory);
	*at++ = '/';
	for (unsigned n = 0; n < depth && n < HASH_DEPTH_MAX; n++) {
		*at++ = *from ? *from++ : '_';
		*at++ = '/';
	}
	memcpy(at, id->text, strlen(id->text) + 1);
}

int queue_open_path(const struct queue *q, const char *path)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int fd = openat(q->dir, path, flags | O_NOATIME);

	/* Only the file's owner may use O_NOATIME. */
	if (fd < 0 && errno == EPERM)
		fd = openat(q->dir, path, flags);
	return fd < 0 ? -errno : fd;
}

bool queue_is_complete(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & S_IRWXU) == S_IRWXU;
}

bool queue_is_stuck(const struct stat *st, enum queue_name queue)
{
	if (!S_ISREG(st->st_mode) || queue_is_complete(st) ||
	    queue & (QUEUE_MAILDROP | QUEUE_INCOMING))
		return false;
	return clock_wall() / USEC_PER_SEC - st->st_ctime > STUCK_SECONDS;
}

struct search {
	int queue_dir;
	bool counts; /* its file system counts subdirectories in st_nlink */
	char path[QUEUE_PATH_MAX];
	uint32_t depths;
};

/* Tests each level by name, because reading a directory of many files would cost more. */
static void search_below(struct search *s, size_t len, unsigned depth, const struct stat *at)
{
	struct stat st;

	s->depths |= UINT32_C(1) << depth;
	if (depth == HASH_DEPTH_MAX || (s->counts && at->st_nlink == 2))
		return;
	s->path[len] = '/';
	s->path[len + 2] = '\0';
	for (const char *level = QUEUE_LEVELS; *level; level++) {
		s->path[len + 1] = *level;
		s->path[len + 2] = '\0';
		if (fstatat(s->queue_dir, s->path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			search_below(s, len + 2, depth + 1, &st);
	}
}

/* Returns bits. We follow a link, because only root could put one there. */
static uint32_t depths_of(int queue_dir, const char *word, const struct stat *parent)
{
	struct search s = {.queue_dir = queue_dir};
	struct stat st;

	if (fstatat(queue_dir, word, &st, 0) != 0)
		return 1;
	s.counts = parent->st_nlink >= 2 + QUEUE_COUNT && parent->st_dev == st.st_dev;
	snprintf(s.path, sizeof(s.path), "%s", word);
	search_below(&s, strlen(word), 0, &st);
	return s.depths;
}

void queue_look(struct queue *q)
{
	struct stat st = {0};

	*q = (struct queue){.dir = q->dir};
	(void)fstat(q->dir, &st);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		uint32_t depths = depths_of(q->dir, words[n], &st);

		for (unsigned depth = 0; depth <= HASH_DEPTH_MAX; depth++)
			if (depths >> depth & 1)
				q->spots[q->count++] =
				    (struct queue_spot){(uint8_t)queue_at(n), (uint8_t)depth};
	}
	q->defer = depths_of(q->dir, "defer", &st);
	q->bounce = depths_of(q->dir, "bounce", &st);
	q->trace = depths_of(q->dir, "trace", &st);
}

int queue_open(const struct postfix *p, struct queue *ret, struct err *err)
{
	struct stat st;

	ret->dir = open(p->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->dir < 0)
		return err_sys(err, errno, "failed to open the queue '%s'", p->queue_directory);
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (fstatat(ret->dir, words[n], &st, 0) != 0 || !S_ISDIR(st.st_mode)) {
			queue_close(ret);
			return err_set(err, ERR_CONFIG,
			    "there is no '%s' in the queue '%s'; is its file system mounted?",
			    words[n], p->queue_directory);
		}
	queue_look(ret);
	return 0;
}

void queue_close(struct queue *q)
{
	io_close(&q->dir);
}

void queue_place(const struct queue *q, uint64_t *ret_device, uint64_t *ret_inode)
{
	struct stat top = {0}, st;

	(void)fstat(q->dir, &top);
	*ret_device = top.st_dev;
	*ret_inode = top.st_ino;
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (fstatat(q->dir, words[n], &st, 0) == 0 && st.st_dev != top.st_dev) {
			*ret_device = *ret_device * 31 + st.st_dev;
			*ret_inode = *ret_inode * 31 + st.st_ino;
		}
}

int queue_open_file(const struct queue *q, const struct queue_id *id, unsigned *hint)
{
	int error = -ENOENT;

	for (unsigned n = 0; n <= LOOKS * q->count; n++) {
		unsigned at = n == 0 && *hint < q->count ? *hint : n % q->count;
		char path[QUEUE_PATH_MAX];
		struct stat st;

		queue_path(queue_word(q->spots[at].queue), q->spots[at].depth, id, path);
		int fd = queue_open_path(q, path);
		if (fd == -ENOENT || fd == -ENOTDIR ||
		    (fd < 0 && fstatat(q->dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0))
			continue;
		*hint = at;
		if (fd >= 0)
			return fd;
		error = fd;
	}
	return error;
}

void queue_hashing(const struct postfix *p, enum queue_name queue, unsigned depth,
    unsigned *ret_queues, unsigned *ret_depth)
{
	*ret_queues = p->hashed_queues;
	*ret_depth = p->hash_depth;
	if (depth == queue_depth(p, queue))
		return;
	*ret_queues &= ~(unsigned)queue;
	if (depth == 0)
		return;
	*ret_queues = depth == p->hash_depth ? *ret_queues | queue : queue;
	*ret_depth = depth;
}
