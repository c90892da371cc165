/* SPDX-License-Identifier: ISC */
#include "index/rows/author_rows.h"

#include "base/array.h"

int author_rows_add(struct author_rows *a, struct span key)
{
	struct author_row row = {.at = (uint32_t)a->keys.len, .len = (uint32_t)key.len};

	bytes_put(&a->keys, key.at, key.len);
	return a->keys.failed ? -ENOMEM : array_add(a, row);
}

void author_rows_cut(struct author_rows *a, size_t count)
{
	if (count < a->count) {
		a->keys.len = a->list[count].at;
		a->count = count;
	}
}

static int compare(const void *a, const void *b, void *keys)
{
	const struct author_row *x = a, *y = b;
	const unsigned char *bytes = keys;
	int order = memcmp(bytes + x->at, bytes + y->at, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

void author_rows_sort(struct author_rows *a)
{
	if (a->count > 1)
		qsort_r(a->list, a->count, sizeof *a->list, compare, a->keys.at);
}

void author_rows_drop(struct author_rows *a, struct txn *txn, size_t n)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_AUTHOR);

	for (; n > 0 && a->next < a->count; n--, a->next++) {
		const struct author_row *row = &a->list[a->next];
		struct span wanted = {.at = a->keys.at + row->at, .len = row->len}, key, value;

		if (cursor_seek(cursor, wanted, &key, &value) == 1 && key.len == wanted.len &&
		    memcmp(key.at, wanted.at, key.len) == 0)
			(void)cursor_delete(cursor);
	}
}

void author_rows_clear(struct author_rows *a)
{
	bytes_clear(&a->keys);
	a->count = a->next = 0;
}

void author_rows_release(struct author_rows *a)
{
	bytes_release(&a->keys);
	free(a->list);
	*a = (struct author_rows){0};
}
