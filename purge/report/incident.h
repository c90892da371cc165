/* SPDX-License-Identifier: ISC */
/* The numbers and words of a report, from the account (order/account/recall.h) and a look at the
 * queue. No clock, no file. page.c writes it. */
#pragma once

#include "base/array.h"
#include "base/labels.h"
#include "order/account/recall.h"
#include "postfix/spool/queue.h"
#include "rules/rule.h"

/* As the chart of arrivals shows it. */
enum incident_fate { FATE_DELETED, FATE_HELD, FATE_FREED, FATE_WAITING, FATES };

struct incident_minute {
	int64_t time; /* wall; the first second of the minute */
	uint64_t counts[FATES];
};
struct incident_minutes {
	struct incident_minute *list; /* sorted by time; each minute once */
	size_t count, cap;
};

/* Counts by sender, recipient and reason: in batches that deleted, that held, that did something
 * else, and in the queue now. A message that was held and then deleted is in both counts. */
enum incident_column { COLUMN_DELETED, COLUMN_HELD, COLUMN_OTHER, COLUMN_WAITING, COLUMNS };
struct incident_row {
	const char *name; /* "": none; lives as long as the table */
	uint64_t counts[COLUMNS];
};
struct incident_table {
	struct labels names;
	struct incident_row *rows; /* the most frequent first; set by incident_close */
	size_t count;
	uint64_t others[COLUMNS]; /* sums of names that were not kept */
	bool used[COLUMNS];       /* the column has counts */
};

struct incident_act {
	const struct batch *batch;
	const struct recalled *recalled; /* NULL: the account has only its line */
};

enum incident_kind { INCIDENT_QUEUE, INCIDENT_BATCH, INCIDENT_FLOOD };

/* From the flood watch. Texts are not trusted. */
struct incident_flood {
	uint32_t id; /* 0: none */
	const char *kind, *key, *signal, *action, *mark;
	int64_t since, until; /* wall seconds; until 0: still open */
	int64_t recipients, messages, held, limit, usual, expires;
};

struct incident_left {
	bool known;      /* the queue was looked at */
	const char *why; /* if not known */
	uint64_t messages, bytes;
	uint64_t queues[QUEUE_COUNT]; /* in flow order */
	uint64_t since;               /* of messages: arrived after the first batch began */
	int64_t oldest, newest;       /* wall microseconds; 0: none */
};

/* Zero-initialise. Texts, batches and rules are the caller's and outlive it. */
struct incident {
	enum incident_kind kind;
	uint64_t batch;    /* --batch */
	const char *asked; /* in words; "" */
	const char *host, *user;
	int64_t made; /* wall microseconds */
	struct incident_flood flood;
	ARRAY_OF(struct incident_act) acts;  /* by number */
	ARRAY_OF(const struct rule *) rules; /* set at most an hour before it began, or later */
	size_t rules_left_out;
	int64_t began;                   /* the first batch; wall microseconds, 0: none */
	struct incident_minutes minutes; /* merged by incident_close */
	struct incident_table tables[FACT_TABLES];
	struct incident_left left;
	/* messages whose arrival time the account lacks */
	uint64_t undated;
	bool twice;          /* a message that was held and then deleted may be in minutes twice */
	struct strbuf notes; /* packed: sentences about missing facts */
	bool failed;         /* out of memory */
};

/* recalled may be NULL. Both must outlive the incident. */
void incident_add_batch(
    struct incident *i, const struct batch *batch, const struct recalled *recalled);
/* Adds the messages of all batches. Call it after the last batch. */
void incident_add_messages(struct incident *i, const struct recall *recall);
/* A message in the queue now. arrival: wall microseconds, 0: unknown. counted: a batch held it or
 * let it go, so it is in the chart already. */
void incident_add_waiting(
    struct incident *i, int64_t arrival, int64_t size, enum queue_name queue, bool counted);
void incident_add_count(struct incident *i, enum fact_kind table, enum incident_column column,
    const char *name, uint64_t count);
/* A rule in force, whose texts are not trusted. After the first 50, rules are only counted. */
void incident_add_rule(struct incident *i, const struct rule *rule);
void incident_note(struct incident *i, const char *format, ...) FORMAT(2, 3);
/* Sorts. Call it last. -ENOMEM if anything failed. */
int incident_close(struct incident *i) NODISCARD;
void incident_release(struct incident *i);

/* Who ordered it, besides the user: "the flood watch, flood 12". Returns buf. */
char *incident_origin(const struct batch *batch, char *buf, size_t size);
/* The state in words: "done". */
const char *incident_state(const struct batch *batch);

/* Merges minutes into at most max bars of *ret_width seconds, a whole number of minutes. Release
 * ret->list. -ENOMEM. */
int incident_bars(const struct incident_minutes *m, size_t max, int64_t *ret_width,
    struct incident_minutes *ret) NODISCARD;
