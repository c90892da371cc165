/* SPDX-License-Identifier: ISC */
#include "order/order_private.h"

#define MAP_FIRST 1024

static size_t place_of(const struct outcome_memory *m, const struct queue_id *id)
{
	return bytes_hash(id->text, strlen(id->text)) & (m->map_size - 1);
}

static void map_put(struct outcome_memory *m, const struct queue_id *id, size_t position)
{
	size_t at = place_of(m, id);

	while (m->map[at] != 0)
		at = (at + 1) & (m->map_size - 1);
	m->map[at] = (uint32_t)position + 1;
}

static int map_make(struct outcome *outcome, size_t more)
{
	struct outcome_memory *m = &outcome->memory;

	for (m->map_size = MAP_FIRST; m->map_size < 2 * (outcome->count + more);)
		m->map_size *= 2;
	free(m->map);
	m->map = calloc(m->map_size, sizeof(*m->map));
	for (size_t n = 0; m->map && n < outcome->count; n++) {
		struct queue_id id = candidate_id(outcome->items[n].candidate);

		if (!outcome->items[n].replaced)
			map_put(m, &id, n);
	}
	return m->map ? 0 : -ENOMEM;
}

struct item *order_find(struct outcome *outcome, const struct queue_id *id)
{
	struct outcome_memory *m = &outcome->memory;

	if (outcome->count == 0 || (!m->map && map_make(outcome, 0) < 0))
		return NULL;
	for (size_t at = place_of(m, id); m->map[at] != 0; at = (at + 1) & (m->map_size - 1)) {
		struct item *item = &outcome->items[m->map[at] - 1];
		struct queue_id found = candidate_id(item->candidate);

		if (!item->replaced && queue_id_equal(&found, id))
			return item;
	}
	return NULL;
}

static void set_candidate(
    struct run *run, struct item *item, const struct candidate *c, const struct message *m)
{
	/* A file that was read and then reported to the index has a row now. */
	item->from_queue = (c->matched & FOUND_UNKNOWN) || (item->fresh && item->from_queue);
	item->candidate = c;
	item->recorded = message_arrival(m);
	item->proof = (struct proof){.arrival_time = -1, .size = -1};
	item->fresh = item->confirmed = true;
	item->result = RESULT_NONE;
	item->reason = NULL;
	item->idle = item->reread = item->looked = item->refuted = false;
	item->bounce = (c->matched & FOUND_NOTICE) != 0;
	item->other_recipients = selector_other_recipients(run->order->selector, m);
}

static void add(struct run *run, const struct candidate *c, const struct message *m, bool again)
{
	struct outcome *outcome = run->outcome;
	struct item *item = &outcome->items[outcome->count];

	*item = (struct item){.again = again};
	set_candidate(run, item, c, m);
	map_put(&outcome->memory, &m->queue_id, outcome->count++);
}

static bool is_same(const struct item *item, const struct message *m)
{
	struct message had = candidate_message(item->candidate);
	bool another = item->result == RESULT_CHANGED || item->result == RESULT_UNPROVEN;
	int64_t arrival = item->proof.arrival_time;

	if (another || arrival < 0)
		arrival = had.queued.known ? had.queued.arrival_time : -1;
	/* In a restored spool the inode differs. */
	if (another && m->queued.known)
		return arrival == m->queued.arrival_time && had.queued.inode == m->queued.inode;
	if (arrival >= 0 && m->queued.known)
		return arrival == m->queued.arrival_time;
	return had.mail_time == m->mail_time;
}

static bool is_open(const struct item *item, const struct message *m)
{
	return item->result == RESULT_NONE ||
	       (item->result != RESULT_DONE && item->result != RESULT_FAILED && !is_same(item, m));
}

static void take(struct run *run, const struct candidate *c)
{
	struct message m = candidate_message(c);
	struct item *item = order_find(run->outcome, &m.queue_id);
	bool done = item && item->result == RESULT_DONE;

	if (done && (!run->row->leaves || is_same(item, &m)))
		return;
	if (!item || done) {
		if (item)
			item->replaced = true; /* the name is used again */
		add(run, c, &m, done);
		return;
	}
	item->confirmed = true;
	if (item->fresh && (c->matched & FOUND_NOTICE))
		return;
	if (!item->fresh)
		item->before = (uint8_t)item->result;
	if (!item->fresh || is_open(item, &m))
		set_candidate(run, item, c, &m);
}

/* Takes over candidates in any case, and makes room for their items. */
static int keep(struct outcome *outcome, struct candidates *candidates)
{
	struct outcome_memory *m = &outcome->memory;
	size_t room = outcome->count + candidates->count;
	struct item *items = realloc(outcome->items, (room + 1) * sizeof(*items));

	if (items)
		outcome->items = items;
	if (!items || array_add(&m->taken, *candidates) < 0) {
		candidates_release(candidates);
		return -ENOMEM;
	}
	*candidates = (struct candidates){0};
	return m->map && m->map_size >= 2 * room ? 0 : map_make(outcome, room - outcome->count);
}

/* Whether the item at *at, or a later one, has this very record. Both lists are mostly in sequence
 * order, so one pass over the items serves all candidates. */
static bool is_known(struct outcome *outcome, const struct candidate *c, size_t *at)
{
	const struct candidate *had = NULL;

	for (; *at < outcome->count; ++*at) {
		had = outcome->items[*at].candidate;
		if (had->sequence >= c->sequence)
			break;
	}
	if (*at == outcome->count || !outcome->items[*at].fresh || c->matched != had->matched ||
	    had->sequence != c->sequence || had->record_len != c->record_len ||
	    memcmp(had->record, c->record, c->record_len) != 0)
		return false;
	outcome->items[(*at)++].confirmed = true;
	return true;
}

int order_take(struct run *run, struct candidates *candidates, struct err *err)
{
	const struct candidate *list = candidates->list;
	size_t count = candidates->count, at = 0;
	int code = keep(run->outcome, candidates);

	for (size_t n = 0; code == 0 && n < count; n++)
		if (!is_known(run->outcome, &list[n], &at))
			take(run, &list[n]);
	return code < 0 ? err_sys(err, -code, "failed to keep %zu messages", count) : 0;
}

static bool matches_one(const struct pattern_set *set, const struct pattern_subject *subject)
{
	for (size_t n = 0; n < set->count; n++)
		if (pattern_match_subject(&set->list[n], subject) == 1)
			return true;
	return false;
}

bool order_notice_is_meant(const struct selector *s, const struct message *m)
{
	const struct strlist *list = &m->queued.recipients;

	if (!(m->flags & MESSAGE_NOTICE) || list->count == 0 ||
	    m->flags & MESSAGE_CUT_QUEUED_RECIPIENTS)
		return false;
	strlist_each (recipient, list) {
		struct pattern_subject subject = pattern_subject_of(recipient);

		if (!matches_one(&s->author, &subject) && !matches_one(&s->sender, &subject))
			return false;
	}
	return true;
}

static int lose_index(struct run *run, int code, const struct err *why)
{
	if (code == ERR_STOPPED)
		return code;
	run->indexed = false;
	run->outcome->no_index = true;
	run->outcome->no_index_why = *why;
	return 0;
}

static int select_by(
    struct run *run, const struct selector *s, struct candidates *ret, struct err *err)
{
	struct err why = {{0}};
	int code = run->indexed ? client_select(&run->index, s, ret, &why) : 0;

	if (code < 0) {
		*err = why;
		return lose_index(run, code, &why);
	}
	run->distrusted |= ret->damaged > 0;
	return 0;
}

/* Notices have a null sender, by which the index finds them. */
static int select_notices(struct run *run, struct err *err)
{
	struct candidates found = {0};
	struct pattern nobody;
	struct selector s;
	size_t kept = 0;

	selector_init(&s);
	int code = pattern_parse("<>", &nobody, err);
	code = code ?: pattern_set_add(&s.sender, &nobody);
	code = code ?: select_by(run, &s, &found, err);
	selector_release(&s);
	if (code < 0)
		return code;
	for (size_t n = 0; n < found.count; n++) {
		struct message m = candidate_message(&found.list[n]);

		if (!order_notice_is_meant(run->order->selector, &m))
			continue;
		found.list[n].matched = MATCHED_OTHER | FOUND_NOTICE;
		found.list[kept++] = found.list[n];
	}
	found.count = kept;
	return order_take(run, &found, err);
}

int order_select(struct run *run, struct err *err)
{
	struct candidates found = {0};

	order_show(run->order, "asking the index", 0, 0);
	order_await_drop(run->outcome);
	int code = select_by(run, run->order->selector, &found, err);
	if (code < 0)
		return code;
	run->selected = found.changes;
	if (run->indexed) {
		run->outcome->tally.unjoined = found.unjoined;
		if (found.limits > run->outcome->tally.limits)
			run->outcome->tally.limits = found.limits;
	}
	code = order_take(run, &found, err);
	if (code == 0 && run->order->bounces && run->indexed)
		code = select_notices(run, err);
	return code;
}

void order_renew(struct outcome *outcome)
{
	for (size_t n = 0; n < outcome->count; n++)
		outcome->items[n].fresh = false;
}

int64_t order_arrival(const struct item *item)
{
	return item->proof.arrival_time >= 0 ? item->proof.arrival_time : item->recorded;
}

static int by_age(const void *a, const void *b, void *arg)
{
	const struct outcome *outcome = arg;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int64_t left_time = order_arrival(&outcome->items[left]);
	int64_t right_time = order_arrival(&outcome->items[right]);

	if (left_time != right_time)
		return left_time < right_time ? -1 : 1;
	return left < right ? -1 : left > right;
}

int order_choose_oldest(
    struct outcome *outcome, unsigned results, struct chosen *ret, struct err *err)
{
	int code = order_choose(outcome, results, NULL, ret, err);

	if (code == 0)
		qsort_r(ret->at, ret->count, sizeof(*ret->at), by_age, outcome);
	return code;
}

/* Each item goes from from[place] to place, cycle by cycle, which needs no second array. */
static void permute(struct item *items, size_t *from, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		struct item first = items[n];
		size_t place = n;

		while (from[place] != n) {
			size_t next = from[place];

			items[place] = items[next];
			from[place] = place;
			place = next;
		}
		items[place] = first;
		from[place] = place;
	}
}

/* If out of memory, the order does not change. */
void order_sort(struct outcome *outcome)
{
	struct chosen all;

	if (outcome->count > 0 && order_choose_oldest(outcome, ~0u, &all, NULL) == 0) {
		permute(outcome->items, all.at, all.count);
		free(outcome->memory.map); /* its positions are wrong now */
		outcome->memory.map = NULL;
		chosen_release(&all);
	}
}

static int take_unheard(
    struct run *run, const struct account_entry *list, size_t count, struct err *err)
{
	struct candidates made = {0};
	int code = holds_candidates(list, count, &made);

	if (code < 0) {
		candidates_release(&made);
		return err_sys(err, ENOMEM, "failed to keep %zu queue IDs", count);
	}
	code = order_take(run, &made, err);
	for (size_t n = 0; code == 0 && n < count; n++) {
		struct item *item = order_find(run->outcome, &list[n].queue_id);

		if (item) {
			item->result = RESULT_GONE;
			item->unheard = item->looked = true;
		}
	}
	return code;
}

int order_add_unheard(struct run *run, struct err *err)
{
	const struct selector *s = run->order->selector;
	struct queue_id *ids = calloc(s->ids.count + 1, sizeof(*ids));
	struct account_entry *gone = calloc(s->ids.count + 1, sizeof(*gone));
	AUTO(free_local) struct proof *states = NULL;
	size_t count = 0, gone_count = 0;
	int code = 0;

	if (!ids || !gone) {
		free(ids);
		free(gone);
		return err_sys(err, ENOMEM, "failed to look for %zu messages", s->ids.count);
	}
	for (size_t n = 0; s->ids_given && n < s->ids.count; n++)
		if (!order_find(run->outcome, &s->ids.list[n]))
			ids[count++] = s->ids.list[n];
	if (count > 0)
		code = spool_states(&run->looking, ids, count, &states, err);
	for (size_t n = 0; code == 0 && n < count; n++)
		if (states[n].state == PROOF_GONE)
			gone[gone_count++].queue_id = ids[n];
	if (code == 0 && gone_count > 0)
		code = take_unheard(run, gone, gone_count, err);
	free(gone);
	free(ids);
	return code;
}
