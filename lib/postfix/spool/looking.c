/* SPDX-License-Identifier: ISC */
/* Looks at many queue files: where they lie, whether they are complete, whether they are who we
 * think. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/file/queue_file.h"
#include "postfix/spool/looking.h"

#define PASSES     2  /* by name, before a message counts as gone */
#define ROUNDS_MAX 16 /* times that a file may run away between two system calls */
#define LIST_COUNT 32 /* from here on reading the names in a queue pays */
#define EARLY      (QUEUE_MAILDROP | QUEUE_INCOMING | QUEUE_ACTIVE)

static const struct queue_id *id_at(const struct looking *l, size_t n)
{
	return l->get ? &l->get(l->arg, l->first + n)->queue_id : &l->ids[l->first + n];
}

static enum proof_state state_of(enum judgement judged)
{
	switch (judged) {
	case JUDGED_SAME:
		return PROOF_SAME;
	case JUDGED_UNPROVEN:
		return PROOF_UNPROVEN;
	case JUDGED_CHANGED:
		break;
	}
	return PROOF_CHANGED;
}

/*
 * An arriving file may be empty yet or end anywhere, for cleanup(8) writes by buffers. It is
 * another message only if an envelope that is whole (code 0) rules ours out.
 */
static enum proof_state state_of_arriving(
    const struct message *recorded, const struct identity *found, int code)
{
	struct queue_id_parts parts;

	queue_id_split(&recorded->queue_id, &parts);
	if (found->inode != parts.inode)
		return PROOF_CHANGED;
	if (code < 0 || !found->has_sender)
		return PROOF_ARRIVING;
	return identity_judge(recorded, found) == JUDGED_CHANGED ? PROOF_CHANGED : PROOF_ARRIVING;
}

/* Judges the open file. */
static void judge(int fd, const struct message *recorded, struct proof *ret)
{
	struct identity found;
	struct stat st;
	int code;

	if (fstat(fd, &st) < 0) {
		ret->state = PROOF_ERROR;
		ret->error = -errno;
		return;
	}
	ret->inode = st.st_ino;
	if (!S_ISREG(st.st_mode)) {
		ret->state = PROOF_CHANGED;
		return;
	}
	code = queue_file_identity_of(fd, &st, &found);
	ret->arrival_time = found.arrival_time;
	ret->size = found.size;
	if (!queue_is_complete(&st)) {
		ret->state = state_of_arriving(recorded, &found, code);
	} else if (code < 0) {
		ret->state = PROOF_ERROR;
		ret->error = code;
	} else {
		ret->state = state_of(identity_judge(recorded, &found));
	}
}

/*
 * What it means that path is there and cannot be opened. Mail in maildrop that another user
 * submitted is not readable for mail_owner, and was never in a later queue: it is not the recorded
 * message.
 */
static void judge_unreadable(const struct looking *l, const char *path, int code, struct proof *ret)
{
	struct stat st;

	ret->state = PROOF_ERROR;
	ret->error = code;
	if (fstatat(l->queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	ret->inode = st.st_ino;
	if (!S_ISREG(st.st_mode) ||
	    (code == -EACCES && ret->queue == QUEUE_MAILDROP && st.st_uid != l->p->owner.uid))
		ret->state = PROOF_CHANGED;
}

/* Opens the first file of that name in flow order and judges it. False: there was none. */
static bool look_open(const struct looking *l, const struct message *recorded, struct proof *ret)
{
	char path[QUEUE_PATH_MAX];

	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		int fd;

		queue_path(l->p, queue_at(n), &recorded->queue_id, path);
		fd = queue_open(l->queue_dir, path);
		if (fd == -ENOENT || fd == -ENOTDIR)
			continue;
		*ret = (struct proof){.queue = queue_at(n), .arrival_time = -1, .size = -1};
		if (fd < 0) {
			judge_unreadable(l, path, fd, ret);
			return true;
		}
		judge(fd, recorded, ret);
		io_close(&fd);
		return true;
	}
	return false;
}

/* Whether a queue before that of the hint has the name, or may have it. */
static bool is_earlier(const struct looking *l, const struct queue_id *id)
{
	char path[QUEUE_PATH_MAX];
	struct stat st;

	if (listing_has(&l->early, id))
		return true;
	for (unsigned n = 0; queue_at(n) != l->hint; n++) {
		if (l->early.queues & queue_at(n))
			continue;
		queue_path(l->p, queue_at(n), id, path);
		if (fstatat(l->queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
			return true;
	}
	return false;
}

/*
 * The short way: mail of one order mostly lies in one queue, so that one is tried first. What is
 * found there counts only if no earlier queue has the name, for there postsuper would find it
 * first.
 */
static bool look_hint(const struct looking *l, const struct message *recorded, struct proof *ret)
{
	char path[QUEUE_PATH_MAX];
	int fd;

	queue_path(l->p, l->hint, &recorded->queue_id, path);
	fd = queue_open(l->queue_dir, path);
	if (fd < 0)
		return false;
	*ret = (struct proof){.queue = (uint8_t)l->hint, .arrival_time = -1, .size = -1};
	judge(fd, recorded, ret);
	io_close(&fd);
	return !is_earlier(l, &recorded->queue_id);
}

/* Keeps the hint up for the next message. False: it was in no queue. */
static bool prove_one(struct looking *l, const struct message *recorded, struct proof *ret)
{
	if (look_hint(l, recorded, ret))
		return true;
	if (!look_open(l, recorded, ret))
		return false;
	l->hint = ret->queue;
	return true;
}

/* Whether the name lies in queue: 1 and what lies there, 0, -errno where that cannot be known. */
static int look_stat(
    const struct looking *l, enum queue_name queue, const struct queue_id *id, struct stat *st)
{
	char path[QUEUE_PATH_MAX];

	queue_path(l->p, queue, id, path);
	if (fstatat(l->queue_dir, path, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* False: it was in no queue. */
static bool state_one(const struct looking *l, const struct queue_id *id, struct proof *ret)
{
	struct stat st;
	int found = 0;

	for (unsigned n = 0; n < QUEUE_COUNT && found == 0; n++) {
		found = look_stat(l, queue_at(n), id, &st);
		ret->queue = queue_at(n);
	}
	if (found == 0)
		return false;
	if (found < 0) {
		*ret = (struct proof){PROOF_ERROR, ret->queue, found, -1, -1, 0};
		return true;
	}
	ret->state = queue_is_complete(&st) ? PROOF_SAME : PROOF_ARRIVING;
	ret->arrival_time = -1;
	ret->size = st.st_size;
	ret->inode = st.st_ino;
	return true;
}

/* ---- many */

/* Looks at each that is left; what was there has its result. */
static void look_at_left(struct looking *l)
{
	size_t kept = 0;

	if (l->get && l->left_count >= LIST_COUNT)
		listing_read(&l->early, l->p, l->queue_dir, EARLY, l->left_count);
	for (size_t n = 0; n < l->left_count; n++) {
		size_t at = l->left[n];
		struct proof *proof = &l->proofs[at];

		if (l->get ? prove_one(l, l->get(l->arg, l->first + at), proof)
			   : state_one(l, id_at(l, at), proof))
			continue;
		*proof = (struct proof){0};
		l->left[kept++] = at;
	}
	l->left_count = kept;
	listing_release(&l->early);
}

/* Looks in one queue for the names that were not found so far; proofs keep where they lie. */
static void find_in(struct looking *l, enum queue_name queue)
{
	struct listing names = {0};

	if (l->left_count >= LIST_COUNT)
		listing_read(&names, l->p, l->queue_dir, queue, l->left_count);
	for (size_t n = 0; n < l->left_count; n++) {
		struct proof *proof = &l->proofs[l->left[n]];
		const struct queue_id *id = id_at(l, l->left[n]);
		struct stat st;
		int found;

		if (proof->queue)
			continue;
		found = names.queues ? listing_has(&names, id) : look_stat(l, queue, id, &st);
		proof->queue = found ? (uint8_t)queue : 0;
		proof->error = found < 0 ? found : 0;
	}
	listing_release(&names);
}

/* What no pass finds is gone; what was found somewhere is left. */
static void find_left(struct looking *l)
{
	size_t kept = 0;

	for (int pass = 0; pass < PASSES; pass++)
		for (unsigned n = 0; n < QUEUE_COUNT; n++)
			find_in(l, queue_at(n));
	for (size_t n = 0; n < l->left_count; n++) {
		struct proof *proof = &l->proofs[l->left[n]];

		proof->arrival_time = proof->size = -1;
		proof->state = proof->error ? PROOF_ERROR : PROOF_GONE;
		if (proof->queue && !proof->error)
			l->left[kept++] = l->left[n];
	}
	l->left_count = kept;
}

static void leave(struct looking *l, size_t begin, size_t end)
{
	for (size_t n = begin; n < end; n++)
		l->left[l->left_count++] = n;
}

/* Proofs come last, so that they are young. */
static void look_at_all(struct looking *l)
{
	leave(l, 0, l->departed);
	find_left(l);
	leave(l, l->departed, l->count);
	for (int round = 0; round < ROUNDS_MAX && l->left_count > 0; round++) {
		look_at_left(l);
		find_left(l);
	}
	for (size_t n = 0; n < l->left_count; n++) {
		l->proofs[l->left[n]].state = PROOF_ERROR;
		l->proofs[l->left[n]].error = -EAGAIN;
	}
}

int looking_run(struct looking *l, struct err *err)
{
	l->hint = QUEUE_DEFERRED;
	l->proofs = calloc(l->count + 1, sizeof(*l->proofs));
	l->left = calloc(l->count + 1, sizeof(*l->left));
	if (!l->proofs || !l->left)
		return err_sys(err, ENOMEM, "failed to look at %zu messages", l->count);
	l->queue_dir = queue_directory_open(l->p, err);
	if (l->queue_dir < 0)
		return l->queue_dir;
	look_at_all(l);
	io_close(&l->queue_dir);
	return 0;
}

void looking_release(struct looking *l)
{
	free(l->proofs);
	free(l->left);
	*l = (struct looking){0};
}
