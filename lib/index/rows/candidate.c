/* SPDX-License-Identifier: ISC */

#include "index/rows/select.h"

#define EACH_LEAST 16 /* the fewest bytes that a message takes */

int candidate_take(struct candidate *c, struct span record)
{
	struct message message;
	int code = record_decode(record, &message);

	if (code != 0)
		return code;
	c->record = record.at;
	c->record_len = (uint32_t)record.len;
	return 0;
}

struct message candidate_message(const struct candidate *c)
{
	struct message message;

	message_init(&message);
	(void)!record_peek((struct span){c->record, c->record_len}, &message);
	return message;
}

struct queue_id candidate_id(const struct candidate *c)
{
	struct queue_id id = {0};

	(void)!record_peek_id((struct span){c->record, c->record_len}, &id);
	return id;
}

void candidates_release(struct candidates *c)
{
	free(c->list);
	blob_release(&c->memory);
	bytes_release(&c->made);
	*c = (struct candidates){0};
}

static int view_each(struct reader *r, size_t count, struct candidates *view)
{
	for (size_t i = 0; i < count && !r->failed; i++) {
		struct candidate *c = &view->list[view->count];

		c->sequence = reader_u64(r);
		c->matched = reader_u32(r);
		if (candidate_take(c, reader_blob(r)) == 0)
			view->count++;
		else
			view->damaged++;
	}
	return reader_done(r) ? 0 : ERR_CHILD;
}

int select_view(struct blob *memory, struct candidates *ret, struct err *err)
{
	struct reader r = reader_of(memory->at, memory->len);
	struct candidates view = {.memory = *memory};
	uint64_t count = reader_u64(&r);
	int code = 0;

	memset(memory, 0, sizeof *memory);
	view.damaged = reader_u64(&r);
	view.limits = reader_u64(&r);
	view.unjoined = reader_u64(&r);
	if (r.failed || count > view.memory.len / EACH_LEAST)
		code = ERR_CHILD;
	if (code == 0) {
		view.list = calloc(count ? (size_t)count : 1, sizeof *view.list);
		code = view.list ? view_each(&r, (size_t)count, &view) : -ENOMEM;
	}
	if (code != 0) {
		candidates_release(&view);
		return err_set(
		    err, code, "failed to take over what was selected (%s)", err_word(code));
	}
	*ret = view;
	return 0;
}
