/* SPDX-License-Identifier: ISC */
/* Names in the queues that mail passes early. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "postfix/early_names.h"

static int compare_names(const void *a, const void *b)
{
	const struct queue_id *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* False: no memory, or more than max. What is too long for a queue ID is none that is asked for. */
static bool add(struct early_names *e, const char *name, size_t max)
{
	size_t len = strlen(name);

	if (len > QUEUE_ID_MAX || name[0] == '.')
		return true;
	if (e->count == max)
		return false;
	if (e->count == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 64;
		struct queue_id *list = reallocarray(e->list, cap, sizeof(*list));

		if (!list)
			return false;
		e->list = list;
		e->cap = cap;
	}
	memcpy(e->list[e->count++].text, name, len + 1);
	return true;
}

static bool read_names(struct early_names *e, DIR *dir, size_t max)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
		if (entry && !add(e, entry->d_name, max))
			return false;
	} while (entry);
	return errno == 0;
}

static void read_queue(struct early_names *e, int queue_dir, enum queue_name queue, size_t max)
{
	int fd = openat(queue_dir, queue_word(queue), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t before = e->count;

	if (dir && read_names(e, dir, max))
		e->queues |= queue;
	else
		e->count = before;
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

void early_names_read(struct early_names *ret, const struct postfix *p, int queue_dir, size_t max)
{
	static const enum queue_name early[] = {QUEUE_MAILDROP, QUEUE_INCOMING, QUEUE_ACTIVE};

	for (size_t n = 0; n < COUNT_OF(early); n++)
		if (!(p->hashed_queues & early[n]))
			read_queue(ret, queue_dir, early[n], max);
	if (ret->count > 1)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_names);
}

void early_names_release(struct early_names *e)
{
	free(e->list);
	*e = (struct early_names){0};
}

bool early_names_have(const struct early_names *e, const struct queue_id *id)
{
	return e->count > 0 && bsearch(id, e->list, e->count, sizeof(*e->list), compare_names);
}
