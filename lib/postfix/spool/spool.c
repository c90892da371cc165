/* SPDX-License-Identifier: ISC */
#include "postfix/spool/spool.h"
#include "base/clock.h"
#include "postfix/spool/looking.h"

#define SPLIT_COUNT  4000 /* from so many messages on a second child pays */
#define ASKING_TIMES 10   /* factor of patience if a child also reads headers and logs */

struct batch {
	struct looking looking;
	struct role_child child;
};

struct spool_proving {
	struct batch batches[2]; /* two from SPLIT_COUNT messages on */
	unsigned started;
	size_t count;
	int64_t began, deadline; /* steady clock */
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct looking *l = arg; /* the child's own copy, by fork */
	int code = looking_run(l, err);

	if (code == 0) {
		bytes_put(out, l->proofs, l->count * sizeof(*l->proofs));
		bytes_put(out, &l->since, sizeof(l->since));
	}
	looking_release(l);
	return code;
}

/* *ret_since becomes the child's, if that is earlier. */
static int take_batch(const struct spool_proving *s, struct batch *b, struct proof *into,
    int64_t *ret_since, struct err *err)
{
	size_t first = b->looking.first, count = b->looking.count;
	AUTO(blob_release) struct blob blob = {0};
	int64_t since;
	int code = role_finish(&b->child, s->deadline, &blob, err);

	if (code == 0 && blob.len != count * sizeof(*into) + sizeof(since))
		code = err_set(err, ERR_CHILD, "the prover ended early");
	for (size_t n = 0; code == 0 && into && n < count; n++) {
		memcpy(&into[first + n], blob.at + n * sizeof(*into), sizeof(*into));
		if (into[first + n].state > PROOF_ERROR || into[first + n].asked > ASKED_UNSURE ||
		    into[first + n].depth > HASH_DEPTH_MAX)
			code = err_set(err, ERR_CHILD, "the prover lied");
	}
	if (code == 0) {
		memcpy(&since, blob.at + count * sizeof(*into), sizeof(since));
		if (since < s->began || since > clock_steady())
			return err_set(err, ERR_CHILD, "the prover lied");
		*ret_since = since < *ret_since ? since : *ret_since;
	}
	return code;
}

/* How many of the first `many` messages are in this share. */
static size_t share_of(size_t many, const struct looking *l)
{
	size_t after = many < l->first ? 0 : many - l->first;

	return after < l->count ? after : l->count;
}

static int start(const struct looking *task, struct spool_proving **ret, struct err *err)
{
	struct spool_proving *s = calloc(1, sizeof(*s));
	size_t count = task->count;
	unsigned used = count > SPLIT_COUNT ? 2 : 1;
	int code = 0;

	if (!s)
		return err_sys(err, ENOMEM, "failed to look at %zu messages", count);
	s->count = count;
	s->began = clock_steady();
	s->deadline = s->began + queue_patience(count) * (task->asking.selector ? ASKING_TIMES : 1);
	for (unsigned n = 0; n < used && code == 0; n++) {
		struct batch *b = &s->batches[n];
		struct looking *l = &b->looking;

		*l = *task;
		l->first = count * n / used;
		l->count = count * (n + 1) / used - l->first;
		l->departed = share_of(task->departed, l);
		b->child.stop = task->p->stop;
		code = role_start(&b->child, &task->p->owner, work, l, err);
		s->started += code == 0;
	}
	if (code == 0)
		*ret = s;
	else
		(void)!spool_prove_finish(s, NULL, NULL, NULL);
	return code;
}

int spool_prove_start(const struct postfix *p, spool_get *get, void *arg, size_t count,
    size_t departed, enum queue_name first, const struct selector *asks, struct spool_proving **ret,
    struct err *err)
{
	struct looking task = {.p = p,
	    .before = first,
	    .get = get,
	    .arg = arg,
	    .asking = {.selector = asks && selector_asks_file(asks) ? asks : NULL, .postfix = p},
	    .count = count,
	    .departed = departed};

	return start(&task, ret, err);
}

int spool_prove_fd(const struct spool_proving *s)
{
	return s->batches[0].child.done;
}

int spool_prove_finish(
    struct spool_proving *s, struct proof **ret, int64_t *ret_since, struct err *err)
{
	int64_t since = clock_steady();
	struct proof *proofs = calloc(s->count + 1, sizeof(*proofs));
	int code = proofs ? 0 : err_sys(err, ENOMEM, "failed to look at %zu messages", s->count);

	for (unsigned n = 0; n < s->started; n++) {
		int one = take_batch(s, &s->batches[n], proofs, &since, code == 0 ? err : NULL);

		code = code == 0 ? one : code;
	}
	if (ret_since)
		*ret_since = since;
	if (code == 0 && ret)
		*ret = proofs;
	else
		free(proofs);
	free(s);
	return code;
}

int spool_prove(const struct postfix *p, spool_get *get, void *arg, size_t count,
    struct proof **ret, struct err *err)
{
	struct spool_proving *s = NULL;
	int code = spool_prove_start(p, get, arg, count, 0, 0, NULL, &s, err);

	return code != 0 || !s ? code : spool_prove_finish(s, ret, NULL, err);
}

int spool_states(const struct postfix *p, const struct queue_id *ids, size_t count,
    struct proof **ret, struct err *err)
{
	struct looking task = {.p = p, .ids = ids, .count = count, .departed = count};
	struct spool_proving *s = NULL;
	int code = start(&task, &s, err);

	return code != 0 || !s ? code : spool_prove_finish(s, ret, NULL, err);
}
