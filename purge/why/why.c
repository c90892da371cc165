/* SPDX-License-Identifier: ISC */
/* Why messages wait: their defer logs, read in a child. */
#include "purge/why/why.h"

#include <errno.h>

#include "base/clock.h"
#include "purge/why/why_count.h"

#define TIME_MAX (3600 * USEC_PER_SEC) /* an hour; ^C ends it sooner */

/* ---- in the child */

struct task {
	const struct postfix *p;
	int64_t now;
	const struct why_message *messages;
	size_t count;
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct task *task = arg;
	struct why_count *c;
	int code = why_count_new(task->p, task->now, &c, err);

	if (code < 0)
		return code;
	for (size_t n = 0; n < task->count && code == 0; n++)
		code = why_count_message(c, &task->messages[n]);
	if (code < 0)
		err_sys(err, -code, "failed to count reasons");
	else
		code = why_count_put(c, out, err);
	why_count_free(c);
	return code;
}

/* ---- the command */

static int compare_groups(const void *left, const void *right)
{
	const struct why_group *a = left, *b = right;

	if (a->recipients != b->recipients)
		return a->recipients > b->recipients ? -1 : 1;
	return strcmp(a->reason, b->reason);
}

static void view_group(struct reader *r, struct why_group *g)
{
	g->reason = reader_text(r);
	g->recipients = reader_u64(r);
	g->messages = reader_u64(r);
	g->example_id = reader_text(r);
	g->example_recipient = reader_text(r);
	g->example_reason = reader_text(r);
	g->domain_count = reader_u64(r);
	for (size_t i = 0; i < WHY_DOMAINS; i++) {
		g->domains[i].name = reader_text(r);
		g->domains[i].count = reader_u64(r);
	}
	g->domains_listed = g->domain_count < WHY_DOMAINS ? (unsigned)g->domain_count : WHY_DOMAINS;
}

static void view_sums(struct reader *r, struct why *why)
{
	why->messages = reader_u64(r);
	why->recipients = reader_u64(r);
	why->silent = reader_u64(r);
	why->due = reader_u64(r);
	why->unread = reader_u64(r);
	why->why_unread = reader_text(r);
	why->oldest = reader_i64(r);
	why->oldest_null = reader_i64(r);
	why->next = reader_i64(r);
	why->last = reader_i64(r);
}

static int view(struct blob *memory, struct why *ret, struct err *err)
{
	struct reader r = reader_of(memory->at, memory->len);
	struct why why = {.memory = *memory};
	uint64_t count;

	*memory = (struct blob){0};
	view_sums(&r, &why);
	count = reader_u64(&r);
	if (count <= WHY_REASONS_MAX + 1)
		why.list = calloc((size_t)count + 1, sizeof(*why.list));
	for (; why.list && why.count < count; why.count++)
		view_group(&r, &why.list[why.count]);
	if (!why.list || !reader_done(&r)) {
		why_release(&why);
		return err_set(err, ERR_CHILD, "the reader of reasons broke off");
	}
	qsort(why.list, why.count, sizeof(*why.list), compare_groups);
	*ret = why;
	return 0;
}

int why_read(const struct postfix *p, const struct why_message *messages, size_t count, int64_t now,
    struct why *ret, struct err *err)
{
	struct task task = {.p = p, .now = now, .messages = messages, .count = count};
	struct role_child child = {.stop = p->stop};
	struct blob memory = {0};
	int code = role_ask(&p->owner, &child, TIME_MAX, work, &task, &memory, err);
	return code < 0 ? code : view(&memory, ret, err);
}

void why_release(struct why *why)
{
	free(why->list);
	blob_release(&why->memory);
	*why = (struct why){0};
}
