/* SPDX-License-Identifier: ISC */
#include "postfix/spool/queue.h"

#include "base/clock.h"
#include "base/io.h"

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

int queue_directory_open(const struct postfix *p, struct err *err)
{
	int fd = open(p->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(err, errno, "failed to open the queue '%s'", p->queue_directory);
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (fstatat(fd, words[n], &st, 0) != 0 || !S_ISDIR(st.st_mode)) {
			io_close(&fd);
			return err_set(err, ERR_CONFIG,
			    "there is no '%s' in the queue '%s'; is its file system mounted?",
			    words[n], p->queue_directory);
		}
	return fd;
}

void queue_directory_place(int queue_dir, uint64_t *ret_device, uint64_t *ret_inode)
{
	struct stat top = {0}, st;

	(void)fstat(queue_dir, &top);
	*ret_device = top.st_dev;
	*ret_inode = top.st_ino;
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (fstatat(queue_dir, words[n], &st, 0) == 0 && st.st_dev != top.st_dev) {
			*ret_device = *ret_device * 31 + st.st_dev;
			*ret_inode = *ret_inode * 31 + st.st_ino;
		}
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
			    "'%.*s' is no queue (maildrop, incoming, active, deferred, hold)",
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

/* One directory for each of the first depth characters of the ID ('_' past its end). Of a long ID
 * the microseconds count, as five hex digits. */
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

int queue_open(int queue_dir, const char *path)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int fd = openat(queue_dir, path, flags | O_NOATIME);

	/* Only the owner of a file may use O_NOATIME. */
	if (fd < 0 && errno == EPERM)
		fd = openat(queue_dir, path, flags);
	return fd < 0 ? -errno : fd;
}

bool queue_is_complete(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & S_IRWXU) == S_IRWXU;
}
