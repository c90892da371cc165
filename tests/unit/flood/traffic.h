/* SPDX-License-Identifier: ISC */
/* Mail at invented times, and the events that it causes. */
#ifndef PQPURGE_TESTS_FLOOD_TRAFFIC_H
#define PQPURGE_TESTS_FLOOD_TRAFFIC_H

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/lines.h"
#include "flood/flood.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* At a day boundary, so that no window turns in the middle of a case. */
#define BEGIN (INT64_C(20000) * DAY)

static inline struct flood *make(const char *exempt)
{
	static struct settings_exempt list;
	struct flood_config config = {.secret = {7, 8}};

	memcpy(config.limits, flood_defaults, sizeof(config.limits));
	if (exempt) {
		assert_int_equal(settings_exempt_parse(exempt, &list, NULL), 0);
		config.exempt = &list;
		config.exempt_count = 1;
	}
	struct flood *f = flood_new(&config);
	assert_non_null(f);
	return f;
}

static inline struct flood_message mail(const char *login, const char *sender, const char *client)
{
	struct flood_message m = {.login = login,
	    .sender = sender,
	    .recipient = "r@there.example",
	    .message_id = "",
	    .queue_id = "3Pt2mN2VXxznjll",
	    .recipients = 1};

	if (strcmp(client, "local") == 0)
		m.local = true;
	else
		assert_int_equal(net_parse(client, &m.client), 0);
	m.loopback = strcmp(client, "127.0.0.1") == 0;
	m.own = m.loopback || strncmp(client, "192.0.2.", 8) == 0;
	return m;
}

/* n messages within `span`, from `from` on. */
static inline void send(
    struct flood *f, struct flood_message m, unsigned n, int64_t from, int64_t span)
{
	for (unsigned i = 0; i < n; i++) {
		m.now = from + span * i / n;
		flood_feed(f, &m);
	}
}

static const char *event_words[] = {"begins", "again", "acts", "update", "ends"};

/* Since the last call, as "begins login u@a.example 10m;..." */
static inline const char *events(struct flood *f)
{
	static char text[4096];
	enum flood_event event;
	struct flood_incident *i;
	size_t at = 0;

	text[0] = '\0';
	while (flood_take(f, &event, &i))
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s %s %s;",
		    event_words[event], flood_kind_word(i->kind), i->key,
		    flood_signal_word(i->signal));
	return text;
}

#endif
