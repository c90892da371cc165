/* SPDX-License-Identifier: ISC */
/* A message that was selected, by its record. */
#include "index/rows/candidate.h"

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

/* A peek cannot fail: the record was checked. */
struct message candidate_message(const struct candidate *c)
{
	struct message message;

	message_init(&message);
	(void)!record_peek((struct span){c->record, c->record_len}, &message);
	return message;
}

struct queue_id candidate_id(const struct candidate *c)
{
	return candidate_message(c).queue_id;
}

int64_t candidate_mail_time(const struct candidate *c)
{
	return candidate_message(c).mail_time;
}

void candidates_release(struct candidates *c)
{
	free(c->list);
	blob_release(&c->memory);
	bytes_release(&c->made);
	*c = (struct candidates){0};
}
