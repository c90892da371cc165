/* SPDX-License-Identifier: ISC */
/*
 * Selection inside the index: sequences from the narrowest source (queue IDs, author keys), or all
 * records, each confirmed on its record by the selector. What comes out: u64 count, u64 damaged,
 * u64 limits, then for each message u64 sequence, u32 matched and the record as a blob.
 */
#include "index/select.h"

#include <errno.h>

#include "index/entry.h"

#define OUT_HEAD       24
#define OUT_EACH_LEAST 16

/* ---- sequences */

struct sequences {
	uint64_t *list;
	size_t count, cap;
	bool unsorted;
	bool failed; /* out of memory */
};

static void sequences_add(struct sequences *s, uint64_t sequence)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 1024;
		uint64_t *list = s->failed ? NULL : reallocarray(s->list, cap, sizeof *list);

		if (!list) {
			s->failed = true;
			return;
		}
		s->list = list;
		s->cap = cap;
	}
	if (s->count > 0 && sequence <= s->list[s->count - 1])
		s->unsorted = true;
	s->list[s->count++] = sequence;
}

static int compare_sequences(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* In order and each once. One domain's rows are in order already. */
static void sequences_settle(struct sequences *s)
{
	size_t kept = 0;

	if (!s->unsorted)
		return;
	qsort(s->list, s->count, sizeof *s->list, compare_sequences);
	for (size_t i = 0; i < s->count; i++)
		if (kept == 0 || s->list[kept - 1] != s->list[i])
			s->list[kept++] = s->list[i];
	s->count = kept;
	s->unsorted = false;
}

/* ---- from author keys */

/* All rows filed under exactly key. */
static void collect_exact(
    struct txn *txn, const unsigned char *bytes, size_t len, struct sequences *to)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_AUTHOR);
	unsigned char start[DOMAIN_KEY_MAX + 1];
	struct span key, value;
	int at;

	memcpy(start, bytes, len);
	start[len] = 0;
	for (at = cursor_seek(cursor, (struct span){.at = start, .len = len + 1}, &key, &value);
	     at == 1 && key.len > len && memcmp(key.at, start, len + 1) == 0;
	     at = cursor_next(cursor, &key, &value))
		if (key.len == len + 1 + ENTRY_KEY_SIZE)
			sequences_add(to, be64_load((const unsigned char *)key.at + len + 1));
	cursor_close(cursor);
}

/*
 * All rows filed below key: it is their prefix, for it ends with the dot of its last label. Beyond
 * the length at which keys are cut the prefix alone is left to go by; the record decides, as
 * always.
 */
static void collect_below(
    struct txn *txn, const unsigned char *bytes, size_t len, struct sequences *to)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_AUTHOR);
	unsigned char start[DOMAIN_KEY_MAX + 1];
	struct span key, value, author;
	uint64_t sequence;
	size_t start_len;
	int at;

	if (len >= DOMAIN_KEY_PLAIN)
		len = DOMAIN_KEY_PLAIN;
	memcpy(start, bytes, len);
	start[len] = 1; /* past the NUL behind the domain's own key */
	start_len = len < DOMAIN_KEY_PLAIN ? len + 1 : len;
	for (at = cursor_seek(cursor, (struct span){.at = start, .len = start_len}, &key, &value);
	     at == 1 && key.len >= len && memcmp(key.at, start, len) == 0;
	     at = cursor_next(cursor, &key, &value))
		if (entry_author_split(key, &author, &sequence))
			sequences_add(to, sequence);
	cursor_close(cursor);
}

static void collect_pattern(struct txn *txn, const struct pattern *p, struct sequences *to)
{
	const struct domain null_sender = {.kind = DOMAIN_NULL};
	const struct domain *domain = p->kind == PATTERN_NULL ? &null_sender : &p->address.domain;
	unsigned char key[DOMAIN_KEY_MAX];
	size_t len = domain_key(domain, key);

	if (p->kind != PATTERN_SUBDOMAINS)
		collect_exact(txn, key, len, to);
	if (p->kind == PATTERN_SUBDOMAINS || p->kind == PATTERN_WITHIN)
		collect_below(txn, key, len, to);
}

/* A set can be looked up where no member is an expression. */
static bool is_indexed(const struct pattern_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].kind == PATTERN_REGEX)
			return false;
	return set->count > 0;
}

static const struct pattern_set *indexed_set(const struct selector *s)
{
	if (is_indexed(&s->author))
		return &s->author;
	if (is_indexed(&s->sender))
		return &s->sender;
	return is_indexed(&s->from) ? &s->from : NULL;
}

/* ---- from queue IDs */

static void collect_ids(struct txn *txn, const struct selector *s, struct sequences *to)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct queue_id_parts parts;
	struct span named;

	for (size_t i = 0; i < s->id_count; i++) {
		queue_id_split(&s->ids[i], &parts);
		if (txn_get(txn, STORE_INODE, entry_key(parts.inode, buf), &named) == 1)
			sequences_add(to, entry_number(named));
	}
}

/* ---- confirming */

struct selection {
	const struct selector *selector;
	struct bytes *out;
	uint64_t count, damaged;
	unsigned limits;
};

typedef int decoder(struct span stored, struct message *ret);

/* first is record_decode, or record_view where most records will not match; what matches has passed
 * the strict one. */
static void consider(struct selection *s, decoder *first, uint64_t sequence, struct span record)
{
	struct message message;
	unsigned matched;

	if (first(record, &message) != 0) {
		s->damaged++;
		return;
	}
	matched = selector_match(s->selector, &message, &s->limits);
	if (matched == 0)
		return;
	if (first != record_decode && record_decode(record, &message) != 0) {
		s->damaged++;
		return;
	}
	bytes_put_u64(s->out, sequence);
	bytes_put_u32(s->out, matched);
	bytes_put_blob(s->out, record.at, record.len);
	s->count++;
}

static void consider_all(struct txn *txn, struct selection *s)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, record;
	int at;

	for (at = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &record); at == 1;
	     at = cursor_next(cursor, &key, &record))
		consider(s, record_view, entry_number(key), record);
	cursor_close(cursor);
}

/* Seeking in ascending order with one cursor stays on the page most of the time. */
static void consider_each(struct txn *txn, const struct sequences *sequences, struct selection *s)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key, record;

	for (size_t i = 0; i < sequences->count; i++) {
		int at = cursor_seek(cursor, entry_key(sequences->list[i], buf), &key, &record);

		if (at != 1)
			break;
		/* An author row may point nowhere: its record was damaged and is gone. */
		if (entry_number(key) == sequences->list[i])
			consider(s, record_decode, sequences->list[i], record);
	}
	cursor_close(cursor);
}

static int run(struct txn *txn, struct selection *s)
{
	const struct pattern_set *set = indexed_set(s->selector);
	struct sequences sequences = {0};
	int code;

	if (s->selector->ids_given) {
		collect_ids(txn, s->selector, &sequences);
	} else if (set) {
		for (size_t i = 0; i < set->count; i++)
			collect_pattern(txn, &set->list[i], &sequences);
	} else {
		consider_all(txn, s);
		return txn->code;
	}
	sequences_settle(&sequences);
	consider_each(txn, &sequences, s);
	code = sequences.failed ? -ENOMEM : txn->code;
	free(sequences.list);
	return code;
}

int select_into(
    struct store *store, const struct selector *selector, struct bytes *out, struct err *err)
{
	struct selection selection = {.selector = selector, .out = out};
	size_t start = out->len;
	struct txn txn;
	int code;

	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	code = txn_begin(store, false, &txn);
	if (code == 0)
		code = run(&txn, &selection);
	txn_abort(&txn);
	if (txn.code != 0)
		return err_set(err, txn.code, "%s", txn.err.text);
	if (code != 0 || out->failed)
		return err_sys(err, ENOMEM, "failed to select from the index");
	bytes_set_u64(out, start, selection.count);
	bytes_set_u64(out, start + 8, selection.damaged);
	bytes_set_u64(out, start + 16, selection.limits);
	return 0;
}

/* ---- the parent's view */

static int view_each(struct reader *r, struct candidate *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		list[i].sequence = reader_u64(r);
		list[i].matched = reader_u32(r);
		if (record_decode(reader_blob(r), &list[i].message) != 0)
			return ERR_CHILD;
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
	view.limits = (unsigned)reader_u64(&r);
	if (r.failed || count > view.memory.len / OUT_EACH_LEAST)
		code = ERR_CHILD;
	if (code == 0) {
		view.list = calloc(count ? (size_t)count : 1, sizeof *view.list);
		view.count = (size_t)count;
		code = view.list ? view_each(&r, view.list, view.count) : -ENOMEM;
	}
	if (code != 0) {
		candidates_release(&view);
		return err_set(
		    err, code, "failed to take over what was selected (%s)", err_word(code));
	}
	*ret = view;
	return 0;
}

void candidates_release(struct candidates *c)
{
	free(c->list);
	blob_release(&c->memory);
	*c = (struct candidates){0};
}

/* ---- in a child */

static int select_work(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	return select_into(store, arg, out, err);
}

int index_select(
    const char *directory, const struct selector *selector, struct candidates *ret, struct err *err)
{
	struct blob memory = {0};
	int code = index_read(directory, select_work, (void *)(uintptr_t)selector, &memory, err);

	return code != 0 ? code : select_view(&memory, ret, err);
}

struct unknown {
	const struct queue_id *ids;
	size_t count;
};

static int unknown_work(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	const struct unknown *unknown = arg;
	struct message message;
	struct span record;
	uint64_t sequence;
	struct txn txn;

	(void)txn_begin(store, false, &txn);
	for (size_t i = 0; i < unknown->count && txn.code == 0; i++)
		if (entry_find(&txn, &unknown->ids[i], &sequence, &record) != 1 ||
		    record_view(record, &message) != 0 ||
		    !queue_id_equal(&message.queue_id, &unknown->ids[i]))
			bytes_put_u32(out, (uint32_t)i);
	txn_abort(&txn);
	return txn.code != 0 ? err_set(err, txn.code, "%s", txn.err.text) : 0;
}

int index_unknown(const char *directory, const struct queue_id *ids, size_t count,
    uint32_t **ret_unknown, size_t *ret_count, struct err *err)
{
	struct unknown arg = {.ids = ids, .count = count};
	struct blob memory = {0};
	uint32_t *list;
	struct reader r;
	size_t found;
	int code = index_read(directory, unknown_work, &arg, &memory, err);

	if (code != 0)
		return code;
	found = memory.len / 4;
	list = calloc(found + 1, sizeof *list);
	r = reader_of(memory.at, memory.len);
	for (size_t i = 0; list && i < found; i++) {
		list[i] = reader_u32(&r);
		if (list[i] >= count)
			code = ERR_CHILD;
	}
	if (!reader_done(&r) && list)
		code = ERR_CHILD;
	blob_release(&memory);
	if (!list || code != 0) {
		free(list);
		code = list ? code : -ENOMEM;
		return err_set(
		    err, code, "failed to compare the queue with the index (%s)", err_word(code));
	}
	*ret_unknown = list;
	*ret_count = found;
	return 0;
}
