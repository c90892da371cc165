/* SPDX-License-Identifier: ISC */
#include "flood/flood_table.h"

#include <math.h>

#include "base/clock.h"

#define WAYS         8
#define LEARN_DAYS   6 /* a flood that lasts for days must not become the norm */
#define FADE_A_DAY   .985f
#define SECONDS(now) ((uint32_t)((now) / USEC_PER_SEC))
#define DAY(now)     (SECONDS(now) / 86400)

const uint32_t table_sizes[FLOOD_KINDS] = {
    [FLOOD_LOGIN] = 8192,
    [FLOOD_LOCAL] = 1024,
    [FLOOD_SENDER] = 8192,
    [FLOOD_CLIENT] = 16384,
    [FLOOD_DOMAIN] = 2048,
    [FLOOD_XDOMAIN] = 6144,
    [FLOOD_BOUNCE] = 4096,
};
const uint32_t window_seconds[FLOOD_WINDOWS] = {600, 3600, 86400};

static size_t place_of(const struct table *t, uint64_t hash)
{
	size_t set = hash % t->sets * WAYS;

	for (size_t i = set; i < set + WAYS; i++)
		if (t->hash[i] == hash)
			return i;
	return SIZE_MAX;
}

struct entry *table_find(const struct table *t, uint64_t hash)
{
	size_t at = place_of(t, hash);

	return at == SIZE_MAX ? NULL : &t->list[at];
}

/* How much this entry is worth to its set: its day and its history, less its idle hours. */
static float worth(const struct entry *e, uint32_t now)
{
	const struct window *day = &e->window[FLOOD_1D];
	float idle = now > e->last ? (float)(now - e->last) / 3600 : 0;

	return (float)day->current + (float)day->previous / 2 + e->peak[PEAK_1D] / 4 - idle;
}

static size_t least(const struct table *t, size_t set, uint32_t now)
{
	size_t ret = SIZE_MAX;
	float lowest = 0;

	/* Requests the lines of all entries before it waits for any. */
	for (size_t i = set; i < set + WAYS; i++) {
		__builtin_prefetch(&t->list[i]);
		__builtin_prefetch(&t->list[i].peak[PEAK_1D]);
	}
	for (size_t i = set; i < set + WAYS; i++) {
		if (!t->hash[i])
			return i;
		float value = worth(&t->list[i], now);
		if (!t->list[i].incident && (ret == SIZE_MAX || value < lowest)) {
			lowest = value;
			ret = i;
		}
	}
	return ret;
}

struct entry *table_get(
    const struct table *t, uint64_t hash, const struct flood_key *k, int64_t now, bool *ret_new)
{
	size_t at = place_of(t, hash);

	*ret_new = at == SIZE_MAX;
	if (at != SIZE_MAX)
		return &t->list[at];
	at = least(t, hash % t->sets * WAYS, SECONDS(now));
	if (at == SIZE_MAX)
		return NULL;
	t->hash[at] = hash;
	struct entry *e = &t->list[at];
	memset(e, 0, sizeof(*e));
	if (k->len < sizeof(e->name))
		memcpy(e->name, k->text, k->len);
	for (int w = 0; w < FLOOD_WINDOWS; w++)
		e->window[w].bucket = SECONDS(now) / window_seconds[w];
	return e;
}

/* Three cases, so that the compiler divides by constants. */
static inline uint32_t bucket_of(enum flood_window w, uint32_t seconds)
{
	return w == FLOOD_10M ? seconds / 600 : w == FLOOD_1H ? seconds / 3600 : seconds / 86400;
}

static inline double estimate(
    const struct entry *e, enum flood_window w, int64_t now, bool messages)
{
	const struct window *x = &e->window[w];
	static const double part[FLOOD_WINDOWS] = {1.0 / 600, 1.0 / 3600, 1.0 / 86400};
	uint32_t seconds = SECONDS(now), bucket = bucket_of(w, seconds);
	double into = (seconds - bucket * window_seconds[w]) * part[w];
	uint32_t current = messages ? x->messages : x->current;
	uint32_t previous = messages ? x->messages_before : x->previous;

	if (w == FLOOD_1D && !messages) {
		current -= e->told;
		previous -= e->told_before;
	}

	if (bucket == x->bucket + 1)
		return current * (1 - into);
	return bucket == x->bucket  ? current + previous * (1 - into)
	       : bucket < x->bucket ? current
				    : 0;
}

double table_recipients(const struct entry *e, enum flood_window w, int64_t now)
{
	return estimate(e, w, now, false);
}

double table_messages(const struct entry *e, enum flood_window w, int64_t now)
{
	return estimate(e, w, now, true);
}

static uint32_t bits(uint64_t x)
{
	return (uint32_t)__builtin_popcountll(x);
}

static uint32_t bits_of_day(const struct entry *e, bool both)
{
	uint32_t count = 0;

	for (int i = 0; i < 4; i++)
		count += bits(e->networks_1d[0][i] | (both ? e->networks_1d[1][i] : 0));
	return count;
}

static double linear(uint32_t count)
{
	return count == 256 ? 2048 : -256 * log((256 - count) / 256.0);
}

uint32_t table_networks_1h(const struct entry *e)
{
	return bits(e->networks_1h[0] | e->networks_1h[1]);
}

double table_networks_1d(const struct entry *e)
{
	return linear(bits_of_day(e, true));
}

uint32_t table_senders(const struct entry *e)
{
	return bits(e->senders[0] | e->senders[1]);
}

static void learn(struct entry *e, enum peak p, float value, uint32_t day)
{
	if (value <= e->pending[p] || day <= e->shun)
		return;
	e->pending[p] = value;
	if (!e->pending_day)
		e->pending_day = (uint16_t)day;
}

void table_settle(struct entry *e)
{
	for (int p = 0; p < PEAKS; p++) {
		if (e->pending[p] > e->peak[p])
			e->peak[p] = e->pending[p];
		e->pending[p] = 0;
	}
	e->pending_day = 0;
}

void table_forget(struct entry *e, int64_t now)
{
	memset(e->pending, 0, sizeof(e->pending));
	e->pending_day = 0;
	e->shun = (uint16_t)DAY(now);
}

static void finish_hour(struct entry *e, bool adjacent, uint32_t day)
{
	learn(e, PEAK_NETWORKS_1H, (float)bits(e->networks_1h[0]), day);
	learn(e, PEAK_SENDERS, (float)bits(e->senders[0]), day);
	e->networks_1h[1] = adjacent ? e->networks_1h[0] : 0;
	e->senders[1] = adjacent ? e->senders[0] : 0;
	e->networks_1h[0] = e->senders[0] = 0;
	e->undelivered = 0; /* each catch-up reports it again */
}

void table_clear(struct entry *e)
{
	e->told = e->window[FLOOD_1D].current;
	e->told_before = e->window[FLOOD_1D].previous;
	for (int w = 0; w < FLOOD_1D; w++) {
		struct window *x = &e->window[w];

		learn(e, (enum peak)w, (float)x->current, x->bucket / (86400 / window_seconds[w]));
		/* Keeps messages, which the undelivered share needs. */
		x->current = x->previous = 0;
	}
	finish_hour(e, false, e->window[FLOOD_1D].bucket);
	learn(
	    e, PEAK_NETWORKS_1D, (float)linear(bits_of_day(e, false)), e->window[FLOOD_1D].bucket);
	memset(e->networks_1d, 0, sizeof(e->networks_1d));
}

static void finish_day(struct entry *e, uint32_t before, uint32_t today, bool young)
{
	float fade = 1;

	for (uint32_t d = before; d < today && d < before + 1000; d++)
		fade *= FADE_A_DAY;
	for (int p = 0; p < PEAKS; p++)
		e->peak[p] *= fade;
	learn(e, PEAK_NETWORKS_1D, (float)linear(bits_of_day(e, false)), before);
	if (e->pending_day && !e->incident && (young || (int)today - e->pending_day >= LEARN_DAYS))
		table_settle(e);
	if (today == before + 1)
		memcpy(e->networks_1d[1], e->networks_1d[0], sizeof(e->networks_1d[1]));
	else
		memset(e->networks_1d[1], 0, sizeof(e->networks_1d[1]));
	memset(e->networks_1d[0], 0, sizeof(e->networks_1d[0]));
	e->told_before = today == before + 1 ? e->told : 0;
	e->told = 0;
}

static void finish(struct entry *e, enum flood_window w, uint32_t bucket, bool young)
{
	struct window *x = &e->window[w];
	bool adjacent = bucket == x->bucket + 1;
	uint32_t before = x->bucket, day = before / (86400 / window_seconds[w]);

	/* The first peaks match the windows in order. */
	learn(e, (enum peak)w, (float)x->current, day);
	x->previous = adjacent ? x->current : 0;
	x->messages_before = adjacent ? x->messages : 0;
	x->current = x->messages = 0;
	x->bucket = bucket;
	if (w == FLOOD_1H)
		finish_hour(e, adjacent, day);
	else if (w == FLOOD_1D)
		finish_day(e, before, bucket, young);
}

/* If the clock was set back by less than a bucket, the bucket goes on. */
void table_roll(struct entry *e, int64_t now, bool young)
{
	uint32_t seconds = SECONDS(now);

	/* Longer windows' buckets are multiples of the shortest's, so they have not ended
	 * either. */
	if (bucket_of(FLOOD_10M, seconds) == e->window[FLOOD_10M].bucket)
		return;
	for (int w = 0; w < FLOOD_WINDOWS; w++) {
		uint32_t bucket = bucket_of((enum flood_window)w, seconds);

		if (bucket > e->window[w].bucket || bucket + 1 < e->window[w].bucket)
			finish(e, (enum flood_window)w, bucket, young);
	}
}
