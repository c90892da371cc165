/* SPDX-License-Identifier: ISC */
#include "order/catchup/catchup.h"

#include <sys/mman.h>

#include "order/catchup/catchup_work.h"
#include "order/order_private.h"

#define POLL_MS 100 /* between two looks at the stop flag, and two reports of progress */

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct catchup *c = arg;
	struct catchup_work w = {.task = &c->task, .progress = c->progress};

	c->task.stop = NULL; /* the child gets no signals, and ends with its parent */
	return catchup_work(&w, out, err);
}

static void forget(struct catchup *c)
{
	if (c->progress)
		munmap(c->progress, sizeof(*c->progress));
	*c = (struct catchup){0};
}

int catchup_start(struct catchup *c, const struct catchup_task *task, struct err *err)
{
	struct role self = {.uid = geteuid(), .gid = getegid(), .name = "the caller"};
	void *shared = mmap(
	    NULL, sizeof(*c->progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return err_sys(err, errno, "failed to read the queue");
	*c = (struct catchup){.task = *task, .progress = shared, .child.stop = task->stop};
	int code = role_start(&c->child, &self, work, c, err);
	if (code < 0)
		forget(c);
	return code;
}

static int take_counts(struct caught *ret, struct reader *r)
{
	const void *counts = reader_take(r, sizeof(ret->counts));
	uint32_t names = reader_u32(r);

	if (counts)
		memcpy(&ret->counts, counts, sizeof(ret->counts));
	for (uint32_t n = 0; n < names && !r->failed; n++) {
		const char *name = reader_text(r);

		strlist_push(&ret->unreadable, name, strlen(name));
	}
	err_set(&ret->index_why, 0, "%s", reader_text(r));
	if (ret->unreadable.failed)
		return -ENOMEM;
	return reader_done(r) ? 0 : ERR_CHILD;
}

static int take_over(struct blob *blob, struct caught *ret, struct err *err)
{
	size_t len = blob->len < sizeof(uint32_t) ? 0 : blob->len - sizeof(uint32_t);
	struct reader last = reader_of(blob->at + len, blob->len - len);
	uint32_t counts_len = reader_u32(&last);
	struct reader r = reader_of(NULL, 0);
	int code = ERR_CHILD;

	if (counts_len > 0 && counts_len <= len) {
		r = reader_of(blob->at + len - counts_len, counts_len);
		code = take_counts(ret, &r);
	}
	if (code < 0) {
		blob_release(blob);
		return err_set(
		    err, code, "the reader of the queue ended early (%s)", err_word(code));
	}
	blob->len = len - counts_len;
	code = select_view(blob, &ret->found, err);
	if (code == 0 && ret->found.damaged > 0)
		code = err_set(err, ERR_CHILD, "the reader of the queue wrote damaged records");
	return code;
}

static void attend(const struct catchup *c)
{
	const struct catchup_task *task = &c->task;
	struct pollfd ended = {c->child.done, POLLIN, 0};

	while (!(task->stop && *task->stop) && poll(&ended, 1, POLL_MS) <= 0)
		if (task->progress && c->progress)
			task->progress(task->progress_arg, "reading the queue", c->progress->done,
			    c->progress->of);
}

int catchup_finish(struct catchup *c, struct caught *ret, struct err *err)
{
	struct blob blob = {0};

	attend(c);
	int code = role_finish(&c->child, INT64_MAX, &blob, err);
	code = code ?: take_over(&blob, ret, err);
	forget(c);
	return code;
}

void catchup_end(struct catchup *c)
{
	struct blob ignored = {0};

	if (c->child.pid > 0 && role_finish(&c->child, 0, &ignored, NULL) == 0)
		blob_release(&ignored);
	forget(c);
}

int catchup_run(const struct catchup_task *task, struct caught *ret, struct err *err)
{
	struct catchup c = {0};
	int code = catchup_start(&c, task, err);

	return code < 0 ? code : catchup_finish(&c, ret, err);
}

void caught_release(struct caught *caught)
{
	candidates_release(&caught->found);
	strbuf_release(&caught->unreadable);
	*caught = (struct caught){0};
}

struct update catchup_update(const struct postfix *p, struct queue_place place, int64_t began)
{
	return (struct update){.place = place,
	    .queue_directory = p->queue_directory,
	    .hostname = p->myhostname ? p->myhostname : "",
	    .began = began};
}

int sync_run(const struct catchup_task *asked, struct caught *ret, struct err *err)
{
	struct catchup_task task = *asked;
	struct index_client index = {.settings = task.settings, .stop = task.stop};
	struct postfix looking = *task.postfix;

	if (task.progress)
		task.progress(task.progress_arg, "asking the index", 0, 0);
	int code = client_daemon(&index, err);
	if (code < 0)
		return code;
	ret->by_daemon = code == 1;
	looking.stop = task.stop;
	task.postfix = &looking;
	task.indexed = task.adopt = true;
	if (!task.dry_run)
		writer_prepare(task.settings, task.stop);
	code = catchup_run(&task, ret, err);
	if (code == 0 && !ret->counts.indexed)
		code = err_set(err, ERR_NO_INDEX, "%s", ret->index_why.text);
	return code;
}
