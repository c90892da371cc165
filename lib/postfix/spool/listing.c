/* SPDX-License-Identifier: ISC */
/* Names in queues, each queue whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "postfix/spool/listing.h"

#define LENGTH_BASE     65536u /* bytes of a directory that are read for few names too */
#define LENGTH_PER_NAME 64

static int compare_names(const void *a, const void *b)
{
	const struct queue_id *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* False: no memory, or more than max. What is too long for a queue ID is none that is asked for. */
static bool add(struct listing *l, const char *name, size_t max)
{
	size_t len = strlen(name);

	if (len > QUEUE_ID_MAX || name[0] == '.')
		return true;
	if (l->count == max)
		return false;
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct queue_id *list = reallocarray(l->list, cap, sizeof(*list));

		if (!list)
			return false;
		l->list = list;
		l->cap = cap;
	}
	memcpy(l->list[l->count++].text, name, len + 1);
	return true;
}

static bool read_names(struct listing *l, DIR *dir, size_t max)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
		if (entry && !add(l, entry->d_name, max))
			return false;
	} while (entry);
	return errno == 0;
}

/* A directory that once held many names stays long on some file systems, and takes long to read. */
static bool is_short(int fd, size_t max)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (uint64_t)st.st_size <= LENGTH_BASE + max * LENGTH_PER_NAME;
}

static void read_queue(struct listing *l, int queue_dir, enum queue_name queue, size_t max)
{
	int fd = openat(queue_dir, queue_word(queue), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 || !is_short(fd, max) ? NULL : fdopendir(fd);
	size_t before = l->count;

	if (dir && read_names(l, dir, max))
		l->queues |= queue;
	else
		l->count = before;
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max)
{
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (queues & queue_at(n))
			read_queue(ret, queue_dir, queue_at(n), max);
	if (ret->count > 1)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_names);
}

void listing_release(struct listing *l)
{
	free(l->list);
	*l = (struct listing){0};
}

bool listing_knows(const struct listing *l, const struct queue_spot *spot)
{
	return spot->depth == 0 && l->queues & spot->queue;
}

bool listing_has(const struct listing *l, const struct queue_id *id)
{
	return l->count > 0 && bsearch(id, l->list, l->count, sizeof(*l->list), compare_names);
}
