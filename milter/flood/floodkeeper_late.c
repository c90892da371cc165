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
			flood_count(k, &m, now);
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
		LOCKED(&k->lock);
		k->caught_up |= u.whole >= k->began || clock_wall() > k->began + PATIENCE;
	}
}
