/* SPDX-License-Identifier: ISC */
/* All names in the queues, by readdir in a child. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/spool/spool.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct spool_walk {
	struct postfix p; /* borrowed strings; only the queue directory and the owner are used */
	struct role_child child;
	int64_t deadline;
	bool sized;
};

/* Names as they are found. */
struct names {
	struct spool_name *list;
	size_t count, cap;
	bool sized;
};

static int names_add(
    struct names *names, const struct queue_id *id, enum queue_name queue, int64_t size)
{
	if (names->count == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 4096;
		struct spool_name *list = realloc(names->list, cap * sizeof(*list));
		if (!list)
			return -ENOMEM;
		names->list = list;
		names->cap = cap;
	}
	names->list[names->count] =
	    (struct spool_name){.queue_id = *id, .queue = (uint8_t)queue, .size = size};
	names->count++;
	return 0;
}

static int walk_directory(
    int at, const char *name, enum queue_name queue, unsigned depth, struct names *names);

/* One entry: a directory of one character is a level of hashing, a queue ID a message, all else is
 * nobody's. */
static int take_entry(DIR *dir, const struct dirent *entry, enum queue_name queue, unsigned depth,
    struct names *names)
{
	size_t len = strlen(entry->d_name);
	struct queue_id id;
	struct stat st;
	int64_t size = -1;

	if (len == 1 && entry->d_name[0] != '.' && depth < HASH_DEPTH_MAX)
		return walk_directory(dirfd(dir), entry->d_name, queue, depth + 1, names);
	if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
		return 0;
	if (queue_id_parse(entry->d_name, len, &id) < 0)
		return 0;
	if (names->sized && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		size = st.st_size;
	return names_add(names, &id, queue, size);
}

/*
 * A level of hashing that vanished or is no directory holds nothing; all else that cannot be read
 * is an error. A queue may be a link: who puts one there is root.
 */
static int walk_directory(
    int at, const char *name, enum queue_name queue, unsigned depth, struct names *names)
{
	int fd = depth > 0 ? openat(at, name, DIRECTORY_FLAGS | O_NOFOLLOW)
			   : openat(at, name, DIRECTORY_FLAGS);
	const struct dirent *entry;
	DIR *dir;
	int code = 0;

	if (fd < 0 && depth > 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		code = -errno;
		io_close(&fd);
		return code;
	}
	while (code == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			code = -errno;
			break;
		}
		code = take_entry(dir, entry, queue, depth, names);
	}
	closedir(dir);
	return code;
}

static int by_id(const void *a, const void *b)
{
	const struct spool_name *left = a, *right = b;
	return strcmp(left->queue_id.text, right->queue_id.text);
}

/* Sorts and keeps each ID once. */
static void names_seal(struct names *names)
{
	size_t kept = 0;

	if (names->count > 1)
		qsort(names->list, names->count, sizeof(*names->list), by_id);
	for (size_t n = 0; n < names->count; n++)
		if (kept == 0 || by_id(&names->list[kept - 1], &names->list[n]) != 0)
			names->list[kept++] = names->list[n];
	names->count = kept;
}

static int walk_queues(void *arg, struct bytes *out, struct err *err)
{
	const struct spool_walk *walk = arg;
	struct names names = {.sized = walk->sized};
	int code = 0;
	int queue_dir = queue_directory_open(&walk->p, err);

	if (queue_dir < 0)
		return queue_dir;
	for (unsigned n = 0; n < QUEUE_COUNT && code == 0; n++) {
		enum queue_name queue = queue_at(n);
		code = walk_directory(queue_dir, queue_word(queue), queue, 0, &names);
		if (code < 0)
			err_sys(err, -code, "failed to read the queue '%s'", queue_word(queue));
	}
	names_seal(&names);
	if (code == 0)
		bytes_put(out, names.list, names.count * sizeof(*names.list));
	free(names.list);
	io_close(&queue_dir);
	return code;
}

static int start(const struct postfix *p, bool sized, struct spool_walk **ret, struct err *err)
{
	struct spool_walk *walk = calloc(1, sizeof(*walk));
	int code;

	if (!walk)
		return err_sys(err, ENOMEM, "failed to walk the queue");
	walk->p = *p;
	walk->deadline = INT64_MAX;
	walk->sized = sized;
	code = role_start(&walk->child, &p->owner, walk_queues, walk, err);
	if (code < 0)
		free(walk);
	else
		*ret = walk;
	return code;
}

int spool_walk_start(const struct postfix *p, struct spool_walk **ret, struct err *err)
{
	return start(p, false, ret, err);
}

int spool_walk_start_sized(const struct postfix *p, struct spool_walk **ret, struct err *err)
{
	return start(p, true, ret, err);
}

void spool_walk_limit(struct spool_walk *walk, int64_t deadline)
{
	walk->deadline = deadline;
}

/* The child is not trusted: what is no queue ID goes no further. */
static int take_names(
    const struct blob *blob, struct spool_name **ret, size_t *ret_count, struct err *err)
{
	size_t count = blob->len / sizeof(**ret);
	struct spool_name *list = malloc(blob->len ? blob->len : 1);

	if (!list)
		return err_sys(err, ENOMEM, "failed to keep %zu names", count);
	if (blob->len > 0)
		memcpy(list, blob->at, count * sizeof(*list));
	for (size_t n = 0; n < count; n++) {
		const char *text = list[n].queue_id.text;
		struct queue_id id;
		size_t len = strnlen(text, QUEUE_ID_MAX + 1);

		if (len > QUEUE_ID_MAX || queue_id_parse(text, len, &id) < 0) {
			free(list);
			return err_set(err, ERR_CHILD, "the walk over the queue broke off");
		}
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

int spool_walk_finish(
    struct spool_walk *walk, struct spool_name **ret, size_t *ret_count, struct err *err)
{
	struct blob blob = {0};
	int code = role_finish(&walk->child, walk->deadline, &blob, err);

	if (code == 0)
		code = take_names(&blob, ret, ret_count, err);
	blob_release(&blob);
	free(walk);
	return code;
}
