/* SPDX-License-Identifier: ISC */
/* What a child hands over, and how its parent takes it in. */
#include "index/client_view.h"

/* ---- selections */

/* Puts one row where the selector means it; what a captured daemon slips in counts as damaged. */
static bool put_meant(const struct selector *selector, struct reader *r, struct bytes *out)
{
	uint64_t sequence = reader_u64(r);
	struct span record;
	struct message message;
	uint32_t matched;

	(void)reader_u32(r); /* what it says of that */
	record = reader_blob(r);
	if (r->failed || record_peek(record, &message) != 0)
		return false;
	matched = selector_nominate(selector, &message, NULL);
	if (matched == 0)
		return false;
	bytes_put_u64(out, sequence);
	bytes_put_u32(out, matched);
	bytes_put_blob(out, record.at, record.len);
	return true;
}

/* A selection (select.h's format), of which each row is asked about once more. */
static int put_selection(const struct selector *selector, struct span body, struct bytes *out)
{
	struct reader r = reader_of(body.at, body.len);
	size_t start = out->len;
	uint64_t count = reader_u64(&r), damaged = reader_u64(&r), kept = 0;

	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	bytes_put_u64(out, reader_u64(&r));
	bytes_put_u64(out, reader_u64(&r));
	for (uint64_t n = 0; n < count && !r.failed; n++) {
		bool meant = put_meant(selector, &r, out);

		kept += meant;
		damaged += !meant;
	}
	bytes_set_u64(out, start, kept);
	bytes_set_u64(out, start + 8, damaged);
	return reader_done(&r) ? 0 : ERR_CHILD;
}

int client_take_selection(const struct client_answer *answer, struct bytes *out)
{
	if (answer->by_daemon && answer->selector)
		return put_selection(answer->selector, answer->body, out);
	bytes_put(out, answer->body.at, answer->body.len);
	return 0;
}

/* ---- names */

/* The names, then the text. */
int client_take_names(const struct client_answer *answer, struct bytes *out)
{
	bytes_put(out, answer->body.at, answer->body.len);
	bytes_put_text(out, json_text(answer->line, "queue_directory"));
	return 0;
}

int client_view_names(struct client_names *n)
{
	struct reader r = reader_of(n->memory.at, n->memory.len);
	uint64_t count;

	n->place.device = reader_u64(&r);
	n->place.inode = reader_u64(&r);
	count = reader_u64(&r);
	if (count > n->memory.len / sizeof *n->list)
		return ERR_CHILD;
	n->count = (size_t)count;
	/* On a page and 24 bytes: where such a struct may lie. */
	n->list = reader_take(&r, n->count * sizeof *n->list);
	(void)snprintf(n->queue_directory, sizeof n->queue_directory, "%s", reader_text(&r));
	return reader_done(&r) ? 0 : ERR_CHILD;
}

/* ---- updates */

static const char *const updated_keys[] = {"completed", "added", "dropped", "silent"};

int client_take_updated(const struct client_answer *answer, struct bytes *out)
{
	int code = client_take_selection(answer, out);

	if (code != 0)
		return code;
	for (size_t i = 0; i < COUNT_OF(updated_keys); i++)
		bytes_put_u64(out, (uint64_t)json_int(answer->line, updated_keys[i], 0));
	return 0;
}

int client_view_updated(struct blob *memory, struct index_updated *ret)
{
	size_t size = COUNT_OF(updated_keys) * sizeof(uint64_t);
	struct reader r;

	if (memory->len < size)
		return ERR_CHILD;
	memory->len -= size;
	r = reader_of(memory->at + memory->len, size);
	ret->completed = reader_u64(&r);
	ret->added = reader_u64(&r);
	ret->dropped = reader_u64(&r);
	ret->silent = reader_u64(&r);
	return 0;
}

/* ---- counts */

int client_take_counts(const struct client_answer *answer, struct bytes *out)
{
	static const char *const keys[] = {"rows", "used_bytes", "map_bytes", "file_bytes",
	    "recorded", "left_out", "evicted", "evicted_time", "caught_up", "device", "inode"};

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		bytes_put_i64(out, json_int(answer->line, keys[i], 0));
	bytes_put_text(out, json_text(answer->line, "queue_directory"));
	bytes_put_text(out, json_text(answer->line, "hostname"));
	bytes_put_u8(out, answer->by_daemon);
	return 0;
}

int client_view_counts(const struct blob *memory, struct index_counts *c, bool *ret_by_daemon)
{
	struct reader r = reader_of(memory->at, memory->len);

	c->rows = reader_u64(&r);
	c->used_bytes = reader_u64(&r);
	c->map_bytes = reader_u64(&r);
	c->file_bytes = reader_u64(&r);
	c->recorded = reader_u64(&r);
	c->left_out = reader_u64(&r);
	c->evicted = reader_u64(&r);
	c->evicted_time = reader_i64(&r);
	c->caught_up = reader_i64(&r);
	c->place.device = reader_u64(&r);
	c->place.inode = reader_u64(&r);
	(void)snprintf(c->queue_directory, sizeof c->queue_directory, "%s", reader_text(&r));
	(void)snprintf(c->hostname, sizeof c->hostname, "%s", reader_text(&r));
	*ret_by_daemon = reader_u8(&r) != 0;
	return reader_done(&r) ? 0 : ERR_CHILD;
}
