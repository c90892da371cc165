/* SPDX-License-Identifier: ISC */
/*
 * Queue files read for a catch-up. What the readers, who are mail_owner, hand over for each: u32
 * position, u32 matched, u32 limits, u32 unjoined, and the record in the form of update_add.
 */
#include <errno.h>

#include "base/array.h"
#include "order/catchup_work.h"
#include "order/inside.h"
#include "postfix/spool/spool_read.h"

/* One file of a part. */
struct one {
	uint32_t at, matched;
	struct queue_id id;
	struct span record;
	bool told; /* the index has handed back what it knows of it now */
};

struct reading {
	struct catchup_files *files;
	struct bytes *out;
	struct net_block *networks; /* own_networks */
	size_t network_count;
	size_t max_recipients; /* of a record */
	struct one *list;      /* of a part */
	size_t count, cap;
};

/* ---- in a reader */

static const struct queue_id *get_id(void *arg, size_t n)
{
	const struct catchup_files *files = ((const struct reading *)arg)->files;

	return files->id(files->arg, n);
}

/* All recipients were read, for --recipient may hang on the last one; a record keeps fewer. */
static void cut_list(struct strlist *list, size_t max)
{
	const char *at = list->first;

	if (list->count <= max)
		return;
	for (size_t n = 0; n < max; n++)
		at += strlen(at) + 1;
	list->bytes = (size_t)(at - list->first);
	list->count = (uint32_t)max;
}

static struct message cut_recipients(const struct message *m, size_t max)
{
	struct message cut = *m;

	if (m->queued.recipients.count > max)
		cut.flags |= MESSAGE_CUT_QUEUED_RECIPIENTS;
	cut_list(&cut.queued.recipients, max);
	cut_list(&cut.queued.originals, max);
	return cut;
}

/* What the file says of a first pass through a content filter is the index's to judge, where it is
 * told: it may know that pass. */
static void forget_first(const struct reading *r, struct message *m)
{
	if (!r->files->update)
		return;
	m->flags &= ~(uint32_t)MESSAGE_UNJOINED;
	m->first = (struct first_pass){.login = ""};
}

static uint32_t match(
    const struct reading *r, const struct message *m, struct selector_notes *notes)
{
	const struct catchup_task *task = r->files->task;
	struct message judged = *m;
	uint32_t matched;

	if (!task->selector)
		return 0;
	forget_first(r, &judged);
	matched = selector_nominate(task->selector, &judged, notes);
	if (matched && task->selector->recipient.count > 0 &&
	    m->queued.recipients.count > r->max_recipients)
		matched |= MATCHED_UNSURE;
	if (!matched && task->notices && order_notice_is_meant(task->selector, m))
		matched = MATCHED_OTHER | FOUND_NOTICE;
	return matched;
}

static void take_file(void *arg, size_t n, const struct queue_message *q, struct bytes *out)
{
	const struct reading *r = arg;
	struct selector_notes notes = {0};
	struct message m = cut_recipients(&q->message, r->max_recipients);
	uint32_t matched = match(r, &q->message, &notes);

	if (!matched && !notes.limits && !notes.unjoined && !r->files->update)
		return;
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, matched);
	bytes_put_u32(out, notes.limits);
	bytes_put_u32(out, notes.unjoined);
	update_add(out, &m);
}

/* ---- what was handed over */

static int take_one(struct reading *r, struct reader *from)
{
	struct catchup_files *files = r->files;
	struct one one = {.at = reader_u32(from), .matched = reader_u32(from)};
	uint32_t limits = reader_u32(from), unjoined = reader_u32(from);

	one.record = reader_blob(from);
	if (from->failed || one.at >= files->count)
		return ERR_CHILD;
	one.id = *files->id(files->arg, one.at);
	files->counts->limits += limits;
	files->counts->unjoined += files->update ? 0 : unjoined;
	return array_add(r, one);
}

/* The records of a part, as an update has them. */
static void put_records(const struct reading *r, struct bytes *out)
{
	for (size_t n = 0; n < r->count; n++)
		bytes_put_blob(out, r->list[n].record.at, r->list[n].record.len);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct one *)a)->id.text, ((const struct one *)b)->id.text);
}

/* What the index now knows of a message counts before what its file says alone. */
static void put_told(struct reading *r, const struct candidates *told)
{
	for (size_t n = 0; n < told->count; n++) {
		const struct candidate *c = &told->list[n];
		struct one key = {.id = candidate_id(c)};
		struct one *one = bsearch(&key, r->list, r->count, sizeof(*r->list), by_id);
		struct message m;

		if (!one || c->matched == 0)
			continue;
		one->told = true;
		m = candidate_message(c);
		catchup_put_found(r->out, c->matched | (message_is_given(&m) ? 0 : FOUND_UNKNOWN),
		    c->sequence, (struct span){c->record, c->record_len});
	}
}

/* Tells the index of a part. Where that fails, the files alone speak from here on. */
static void tell(struct reading *r)
{
	struct catchup_files *files = r->files;
	struct bytes records = {0}, body = {0};
	struct candidates told = {0};
	struct index_updated updated = {0};
	struct update update = *files->update;
	int code;

	put_records(r, &records);
	update.records = bytes_span(&records);
	update.record_count = (uint32_t)r->count;
	update_encode(&update, &body);
	code = records.failed || body.failed
		   ? err_sys(files->index_why, ENOMEM, "failed to tell the index")
		   : client_update(files->index, bytes_span(&body), files->task->selector, &told,
			 &updated, files->index_why);
	if (code == 0) {
		files->counts->added += updated.added;
		put_told(r, &told);
	} else {
		files->update = NULL;
	}
	candidates_release(&told);
	bytes_release(&records);
	bytes_release(&body);
}

static int give_part(void *arg, struct span part, struct err *err)
{
	struct reading *r = arg;
	struct reader from = reader_of(part.at, part.len);
	int code = 0;

	r->count = 0;
	while (code == 0 && !reader_done(&from))
		code = take_one(r, &from);
	if (code != 0)
		return err_set(err, code, "the reader of queue files broke off");
	if (r->count > 1)
		qsort(r->list, r->count, sizeof(*r->list), by_id);
	if (r->files->update && r->count > 0)
		tell(r);
	for (size_t n = 0; n < r->count; n++)
		if (!r->list[n].told && r->list[n].matched != 0)
			catchup_put_found(
			    r->out, r->list[n].matched | FOUND_UNKNOWN, 0, r->list[n].record);
	return r->out->failed ? err_sys(err, ENOMEM, "failed to keep what was found") : 0;
}

static void show(void *arg, size_t done)
{
	const struct catchup_files *files = ((const struct reading *)arg)->files;

	catchup_show(files->progress, done, files->count);
}

static void take_counts(struct catchup_files *files, const struct spool_reading *s)
{
	struct strlist names = strlist_of(&s->unreadable_names);

	files->counts->read += s->read;
	files->counts->arriving += s->arriving;
	files->counts->maildrop += s->maildrop;
	files->counts->unreadable += s->unreadable;
	strlist_each (name, &names)
		strlist_push(files->unreadable, name, strlen(name));
}

static int parse_networks(struct reading *r, const char *text, struct err *err)
{
	struct strbuf packed = {0};
	struct strlist list;
	int code = net_parse_list(text ? text : "", &packed, err);

	if (code < 0)
		return code;
	list = strlist_of(&packed);
	r->networks = calloc(list.count + 1, sizeof(*r->networks));
	if (!r->networks)
		code = err_sys(err, ENOMEM, "failed to keep own_networks");
	strlist_each (block, &list)
		if (code == 0 && net_parse_block(block, &r->networks[r->network_count]) == 0)
			r->network_count++;
	strbuf_release(&packed);
	return code;
}

int catchup_read(struct catchup_files *files, struct bytes *out, struct err *err)
{
	const struct settings *settings = files->task->settings;
	const struct selector *selector = files->task->selector;
	bool all = selector && selector->recipient.count > 0;
	struct reading r = {
	    .files = files, .out = out, .max_recipients = (size_t)settings->max_recipients};
	struct spool_reading s = {.get = get_id,
	    .take = take_file,
	    .give = give_part,
	    .arg = &r,
	    .count = files->count,
	    .max_recipients = all ? SIZE_MAX : r.max_recipients,
	    .progress = show};
	int code;

	if (files->count == 0)
		return 0;
	code = parse_networks(&r, settings->own_networks, err);
	s.networks = r.networks;
	s.network_count = r.network_count;
	if (code == 0)
		code = spool_read(files->task->postfix, &s, err);
	take_counts(files, &s);
	spool_reading_release(&s);
	free(r.networks);
	free(r.list);
	return code;
}
