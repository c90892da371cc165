/* SPDX-License-Identifier: ISC */
/* The readers run as mail_owner. For each file they hand over u32 position, u32 matched, u32
 * limits, u32 unjoined, and the record in the form of update_add. */
#include "order/catchup/catchup_work.h"
#include "order/order_private.h"
#include "postfix/spool/spool_read.h"

struct one {
	uint32_t at, matched;
	struct queue_id id;
	struct span record;
	bool told; /* the index has returned what it now knows about it */
};

struct reading {
	struct catchup_work *w;
	size_t max_recipients; /* in a record */
	struct one *list;      /* of a part */
	size_t count, cap;
};

static const struct queue_id *get_id(void *arg, size_t n)
{
	const struct catchup_work *w = ((const struct reading *)arg)->w;

	return w->task->ids ? &w->task->ids[n] : &w->walked.to_read[n].queue_id;
}

/* A record keeps fewer recipients than were read for --recipient. */
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

/* The index, if it is told, judges what the file says about a first pass: it may know that pass. */
static void forget_first(const struct reading *r, struct message *m)
{
	if (!r->w->telling)
		return;
	m->flags &= ~(uint32_t)MESSAGE_UNJOINED;
	m->first = (struct first_pass){.login = ""};
}

static uint32_t match(
    const struct reading *r, const struct message *m, struct selector_notes *notes)
{
	const struct catchup_task *task = r->w->task;
	struct message judged = *m;

	if (!task->selector)
		return 0;
	forget_first(r, &judged);
	uint32_t matched = selector_nominate(task->selector, &judged, notes);
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

	if (!matched && !notes.limits && !notes.unjoined && !r->w->telling)
		return;
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, matched);
	bytes_put_u32(out, notes.limits);
	bytes_put_u32(out, notes.unjoined);
	update_add(out, &m);
}

static size_t count_files(const struct catchup_work *w)
{
	return w->task->ids ? w->task->id_count : w->walked.to_read_count;
}

static int take_one(struct reading *r, struct reader *from)
{
	struct one one = {.at = reader_u32(from), .matched = reader_u32(from)};
	uint32_t limits = reader_u32(from), unjoined = reader_u32(from);

	one.record = reader_blob(from);
	if (from->failed || one.at >= count_files(r->w))
		return ERR_CHILD;
	one.id = *get_id(r, one.at);
	r->w->counts.limits += limits;
	r->w->counts.unjoined += r->w->telling ? 0 : unjoined;
	return array_add(r, one);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct one *)a)->id.text, ((const struct one *)b)->id.text);
}

/* What the index now knows about a message replaces what its file alone says. */
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
		selection_add(&r->w->found, c->sequence,
		    c->matched | (message_is_given(&m) ? 0 : FOUND_UNKNOWN),
		    (struct span){c->record, c->record_len});
	}
}

/* If this fails, no more updates are sent. */
static void tell(struct reading *r)
{
	struct catchup_work *w = r->w;
	struct update update = w->update;
	struct index_updated updated = {0};
	AUTO(candidates_release) struct candidates told = {0};
	AUTO(bytes_release) struct bytes records = {0};

	for (size_t n = 0; n < r->count; n++)
		bytes_put_blob(&records, r->list[n].record.at, r->list[n].record.len);
	update.records = bytes_span(&records);
	update.record_count = (uint32_t)r->count;
	w->telling = !records.failed && client_update(&w->index, &update, w->task->selector, &told,
					    &updated, &w->index_why) == 0;
	w->counts.added += updated.added;
	put_told(r, &told);
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
		return err_set(err, code, "the reader of queue files ended early");
	array_sort(r, by_id);
	if (r->w->telling && r->count > 0)
		tell(r);
	for (size_t n = 0; n < r->count; n++)
		if (!r->list[n].told && r->list[n].matched != 0)
			selection_add(
			    &r->w->found, 0, r->list[n].matched | FOUND_UNKNOWN, r->list[n].record);
	return r->w->found.out->failed ? err_sys(err, ENOMEM, "failed to keep what was found") : 0;
}

static void show(void *arg, size_t done)
{
	const struct catchup_work *w = ((const struct reading *)arg)->w;

	w->progress->of = count_files(w);
	w->progress->done = done;
}

static void take_counts(struct catchup_work *w, const struct spool_reading *s)
{
	const struct strbuf *names = &s->unreadable_names;

	w->counts.read += s->read;
	w->counts.arriving += s->arriving;
	w->counts.maildrop += s->maildrop;
	w->counts.unreadable += s->unreadable;
	strbuf_add(&w->unreadable, strbuf_text(names), names->len);
}

int catchup_read(struct catchup_work *w, struct err *err)
{
	const struct settings *settings = w->task->settings;
	const struct selector *selector = w->task->selector;
	bool all = selector && selector->recipient.count > 0;
	struct reading r = {.w = w, .max_recipients = (size_t)settings->max_recipients};
	struct spool_reading s = {.get = get_id,
	    .take = take_file,
	    .give = give_part,
	    .arg = &r,
	    .count = count_files(w),
	    .max_recipients = all ? SIZE_MAX : r.max_recipients,
	    .progress = show};

	if (s.count == 0)
		return 0;
	AUTO(strbuf_release) struct strbuf packed = {0};
	struct net_blocks networks = {0};
	int code = settings_local_networks(settings, &packed, err);
	struct strlist local = strlist_of(&packed);
	if (code == 0 && net_blocks_of(&local, &networks) < 0)
		code = err_sys(err, ENOMEM, "failed to keep local networks");
	s.networks = networks.list;
	s.network_count = networks.count;
	code = code ?: spool_read(w->task->postfix, &s, err);
	take_counts(w, &s);
	spool_reading_release(&s);
	free(networks.list);
	free(r.list);
	return code;
}
