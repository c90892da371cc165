/* SPDX-License-Identifier: ISC */
/* Why messages wait: read in a child, from the one or the other source. */
#include "purge/why/why.h"

#include <errno.h>

#include "base/io.h"
#include "postfix/spool/spool.h"
#include "postfix/tool/postqueue.h"
#include "purge/why/why_count.h"

/* ---- in the child */

/* What is asked, of either source. */
struct task {
	const struct postfix *p;
	int64_t now;
	const struct why_message *messages;
	size_t count;
	int lines; /* of postqueue -j; -1 = messages are asked about */
	const struct selector *selector;
	struct why_count *counted; /* in the child */
};

static int visit_reason(void *arg, const char *recipient, const char *reason)
{
	return why_count_recipient(arg, recipient, reason);
}

/* A log that cannot be read ends nothing: the others are worth reading. */
static int count_logs(struct why_count *c, struct task *task, struct err *err)
{
	for (size_t n = 0; n < task->count; n++) {
		const struct why_message *m = &task->messages[n];
		struct err words;
		int code;

		why_count_begin(c, &m->queue_id, m->arrival_time, m->null_sender);
		code = spool_reasons_visit(
		    task->p, why_count_directory(c), &m->queue_id, visit_reason, c);
		if (code == -ENOMEM)
			return err_sys(err, ENOMEM, "failed to count reasons");
		if (code < 0) {
			err_sys(
			    &words, -code, "failed to read the defer log of %s", m->queue_id.text);
			why_count_unread(c, 1, &words);
		}
		why_count_end(c, m->queue);
	}
	return 0;
}

static int visit_entry(void *arg, const struct postqueue_entry *entry)
{
	char address[POSTQUEUE_TEXT_MAX], reason[POSTQUEUE_TEXT_MAX];
	const struct task *task = arg;
	struct why_count *c = task->counted;
	int code = 0;

	if (!selector_match_file(task->selector, entry->arrival_time, entry->size, entry->queue))
		return 0;
	why_count_begin(c, &entry->queue_id, entry->arrival_time, entry->null_sender);
	for (size_t n = 0; n < entry->recipients && code == 0; n++) {
		postqueue_recipient(entry, n, address, reason);
		if (*reason)
			code = why_count_recipient(c, address, reason);
	}
	why_count_end(c, entry->queue);
	return code;
}

static int count_lines(struct why_count *c, struct task *task, struct err *err)
{
	struct err words = {""};
	uint64_t unread;
	int code = postqueue_read(task->lines, visit_entry, task, &unread, &words);

	if (code < 0)
		return err_sys(err, -code, "failed to read the lines of postqueue -j");
	why_count_unread(c, unread, &words);
	return 0;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct task *task = arg;
	struct why_count *c;
	int code = why_count_new(task->p, task->now, &c, err);

	if (code < 0)
		return code;
	task->counted = c;
	code = (task->lines >= 0 ? count_lines : count_logs)(c, task, err);
	if (code == 0)
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
	struct task task = {.p = p, .now = now, .messages = messages, .count = count, .lines = -1};
	struct blob memory = {0};
	int code = role_collect(&p->owner, work, &task, &memory, err);

	return code < 0 ? code : view(&memory, ret, err);
}

int why_read_queue(const struct postfix *p, const struct selector *selector, int64_t now,
    struct why *ret, struct err *err)
{
	struct task task = {.p = p, .now = now, .selector = selector};
	struct postqueue_run run;
	struct role_child child = {0};
	struct blob memory = {0};
	int ended, code = postqueue_start(p, &run, err);

	if (code < 0)
		return code;
	task.lines = run.output;
	code = role_start_keeping(&child, &p->owner, run.output, work, &task, err);
	/* Only the child has it now, so that postqueue notices when that one is gone. */
	io_close(&run.output);
	if (code == 0)
		code = role_finish(&child, INT64_MAX, &memory, err);
	ended = postqueue_finish(&run, code < 0, code < 0 ? NULL : err);
	if (code == 0 && ended < 0) {
		blob_release(&memory);
		code = ended;
	}
	return code < 0 ? code : view(&memory, ret, err);
}

void why_release(struct why *why)
{
	free(why->list);
	blob_release(&why->memory);
	*why = (struct why){0};
}
