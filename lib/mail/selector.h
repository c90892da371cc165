/* SPDX-License-Identifier: ISC */
/*
 * Which messages are meant: the command's patterns and options as one value. Each kind narrows; the
 * same kind twice is an alternative. What only the queue file knows (arrival, size, queue) is asked
 * in a second step.
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
	struct strbuf logins;         /* --login, packed list */
	bool login_exact;             /* login_case = exact; otherwise ASCII case is ignored */
	struct strbuf message_ids;    /* --message-id, packed, without <> */
	struct net_block *clients;    /* --client */
	size_t client_count;
	uint64_t *uids; /* --uid: the queue file tells who submitted it by sendmail(1) */
	size_t uid_count;
	struct queue_id *ids; /* --id */
	size_t id_count;
	bool ids_given; /* --id was given, perhaps with nothing in it: then nothing matches */
	bool only;      /* every recipient must match --recipient, as it is queued */
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
	MATCHED_UNSURE = 1u << 3,   /* selector_nominate: what is not recorded decides */
	MATCHED_GIVEN = 1u << 4,    /* by the given half alone: the queue file does not say it */
	MATCHED_JOINED = 1u << 5,   /* by the login or client of the first pass alone */
};

/* What a selection could not decide. Zero-initialise; counts go up. */
struct selector_notes {
	unsigned limits;   /* expressions that hit their match limit */
	unsigned unjoined; /* messages back from a filter that --login or --client cannot judge */
};

void selector_init(struct selector *s);
void selector_release(struct selector *s);
/* Adds a pattern, taken over from *p (which is zeroed). 0 or -ENOMEM. */
int pattern_set_add(struct pattern_set *set, struct pattern *p) NODISCARD;
/* What the options add, each checked: ERR_SYNTAX for what is empty or no network, or -ENOMEM. */
int selector_add_client(struct selector *s, const char *block, struct err *err) NODISCARD;
int selector_add_login(struct selector *s, const char *login) NODISCARD;
int selector_add_message_id(struct selector *s, const char *id) NODISCARD;
int selector_add_uid(struct selector *s, uid_t uid) NODISCARD;
int selector_add_id(struct selector *s, const struct queue_id *id) NODISCARD;
/* Sorts ids and drops repetitions; call once after the last was added. */
void selector_seal(struct selector *s);

/* True if nothing narrows it (no pattern, no selector); `all` not counted. */
bool selector_is_empty(const struct selector *s);
/*
 * First step: which of enum selector_matched hold for m; 0 = no match. Each selector is satisfied
 * by either half; --login and --client also by m->first. Where recipients or header From mailboxes
 * were cut and the answer hangs on the others, what would hold, with MATCHED_UNSURE. `notes` may be
 * NULL. Arrival, size and queue are the second step's.
 */
unsigned selector_nominate(
    const struct selector *s, const struct message *m, struct selector_notes *notes);
/*
 * The same of a row: recipients that waited when its file was read may have been delivered since,
 * so that with --only the file decides (MATCHED_UNSURE) where one of them does not match.
 */
unsigned selector_nominate_row(
    const struct selector *s, const struct message *m, struct selector_notes *notes);
/*
 * All mailboxes of a header, matched while it is read: from_list.taken is selector_header_take with
 * this as its argument. Zero for each message, but for the selector.
 */
struct selector_header {
	const struct selector *selector;
	bool author, from; /* one is PATTERN's, one is --from's */
	bool cut;          /* not all of it was read */
	unsigned limits;
};
void selector_header_take(void *arg, const struct address *mailbox);
/* selector_nominate where the queue file's header was read so: mailboxes are unsure only if cut. */
unsigned selector_nominate_read(const struct selector *s, const struct message *m,
    const struct selector_header *header, struct selector_notes *notes);
/* Second step, on what the proof read. queue is the bit of the queue it lies in. */
bool selector_match_file(
    const struct selector *s, int64_t arrival_time, int64_t size, unsigned queue);
/*
 * How many recipients --recipient does not match; 0 without it. Counted are the queue file's, where
 * it was read, else those given at RCPT TO. Cut ones count as other.
 */
uint32_t selector_other_recipients(const struct selector *s, const struct message *m);

#endif
