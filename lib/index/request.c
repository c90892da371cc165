/* SPDX-License-Identifier: ISC */
/* Requests and replies as bytes. Head: u16 version, u16 kind. Applying them is in apply.c. */
#include "index/request.h"

static void begin(struct bytes *out, enum request_kind kind)
{
	bytes_clear(out);
	bytes_put_u16(out, REQUEST_VERSION);
	bytes_put_u16(out, (uint16_t)kind);
}

void request_status(struct bytes *out)
{
	begin(out, REQUEST_STATUS);
}

void request_drop(struct bytes *out, const struct request_row *rows, size_t count)
{
	begin(out, REQUEST_DROP);
	bytes_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		bytes_put_u64(out, rows[i].sequence);
		bytes_put_text(out, rows[i].queue_id.text);
	}
}

void request_add(struct bytes *out, const struct span *records, size_t count)
{
	begin(out, REQUEST_ADD);
	bytes_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		bytes_put_blob(out, records[i].at, records[i].len);
}

void request_batch(struct bytes *out, const struct batch *b)
{
	begin(out, REQUEST_BATCH);
	batch_encode(b, out);
}

void request_batch_part(struct bytes *out, uint64_t number, uint32_t part, struct span items)
{
	begin(out, REQUEST_BATCH_PART);
	bytes_put_u64(out, number);
	bytes_put_u32(out, part);
	bytes_put_blob(out, items.at, items.len);
}

void request_rule_set(struct bytes *out, const struct rule *r)
{
	begin(out, REQUEST_RULE_SET);
	rule_encode(r, out);
}

void request_rule_unset(struct bytes *out, const char *subject)
{
	begin(out, REQUEST_RULE_UNSET);
	bytes_put_text(out, subject);
}

void request_settle(struct bytes *out)
{
	begin(out, REQUEST_SETTLE);
}

void request_instance(struct bytes *out, const char *queue_directory, const char *hostname)
{
	begin(out, REQUEST_INSTANCE);
	bytes_put_text(out, queue_directory);
	bytes_put_text(out, hostname);
}

void request_synced(struct bytes *out, const struct synced *synced)
{
	begin(out, REQUEST_SYNCED);
	synced_encode(synced, out);
}

void request_hits(struct bytes *out)
{
	begin(out, REQUEST_HITS);
}

int request_kind_of(struct span request)
{
	struct reader r = reader_of(request.at, request.len);
	uint16_t version = reader_u16(&r), kind = reader_u16(&r);

	if (r.failed || version == 0)
		return ERR_SYNTAX;
	if (version > REQUEST_VERSION)
		return ERR_VERSION;
	return kind >= REQUEST_STATUS && kind <= REQUEST_SETTLE ? kind : ERR_SYNTAX;
}

bool request_needs_daemon(int kind)
{
	return kind == REQUEST_STATUS || kind == REQUEST_HITS;
}

bool request_touches_rules(int kind)
{
	return kind == REQUEST_RULE_SET || kind == REQUEST_RULE_UNSET;
}

bool request_touches_messages(int kind)
{
	return kind == REQUEST_DROP || kind == REQUEST_ADD;
}

/* ---- what rule requests are about */

static struct span body_of(struct span request)
{
	return (struct span){.at = (const char *)request.at + 4, .len = request.len - 4};
}

int request_rule_of(struct span request, struct rule *ret, struct err *err)
{
	if (request_kind_of(request) != REQUEST_RULE_SET)
		return err_set(err, ERR_SYNTAX, "not a rule request");
	return rule_decode(body_of(request), ret, err) == 0 ? 0 : ERR_SYNTAX;
}

int request_subject_of(struct span request, const char **ret)
{
	struct span body;
	struct reader r;
	const char *subject;

	if (request_kind_of(request) != REQUEST_RULE_UNSET)
		return ERR_SYNTAX;
	body = body_of(request);
	r = reader_of(body.at, body.len);
	subject = reader_text(&r);
	if (!reader_done(&r))
		return ERR_SYNTAX;
	*ret = subject;
	return 0;
}

/* ---- replies */

void reply_encode(const struct reply *reply, struct bytes *out)
{
	bytes_clear(out);
	bytes_put_u16(out, REQUEST_VERSION);
	bytes_put_u32(out, (uint32_t)reply->code);
	bytes_put_u64(out, reply->value);
	bytes_put_u8(out, reply->saved);
	bytes_put_text(out, reply->text);
	bytes_put_text(out, reply->status);
}

int reply_decode(struct span frame, struct reply *ret)
{
	struct reader r = reader_of(frame.at, frame.len);
	uint16_t version = reader_u16(&r);

	if (!r.failed && version > REQUEST_VERSION)
		return ERR_VERSION;
	ret->code = (int32_t)reader_u32(&r);
	ret->value = reader_u64(&r);
	ret->saved = reader_u8(&r) != 0;
	ret->text = reader_text(&r);
	ret->status = reader_text(&r);
	return reader_done(&r) && version == REQUEST_VERSION && ret->code <= 0 ? 0 : ERR_SYNTAX;
}
