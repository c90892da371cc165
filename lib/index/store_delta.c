/* SPDX-License-Identifier: ISC */
/* Changes in memory: arrays of pointers to rows, which lie with their bytes in chunks. */
#include <errno.h>

#include "index/store_delta.h"

#define CHUNK_SIZE ((size_t)64 << 10)
#define FIRST_CAP  64

/* ---- memory that is freed all at once */

struct delta_chunk {
	struct delta_chunk *next;
	size_t size, used;
	max_align_t memory[];
};

static struct delta_chunk *add_chunk(struct delta *delta, size_t least)
{
	size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
	struct delta_chunk *chunk = NULL;

	if (size <= SIZE_MAX - sizeof *chunk)
		chunk = malloc(sizeof *chunk + size);
	if (!chunk)
		return NULL;
	*chunk = (struct delta_chunk){.next = delta->chunks, .size = size};
	delta->chunks = chunk;
	return chunk;
}

static void *take(struct delta *delta, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct delta_chunk *chunk = delta->chunks;
	void *at;

	if (size > SIZE_MAX - align)
		return NULL;
	size = (size + align - 1) / align * align;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(delta, size);
	if (!chunk)
		return NULL;
	at = (char *)chunk->memory + chunk->used;
	chunk->used += size;
	return at;
}

static bool copy(struct delta *delta, struct span from, struct span *ret)
{
	void *at = take(delta, from.len);

	if (!at)
		return false;
	if (from.len > 0)
		memcpy(at, from.at, from.len);
	*ret = (struct span){.at = at, .len = from.len};
	return true;
}

/* ---- looking */

size_t delta_seek(const struct delta_table *table, struct span key)
{
	size_t low = 0, high = table->count;

	/* Most keys come in order. */
	if (high > 0 && delta_compare(table->rows[high - 1]->key, key) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (delta_compare(table->rows[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct delta_row *row_at(const struct delta_table *table, size_t at, struct span key)
{
	if (at == table->count || delta_compare(table->rows[at]->key, key) != 0)
		return NULL;
	return table->rows[at];
}

const struct delta_row *delta_find(const struct delta_table *table, struct span key)
{
	return row_at(table, delta_seek(table, key), key);
}

/* Steps over each deleted row once, not at each call. */
const struct delta_row *delta_last(struct delta_table *table)
{
	while (table->live_end > 0 && table->rows[table->live_end - 1]->deleted)
		table->live_end--;
	return table->live_end > 0 ? table->rows[table->live_end - 1] : NULL;
}

/* ---- changing */

static bool make_room(struct delta_table *table)
{
	size_t cap = table->cap > 0 ? 2 * table->cap : FIRST_CAP;
	struct delta_row **rows;

	if (table->count < table->cap)
		return true;
	rows = reallocarray(table->rows, cap, sizeof(struct delta_row *));
	if (!rows)
		return false;
	table->rows = rows;
	table->cap = cap;
	return true;
}

/* A row as good as deleted; NULL on no memory. */
static struct delta_row *insert(
    struct delta *delta, struct delta_table *table, size_t at, struct span key)
{
	struct delta_row *row = make_room(table) ? take(delta, sizeof *row) : NULL;

	if (!row)
		return NULL;
	*row = (struct delta_row){.deleted = true};
	if (!copy(delta, key, &row->key))
		return NULL;
	memmove(&table->rows[at + 1], &table->rows[at],
	    (table->count - at) * sizeof(struct delta_row *));
	table->rows[at] = row;
	table->count++;
	if (at < table->live_end)
		table->live_end++;
	return row;
}

int delta_set(
    struct delta *delta, enum store_table table, struct span key, const struct span *value)
{
	struct delta_table *t = &delta->tables[table];
	size_t at = delta_seek(t, key);
	struct delta_row *row = row_at(t, at, key);
	struct span copied = {0};

	/* The value first: where there is no memory, nothing has changed. */
	if (value && !copy(delta, *value, &copied))
		return -ENOMEM;
	if (!row)
		row = insert(delta, t, at, key);
	if (!row)
		return -ENOMEM;
	row->value = copied;
	row->deleted = !value;
	if (value && at >= t->live_end)
		t->live_end = at + 1;
	return 0;
}

void delta_release(struct delta *delta)
{
	struct delta_chunk *next;

	for (struct delta_chunk *chunk = delta->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	for (size_t i = 0; i < STORE_TABLE_COUNT; i++)
		free(delta->tables[i].rows);
	*delta = (struct delta){0};
}
