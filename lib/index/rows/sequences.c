/* SPDX-License-Identifier: ISC */
#include "index/rows/sequences.h"

#include "base/array.h"
#include "index/rows/entry.h"

static void sequences_add(struct sequences *s, uint64_t sequence)
{
	if (s->count > 0 && sequence <= s->list[s->count - 1])
		s->unsorted = true;
	if (s->failed || array_add(s, sequence) < 0)
		s->failed = true;
}

static int compare_sequences(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* One domain's rows are sorted already. */
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

static void collect_exact(
    struct txn *txn, const unsigned char *bytes, size_t len, struct sequences *to)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_AUTHOR);
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
}

/* The key ends with a dot, so it is the common prefix of its subdomains. Keys are cut at
 * DOMAIN_KEY_PLAIN, so the record decides. */
static void collect_below(
    struct txn *txn, const unsigned char *bytes, size_t len, struct sequences *to)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_AUTHOR);
	unsigned char start[DOMAIN_KEY_MAX + 1];
	struct span key, value, author;
	uint64_t sequence;
	size_t start_len;
	int at;

	if (len >= DOMAIN_KEY_PLAIN)
		len = DOMAIN_KEY_PLAIN;
	memcpy(start, bytes, len);
	start[len] = 1; /* skips the domain itself */
	start_len = len < DOMAIN_KEY_PLAIN ? len + 1 : len;
	for (at = cursor_seek(cursor, (struct span){.at = start, .len = start_len}, &key, &value);
	     at == 1 && key.len >= len && memcmp(key.at, start, len) == 0;
	     at = cursor_next(cursor, &key, &value))
		if (entry_author_split(key, &author, &sequence))
			sequences_add(to, sequence);
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

/* The part of a header From that was cut off may hold any author. */
static void collect_cut(struct txn *txn, struct sequences *to)
{
	static const struct domain cut = {.text = MESSAGE_AUTHORS_CUT, .kind = DOMAIN_RAW};
	unsigned char key[DOMAIN_KEY_MAX];

	collect_exact(txn, key, domain_key(&cut, key), to);
}

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

static void collect_ids(struct txn *txn, const struct selector *s, struct sequences *to)
{
	uint64_t rows[ENTRY_INODE_ROWS];
	struct packed_id id;

	for (size_t i = 0; i < s->ids.count; i++) {
		int count = 0;

		if (queue_id_pack(&s->ids.list[i], &id) == 0)
			count = entry_find(txn, &id, false, rows, ENTRY_INODE_ROWS);
		for (int n = 0; n < count; n++)
			sequences_add(to, rows[n]);
	}
}

int sequences_find(struct txn *txn, const struct selector *selector, struct sequences *ret)
{
	const struct pattern_set *set = indexed_set(selector);

	*ret = (struct sequences){0};
	if (!selector->ids_given && !set)
		return 0;
	if (selector->ids_given)
		collect_ids(txn, selector, ret);
	else
		for (size_t i = 0; i < set->count; i++)
			collect_pattern(txn, &set->list[i], ret);
	if (!selector->ids_given && set != &selector->sender)
		collect_cut(txn, ret);
	sequences_settle(ret);
	if (ret->failed)
		return -ENOMEM;
	return txn->code != 0 ? txn->code : 1;
}

void sequences_release(struct sequences *s)
{
	free(s->list);
	*s = (struct sequences){0};
}
