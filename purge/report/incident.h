/* SPDX-License-Identifier: ISC */
/*
 * What a report tells of an incident, as numbers and words: made of what the account recalls
 * (order/recall) and of a look at the queue. Pure: no clock, no file, no question to anybody.
 * page.c writes it down.
 */
#pragma once

#include "base/labels.h"
#include "order/account/recall.h"
#include "postfix/spool/queue.h"

/* What became of the messages that the chart of arrivals shows. */
enum incident_fate { FATE_DELETED, FATE_HELD, FATE_FREED, FATE_WAITING, FATES };

struct incident_minute {
	int64_t time; /* its first second, wall */
	uint64_t counts[FATES];
};
struct incident_minutes {
	struct incident_minute *list; /* by time, each minute once */
	size_t count, cap;
};

/* Who, to whom, why: what the account counted in batches that deleted, that held, and that did
 * something else; and what is in the queue now. A message that was held and then deleted is in both
 * counts. */
enum incident_column { COLUMN_DELETED, COLUMN_HELD, COLUMN_OTHER, COLUMN_WAITING, COLUMNS };
struct incident_row {
	const char *name; /* "" none; valid as long as the table */
	uint64_t counts[COLUMNS];
};
struct incident_table {
	struct labels names;
	struct incident_row *rows; /* the most frequent first; set by incident_close */
	size_t count;
	uint64_t others[COLUMNS]; /* of names that nobody kept */
	bool used[COLUMNS];       /* something was counted there */
};

struct incident_act {
	const struct batch *batch;
	const struct recalled *recalled; /* NULL: the account has its line alone */
};

/* A rule in force; texts are not trusted. */
struct incident_rule {
	const char *subject, *action, *author, *reason;
	int64_t set_time, expires; /* wall microseconds; expires 0: never */
	uint64_t hits;
};

enum incident_kind { INCIDENT_QUEUE, INCIDENT_BATCH, INCIDENT_FLOOD };

/* An incident of the flood watch, as the daemon tells it; texts are not trusted. */
struct incident_flood {
	uint32_t id; /* 0: there is none */
	const char *kind, *key, *signal, *action, *mark;
	int64_t since, until; /* wall seconds; until 0: it is open */
	int64_t recipients, messages, held, limit, usual, expires;
};

/* What is in the queue now. */
struct incident_left {
	bool known;      /* the queue was looked at */
	const char *why; /* not known: why */
	uint64_t messages, bytes;
	uint64_t queues[QUEUE_COUNT]; /* in flow order */
	uint64_t since;               /* of these, arrived after the first batch began */
	int64_t oldest, newest;       /* wall microseconds; 0: none */
};

/* Zero-initialise. Texts and batches are the caller's and outlive it. */
struct incident {
	enum incident_kind kind;
	uint64_t batch;    /* BATCH */
	const char *asked; /* the selectors in words; "" none */
	const char *host, *user;
	int64_t made; /* wall microseconds */
	struct incident_flood flood;
	struct {
		struct incident_act *list; /* by number */
		size_t count, cap;
	} acts;
	struct {
		struct incident_rule *list;
		size_t count, cap;
	} rules; /* set since an hour before it began */
	size_t rules_left_out;
	int64_t began;                   /* the first batch, wall microseconds; 0: none */
	struct incident_minutes minutes; /* merged by incident_close */
	struct incident_table tables[FACT_TABLES];
	struct incident_left left;
	/* Messages of which the account does not know when they arrived. */
	uint64_t undated;
	bool twice; /* minutes: a message that was held and then deleted may count for both */
	struct strbuf notes; /* packed: sentences about what is not known */
	bool failed;         /* out of memory */
};

/* Adds a batch. recalled may be NULL. Views of both are kept. */
void incident_add_batch(
    struct incident *i, const struct batch *batch, const struct recalled *recalled);
/* Adds the messages of all batches, once they are added. */
void incident_add_messages(struct incident *i, const struct recall *recall);
/* Adds a message that is in the queue now; arrival in wall microseconds, 0 unknown. counted: it was
 * held or let go, and is in the chart already. */
void incident_add_waiting(
    struct incident *i, int64_t arrival, int64_t size, enum queue_name queue, bool counted);
void incident_add_count(struct incident *i, enum fact_kind table, enum incident_column column,
    const char *name, uint64_t count);
/* Past 50 they are only counted. */
void incident_add_rule(struct incident *i, const struct incident_rule *rule);
void incident_note(struct incident *i, const char *format, ...) FORMAT(2, 3);
/* Sorts; call it last. -ENOMEM if anything failed. */
int incident_close(struct incident *i) NODISCARD;
void incident_release(struct incident *i);

/* Who gave the order: "the flood watch (flood 12)", "the fleet", or a user; returns buf. */
char *incident_origin(const struct batch *batch, char *buf, size_t size);
/* The state of a batch in words: "done", "interrupted; ...". Static. */
const char *incident_state(const struct batch *batch);

/* Minutes drawn together: at most max bars of *ret_width seconds each, a whole number of minutes.
 * Release ret->list. -ENOMEM. */
int incident_bars(const struct incident_minutes *m, size_t max, int64_t *ret_width,
    struct incident_minutes *ret) NODISCARD;
