/* SPDX-License-Identifier: ISC */
/* Where queue and index disagree. */
#include "order/strays.h"

#include <errno.h>

#include "base/clock.h"

static int take_names(const struct order *order, struct strays *s, struct err *err)
{
	struct spool_walk *walk;
	struct spool_name *names = NULL;
	int code = spool_walk_start(order->postfix, &walk, err);

	if (code == 0)
		code = spool_walk_finish(walk, &names, &s->name_count, err);
	if (code != 0)
		return code;
	s->names = calloc(s->name_count + 1, sizeof(*s->names));
	for (size_t n = 0; s->names && n < s->name_count; n++)
		s->names[n] = names[n].queue_id;
	free(names);
	return s->names ? 0 : err_sys(err, ENOMEM, "failed to keep %zu names", s->name_count);
}

/* ---- rows whose file is another message */

struct looked {
	const struct strays *s;
	const size_t *at;
	struct message message; /* the one asked for last */
};

static const struct message *message_at(void *arg, size_t n)
{
	struct looked *looked = arg;

	looked->message = candidate_message(&looked->s->join.named.list[looked->at[n]]);
	return &looked->message;
}

/*
 * Stricter than a purge, which leaves a file alone unless it is proven to be the recorded message:
 * here it must be proven not to be. Only the arrival does that; a sender may have been rewritten,
 * and where the clock was set in between nothing is left to go by.
 */
static bool is_another(const struct message *recorded, const struct proof *proof)
{
	int64_t arrival = proof->arrival_time;

	if (proof->state != PROOF_CHANGED && proof->state != PROOF_UNPROVEN)
		return false;
	if (arrival < 0 || recorded->flags & MESSAGE_CLOCK_STEPPED)
		return false;
	switch (recorded->origin) {
	case ORIGIN_SMTPD:
		return arrival < recorded->mail_time || arrival > recorded->rcpt_time;
	case ORIGIN_SENDMAIL:
		return arrival > recorded->end_time;
	case ORIGIN_SCAN:
		return arrival != recorded->mail_time;
	}
	return false;
}

static int prove_share(const struct order *order, struct strays *s, struct err *err)
{
	const struct candidates *named = &s->join.named;
	struct proof *proofs = NULL;
	size_t *at = calloc(named->count + 1, sizeof(*at)), count = 0;
	struct looked looked = {.s = s, .at = at};
	int code = 0;

	s->another = calloc(named->count + 1, 1);
	if (!at || !s->another) {
		free(at);
		return err_sys(err, ENOMEM, "failed to prove %zu messages", named->count);
	}
	for (size_t n = 0; n < named->count; n++)
		if (named->list[n].matched & JOIN_SHARE)
			at[count++] = n;
	if (count > 0)
		code = spool_prove(order->postfix, message_at, &looked, count, &proofs, err);
	for (size_t n = 0; code == 0 && n < count; n++) {
		struct message recorded = candidate_message(&named->list[at[n]]);

		s->another[at[n]] = is_another(&recorded, &proofs[n]);
		s->another_count += s->another[at[n]];
	}
	free(proofs);
	free(at);
	return code;
}

int strays_find(
    const struct order *order, struct join_task *task, struct strays *ret, struct err *err)
{
	int code = take_names(order, ret, err);

	if (code != 0)
		return code;
	task->names = ret->names;
	task->count = ret->name_count;
	task->now = clock_wall();
	code = index_join(order->settings->index_directory, task, &ret->join, err);
	return code != 0 ? code : prove_share(order, ret, err);
}

void strays_release(struct strays *s)
{
	free(s->names);
	free(s->another);
	join_release(&s->join);
	*s = (struct strays){0};
}
