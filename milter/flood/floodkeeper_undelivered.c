/* SPDX-License-Identifier: ISC */
/* After a catch-up, counts how much of the mail that busy accounts sent within the last hour is
 * still queued. Mail that left has no row. */
#include "base/clock.h"
#include "base/lock.h"
#include "index/index.h"
#include "milter/flood/floodkeeper_private.h"

#define EACH     (50 * USEC_PER_SEC) /* the timer's catch-up comes each minute */
#define LATE     (600 * USEC_PER_SEC)
#define HOUR     (3600 * USEC_PER_SEC)
#define ACCOUNTS 64
/* If more than this share of the other busy accounts' mail is queued, a relay is down, and no
 * account is to blame. */
#define DOWN .15

struct accounts {
	enum flood_kind kind;
	struct flood_busy list[ACCOUNTS];
	uint32_t waits[ACCOUNTS];
	size_t count;
};

static int select_accounts(const struct accounts *a, bool login_exact, struct selector *s)
{
	int code = 0;

	selector_init(s);
	s->login_exact = login_exact;
	for (size_t n = 0; n < a->count && code == 0; n++) {
		const char *name = a->list[n].name;
		AUTO(pattern_release) struct pattern p = {0};

		if (a->kind == FLOOD_LOGIN && name[0] != '@' && name[0] != '/')
			code = selector_add_login(s, name);
		else if (a->kind == FLOOD_LOCAL && name[0] != '/' && strchr(name, '@') &&
			 pattern_parse(name, &p, NULL) == 0)
			code = pattern_set_add(&s->sender, &p);
	}
	selector_seal(s);
	return code;
}

static void count_one(struct accounts *a, const struct message *m, int64_t now)
{
	const char *name = a->kind == FLOOD_LOGIN ? message_login(m) : m->sender;
	int64_t age = now - message_arrival(m);

	if (age < LATE || age > LATE + HOUR)
		return;
	for (size_t n = 0; n < a->count; n++)
		a->waits[n] += str_equal_nocase(a->list[n].name, name);
}

static int count(struct floodkeeper *k, struct index *index, struct accounts *a, int64_t now)
{
	struct selector selector;
	AUTO(candidates_release) struct candidates rows = {0};
	AUTO(bytes_release) struct bytes out = {0};
	int code = select_accounts(a, k->settings->login_exact, &selector);

	if (code == 0 && selector_is_empty(&selector)) {
		selector_release(&selector);
		return 0;
	}
	code = code ?: index_find(index, &selector, clock_steady() + HOUR / 360, &out, NULL);
	struct blob blob = {.at = out.at, .len = out.len};
	code = code ?: select_view(&blob, &rows, NULL);
	for (size_t n = 0; code == 0 && n < rows.count; n++) {
		struct message m = candidate_message(&rows.list[n]);

		count_one(a, &m, now);
	}
	selector_release(&selector);
	return code;
}

static void judge(struct floodkeeper *k, const struct accounts *a, int64_t now)
{
	for (size_t n = 0; n < a->count; n++) {
		double sent = 0, waits = 0;

		for (size_t other = 0; other < a->count; other++)
			if (other != n) {
				sent += a->list[other].messages;
				waits += a->waits[other];
			}
		if (waits > 0 && waits > sent * DOWN)
			continue;
		UNDER(&k->lock,
		    flood_undelivered(k->flood, a->kind, a->list[n].name, a->waits[n], now));
	}
}

void floodkeeper_caught_up(struct floodkeeper *k, struct index *index, int body)
{
	static const enum flood_kind kinds[] = {FLOOD_LOGIN, FLOOD_LOCAL};
	int64_t steady = clock_steady(), now = clock_wall();

	if (!k->flood)
		return;
	flood_count_late(k, body);
	pthread_mutex_lock(&k->lock);
	bool due = steady >= k->next_count;
	if (due)
		k->next_count = steady + EACH;
	pthread_mutex_unlock(&k->lock);
	for (size_t n = 0; due && n < COUNT_OF(kinds); n++) {
		struct accounts *a = calloc(1, sizeof(*a));

		if (!a)
			return;
		a->kind = kinds[n];
		a->count = UNDER(&k->lock, flood_busy(k->flood, a->kind, now, a->list, ACCOUNTS));
		if (a->count > 0 && count(k, index, a, now) == 0)
			judge(k, a, now);
		free(a);
	}
}
