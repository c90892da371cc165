/* SPDX-License-Identifier: ISC */
/* Which keys a message counts for, and which of them are over their limits. */
#include "flood/flood.h"

#include "base/clock.h"
#include "flood/flood_private.h"

#define SHARE_UNDELIVERED .30
#define YOUNG             (INT64_C(7) * 86400 * USEC_PER_SEC)
#define NETWORKS_ABOVE    2 /* times its peak of networks */

#define OF_ACCOUNT(s)                                                                              \
	{                                                                                          \
		.most = {0, 100, 200, 600, 6, 15, (s), 20}, .above = 3, .act_at = 2                \
	}
#define OF_COUNT(a, b, c)                                                                          \
	{                                                                                          \
		.most = {0, a, b, c}, .above = 3, .act_at = 2                                      \
	}
const struct flood_limits flood_defaults[FLOOD_KINDS] = {
    [FLOOD_LOGIN] = OF_ACCOUNT(10),
    [FLOOD_LOCAL] = OF_ACCOUNT(50),
    [FLOOD_SENDER] = OF_COUNT(300, 600, 2000),
    [FLOOD_CLIENT] = OF_COUNT(1000, 3000, 20000),
    [FLOOD_DOMAIN] = OF_COUNT(300, 600, 2000),
    [FLOOD_XDOMAIN] = OF_COUNT(1000, 3000, 20000),
    [FLOOD_BOUNCE] = OF_COUNT(50, 100, 200),
};

static uint32_t scaled(uint32_t limit, double by)
{
	double x = limit * by;

	return limit && x < 1 ? 1 : x > UINT32_MAX ? UINT32_MAX : (uint32_t)x;
}

void flood_scale(struct flood_limits limits[FLOOD_KINDS], double by)
{
	for (int k = 0; k < FLOOD_KINDS; k++)
		for (int s = 0; s < FLOOD_SIGNALS; s++)
			limits[k].most[s] = scaled(limits[k].most[s], by);
}

_Static_assert((int)FLOOD_KINDS == SETTINGS_FLOOD_KINDS, "settings_flood_kinds has all words");

const char *flood_kind_word(enum flood_kind kind)
{
	return (unsigned)kind < FLOOD_KINDS ? settings_flood_kinds[kind] : "unknown";
}

int flood_kind_of(const char *word, enum flood_kind *ret)
{
	for (int k = 0; k < FLOOD_KINDS; k++)
		if (strcmp(word, settings_flood_kinds[k]) == 0) {
			*ret = (enum flood_kind)k;
			return 0;
		}
	return ERR_SYNTAX;
}

const char *flood_signal_word(enum flood_signal signal)
{
	static const char *const words[FLOOD_SIGNALS] = {
	    "quiet", "10m", "1h", "1d", "networks/1h", "networks/1d", "senders", "undelivered"};

	return (unsigned)signal < FLOOD_SIGNALS ? words[signal] : "unknown";
}

struct flood *flood_new(const struct flood_config *config)
{
	struct flood *f = calloc(1, sizeof(*f));
	struct entry *entries = f ? calloc(TABLE_ENTRIES, sizeof(*entries)) : NULL;
	uint64_t *hashes = f ? aligned_alloc(64, TABLE_ENTRIES * sizeof(*hashes)) : NULL;
	size_t at = 0;

	if (!entries || !hashes) {
		free(entries);
		free(hashes);
		free(f);
		return NULL;
	}
	memset(hashes, 0, TABLE_ENTRIES * sizeof(*hashes));
	f->config = *config;
	f->next_id = 1;
	for (int k = 0; k < FLOOD_KINDS; k++) {
		f->table[k] = (struct table){
		    .hash = hashes + at, .list = entries + at, .sets = table_sizes[k] / 8};
		at += table_sizes[k];
	}
	return f;
}

void flood_free(struct flood *f)
{
	if (f) {
		free(f->table[0].list);
		free(f->table[0].hash);
	}
	free(f);
}

#define MEMORY (sizeof(struct flood) + TABLE_ENTRIES * (sizeof(struct entry) + sizeof(uint64_t)))
_Static_assert(MEMORY <= FLOOD_MEMORY_MAX, "the detector's memory is bounded");

size_t flood_memory(void)
{
	return MEMORY;
}

static uint32_t whole(double x)
{
	return x < 0 ? 0 : x > UINT32_MAX ? UINT32_MAX : (uint32_t)(x + .5);
}

static uint32_t usual(const struct entry *e, enum peak p)
{
	return whole(e->peak[p] > e->pending[p] ? e->peak[p] : e->pending[p]);
}

/* Keeps the first signal that is over its limit; any may set act. */
static bool weigh(struct over *over, enum flood_signal signal, double seen, uint32_t limit,
    double own, double act_at)
{
	if (!limit || seen < limit || seen <= own)
		return false;
	over->act |= seen >= limit * act_at;
	if (over->signal != FLOOD_QUIET)
		return false;
	over->signal = signal;
	over->seen = whole(seen);
	over->limit = whole(own > limit ? own : limit);
	return true;
}

static void weigh_account(struct over *over, const struct flood_limits *l, const struct entry *e)
{
	const float *peak = e->peak;

	uint32_t networks = table_networks_1h(e), few = l->most[FLOOD_NETWORKS_1H] * 5 / 6;
	const struct window *hour = &e->window[FLOOD_1H];

	/* Fewer than 1.25 messages from each network: no person moves about like that. */
	bool scattered = 4 * (hour->messages + hour->messages_before) <= 5 * networks;
	if (weigh(over, FLOOD_NETWORKS_1H, networks, scattered ? few : l->most[FLOOD_NETWORKS_1H],
		(double)peak[PEAK_NETWORKS_1H] * NETWORKS_ABOVE, l->act_at))
		over->usual = usual(e, PEAK_NETWORKS_1H);
	/* Only for every fourth message, because it takes a logarithm. */
	if ((e->window[FLOOD_1H].messages & 3) == 0 &&
	    weigh(over, FLOOD_NETWORKS_1D, table_networks_1d(e), l->most[FLOOD_NETWORKS_1D],
		(double)peak[PEAK_NETWORKS_1D] * NETWORKS_ABOVE, l->act_at))
		over->usual = usual(e, PEAK_NETWORKS_1D);
	if (weigh(over, FLOOD_SENDERS, table_senders(e), l->most[FLOOD_SENDERS],
		peak[PEAK_SENDERS] * l->above, 1))
		over->usual = usual(e, PEAK_SENDERS);
}

/* Local senders never seen before: a web form that forges its senders. */
static void weigh_new_senders(
    struct over *over, const struct flood_limits *l, const struct entry *e, int64_t now)
{
	if (strcmp(e->name, FLOOD_NEW_SENDERS) == 0 &&
	    weigh(over, FLOOD_SENDERS, table_recipients(e, FLOOD_1H, now), l->most[FLOOD_SENDERS],
		e->peak[PEAK_1H] * l->above, 1))
		over->usual = usual(e, PEAK_1H);
}

static void weigh_undelivered(
    struct over *over, const struct flood_limits *l, const struct entry *e, int64_t now)
{
	/* Undelivered mail was sent at least ten minutes ago: compare with an hour that ended
	 * then. */
	double messages =
	    table_messages(e, FLOOD_1H, now) + e->window[FLOOD_1H].messages_before / 6.0;

	if (e->undelivered > messages * SHARE_UNDELIVERED && messages > 0)
		weigh(over, FLOOD_UNDELIVERED, e->undelivered, l->most[FLOOD_UNDELIVERED], 0, 1);
}

static struct over measure(
    const struct flood *f, enum flood_kind kind, const struct entry *e, int64_t now)
{
	const struct flood_limits *l = &f->config.limits[kind];
	struct over over = {.signal = FLOOD_QUIET};

	for (int w = 0; w < FLOOD_WINDOWS; w++) {
		uint32_t limit = l->most[FLOOD_COUNT_10M + w];

		/* True for most keys most of the time. */
		if (e->window[w].current + e->window[w].previous <= limit / 2)
			continue;
		double own = e->peak[w] * l->above, seen = table_recipients(e, w, now);

		/* "limit" recipients are allowed; one more is over. */
		if (seen > limit && weigh(&over, FLOOD_COUNT_10M + w, seen, limit, own, l->act_at))
			over.usual = usual(e, (enum peak)w);
		if (w != FLOOD_1D && limit)
			over.half |= seen > (own > limit ? own : limit) / 2;
	}
	if (kind == FLOOD_LOGIN)
		weigh_account(&over, l, e);
	if (kind == FLOOD_LOCAL)
		weigh_new_senders(&over, l, e, now);
	if (kind == FLOOD_LOGIN || kind == FLOOD_LOCAL)
		weigh_undelivered(&over, l, e, now);
	return over;
}

bool flood_is_lifted(const struct flood *f, enum flood_kind kind, const struct entry *e)
{
	const struct flood_limits *l = &f->config.limits[kind];

	for (int w = 0; w < FLOOD_WINDOWS; w++)
		if (l->most[FLOOD_COUNT_10M + w] &&
		    e->peak[w] * l->above > l->most[FLOOD_COUNT_10M + w])
			return true;
	return false;
}

/* The entry, rolled to now; NULL if there is no room for it. */
static struct entry *entry_of(
    struct flood *f, enum flood_kind kind, const struct flood_key *k, uint64_t hash, int64_t now)
{
	bool is_new;
	struct entry *e = table_get(&f->table[kind], hash, k, now, &is_new);

	if (e && is_new)
		e->exempt = flood_is_exempt(&f->config, kind, k->text);
	if (e)
		table_roll(e, now, now < f->started + YOUNG);
	return e;
}

uint64_t flood_hash_of(const struct flood *f, const struct flood_key *k)
{
	return flood_hash(f->config.secret, k->text, k->len);
}

struct entry *flood_entry_of(struct flood *f, const struct flood_incident *i)
{
	return table_find(&f->table[i->kind], i->hash);
}

static void mark_in_bitmaps(const struct flood *f, struct entry *e, const struct flood_key *login,
    uint64_t login_hash, const struct flood_message *m)
{
	struct flood_key sender;
	char network[8];

	if (m->client.family && !m->own) {
		uint64_t bit =
		    flood_hash(f->config.secret, network, flood_network(&m->client, network));
		e->networks_1h[0] |= UINT64_C(1) << (bit & 63);
		e->networks_1d[0][bit >> 6 & 3] |= UINT64_C(1) << (bit >> 8 & 63);
	}
	flood_key_address(&sender, m->sender);
	bool same = sender.len == login->len && memcmp(sender.text, login->text, login->len) == 0;
	uint64_t bit = same ? login_hash : flood_hash_of(f, &sender);
	e->senders[0] |= UINT64_C(1) << (bit >> 32 & 63);
}

/* A message that is counted late goes to the bucket in which it arrived. */
static void add(struct entry *e, const struct flood_message *m)
{
	for (int w = 0; w < FLOOD_WINDOWS; w++) {
		struct window *x = &e->window[w];
		int64_t bucket =
		    m->when ? m->when / USEC_PER_SEC / window_seconds[w] : (int64_t)x->bucket;

		if (bucket >= x->bucket) {
			x->current += m->recipients;
			x->messages++;
		} else if (bucket + 1 == x->bucket) {
			x->previous += m->recipients;
			x->messages_before++;
		}
	}
}

/* Returns true if m must count for no wider key. */
static bool count(
    struct flood *f, enum flood_kind kind, const struct flood_key *k, const struct flood_message *m)
{
	uint64_t hash = flood_hash_of(f, k);
	struct entry *e = entry_of(f, kind, k, hash, m->now);

	if (!e || e->exempt)
		return e != NULL;
	e->last = (uint32_t)(m->now / USEC_PER_SEC);
	add(e, m);
	if (kind == FLOOD_LOGIN)
		mark_in_bitmaps(f, e, k, hash, m);
	struct over over = measure(f, kind, e, m->now);
	bool opens = !e->incident && over.signal != FLOOD_QUIET;
	struct flood_incident *i = e->incident ? &f->incident[e->incident - 1]
				   : opens     ? flood_incident_open(f, kind, k, e, &over, m->now)
					       : NULL;
	if (i)
		flood_incident_add(f, i, e, &over, m, opens);
	return i || flood_is_lifted(f, kind, e);
}

/* Whether m came back from a content filter on this host: its Message-ID was seen on another way
 * in. Each first pass excuses one second pass. */
static bool is_second_pass(struct flood *f, const struct flood_message *m)
{
	if (!*m->message_id)
		return false;
	uint64_t id = flood_hash(f->config.secret, m->message_id, strlen(m->message_id));
	uint64_t *set = f->pass[id % PASSES];
	bool back = m->loopback && !*m->login && !m->local;

	for (int i = 0; back && i < 8; i++)
		if (set[i] == id) {
			set[i] = 0;
			return true;
		}
	if (!back)
		set[f->pass_next[id % PASSES]++ & 7] = id;
	return false;
}

/* Mail without a login: by its sender if it is from our own hosts, then by client. */
static bool count_client(struct flood *f, const struct flood_message *m)
{
	struct flood_key k;

	if (m->own && *m->sender) {
		flood_key_address(&k, m->sender);
		if (count(f, FLOOD_SENDER, &k, m))
			return true;
	}
	if (!*m->sender && !m->own && *m->recipient) {
		flood_key_address(&k, m->recipient);
		if (count(f, FLOOD_BOUNCE, &k, m))
			return true;
	}
	flood_key_client(&k, &m->client);
	return count(f, FLOOD_CLIENT, &k, m);
}

/* A web form that forges senders evades separate counts, so new senders are also counted
 * together. */
static bool count_local(struct flood *f, const struct flood_message *m)
{
	struct flood_key k;

	flood_key_address(&k, m->sender);
	bool known =
	    table_find(&f->table[FLOOD_LOCAL], flood_hash(f->config.secret, k.text, k.len)) != NULL;
	bool judged = count(f, FLOOD_LOCAL, &k, m);
	if (judged || known)
		return judged;
	flood_key_text(&k, FLOOD_NEW_SENDERS, false);
	/* Its domain is counted even if this key is over its limit. */
	(void)count(f, FLOOD_LOCAL, &k, m);
	return false;
}

static bool count_narrow(struct flood *f, const struct flood_message *m)
{
	struct flood_key k;

	if (*m->login) {
		flood_key_text(&k, m->login, !m->login_exact);
		return count(f, FLOOD_LOGIN, &k, m);
	}
	if (m->local)
		return count_local(f, m);
	return m->client.family && count_client(f, m);
}

void flood_feed(struct flood *f, const struct flood_message *m)
{
	bool own = *m->login || m->local || m->own;
	struct flood_key k;

	f->now = m->now;
	if (!f->started)
		f->started = m->now;
	if (is_second_pass(f, m) || count_narrow(f, m) || !*m->sender)
		return;
	flood_key_domain(&k, m->sender);
	(void)count(f, own ? FLOOD_DOMAIN : FLOOD_XDOMAIN, &k, m);
}

void flood_undelivered(
    struct flood *f, enum flood_kind kind, const char *key, uint32_t messages, int64_t now)
{
	struct flood_key k;

	flood_key_text(&k, key, false);
	struct entry *e = entry_of(f, kind, &k, flood_hash_of(f, &k), now);
	if (!e || e->exempt)
		return;
	e->undelivered = messages;
	struct over over = measure(f, kind, e, now);
	if (e->incident && over.signal == FLOOD_UNDELIVERED)
		f->incident[e->incident - 1].undelivered = messages;
	else if (!e->incident && over.signal == FLOOD_UNDELIVERED)
		flood_incident_open(f, kind, &k, e, &over, now);
	if (over.signal != FLOOD_UNDELIVERED)
		e->undelivered = 0; /* reported again while it lasts */
}

size_t flood_busy(
    struct flood *f, enum flood_kind kind, int64_t now, struct flood_busy *ret, size_t max)
{
	const struct flood_limits *l = &f->config.limits[kind];
	size_t count = 0;

	for (size_t n = 0; l->most[FLOOD_UNDELIVERED] && n < table_sizes[kind] && count < max;
	     n++) {
		const struct entry *e = &f->table[kind].list[n];
		double messages = f->table[kind].hash[n] ? table_messages(e, FLOOD_1H, now) : 0;

		if (!e->name[0] || e->exempt || messages < l->most[FLOOD_UNDELIVERED])
			continue;
		memcpy(ret[count].name, e->name, sizeof(ret->name));
		ret[count++].messages = messages;
	}
	return count;
}
