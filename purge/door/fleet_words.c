/* SPDX-License-Identifier: ISC */
#include "purge/door/fleet_words.h"

#include <stdarg.h>

#include "base/clock.h"
#include "purge/verbs.h"

bool fleet_verb_acts(const char *verb)
{
	return verb_action_row(verb)->changes;
}

FORMAT(2, 3) static void put(struct fleet_words *w, const char *format, ...)
{
	char word[DOOR_TEXT_MAX + 64];
	va_list values;

	va_start(values, format);
	int len = vsnprintf(word, sizeof(word), format, values);
	va_end(values);
	/* DOOR_TEXT_MAX bounds every value */
	if (len < 0 || (size_t)len >= sizeof(word))
		w->packed.failed = true;
	else
		strlist_push(&w->packed, word, (size_t)len);
}

/* An option has the name of its key, with hyphens; others have other values. */
static void put_pair(struct fleet_words *w, const struct door_pair *pair)
{
	const bool alone = door_fleet_is_switch(pair->key);
	char option[64];

	if (str_has_word("author of older_s newer_s", pair->key))
		return;
	snprintf(option, sizeof(option), "%s", pair->key);
	for (char *at = option; (at = strchr(at, '_'));)
		*at = '-';
	put(w, "--%s%s%s", option, alone ? "" : "=", alone ? "" : pair->value);
}

/* -1: not given. 0 is an age like others: nothing is newer. */
static int64_t seconds_of(const struct door_fleet *order, const char *key)
{
	uint64_t n = UINT64_MAX;

	for (size_t i = 0; i < order->count; i++)
		if (strcmp(order->pairs[i].key, key) == 0 &&
		    str_parse_u64(order->pairs[i].value, 0, INT32_MAX, &n) < 0)
			n = INT32_MAX;
	return (int64_t)n;
}

static void put_ages(struct fleet_words *w, const struct door_fleet *order)
{
	int64_t older = seconds_of(order, "older_s"), newer = seconds_of(order, "newer_s");
	int64_t age = order->age / USEC_PER_SEC;
	bool late = order->age > FLEET_SPARE && fleet_verb_acts(order->verb) &&
		    strcmp(order->verb, "undo") != 0;

	if (older >= 0)
		older += age;
	if (late && older < age - FLEET_SPARE / USEC_PER_SEC)
		older = age - FLEET_SPARE / USEC_PER_SEC;
	if (older >= 0)
		put(w, "--older=%" PRId64 "s", older);
	if (newer >= 0)
		put(w, "--newer=%" PRId64 "s", newer + age);
}

static void put_authors(struct fleet_words *w, const struct door_fleet *order)
{
	for (size_t n = 0; n < order->count; n++)
		if (strcmp(order->pairs[n].key, "author") == 0)
			put(w, "%s", order->pairs[n].value);
}

static int list_words(struct fleet_words *w, const struct door_fleet *order, struct err *err)
{
	struct strlist words = strlist_of(&w->packed);

	if (!w->packed.failed)
		w->list = calloc(words.count + 1, sizeof(*w->list));
	if (!w->list)
		return err_set(err, -ENOMEM, "out of memory");
	int len = snprintf(
	    w->line, sizeof(w->line), "pqpurge-idx order: fleet order %" PRIu64 ":", order->number);
	strlist_each (word, &words) {
		w->list[w->count++] = word;
		if (len > 0 && (size_t)len < sizeof(w->line))
			len += snprintf(w->line + len, sizeof(w->line) - (size_t)len, " %s", word);
	}
	return 0;
}

int fleet_words_make(const struct door_fleet *order, const uint64_t *batches, size_t batch_count,
    struct fleet_words *ret, struct err *err)
{
	*ret = (struct fleet_words){0};
	put(ret, "%s", order->verb);
	put(ret, "--json");
	if (order->dry_run)
		put(ret, "--dry-run");
	if (*order->reason && fleet_verb_acts(order->verb))
		put(ret, "--reason=%s", order->reason);
	for (size_t n = 0; n < order->count; n++)
		put_pair(ret, &order->pairs[n]);
	put_ages(ret, order);
	put(ret, "--");
	put_authors(ret, order);
	for (size_t n = 0; n < batch_count; n++)
		put(ret, "%" PRIu64, batches[n]);
	return list_words(ret, order, err);
}

void fleet_words_release(struct fleet_words *words)
{
	strbuf_release(&words->packed);
	free(words->list);
	words->list = NULL;
	words->count = 0;
}
