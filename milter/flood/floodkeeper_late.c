/* SPDX-License-Identifier: ISC */
/* Mail that came while nobody counted. The first catch-up reads it from the queue, and it counts
 * in the windows of its arrival. */
#include "base/clock.h"
#include "base/lock.h"
#include "base/role.h"
#include "index/control/update.h"
#include "index/control/wire.h"
#include "index/rows/record.h"
#include "milter/flood/floodkeeper_private.h"

#define DAY      (86400 * USEC_PER_SEC)
#define PATIENCE (3600 * USEC_PER_SEC) /* with catch-ups that cannot read everything */

/* Skips the selector. ret has views of body. */
static int read_update(const struct blob *body, struct update *ret)
{
	struct reader r = reader_of(body->at, body->len);

	(void)reader_blob(&r);
	if (r.failed)
		return ERR_SYNTAX;
	return update_decode((struct span){.at = r.at, .len = (size_t)(r.end - r.at)}, ret);
}

static void count_one(struct floodkeeper *k, const struct message *m, int64_t now)
{
	const struct net_address *client = message_client(m, NULL);
	const struct strlist *recipients = &m->queued.recipients;
	const struct flood_message message = {
	    .now = now,
	    .when = message_arrival(m),
	    .login = message_login(m),
	    .sender = message_sender(m),
	    .recipient = recipients->count ? recipients->first : "",
	    .message_id = message_id_of(m),
	    .queue_id = m->queue_id.text,
	    .client = *client,
	    .recipients = m->queued.recipient_count ? m->queued.recipient_count : 1,
	    .local = !client->family,
	    .own = client->family && flood_is_own(&k->setup, client),
	    .loopback = net_is_loopback(client),
	    .login_exact = k->settings->login_exact,
	};

	LOCKED(&k->lock);
	flood_feed(k->flood, &message);
}

/* Notices of this host are not counted. */
static bool is_late(const struct message *m, int64_t counted, int64_t began)
{
	int64_t arrival = message_arrival(m);

	return arrival > counted && arrival < began && !(m->flags & MESSAGE_NOTICE) &&
	       *message_sender(m);
}

static void count_all(struct floodkeeper *k, const struct update *u, int64_t counted)
{
	int64_t now = clock_wall();
	struct message m;
	struct span record;

	if (counted < now - DAY)
		counted = now - DAY;
	for (size_t at = 0; update_next(u, &at, &record) == 1;)
		if (record_peek(record, &m) == 0 && is_late(&m, counted, k->began))
			count_one(k, &m, now);
}

void flood_count_late(struct floodkeeper *k, int body)
{
	AUTO(blob_release) struct blob map = {0};
	struct update u;

	pthread_mutex_lock(&k->lock);
	bool done = k->caught_up;
	int64_t counted = flood_counted_until(k->flood);
	pthread_mutex_unlock(&k->lock);
	if (done || body < 0 || wire_map(body, &map, NULL) < 0)
		return;
	if (read_update(&map, &u) == 0) {
		count_all(k, &u, counted);
		pthread_mutex_lock(&k->lock);
		k->caught_up |= u.whole >= k->began || clock_wall() > k->began + PATIENCE;
		pthread_mutex_unlock(&k->lock);
	}
}
