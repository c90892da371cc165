/* SPDX-License-Identifier: ISC */
/* The child sends u64 unread logs, text why the first one is, and for each entry u32 item, u32
 * reason and, for a new reason, its text. */
#include "purge/why/why_groups.h"

#include "base/role.h"
#include "postfix/spool/reason_fold.h"
#include "postfix/spool/spool.h"
#include "purge/why/why.h"

int why_number(struct labels *names, struct strbuf *folded, const char *reason, size_t *ret)
{
	reason_fold(reason, folded);
	int code = labels_number(names, strbuf_text(folded), WHY_REASONS_MAX, ret);
	if (code == ERR_LIMIT)
		code = labels_number(names, "(other reasons)", WHY_REASONS_MAX + 1, ret);
	return code;
}

struct reading {
	const struct postfix *p;
	const struct outcome *outcome;
	int queue_dir;
	struct queue_layout layout;
	struct labels names;
	struct strbuf folded;
	uint32_t last[WHY_REASONS_MAX + 1]; /* by reason: the last item that has it, + 1 */
	uint32_t item;
	uint64_t unread;
	struct err why_unread;
	struct bytes entries;
};

static int take_reason(void *arg, const struct spool_reason *reason)
{
	struct reading *r = arg;
	size_t number, known = r->names.count;
	int code = why_number(&r->names, &r->folded, reason->text, &number);

	if (code < 0 || r->last[number] == r->item + 1)
		return code;
	r->last[number] = r->item + 1;
	bytes_put_u32(&r->entries, r->item);
	bytes_put_u32(&r->entries, (uint32_t)number);
	if (number == known)
		bytes_put_text(&r->entries, labels_at(&r->names, number));
	return r->entries.failed ? -ENOMEM : 0;
}

static int read_item(struct reading *r, size_t n)
{
	struct queue_id id = candidate_id(r->outcome->items[n].candidate);

	r->item = (uint32_t)n;
	int code = spool_reasons_visit(&r->layout, r->queue_dir, &id, take_reason, r);
	if (code < 0 && code != -ENOMEM && r->unread++ == 0)
		err_sys(&r->why_unread, -code, "failed to read the defer log of %s", id.text);
	return code == -ENOMEM ? code : 0;
}

/* Frees nothing, since the child ends after it. */
static int work(void *arg, struct bytes *out, struct err *err)
{
	struct reading *r = arg;
	int code = 0;

	r->queue_dir = queue_directory_open(r->p, err);
	if (r->queue_dir < 0)
		return r->queue_dir;
	queue_layout_read(&r->layout, r->queue_dir);
	for (size_t n = 0; code == 0 && n < r->outcome->count; n++)
		if (r->outcome->items[n].result == RESULT_READY)
			code = read_item(r, n);
	bytes_put_u64(out, r->unread);
	bytes_put_text(out, r->why_unread.text);
	bytes_put(out, r->entries.at, r->entries.len);
	return code < 0 ? err_sys(err, ENOMEM, "failed to group reasons") : 0;
}

static int take_entry(struct why_groups *g, struct reader *in, size_t items)
{
	struct why_entry e = {.item = reader_u32(in), .reason = reader_u32(in)};
	size_t number = e.reason;
	int code = 0;

	if (in->failed || e.item >= items || e.reason > g->names.count ||
	    e.reason > WHY_REASONS_MAX)
		return ERR_CHILD;
	if (e.reason == g->names.count)
		code = labels_number(&g->names, reader_text(in), 0, &number);
	if (code < 0 || in->failed || number != e.reason)
		return code < 0 ? code : ERR_CHILD;
	return array_add(&g->entries, e);
}

static int take(const struct blob *blob, size_t items, struct why_groups *ret, struct err *err)
{
	struct reader in = reader_of(blob->at, blob->len);
	int code = 0;

	ret->unread = reader_u64(&in);
	err_set(&ret->why_unread, 0, "%s", reader_text(&in));
	while (code == 0 && !reader_done(&in))
		code = take_entry(ret, &in, items);
	if (code < 0 || in.failed)
		return err_set(
		    err, code < 0 ? code : ERR_CHILD, "the reader of reasons ended early");
	return 0;
}

int why_groups_read(
    const struct postfix *p, const struct outcome *outcome, struct why_groups *ret, struct err *err)
{
	struct reading *r = calloc(1, sizeof(*r));
	AUTO(blob_release) struct blob blob = {0};

	*ret = (struct why_groups){0};
	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->p = p;
	r->outcome = outcome;
	int code = role_ask(&p->owner, p->stop, WHY_TIME_MAX, work, r, &blob, err);
	free(r);
	return code ?: take(&blob, outcome->count, ret, err);
}

void why_groups_release(struct why_groups *g)
{
	free(g->entries.list);
	labels_release(&g->names);
	*g = (struct why_groups){0};
}
