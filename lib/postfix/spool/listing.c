/* SPDX-License-Identifier: ISC */
#include "postfix/spool/listing.h"

#include <dirent.h>

#define LENGTH_BASE     65536u /* a directory of up to this size is worth reading for few names */
#define LENGTH_PER_NAME 64

/* False if out of memory or at more than most names. */
static bool add(struct listing *l, const char *name, size_t most)
{
	struct packed_id id;
	size_t at;

	return queue_id_pack_text(name, strlen(name), &id) < 0 ||
	       (names_find(&l->names, &id, &at) == 0 && l->names.count <= most);
}

static bool read_names(struct listing *l, DIR *dir, size_t max)
{
	size_t most = l->names.count + max;
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
		if (entry && !add(l, entry->d_name, most))
			return false;
	} while (entry);
	return errno == 0;
}

/* On some file systems a directory that once held many names stays long and slow to read. */
static bool is_short(int fd, size_t max)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (uint64_t)st.st_size <= LENGTH_BASE + max * LENGTH_PER_NAME;
}

static void read_queue(struct listing *l, int queue_dir, enum queue_name queue, size_t max)
{
	int fd = openat(queue_dir, queue_word(queue), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 || !is_short(fd, max) ? NULL : fdopendir(fd);

	if (dir && read_names(l, dir, max))
		l->queues |= queue;
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max)
{
	if (names_init(&ret->names, NULL, 0) < 0)
		return;
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (queues & queue_at(n))
			read_queue(ret, queue_dir, queue_at(n), max);
}

void listing_release(struct listing *l)
{
	names_release(&l->names);
	*l = (struct listing){0};
}

bool listing_knows(const struct listing *l, const struct queue_spot *spot)
{
	return spot->depth == 0 && l->queues & spot->queue;
}

bool listing_has(const struct listing *l, const struct queue_id *id)
{
	struct packed_id packed;

	return l->names.count > 0 && queue_id_pack(id, &packed) == 0 &&
	       names_have(&l->names, &packed);
}
