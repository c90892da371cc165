/* SPDX-License-Identifier: ISC */
/* What the overlay's tests share: a base with three rows, and a fill made of text. */
#ifndef PQPURGE_TESTS_INDEX_SCRIPT_H
#define PQPURGE_TESTS_INDEX_SCRIPT_H

#include "tests/unit/index/fixture.h"

#include "index/store_overlay.h"

/* "a=1" puts, "a" deletes. */
struct script {
	const char *steps[8];
	int code; /* what the fill returns in the end */
	_Atomic int calls;
};

static inline void script_step(struct txn *txn, const char *step)
{
	const char *equals = strchr(step, '=');

	if (equals)
		txn_put(txn, STORE_META, (struct span){.at = step, .len = (size_t)(equals - step)},
		    span_text(equals + 1), false);
	else
		(void)txn_delete(txn, STORE_META, span_text(step));
}

static inline int script_run(void *arg, struct span read, struct txn *txn)
{
	struct script *script = arg;

	(void)read;
	script->calls++;
	for (const char **step = script->steps; *step; step++)
		script_step(txn, *step);
	return script->code;
}

static inline struct store *script_base(const char *dir)
{
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct script script = {.steps = {"b=1", "d=2", "f=3"}};
	struct txn txn;

	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(script_run(&script, EMPTY_SPAN, &txn), 0);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	return store;
}

/* An overlay that has nothing to read. */
static inline struct store *script_over(struct store *base, overlay_fill *fill, void *arg)
{
	struct store *store =
	    store_open_overlay(base, &(struct overlay_source){.fill = fill, .arg = arg});

	assert_non_null(store);
	return store;
}

static inline struct store *script_overlay(const char *dir, struct script *script)
{
	return script_over(script_base(dir), script_run, script);
}

/* "a=1 b=2 " */
static inline void script_append(char text[200], struct span key, struct span value)
{
	size_t len = strlen(text);

	(void)snprintf(text + len, 200 - len, "%.*s=%.*s ", (int)key.len, (const char *)key.at,
	    (int)value.len, (const char *)value.at);
}

static inline void script_walk(struct txn *txn, const char *from, char text[200])
{
	struct store_cursor *cursor = cursor_open(txn, STORE_META);
	struct span key, value;
	int found;

	text[0] = '\0';
	for (found = cursor_seek(cursor, span_text(from), &key, &value); found == 1;
	     found = cursor_next(cursor, &key, &value))
		script_append(text, key, value);
	assert_true(found == 0 || found == txn->code);
	cursor_close(cursor);
}

static inline void script_last(struct txn *txn, char text[200])
{
	struct store_cursor *cursor = cursor_open(txn, STORE_META);
	struct span key, value;

	text[0] = '\0';
	if (cursor_last(cursor, &key, &value) == 1)
		script_append(text, key, value);
	assert_true(txn->code != 0 || cursor_next(cursor, &key, &value) == 0);
	cursor_close(cursor);
}

#endif
