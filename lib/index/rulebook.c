/* SPDX-License-Identifier: ISC */
/*
 * The command's rules. Row: checksum of all that follows, expiry, hits, the rule as rule_encode has
 * it; expiry and hits stand in front so that looking for expired rules and counting hits compile no
 * pattern. The rule's own hits are those of the row.
 */
#include "index/rulebook.h"

#include <errno.h>

#define KEY_MAX    480 /* LMDB takes 511 bytes */
#define EXPIRE_MAX 1000

struct row {
	int64_t expires;
	uint64_t hits;
	struct span rule;
};

/* The subject, or of a long expression its beginning, a NUL and a hash of it all. */
static struct span key_of(const char *subject, unsigned char buf[KEY_MAX])
{
	size_t len = strlen(subject);

	if (len <= KEY_MAX - 9) {
		memcpy(buf, subject, len);
	} else {
		memcpy(buf, subject, KEY_MAX - 9);
		buf[KEY_MAX - 9] = 0;
		be64_store(buf + KEY_MAX - 8, bytes_hash(subject, len));
		len = KEY_MAX;
	}
	return (struct span){.at = buf, .len = len};
}

static int row_view(struct span stored, struct row *ret)
{
	struct reader r = reader_of(stored.at, stored.len);
	uint64_t sum = reader_u64(&r);

	if (r.failed || sum != bytes_hash(r.at, (size_t)(r.end - r.at)))
		return ERR_DAMAGED;
	ret->expires = reader_i64(&r);
	ret->hits = reader_u64(&r);
	ret->rule = (struct span){.at = r.at, .len = (size_t)(r.end - r.at)};
	return r.failed ? ERR_DAMAGED : 0;
}

static void row_put(struct txn *txn, struct span key, const struct row *row)
{
	struct bytes value = {0};

	bytes_put_u64(&value, 0);
	bytes_put_i64(&value, row->expires);
	bytes_put_u64(&value, row->hits);
	bytes_put(&value, row->rule.at, row->rule.len);
	if (value.failed) {
		(void)txn_fail(txn, -ENOMEM, NULL);
	} else {
		bytes_set_u64(&value, 0, bytes_hash(value.at + 8, value.len - 8));
		txn_put(txn, STORE_RULE, key, bytes_span(&value), false);
	}
	bytes_release(&value);
}

/* Adds the rule of one stored row: 0, ERR_DAMAGED (passed over), or -ENOMEM. */
static int load_row(struct span stored, int64_t wall, struct rule_list *list, int64_t *first_expiry)
{
	struct row row;
	struct rule rule;
	int code = row_view(stored, &row);

	if (code != 0)
		return code;
	if (row.expires != 0 && row.expires < *first_expiry)
		*first_expiry = row.expires;
	if (row.expires != 0 && row.expires <= wall)
		return 0;
	if (rule_decode(row.rule, &rule, NULL) != 0)
		return ERR_DAMAGED;
	rule.hits = row.hits;
	code = rule_list_add(list, &rule);
	if (code != 0)
		rule_release(&rule);
	return code;
}

int rulebook_load(struct txn *txn, int64_t wall, struct rule_list *ret, uint64_t *ret_damaged,
    int64_t *ret_first_expiry)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_RULE);
	struct rule_list list = {0};
	struct span key, value;
	uint64_t damaged = 0;
	int64_t first_expiry = INT64_MAX;
	int code = 0;

	for (int at = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &value);
	     at == 1 && code == 0; at = cursor_next(cursor, &key, &value)) {
		code = load_row(value, wall, &list, &first_expiry);
		if (code == ERR_DAMAGED) {
			damaged++;
			code = 0;
		}
	}
	cursor_close(cursor);
	if (txn->code != 0)
		code = txn->code;
	if (code != 0) {
		rule_list_release(&list);
		return code;
	}
	*ret = list;
	*ret_damaged = damaged;
	if (ret_first_expiry)
		*ret_first_expiry = first_expiry;
	return 0;
}

int rulebook_set(struct txn *txn, const struct rule *r)
{
	unsigned char buf[KEY_MAX];
	struct span key = key_of(r->subject, buf), stored;
	struct row row = {.expires = r->expires, .hits = r->hits}, old;
	struct bytes encoded = {0};
	uint64_t count = 0;
	int found = txn_get(txn, STORE_RULE, key, &stored);
	bool over = false;

	if (found == 1 && row_view(stored, &old) == 0) {
		over = old.expires != 0 && old.expires <= r->set_time;
		row.hits = over ? row.hits : old.hits;
	}
	if (found == 0 && txn_count(txn, STORE_RULE, &count) == 0 && count >= RULES_MAX)
		return ERR_LIMIT;
	rule_encode(r, &encoded);
	row.rule = bytes_span(&encoded);
	if (encoded.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	else
		row_put(txn, key, &row);
	bytes_release(&encoded);
	return txn->code != 0 ? txn->code : found && !over;
}

int rulebook_unset(struct txn *txn, const char *subject)
{
	unsigned char buf[KEY_MAX];

	if (subject[0] == '\0')
		return 0;
	return txn_delete(txn, STORE_RULE, key_of(subject, buf));
}

size_t rulebook_expire(struct txn *txn, int64_t wall)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_RULE);
	unsigned char buf[KEY_MAX];
	struct span key, value;
	struct row row;
	size_t removed = 0;
	int at = cursor_seek(cursor, (struct span){.at = "", .len = 0}, &key, &value);

	while (at == 1 && removed < EXPIRE_MAX) {
		if (key.len > KEY_MAX || row_view(value, &row) != 0 || row.expires == 0 ||
		    row.expires > wall) {
			at = cursor_next(cursor, &key, &value);
			continue;
		}
		/* Deleting moves what the cursor stands on: go on at the key that was deleted. */
		memcpy(buf, key.at, key.len);
		key.at = buf;
		if (txn_delete(txn, STORE_RULE, key) == 1)
			removed++;
		at = cursor_seek(cursor, key, &key, &value);
	}
	cursor_close(cursor);
	return txn->code == 0 ? removed : 0;
}

void rulebook_add_hits(struct txn *txn, const char *subject, uint64_t hits)
{
	unsigned char buf[KEY_MAX];
	struct span key = key_of(subject, buf), stored;
	struct bytes copy = {0};
	struct row row;

	if (hits == 0 || txn_get(txn, STORE_RULE, key, &stored) != 1 || row_view(stored, &row) != 0)
		return;
	/* The stored bytes may move while they are replaced. */
	bytes_put(&copy, row.rule.at, row.rule.len);
	row.rule = bytes_span(&copy);
	row.hits += hits;
	if (copy.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	else
		row_put(txn, key, &row);
	bytes_release(&copy);
}

/* ---- the file's */

#define FILE_HITS     "hits:"
#define FILE_HITS_LEN (sizeof(FILE_HITS) - 1)
#define FILE_KEY_MAX  (FILE_HITS_LEN + KEY_MAX)

static struct span file_key_of(const char *subject, unsigned char buf[FILE_KEY_MAX])
{
	memcpy(buf, FILE_HITS, FILE_HITS_LEN);
	return (struct span){
	    .at = buf, .len = FILE_HITS_LEN + key_of(subject, buf + FILE_HITS_LEN).len};
}

uint64_t rulebook_file_hits(struct txn *txn, const char *subject)
{
	unsigned char buf[FILE_KEY_MAX];
	struct span stored;

	if (txn_get(txn, STORE_META, file_key_of(subject, buf), &stored) != 1 || stored.len != 8)
		return 0;
	return be64_load(stored.at);
}

void rulebook_add_file_hits(struct txn *txn, const char *subject, uint64_t hits)
{
	unsigned char buf[FILE_KEY_MAX], sum[8];

	if (hits == 0)
		return;
	be64_store(sum, rulebook_file_hits(txn, subject) + hits);
	txn_put(txn, STORE_META, file_key_of(subject, buf),
	    (struct span){.at = sum, .len = sizeof sum}, false);
}
