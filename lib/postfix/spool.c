/* SPDX-License-Identifier: ISC */
/* Looks at single queue files: where they lie, whether they are complete, whether they are who we
 * think. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/early_names.h"
#include "postfix/queue_file.h"
#include "postfix/spool.h"

#define LOOKS       2    /* passes of lstat before a message counts as gone */
#define ROUNDS_MAX  16   /* times that a file may run away between two system calls */
#define SPLIT_COUNT 4000 /* from here on a second child pays */
#define LIST_COUNT  32   /* from here on reading the names of the early queues pays */

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
static void judge_unreadable(
    const struct postfix *p, int queue_dir, const char *path, int code, struct proof *ret)
{
	struct stat st;

	ret->state = PROOF_ERROR;
	ret->error = code;
	if (fstatat(queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	ret->inode = st.st_ino;
	if (!S_ISREG(st.st_mode) ||
	    (code == -EACCES && ret->queue == QUEUE_MAILDROP && st.st_uid != p->owner.uid))
		ret->state = PROOF_CHANGED;
}

/* One pass: opens the first file of that name in flow order and judges it. False: there was none.
 */
static bool look_open(
    const struct postfix *p, int queue_dir, const struct message *recorded, struct proof *ret)
{
	char path[QUEUE_PATH_MAX];

	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		int fd;

		queue_path(p, queue_at(n), &recorded->queue_id, path);
		fd = queue_open(queue_dir, path);
		if (fd == -ENOENT || fd == -ENOTDIR)
			continue;
		*ret = (struct proof){.queue = queue_at(n), .arrival_time = -1, .size = -1};
		if (fd < 0) {
			judge_unreadable(p, queue_dir, path, fd, ret);
			return true;
		}
		judge(fd, recorded, ret);
		io_close(&fd);
		return true;
	}
	return false;
}

/* What makes many looks cheaper than as many single ones. */
struct looking {
	enum queue_name hint; /* where the last message lay: the next one is tried there first */
	struct early_names early; /* asked instead of lstat, for the queues that it has */
};

/* Whether a queue before that of the hint has the name, or may have it. */
static bool is_earlier(
    const struct postfix *p, int queue_dir, const struct queue_id *id, const struct looking *l)
{
	char path[QUEUE_PATH_MAX];
	struct stat st;

	if (early_names_have(&l->early, id))
		return true;
	for (unsigned n = 0; queue_at(n) != l->hint; n++) {
		if (l->early.queues & queue_at(n))
			continue;
		queue_path(p, queue_at(n), id, path);
		if (fstatat(queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
			return true;
	}
	return false;
}

/*
 * The short way: mail of one order mostly lies in one queue, so that one is tried first. What is
 * found there counts only if no earlier queue has the name, for there postsuper would find it
 * first.
 */
static bool look_hint(const struct postfix *p, int queue_dir, const struct message *recorded,
    const struct looking *l, struct proof *ret)
{
	char path[QUEUE_PATH_MAX];
	int fd;

	queue_path(p, l->hint, &recorded->queue_id, path);
	fd = queue_open(queue_dir, path);
	if (fd < 0)
		return false;
	*ret = (struct proof){.queue = (uint8_t)l->hint, .arrival_time = -1, .size = -1};
	judge(fd, recorded, ret);
	io_close(&fd);
	return !is_earlier(p, queue_dir, &recorded->queue_id, l);
}

/* One pass by lstat in flow order: 1 and where it lies, 0 nowhere, -errno where that cannot be
 * known. */
static int look_stat(const struct postfix *p, int queue_dir, const struct queue_id *id,
    struct stat *st, unsigned *ret_queue)
{
	char path[QUEUE_PATH_MAX];

	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		queue_path(p, queue_at(n), id, path);
		*ret_queue = queue_at(n);
		if (fstatat(queue_dir, path, st, AT_SYMLINK_NOFOLLOW) == 0)
			return 1;
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
	}
	return 0;
}

/* Looks twice: 1 it is somewhere, 0 it is gone, -errno. */
static int look_twice(const struct postfix *p, int queue_dir, const struct queue_id *id,
    struct stat *st, unsigned *ret_queue)
{
	int found = 0;

	for (int n = 0; n < LOOKS && found == 0; n++)
		found = look_stat(p, queue_dir, id, st, ret_queue);
	return found;
}

/* Keeps the hint up for the next message. */
static void prove_one(const struct postfix *p, int queue_dir, const struct message *recorded,
    struct looking *l, struct proof *ret)
{
	struct stat st;
	unsigned queue = 0;
	int found = 1;

	if (look_hint(p, queue_dir, recorded, l, ret))
		return;
	for (int round = 0; round < ROUNDS_MAX && found == 1; round++) {
		if (look_open(p, queue_dir, recorded, ret)) {
			l->hint = ret->queue;
			return;
		}
		found = look_twice(p, queue_dir, &recorded->queue_id, &st, &queue);
	}
	*ret = (struct proof){.state = PROOF_GONE, .arrival_time = -1, .size = -1};
	if (found != 0) {
		ret->state = PROOF_ERROR;
		ret->queue = (uint8_t)queue;
		ret->error = found < 0 ? found : -EAGAIN;
	}
}

void spool_prove_one(
    const struct postfix *p, int queue_dir, const struct message *recorded, struct proof *ret)
{
	struct looking looking = {.hint = QUEUE_DEFERRED};
	prove_one(p, queue_dir, recorded, &looking, ret);
}

static void state_one(
    const struct postfix *p, int queue_dir, const struct queue_id *id, struct proof *ret)
{
	struct stat st;
	unsigned queue = 0;
	int found = look_twice(p, queue_dir, id, &st, &queue);

	*ret = (struct proof){.state = PROOF_GONE, .arrival_time = -1, .size = -1};
	if (found == 0)
		return;
	ret->queue = (uint8_t)queue;
	if (found < 0) {
		ret->state = PROOF_ERROR;
		ret->error = found;
		return;
	}
	ret->inode = st.st_ino;
	ret->size = st.st_size;
	ret->state = queue_is_complete(&st) ? PROOF_SAME : PROOF_ARRIVING;
}

/* ---- the same in children */

/* A child's share of a task: either messages to prove or names to look at. */
struct share {
	const struct postfix *p;
	spool_get *get;
	void *arg;
	const struct queue_id *ids; /* where get is NULL */
	size_t begin, end;
	struct role_child child;
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct share *share = arg;
	struct looking looking = {.hint = QUEUE_DEFERRED};
	size_t count = share->end - share->begin;
	int queue_dir = open(share->p->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (queue_dir < 0)
		return err_sys(
		    err, errno, "failed to open the queue '%s'", share->p->queue_directory);
	if (share->get && count >= LIST_COUNT)
		early_names_read(&looking.early, share->p, queue_dir, count);
	for (size_t n = share->begin; n < share->end; n++) {
		struct proof proof;

		if (share->get)
			prove_one(share->p, queue_dir, share->get(share->arg, n), &looking, &proof);
		else
			state_one(share->p, queue_dir, &share->ids[n], &proof);
		bytes_put(out, &proof, sizeof(proof));
	}
	early_names_release(&looking.early);
	io_close(&queue_dir);
	return 0;
}

/* What a child handed over is copied only if it is exactly what was asked for. */
static int take_share(struct share *share, struct proof *into, struct err *err)
{
	size_t count = share->end - share->begin;
	struct blob blob = {0};
	int code = role_finish(&share->child, INT64_MAX, &blob, err);

	if (code == 0 && blob.len != count * sizeof(*into))
		code = err_set(err, ERR_CHILD, "the prover broke off");
	for (size_t n = 0; code == 0 && n < count; n++) {
		memcpy(&into[share->begin + n], blob.at + n * sizeof(*into), sizeof(*into));
		if (into[share->begin + n].state > PROOF_ERROR)
			code = err_set(err, ERR_CHILD, "the prover lied");
	}
	blob_release(&blob);
	return code;
}

/* Runs the task in one child or, where it is large, two. */
static int run_shares(const struct share *task, size_t count, struct proof **ret, struct err *err)
{
	struct share shares[2] = {*task, *task};
	unsigned used = count > SPLIT_COUNT ? 2 : 1, started = 0;
	struct proof *proofs = calloc(count ? count : 1, sizeof(*proofs));
	int code = 0;

	if (!proofs)
		return err_sys(err, ENOMEM, "failed to look at %zu messages", count);
	for (unsigned n = 0; n < used && code == 0; n++) {
		shares[n].begin = count * n / used;
		shares[n].end = count * (n + 1) / used;
		code = role_start(&shares[n].child, &task->p->owner, work, &shares[n], err);
		started += code == 0;
	}
	for (unsigned n = 0; n < started; n++) {
		int one = take_share(&shares[n], proofs, code == 0 ? err : NULL);
		code = code == 0 ? one : code;
	}
	if (code == 0)
		*ret = proofs;
	else
		free(proofs);
	return code;
}

int spool_prove(const struct postfix *p, spool_get *get, void *arg, size_t count,
    struct proof **ret, struct err *err)
{
	struct share task = {.p = p, .get = get, .arg = arg};
	return run_shares(&task, count, ret, err);
}

int spool_states(const struct postfix *p, const struct queue_id *ids, size_t count,
    struct proof **ret, struct err *err)
{
	struct share task = {.p = p, .ids = ids};
	return run_shares(&task, count, ret, err);
}
