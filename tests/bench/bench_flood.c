/* SPDX-License-Identifier: ISC */
/*
 * Compares the flood watch with the fixed limits of other tools, on the traffic of flood_traffic.py
 * (stdin), in one table; then measures the cost of a message and the memory. A simulated
 * administrator marks real incidents (floods --bad) and ignores false alarms. -v: prints each false
 * alarm and miss.
 */
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "flood/flood.h"
#include "tests/bench/flood_score.h"

#define EPOCH (INT64_C(20000) * 86400 * USEC_PER_SEC)

/* ---- fixed limits of other tools: messages (or recipients) of a key in one or two spans */

struct slot {
	char *key;
	double last;
	struct {
		double now, before;
		long bucket;
	} span[2];
};
struct fixed {
	const char *name;
	char key; /* S sender, L login, C login, local or client */
	double limit[2], seconds[2];
	bool recipients;
	struct slot *slots;
	size_t size, used;
};
static struct fixed fixed[] = {
    {.name = "200 in 30 min a sender (ratemilter)", .key = 'S', .limit = {200}, .seconds = {1800}},
    {.name = "10/min, 150/day a login (policyd-rate-limit)",
	.key = 'L',
	.limit = {10, 150},
	.seconds = {60, 86400}},
    {.name = "100/h (CSF)", .key = 'C', .limit = {100}, .seconds = {3600}},
    {.name = "400/h, 800/day recipients (Microsoft)",
	.key = 'L',
	.limit = {400, 800},
	.seconds = {3600, 86400},
	.recipients = true},
    {.name = "30/min a login (Exchange)", .key = 'L', .limit = {30}, .seconds = {60}},
    {.name = "2,000/day a login (Gmail)", .key = 'L', .limit = {2000}, .seconds = {86400}},
};

static struct slot *slot_of(struct fixed *x, const char *key)
{
	static const uint64_t secret[2] = {1, 2};

	if (x->used * 2 >= x->size) {
		struct fixed bigger = *x;

		bigger.size = x->size ? x->size * 2 : 1024;
		bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
		bigger.used = 0;
		for (size_t i = 0; i < x->size; i++)
			if (x->slots[i].key)
				*slot_of(&bigger, x->slots[i].key) = x->slots[i];
		free(x->slots);
		*x = bigger;
	}
	size_t at = 0;
	for (const char *c = key; *c; c++)
		at = at * 31 + (unsigned char)*c;
	at ^= secret[0] * (at >> 15);
	while (x->slots[at % x->size].key && strcmp(x->slots[at % x->size].key, key) != 0)
		at++;
	struct slot *s = &x->slots[at % x->size];
	if (!s->key) {
		s->key = strdup(key);
		s->last = -1e9;
		s->span[0].bucket = s->span[1].bucket = -1;
		x->used++;
	}
	return s;
}

static bool fixed_key(char what, const struct event *e, const char **kind, const char **key)
{
	*kind = "login";
	*key = e->login;
	if (what == 'S') {
		*kind = "sender";
		*key = e->path == 'x' ? "" : e->sender;
	} else if (what == 'C' && !*e->login) {
		*kind = e->path == 'l' ? "local" : "client";
		*key = e->path == 'l' ? e->sender : e->client;
	}
	return **key;
}

static void feed_fixed(struct fixed *x, struct score *s, const struct event *e)
{
	const char *kind, *key;

	if (!fixed_key(x->key, e, &kind, &key))
		return;
	struct slot *slot = slot_of(x, key);
	for (int i = 0; i < 2 && x->limit[i] > 0; i++) {
		double at = e->t / x->seconds[i];
		long bucket = (long)at;

		if (bucket != slot->span[i].bucket) {
			slot->span[i].before =
			    bucket == slot->span[i].bucket + 1 ? slot->span[i].now : 0;
			slot->span[i].now = 0;
			slot->span[i].bucket = bucket;
		}
		slot->span[i].now += x->recipients ? e->recipients : 1;
		if (slot->span[i].now + slot->span[i].before * (1 - (at - (double)bucket)) <=
		    x->limit[i])
			continue;
		if (e->t - slot->last > 3600)
			alarm_of(s, e, kind, key, "");
		slot->last = e->t;
	}
}

/* ---- the flood watch */

/* What a catch-up would see each minute: bad messages of the last hour that are at least ten
 * minutes old. */
struct undelivered {
	char *key;
	bool login;
	double t;
};
static struct undelivered *waiting;
static size_t waiting_count, waiting_cap, first_in, first_out;

struct tally {
	const char *key;
	bool login;
	uint32_t count;
};

static int by_key(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return x->login != y->login ? x->login - y->login : strcmp(x->key, y->key);
}

static void catch_up(struct flood *f, double t, uint32_t messages_of_hour)
{
	static struct tally list[400000];
	size_t count = 0;

	while (first_in < waiting_count && waiting[first_in].t <= t - 600)
		first_in++;
	while (first_out < first_in && waiting[first_out].t <= t - 4200)
		first_out++;
	if ((double)(first_in - first_out) > .15 * messages_of_hour)
		return; /* the relay is down */
	for (size_t i = first_out; i < first_in && count < COUNT_OF(list); i++)
		list[count++] =
		    (struct tally){.key = waiting[i].key, .login = waiting[i].login, .count = 1};
	qsort(list, count, sizeof(*list), by_key);
	for (size_t i = 0, n; i < count; i = n) {
		for (n = i + 1; n < count && by_key(&list[i], &list[n]) == 0; n++)
			list[i].count++;
		if (list[i].count >= 20)
			flood_undelivered(f, list[i].login ? FLOOD_LOGIN : FLOOD_LOCAL, list[i].key,
			    list[i].count, EPOCH + (int64_t)(t * 1e6));
	}
}

static void wait_for(const struct event *e)
{
	if (!e->bad || (e->path != 'a' && e->path != 'l'))
		return;
	if (waiting_count == waiting_cap) {
		waiting_cap = waiting_cap ? waiting_cap * 2 : 1024;
		waiting = realloc(waiting, waiting_cap * sizeof(*waiting));
	}
	waiting[waiting_count++] =
	    (struct undelivered){.key = strdup(e->path == 'a' ? e->login : e->sender),
		.login = e->path == 'a',
		.t = e->t};
}

/* An address for each client: made of its network's number and the client's name. */
static struct net_address client_of(const struct event *e)
{
	static const uint64_t secret[2] = {3, 4};
	struct net_address a = {.family = 6};
	uint64_t name = 0;

	for (const char *c = e->client; *c; c++)
		name = (name ^ (unsigned char)*c) * UINT64_C(0x100000001b3) + secret[0];
	if (e->path == 'l')
		return (struct net_address){.family = 0};
	a.at[0] = 0x20;
	memcpy(a.at + 1, &name, 7);
	if (e->path == 'a')
		memcpy(a.at + 1, &e->net, 4);
	return a;
}

static void take_alarms(struct flood *f, const struct event *e)
{
	struct flood_incident *i;
	enum flood_event event;
	char kept[600];

	while (flood_take(f, &event, &i)) {
		int which = event == FLOOD_BEGINS ? 0 : event == FLOOD_ACTS ? 1 : -1;

		if (which < 0)
			continue;
		snprintf(kept, sizeof(kept), "%s", i->key);
		if (alarm_of(&scores[which], e, flood_kind_word(i->kind), kept,
			flood_signal_word(i->signal)) &&
		    i->mark == FLOOD_UNMARKED)
			flood_bad(f, i, EPOCH + (int64_t)(e->t * 1e6));
	}
}

static void feed_watch(struct flood *f, const struct event *e)
{
	const struct flood_message m = {.now = EPOCH + (int64_t)(e->t * 1e6),
	    .login = e->login,
	    .sender = e->sender,
	    .recipient = e->recipient,
	    .message_id = "",
	    .queue_id = "",
	    .client = client_of(e),
	    .recipients = e->recipients,
	    .local = e->path == 'l',
	    .own = e->path == 'r' || (e->path == 'a' && e->net == 0)};

	flood_feed(f, &m);
	take_alarms(f, e);
}

static void each_minute(struct flood *f, const struct event *e)
{
	static uint32_t minutes[60];
	static long last = -1;
	long minute = (long)(e->t / 60);

	if (minute != last) {
		uint32_t hour = 0;

		for (int i = 0; i < 60; i++)
			hour += minutes[i];
		const struct event nobody = {.t = e->t};
		catch_up(f, e->t, hour);
		flood_tick(f, EPOCH + (int64_t)(e->t * 1e6));
		take_alarms(f, &nobody);
		if (minute != last)
			minutes[minute % 60] = 0;
		last = minute;
	}
	minutes[minute % 60]++;
}

/* ---- input */

static char *field(char **at)
{
	static char none[1];
	char *ret = *at ? strsep(at, "\t\n") : NULL;

	return ret ? ret : none;
}

static void read_incident(char *at)
{
	struct incident *i = &incidents[atoi(field(&at))];

	incident_count++;
	i->name = strdup(field(&at));
	i->start = atof(field(&at));
	i->end = atof(field(&at));
	for (char *key; i->key_count < (int)COUNT_OF(i->keys) && *(key = field(&at));)
		i->keys[i->key_count++] = strdup(key);
}

static void note(struct incident *i, const struct event *e)
{
	if ((i->count & (i->count - 1)) == 0) {
		size_t cap = i->count ? i->count * 2 : 1;

		i->t = realloc(i->t, cap * sizeof(*i->t));
		i->n = realloc(i->n, cap * sizeof(*i->n));
	}
	i->t[i->count] = e->t;
	i->n[i->count++] = e->recipients;
	i->total += e->recipients;
}

static struct event event_of(char *at)
{
	struct event e = {.t = atof(field(&at))};

	e.path = *field(&at);
	e.login = field(&at);
	e.client = field(&at);
	e.net = (uint32_t)atol(field(&at));
	e.sender = field(&at);
	e.recipients = (uint32_t)atol(field(&at));
	e.recipient = field(&at);
	e.bad = *field(&at) == '1';
	e.incident = atoi(field(&at));
	return e;
}

static uint64_t run(struct flood *f)
{
	char *line = NULL;
	size_t cap = 0;
	uint64_t messages = 0;

	while (getline(&line, &cap, stdin) > 0) {
		if (line[0] == 'I') {
			read_incident(line + 2);
			continue;
		}
		struct event e = event_of(line);
		messages++;
		if (e.incident)
			note(&incidents[e.incident], &e);
		each_minute(f, &e);
		feed_watch(f, &e);
		wait_for(&e);
		for (size_t i = 0; i < COUNT_OF(fixed); i++)
			feed_fixed(&fixed[i], &scores[2 + i], &e);
	}
	free(line);
	return messages;
}

/* ---- cost */

static double thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t random64(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13, s ^= s >> 7, s ^= s << 17;
	return s;
}

/* hostile: every sender, client and domain is new, and the client is a host of our own. */
static double cost(const struct flood_config *config, bool hostile)
{
	enum { N = 1000000 };
	struct flood *f = flood_new(config);
	char(*text)[64] = calloc(N, sizeof(*text));
	double spent = 0;

	for (int i = 0; f && text && i < N; i++) {
		uint64_t r = random64();

		if (hostile)
			snprintf(text[i], sizeof(*text), "x%d@d%x.test", i, (unsigned)r);
		else {
			int user = (int)(1000 * pow((double)(r % 10000) / 10000, 2));

			snprintf(text[i], sizeof(*text), "u%d@dom%d.example", user, user % 150);
		}
	}
	double begun = thread_seconds();
	for (int i = 0; f && text && i < N; i++) {
		uint64_t r = random64();
		struct flood_message m = {
		    .now = EPOCH + i * (hostile ? INT64_C(3600) : INT64_C(1000000)),
		    .login = hostile ? "" : text[i],
		    .sender = text[i],
		    .recipient = "",
		    .message_id = "",
		    .queue_id = "4XyZ1234567890",
		    .client = {.family = 4},
		    .recipients = 1,
		    .own = hostile};

		memcpy(m.client.at + 12, &r, 4);
		if (!hostile)
			m.client.at[12] = 10, m.client.at[13] = 0,
			m.client.at[14] = (unsigned char)(text[i][1] & 3);
		flood_feed(f, &m);
	}
	spent = thread_seconds() - begun;
	free(text);
	flood_free(f);
	return spent / N * 1e6;
}

int main(int argc, char **argv)
{
	struct flood_config config = {.secret = {0x0706050403020100, 0x0f0e0d0c0b0a0908}};

	verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	memcpy(config.limits, flood_defaults, sizeof(config.limits));
	struct flood *f = flood_new(&config);
	if (!f)
		return 1;
	scores[0].name = "flood watch, warning";
	scores[1].name = "flood watch, acting at twice";
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		scores[2 + i].name = fixed[i].name;
	uint64_t messages = run(f);
	printf("%d days to warm up, %d measured; %llu messages, %d incidents\n", WARM, MEASURED,
	    (unsigned long long)messages, incident_count);
	printf("%-44s %8s %10s %11s %9s\n", "", "seen", "median", "through", "false/day");
	for (size_t i = 0; i < 2 + COUNT_OF(fixed); i++)
		print_score(&scores[i]);
	printf("cost: ordinary message %.2f us, hostile keys %.2f us, memory %.1f MiB\n",
	    cost(&config, false), cost(&config, true), (double)flood_memory() / 1048576);
	flood_free(f);
	return 0;
}
