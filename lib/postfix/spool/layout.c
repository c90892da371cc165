/* SPDX-License-Identifier: ISC */
#include "postfix/spool/queue.h"

#define LOOKS 3 /* passes over all spots before a file counts as gone */

/* Of the levels below one queue or log directory. */
struct search {
	int queue_dir;
	bool counts; /* its file system counts subdirectories in st_nlink */
	char path[QUEUE_PATH_MAX];
	uint32_t depths;
};

/* Asks for each level by name: reading a directory of many files would cost more. */
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

/* The depths of a directory, as bits. It may be a link: only root could put one there. */
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

void queue_layout_read(struct queue_layout *ret, int queue_dir)
{
	struct stat st = {0};

	*ret = (struct queue_layout){0};
	(void)fstat(queue_dir, &st);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		uint32_t depths = depths_of(queue_dir, queue_word(queue_at(n)), &st);

		for (unsigned depth = 0; depth <= HASH_DEPTH_MAX; depth++)
			if (depths >> depth & 1)
				ret->spots[ret->count++] =
				    (struct queue_spot){(uint8_t)queue_at(n), (uint8_t)depth};
	}
	ret->defer = depths_of(queue_dir, "defer", &st);
	ret->bounce = depths_of(queue_dir, "bounce", &st);
	ret->trace = depths_of(queue_dir, "trace", &st);
}

int queue_layout_open(
    const struct queue_layout *layout, int queue_dir, const struct queue_id *id, unsigned *hint)
{
	int error = -ENOENT;

	for (unsigned n = 0; n <= LOOKS * layout->count; n++) {
		unsigned at = n == 0 && *hint < layout->count ? *hint : n % layout->count;
		const struct queue_spot *spot = &layout->spots[at];
		char path[QUEUE_PATH_MAX];
		struct stat st;
		int fd;

		queue_path(queue_word(spot->queue), spot->depth, id, path);
		fd = queue_open(queue_dir, path);
		if (fd == -ENOENT || fd == -ENOTDIR ||
		    (fd < 0 && fstatat(queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0))
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
