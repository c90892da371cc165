/* SPDX-License-Identifier: ISC */
/* The catch-up as its caller sees it: started, waited for, taken over. */
#include "order/catchup.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "order/catchup_work.h"

#define POLL_MS 100 /* between two looks at the stop flag, and at how far it is */

/* One writer, the child; one reader. */
struct catchup_progress {
	_Atomic size_t done, of;
};

void catchup_show(struct catchup_progress *p, size_t done, size_t of)
{
	if (!p)
		return;
	p->of = of;
	p->done = done;
}

void catchup_put_found(struct bytes *out, uint32_t matched, uint64_t sequence, struct span record)
{
	bytes_put_u8(out, ENTRY_FOUND);
	bytes_put_u32(out, matched);
	bytes_put_u64(out, sequence);
	bytes_put_blob(out, record.at, record.len);
}

/* In the child, which is what the caller is. */
static int work(void *arg, struct bytes *out, struct err *err)
{
	struct catchup *c = arg;

	/* It does not hear of signals; when its parent goes, it goes. */
	c->task.stop = NULL;
	return catchup_work(&c->task, c->progress, out, err);
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
	int code;

	if (shared == MAP_FAILED)
		return err_sys(err, errno, "failed to read the queue");
	*c = (struct catchup){.task = *task, .progress = shared};
	c->child.stop = task->stop;
	code = role_start(&c->child, &self, work, c, err);
	if (code < 0)
		forget(c);
	return code;
}

/* ---- what it brought */

static int add_found(struct candidates *found, size_t *cap, struct reader *r)
{
	struct candidate c = {.matched = reader_u32(r)}, *list;
	struct span record;

	c.sequence = reader_u64(r);
	record = reader_blob(r);
	if (r->failed || candidate_take(&c, record) != 0)
		return ERR_CHILD;
	list = array_room(found->list, found->count, cap, sizeof(*list));
	if (!list)
		return -ENOMEM;
	found->list = list;
	list[found->count++] = c;
	return 0;
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
	return reader_done(r) ? 1 : ERR_CHILD;
}

static int take_over(struct caught *ret, struct err *err)
{
	struct reader r = reader_of(ret->found.memory.at, ret->found.memory.len);
	size_t cap = 0;
	int code = 0;

	while (code == 0) {
		uint8_t entry = reader_u8(&r);

		if (entry == ENTRY_FOUND)
			code = add_found(&ret->found, &cap, &r);
		else
			code = entry == ENTRY_COUNTS ? take_counts(ret, &r) : ERR_CHILD;
	}
	if (code == -ENOMEM)
		return err_sys(err, ENOMEM, "failed to keep what the queue holds");
	return code < 0 ? err_set(err, code, "the reader of the queue broke off") : 0;
}

static void show(const struct catchup *c)
{
	size_t of = c->progress ? c->progress->of : 0;

	if (c->task.progress && of > 0)
		c->task.progress(c->task.progress_arg, "reading the queue", c->progress->done, of);
}

/* Until it ends, or somebody says stop. */
static void attend(const struct catchup *c)
{
	struct pollfd ended = {c->child.done, POLLIN, 0};

	while (!(c->task.stop && *c->task.stop) && poll(&ended, 1, POLL_MS) <= 0)
		show(c);
}

int catchup_finish(struct catchup *c, struct caught *ret, struct err *err)
{
	struct caught caught = {0};
	int code;

	attend(c);
	code = role_finish(&c->child, INT64_MAX, &caught.found.memory, err);
	if (code == 0)
		code = take_over(&caught, err);
	forget(c);
	if (code == 0)
		*ret = caught;
	else
		caught_release(&caught);
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
