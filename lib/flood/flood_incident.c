/* SPDX-License-Identifier: ISC */

#include "base/clock.h"
#include "flood/flood_config.h"
#include "flood/flood_private.h"

#define QUIET_TIME (INT64_C(1800) * USEC_PER_SEC)
#define AGAIN_TIME (INT64_C(6) * 3600 * USEC_PER_SEC)
#define FULL_TIME  (INT64_C(10) * USEC_PER_SEC)

static void tell(struct flood *f, struct flood_incident *i, enum flood_event event)
{
	uint8_t bit = (uint8_t)(1u << event);

	f->untold += !(i->untold & bit);
	i->untold |= bit;
}

int flood_take(struct flood *f, enum flood_event *ret_event, struct flood_incident **ret)
{
	for (size_t n = 0; f->untold && n < FLOOD_INCIDENTS_MAX; n++) {
		struct flood_incident *i = &f->incident[n];

		for (int event = 0; i->untold && event <= FLOOD_ENDS; event++)
			if (i->untold & 1u << event) {
				i->untold &= (uint8_t) ~(1u << event);
				f->untold--;
				*ret_event = (enum flood_event)event;
				*ret = i;
				return 1;
			}
	}
	return 0;
}

struct flood_incident *flood_at(struct flood *f, size_t n)
{
	return &f->incident[n];
}

struct flood_incident *flood_find(struct flood *f, uint32_t id)
{
	for (size_t n = 0; id && n < FLOOD_INCIDENTS_MAX; n++)
		if (f->incident[n].id == id)
			return &f->incident[n];
	return NULL;
}

unsigned flood_open_count(const struct flood *f)
{
	return f->open;
}

uint64_t flood_unopened(const struct flood *f)
{
	return f->unopened;
}

uint32_t flood_rate(struct flood *f, const struct flood_incident *i, int64_t now)
{
	const struct entry *e = flood_entry_of(f, i);

	return e ? (uint32_t)(table_recipients(e, FLOOD_10M, now) * 6) : 0;
}

static struct flood_incident *earlier(
    struct flood *f, enum flood_kind kind, uint64_t hash, int64_t now)
{
	for (size_t n = 0; n < FLOOD_INCIDENTS_MAX; n++) {
		struct flood_incident *i = &f->incident[n];

		if (i->id && !i->open && i->kind == kind && i->hash == hash &&
		    i->mark != FLOOD_NORMAL && now - i->last < AGAIN_TIME)
			return i;
	}
	return NULL;
}

/* A free slot, or that of the incident that ended first. */
static struct flood_incident *free_slot(struct flood *f)
{
	struct flood_incident *ret = NULL;

	for (size_t n = 0; n < FLOOD_INCIDENTS_MAX; n++) {
		struct flood_incident *i = &f->incident[n];

		if (!i->id)
			return i;
		if (!i->open && !i->untold && (!ret || i->until < ret->until))
			ret = i;
	}
	return ret;
}

static void begin(struct flood *f, struct flood_incident *i, enum flood_kind kind,
    const struct flood_key *k, uint64_t hash, int64_t now)
{
	*i = (struct flood_incident){
	    .id = f->next_id++, .kind = kind, .key_cut = k->cut, .hash = hash, .since = now};
	memcpy(i->key, k->text, k->len + 1);
}

static enum flood_window window_of(enum flood_signal signal)
{
	return signal == FLOOD_COUNT_10M                                 ? FLOOD_10M
	       : signal == FLOOD_COUNT_1D || signal == FLOOD_NETWORKS_1D ? FLOOD_1D
									 : FLOOD_1H;
}

struct flood_incident *flood_incident_open(struct flood *f, enum flood_kind kind,
    const struct flood_key *k, struct entry *e, const struct over *over, int64_t now)
{
	struct flood_incident *i, *again;
	enum flood_window w = window_of(over->signal);
	uint64_t hash = flood_hash_of(f, k);

	if (now < f->full)
		return NULL;
	again = earlier(f, kind, hash, now);
	i = again ? again : free_slot(f);
	if (f->open >= FLOOD_OPEN_MAX || !i) {
		f->full = now + FULL_TIME;
		f->unopened++;
		return NULL;
	}
	if (!again)
		begin(f, i, kind, k, hash, now);
	i->open = true;
	i->until = 0;
	i->last = now;
	if (!again) {
		i->signal = (uint8_t)over->signal;
		i->seen = over->seen;
		i->limit = over->limit;
		i->usual = over->usual;
		i->window = now - (int64_t)window_seconds[w] * USEC_PER_SEC;
		i->recipients = (uint64_t)table_recipients(e, w, now);
		i->messages = (uint64_t)table_messages(e, w, now);
		i->told = i->recipients ? i->recipients : 1;
		i->undelivered = e->undelivered;
	}
	e->incident = (uint16_t)(i - f->incident + 1);
	f->open++;
	tell(f, i, again ? FLOOD_AGAIN : FLOOD_BEGINS);
	return i;
}

static void sample(struct flood_incident *i, const struct flood_message *m)
{
	struct queue_id id;
	bool known = !m->client.family;

	for (int n = 0; n < i->clients_count; n++)
		known |= net_equal(&i->clients[n], &m->client);
	if (!known && i->clients_count < FLOOD_SAMPLES)
		i->clients[i->clients_count++] = m->client;
	if (i->ids_count < FLOOD_SAMPLES &&
	    queue_id_parse(m->queue_id, strlen(m->queue_id), &id) == 0)
		i->ids[i->ids_count++] = id;
	i->loopback |= m->loopback && i->kind == FLOOD_CLIENT;
}

static void note_most(struct flood_incident *i, const struct entry *e, int64_t now)
{
	for (int w = 0; w < FLOOD_WINDOWS; w++) {
		double seen = table_recipients(e, (enum flood_window)w, now);

		if (seen > i->most[w])
			i->most[w] = (uint32_t)seen;
	}
	i->networks = table_networks_1h(e);
	i->senders = table_senders(e);
	i->undelivered = e->undelivered;
}

void flood_incident_add(struct flood *f, struct flood_incident *i, const struct entry *e,
    const struct over *over, const struct flood_message *m, bool opened)
{
	int64_t now = m->now;

	if (!opened) { /* the message that opened it is counted already */
		i->recipients += m->recipients;
		i->messages++;
	}
	sample(i, m);
	note_most(i, e, now);
	if (over->signal != FLOOD_QUIET || over->half)
		i->last = now;
	if (over->act && !i->act) {
		i->act = true;
		tell(f, i, FLOOD_ACTS);
	}
	if (i->recipients >= i->told * 10) {
		i->told = i->recipients;
		tell(f, i, FLOOD_UPDATE);
	}
}

void flood_goes_on(struct flood_incident *i, int64_t now)
{
	if (i->open && now > i->last)
		i->last = now;
}

static void end(struct flood *f, struct flood_incident *i, int64_t now)
{
	struct entry *e = flood_entry_of(f, i);

	if (!i->open)
		return;
	if (e) {
		if (i->mark == FLOOD_BAD)
			table_forget(e, now);
		table_clear(e); /* a longer window must not report it again */
		e->incident = 0;
	}
	i->open = false;
	i->until = now;
	f->open--;
	tell(f, i, FLOOD_ENDS);
}

void flood_tick(struct flood *f, int64_t now)
{
	f->now = now;
	for (size_t n = 0; f->open && n < FLOOD_INCIDENTS_MAX; n++) {
		struct flood_incident *i = &f->incident[n];

		if (i->open && i->last > now)
			i->last = now; /* the clock was set back */
		if (i->open && now - i->last > QUIET_TIME)
			end(f, i, now);
	}
}

void flood_normal(struct flood *f, struct flood_incident *i, int64_t now)
{
	struct entry *e = flood_entry_of(f, i);

	i->mark = FLOOD_NORMAL;
	if (e) {
		const float now_seen[PEAKS] = {(float)i->most[0], (float)i->most[1],
		    (float)i->most[2], (float)table_networks_1h(e), (float)table_networks_1d(e),
		    (float)table_senders(e)};

		for (int p = 0; p < PEAKS; p++)
			if (now_seen[p] > e->pending[p])
				e->pending[p] = now_seen[p];
		table_settle(e);
		e->shun = 0;
		e->undelivered = 0;
	}
	end(f, i, now);
}

void flood_bad(struct flood *f, struct flood_incident *i, int64_t now)
{
	struct entry *e = flood_entry_of(f, i);

	i->mark = FLOOD_BAD;
	if (e)
		table_forget(e, now);
}

static bool is_client(const struct flood_incident *i, const char *subject)
{
	struct net_block named, key;

	return str_starts(subject, "client:") && net_parse_block(subject + 7, &named) == 0 &&
	       net_parse_block(i->key, &key) == 0 && named.bits == key.bits &&
	       net_equal(&named.base, &key.base);
}

static bool is_named(
    const struct flood_incident *i, const char *subject, const struct flood_key *folded)
{
	bool address = i->kind == FLOOD_LOCAL || i->kind == FLOOD_SENDER;
	char pattern[FLOOD_KEY_MAX + 16];

	if (i->kind == FLOOD_CLIENT)
		return is_client(i, subject);
	flood_rule_pattern(i, pattern, sizeof(pattern));
	return pattern[0] && (str_equal_nocase(pattern, subject) ||
				 (address && strcmp(folded->text, i->key) == 0));
}

unsigned flood_named(struct flood *f, const char *subject, int64_t now)
{
	bool other = str_starts(subject, "login:") || str_starts(subject, "client:");
	struct flood_key folded;
	unsigned count = 0;

	flood_key_address(&folded, other ? "" : subject);
	for (size_t n = 0; f->open && n < FLOOD_INCIDENTS_MAX; n++) {
		struct flood_incident *i = &f->incident[n];

		if (i->id && i->open && i->mark == FLOOD_UNMARKED &&
		    is_named(i, subject, &folded)) {
			flood_bad(f, i, now);
			count++;
		}
	}
	return count;
}
