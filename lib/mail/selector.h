/* SPDX-License-Identifier: ISC */
/*
 * Which messages are meant: the command's patterns and options as one value. Each kind narrows; the
 * same kind twice is an alternative. Pure; the index and the scan of queue files ask the same
 * questions of the same struct message. What only the queue file knows (arrival, size, queue) is
 * asked in a second step.
 */
#ifndef PQPURGE_MAIL_SELECTOR_H
#define PQPURGE_MAIL_SELECTOR_H

#include "mail/message.h"
#include "mail/pattern.h"

/* A growing array of patterns. Zero-initialise. */
struct pattern_set {
	struct pattern *list;
	size_t count;
};

struct selector {
	struct pattern_set author;    /* PATTERN: envelope sender or header From */
	struct pattern_set sender;    /* --sender */
	struct pattern_set from;      /* --from */
	struct pattern_set recipient; /* --recipient */
	struct strbuf logins;         /* --login, packed list; compared exactly */
	struct strbuf message_ids;    /* --message-id, packed, without <> */
	struct net_block *clients;    /* --client */
	size_t client_count;
	struct queue_id *ids; /* --id */
	size_t id_count;
	bool ids_given; /* --id was given, perhaps with nothing in it: then nothing matches */
	bool only;      /* every recipient must match --recipient */
	bool all;       /* --all */
	/* Second step. Times are wall microseconds; 0 = not asked. */
	int64_t arrived_before; /* --older */
	int64_t arrived_after;  /* --newer */
	int64_t larger_than;    /* bytes; -1 = not asked */
	unsigned queues;        /* bits of enum queue_name (postfix/queue.h); 0 = all */
};

enum selector_matched {
	MATCHED_ENVELOPE = 1u << 0, /* an author pattern matched the envelope sender */
	MATCHED_FROM = 1u << 1,     /* one matched header From */
	MATCHED_OTHER = 1u << 2,    /* no author pattern was given; the rest matched */
	MATCHED_UNSURE = 1u << 3,   /* selector_nominate: recipients that are not known decide */
};

void selector_init(struct selector *s);
void selector_release(struct selector *s);
/* Adds a pattern, taken over from *p (which is zeroed). 0 or -ENOMEM. */
int pattern_set_add(struct pattern_set *set, struct pattern *p) NODISCARD;
/* What the options add, each checked: ERR_SYNTAX for what is empty or no network, or -ENOMEM. */
int selector_add_client(struct selector *s, const char *block, struct err *err) NODISCARD;
int selector_add_login(struct selector *s, const char *login) NODISCARD;
int selector_add_message_id(struct selector *s, const char *id) NODISCARD;
int selector_add_id(struct selector *s, const struct queue_id *id) NODISCARD;
/* Sorts ids and drops repetitions; call once after the last was added. */
void selector_seal(struct selector *s);

/* True if nothing narrows it (no pattern, no selector); `all` not counted. */
bool selector_is_empty(const struct selector *s);
/*
 * First step: which of enum selector_matched hold for m; 0 = no match. `*limits` (may be NULL)
 * counts expressions that hit their match limit. The recorded arrival is not looked at.
 */
unsigned selector_match(const struct selector *s, const struct message *m, unsigned *limits);
/*
 * The same, and where m has more recipients than it says (MESSAGE_CUT_RECIPIENTS) and --recipient
 * hangs on the others, what would hold, with MATCHED_UNSURE.
 */
unsigned selector_nominate(const struct selector *s, const struct message *m, unsigned *limits);
/* Second step, on what the proof read. queue is the bit of the queue it lies in. */
bool selector_match_file(
    const struct selector *s, int64_t arrival_time, int64_t size, unsigned queue);
/* Recipients that --recipient does not match (0 without --recipient); unrecorded ones (cut) count
 * as other. */
uint32_t selector_other_recipients(const struct selector *s, const struct message *m);

#endif
