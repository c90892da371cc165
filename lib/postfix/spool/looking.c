/* SPDX-License-Identifier: ISC */
#include "postfix/spool/looking.h"

#include "base/clock.h"
#include "base/io.h"
#include "postfix/file/queue_file.h"

#define ROUNDS_MAX 16  /* a file may move between two system calls */
#define LIST_COUNT 32  /* from so many names on a listing pays */
#define LIST_MAX   500 /* between two listings; takes under a millisecond */

static const struct queue_id *id_at(const struct looking *l, size_t n)
{
	if (n < l->departed && l->departed_ids)
		return &l->departed_ids[n];
	return l->get ? &l->get(l->arg, l->first + n)->queue_id : &l->ids[l->first + n];
}

static struct proof proof_in(const struct looking *l, unsigned spot)
{
	return (struct proof){.queue = l->queue.spots[spot].queue,
	    .depth = l->queue.spots[spot].depth,
	    .arrival_time = -1,
	    .size = -1};
}

static void path_in(
    const struct looking *l, unsigned spot, const struct queue_id *id, char path[QUEUE_PATH_MAX])
{
	const struct queue_spot *at = &l->queue.spots[spot];

	queue_path(queue_word(at->queue), at->depth, id, path);
}

/* Returns 1 if spot has the name (*st is its file), 0 if not, -errno if that cannot be known. */
static int look_stat(
    const struct looking *l, unsigned spot, const struct queue_id *id, struct stat *st)
{
	char path[QUEUE_PATH_MAX];

	path_in(l, spot, id, path);
	if (fstatat(l->queue.dir, path, st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* The first spot before `end` that has the name, except those that l->names knows. Returns 1, 0, or
 * -errno if none has it but one cannot be searched (which postsuper skips, too). */
static int look_before(const struct looking *l, unsigned end, const struct queue_id *id,
    unsigned *ret_spot, struct stat *st)
{
	int blind = 0;

	for (unsigned n = 0; n < end; n++) {
		int found =
		    listing_knows(&l->names, &l->queue.spots[n]) ? 0 : look_stat(l, n, id, st);

		*ret_spot = n;
		if (found == 1)
			return 1;
		blind = found < 0 ? found : blind;
	}
	return blind;
}

static int is_before(const struct looking *l, unsigned end, const struct queue_id *id)
{
	unsigned spot;
	struct stat st;

	return listing_has(&l->names, id) ? 1 : look_before(l, end, id, &spot, &st);
}

/* cleanup(8) writes through a buffer, so an arriving file may end anywhere. Only a whole envelope
 * (code 0) proves that it is another message. */
static enum proof_state state_of_arriving(
    const struct message *recorded, const struct identity *found, int code)
{
	struct queue_id_parts parts;

	queue_id_split(&recorded->queue_id, &parts);
	if (found->inode != (recorded->queued.known ? recorded->queued.inode : parts.inode))
		return PROOF_CHANGED;
	if (code < 0 || !found->has_sender)
		return PROOF_ARRIVING;
	return identity_judge(recorded, found) == JUDGED_CHANGED ? PROOF_CHANGED : PROOF_ARRIVING;
}

static int judge_open(int fd, const struct message *recorded, struct proof *ret)
{
	static const enum proof_state states[] = {
	    [JUDGED_SAME] = PROOF_SAME,
	    [JUDGED_CHANGED] = PROOF_CHANGED,
	    [JUDGED_UNPROVEN] = PROOF_UNPROVEN,
	};
	struct identity found;
	struct stat st;

	(void)domain_lacked_memory(); /* of an earlier file, whose reading may have failed */
	if (fstat(fd, &st) < 0)
		return -errno;
	ret->inode = st.st_ino;
	if (!S_ISREG(st.st_mode))
		return PROOF_CHANGED;
	int code = queue_file_identity(fd, &st, &found);
	ret->arrival_time = found.arrival_time;
	ret->size = found.size;
	if (!queue_is_complete(&st))
		code = (int)state_of_arriving(recorded, &found, code);
	else if (code >= 0)
		code = (int)states[identity_judge(recorded, &found)];
	return domain_lacked_memory() ? -ENOMEM : code;
}

void spool_judge(int fd, const struct message *recorded, struct proof *ret)
{
	int state = judge_open(fd, recorded, ret);

	ret->state = (uint8_t)(state < 0 ? PROOF_ERROR : state);
	ret->error = state < 0 ? state : 0;
}

/* In maildrop mail_owner cannot read files of other users; such a file was never in a later queue,
 * so it is not the recorded message. Returns false if the name is gone. */
static bool judge_unreadable(
    const struct looking *l, unsigned spot, const struct queue_id *id, int code, struct proof *ret)
{
	struct stat st;

	if (look_stat(l, spot, id, &st) != 1)
		return false;
	ret->state = PROOF_ERROR;
	ret->error = code;
	ret->inode = st.st_ino;
	if (!S_ISREG(st.st_mode) ||
	    (code == -EACCES && ret->queue == QUEUE_MAILDROP && st.st_uid != l->p->owner.uid))
		ret->state = PROOF_CHANGED;
	return true;
}

static void judge_arriving(int fd, struct proof *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !queue_is_stuck(&st, (enum queue_name)ret->queue))
		return;
	ret->state = PROOF_ERROR;
	ret->error = ERR_MODE;
}

/* Returns false if spot has no such file. */
static bool look_in(
    struct looking *l, unsigned spot, const struct message *recorded, struct proof *ret)
{
	char path[QUEUE_PATH_MAX];

	path_in(l, spot, &recorded->queue_id, path);
	AUTO(io_close) int fd = queue_open_path(&l->queue, path);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return false;
	*ret = proof_in(l, spot);
	if (fd < 0)
		return judge_unreadable(l, spot, &recorded->queue_id, fd, ret);
	spool_judge(fd, recorded, ret);
	if (ret->state == PROOF_ARRIVING)
		judge_arriving(fd, ret);
	if (l->asks && (ret->state == PROOF_SAME || ret->state == PROOF_UNPROVEN))
		asking_answer(&l->asking, &l->queue, fd, &recorded->queue_id, ret);
	return true;
}

/* Proves the first file of that name in l->before or else in flow order; false if there is none.
 * Most mail of an order lies in one queue, so we try the hint first. Its file counts only if no
 * earlier spot has the name, because postsuper would take that one. */
static bool prove_one(struct looking *l, const struct message *recorded, struct proof *ret)
{
	for (unsigned n = 0; l->before && n < l->queue.count; n++)
		if (l->queue.spots[n].queue == l->before && look_in(l, n, recorded, ret))
			return true;
	if (look_in(l, l->hint, recorded, ret) && is_before(l, l->hint, &recorded->queue_id) != 1)
		return true;
	for (unsigned n = 0; n < l->queue.count; n++)
		if (look_in(l, n, recorded, ret)) {
			l->hint = n;
			return true;
		}
	return false;
}

static bool state_one(const struct looking *l, const struct queue_id *id, struct proof *ret)
{
	struct stat st;
	unsigned spot;

	if (look_before(l, l->queue.count, id, &spot, &st) != 1)
		return false;
	*ret = proof_in(l, spot);
	ret->state = queue_is_complete(&st) ? PROOF_SAME : PROOF_ARRIVING;
	if (queue_is_stuck(&st, (enum queue_name)ret->queue)) {
		ret->state = PROOF_ERROR;
		ret->error = ERR_MODE;
	}
	ret->size = st.st_size;
	ret->inode = st.st_ino;
	return true;
}

static unsigned queues_before_hint(const struct looking *l)
{
	unsigned queues = 0;

	for (unsigned n = 0; n < l->hint; n++)
		queues |= l->queue.spots[n].queue;
	return queues;
}

static void look_at_left(struct looking *l)
{
	size_t kept = 0;

	if (l->get && l->left_count >= LIST_COUNT)
		listing_read(&l->names, l->queue.dir, queues_before_hint(l), l->left_count);
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
	listing_release(&l->names);
}

static void look_for(struct looking *l, size_t begin, size_t end)
{
	for (size_t n = begin; n < end; n++) {
		struct proof *proof = &l->proofs[l->left[n]];
		int found = proof->queue ? 1 : is_before(l, l->queue.count, id_at(l, l->left[n]));

		if (found == 1)
			proof->queue = QUEUE_ALL;
		proof->error = found < 0 ? found : 0;
	}
}

/* look_for, between two listings of the short queues: a message may move into one meanwhile. */
static void look_between_lists(struct looking *l, size_t begin, size_t end)
{
	listing_read(&l->names, l->queue.dir, QUEUE_ALL, end - begin);
	unsigned listed = l->names.queues;
	look_for(l, begin, end);
	listing_release(&l->names);
	listing_read(&l->names, l->queue.dir, listed, end - begin);
	for (size_t n = begin; n < end; n++)
		if (listing_has(&l->names, id_at(l, l->left[n])))
			l->proofs[l->left[n]].queue = QUEUE_ALL;
	if (l->names.queues != listed) {
		listing_release(&l->names);
		look_for(l, begin, end);
	}
	listing_release(&l->names);
}

static void look_by_name(struct looking *l)
{
	for (size_t begin = 0; begin < l->left_count; begin += LIST_MAX) {
		size_t end = l->left_count - begin > LIST_MAX ? begin + LIST_MAX : l->left_count;

		if (end - begin < LIST_COUNT)
			look_for(l, begin, end);
		else
			look_between_lists(l, begin, end);
	}
}

/* One pass with the layout as it is now, because Postfix may be moving files to another depth. A
 * name that no spot has is gone; the others stay in `left`. */
static void find_left(struct looking *l)
{
	size_t kept = 0;

	if (l->left_count == 0)
		return;
	queue_look(&l->queue);
	look_by_name(l);
	for (size_t n = 0; n < l->left_count; n++) {
		struct proof *proof = &l->proofs[l->left[n]];
		int error = proof->error;

		if (proof->queue)
			l->left[kept++] = l->left[n];
		else
			*proof = (struct proof){.state = error ? PROOF_ERROR : PROOF_GONE,
			    .error = error,
			    .arrival_time = -1,
			    .size = -1};
	}
	l->left_count = kept;
	l->hint = l->hint < l->queue.count ? l->hint : 0;
}

static void leave(struct looking *l, size_t begin, size_t end)
{
	for (size_t n = begin; n < end; n++)
		l->left[l->left_count++] = n;
}

/* Messages that are probably gone come first, so that the proofs of the others are young. */
static void look_at_all(struct looking *l)
{
	l->left_count = 0;
	leave(l, 0, l->departed);
	look_by_name(l);
	find_left(l);
	leave(l, l->departed, l->count);
	l->since = clock_steady();
	for (int round = 0; round < ROUNDS_MAX && l->left_count > 0; round++) {
		look_at_left(l);
		find_left(l);
	}
	for (size_t n = 0; n < l->left_count; n++) {
		struct proof *proof = &l->proofs[l->left[n]];

		*proof = proof_in(l, l->hint);
		proof->state = PROOF_ERROR;
		proof->error = -EAGAIN;
	}
}

/* An answer counts only for the very file that was asked. A file that was arriving then is still
 * reported as arriving: a later look will ask it. */
static void take_answer(struct proof *proof, const struct proof *asked)
{
	if (proof->state != PROOF_SAME && proof->state != PROOF_UNPROVEN)
		return;
	if (asked->state == PROOF_ARRIVING) {
		proof->state = PROOF_ARRIVING;
	} else {
		bool same = asked->asked != ASKED_NOTHING && asked->inode == proof->inode &&
			    asked->arrival_time == proof->arrival_time;

		proof->asked = same ? asked->asked : ASKED_UNSURE;
		proof->limited = asked->limited;
	}
}

/* Proofs must be the last step before postsuper, because a short queue ID may soon name another
 * message. Asking takes as long as headers, logs and expressions make it. So we ask first, with
 * proofs of its own, and prove again at the end. */
static int ask_then_prove(struct looking *l)
{
	struct proof *asked = NULL;

	if (l->asking.selector) {
		l->asks = true;
		look_at_all(l);
		l->asks = false;
		asked = l->proofs;
		l->proofs = calloc(l->count + 1, sizeof(*l->proofs));
	}
	if (l->proofs)
		look_at_all(l);
	for (size_t n = 0; asked && l->proofs && n < l->count; n++)
		take_answer(&l->proofs[n], &asked[n]);
	free(asked);
	return l->proofs ? 0 : -ENOMEM;
}

/* Most mail waits in deferred, at its greatest depth. */
static unsigned first_hint(const struct queue *q)
{
	unsigned hint = 0;

	for (unsigned n = 0; n < q->count; n++)
		if (q->spots[n].queue == QUEUE_DEFERRED)
			hint = n;
	return hint;
}

static bool prepare(struct looking *l)
{
	l->proofs = calloc(l->count + 1, sizeof(*l->proofs));
	l->left = calloc(l->count + 1, sizeof(*l->left));
	if (!l->get || !l->proofs || !l->left)
		return l->proofs && l->left;
	l->departed_ids = calloc(l->departed + 1, sizeof(*l->departed_ids));
	for (size_t n = 0; l->departed_ids && n < l->departed; n++)
		l->departed_ids[n] = l->get(l->arg, l->first + n)->queue_id;
	return l->departed_ids != NULL;
}

int looking_run(struct looking *l, struct err *err)
{
	if (!prepare(l))
		return err_sys(err, ENOMEM, "failed to look at %zu messages", l->count);
	int code = queue_open(l->p, &l->queue, err);
	if (code < 0)
		return code;
	l->hint = first_hint(&l->queue);
	code = ask_then_prove(l);
	queue_close(&l->queue);
	return code < 0 ? err_sys(err, ENOMEM, "failed to look at %zu messages", l->count) : 0;
}

void looking_release(struct looking *l)
{
	free(l->proofs);
	free(l->left);
	free(l->departed_ids);
	asking_release(&l->asking);
	*l = (struct looking){0};
}
