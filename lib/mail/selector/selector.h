/* SPDX-License-Identifier: ISC */
/* Which messages are meant: the command's patterns and options. Each kind narrows; the same kind
 * twice is an alternative. A second step asks what only the queue file knows (arrival, size,
 * queue), a third what its header and its defer log say. */
#pragma once

#include "base/array.h"
#include "mail/message.h"
#include "mail/selector/pattern.h"

struct pattern_set {
	struct pattern *list;
	size_t count, cap;
};

struct selector {
	struct pattern_set author;         /* PATTERN: envelope sender or header From */
	struct pattern_set sender;         /* --sender */
	struct pattern_set from;           /* --from */
	struct pattern_set recipient;      /* --recipient */
	struct strbuf logins;              /* --login NAME, packed list */
	struct pattern_set login_patterns; /* --login @DOMAIN, /pcre/: DOMAIN or REGEX */
	bool login_exact;          /* login_case = exact, set it by selector_set_login_case */
	struct strbuf message_ids; /* --message-id, packed, without <> */
	ARRAY_OF(struct net_block) clients; /* --client */
	ARRAY_OF(uint64_t) uids;            /* --uid: who ran sendmail(1), by the queue file */
	ARRAY_OF(struct queue_id) ids;      /* --id */
	bool ids_given; /* --id was given, perhaps empty: then nothing matches */
	bool only;      /* every queued recipient must match --recipient */
	bool all;       /* --all */
	/* Second step. Times are wall microseconds; 0 = not asked. */
	int64_t arrived_before; /* --older */
	int64_t arrived_after;  /* --newer */
	int64_t larger_than;    /* bytes; -1 = not asked */
	unsigned queues;        /* bits of enum queue_name (postfix/queue.h); 0 = all */
	/* Third step. Expressions alone. */
	struct pattern_set
	    subject;            /* --subject: a Subject matches, in the form of mail/subject.h */
	struct pattern_set why; /* --why: a reason in the defer log matches */
};

enum selector_answer { SELECTOR_NO, SELECTOR_YES, SELECTOR_UNSURE };

enum selector_matched {
	MATCHED_ENVELOPE = 1u << 0, /* an author pattern matched the envelope sender */
	MATCHED_FROM = 1u << 1,     /* one matched header From */
	MATCHED_OTHER = 1u << 2,    /* no author pattern was given; the rest matched */
	MATCHED_UNSURE = 1u << 3,   /* what is not recorded decides */
	MATCHED_GIVEN = 1u << 4,    /* by the given half alone: the queue file differs */
	MATCHED_JOINED = 1u << 5,   /* by the login or client of the first pass alone */
};

/* What a selection could not decide. Zero-initialise; counts go up. */
struct selector_notes {
	unsigned limits;   /* expressions that hit their match limit, or found no memory */
	unsigned unjoined; /* back from a filter, and --login or --client cannot judge them */
};

void selector_init(struct selector *s);
void selector_release(struct selector *s);
/* Takes over *p. 0 or -ENOMEM. */
int pattern_set_add(struct pattern_set *set, struct pattern *p) NODISCARD;
/* Parses text (pattern_parse) and adds it. */
int pattern_set_parse(struct pattern_set *set, const char *text, struct err *err) NODISCARD;
/* ERR_SYNTAX for what is empty or no network, or -ENOMEM. */
int selector_add_client(struct selector *s, const char *block, struct err *err) NODISCARD;
int selector_add_login(struct selector *s, const char *login) NODISCARD; /* whatever it holds */
/* NAME, @DOMAIN (all logins of that domain alone), or /pcre/. ERR_SYNTAX with words, or -ENOMEM. */
int selector_add_login_text(struct selector *s, const char *text, struct err *err) NODISCARD;
/* Unless exact, names and expressions ignore ASCII case. Call it after the last add. -ENOMEM. */
int selector_set_login_case(struct selector *s, bool exact) NODISCARD;
bool selector_asks_login(const struct selector *s);
int selector_add_message_id(struct selector *s, const char *id) NODISCARD;
int selector_add_uid(struct selector *s, uid_t uid) NODISCARD;
int selector_add_id(struct selector *s, const struct queue_id *id) NODISCARD;
/* Sorts ids and drops repetitions; call once after the last add. */
void selector_seal(struct selector *s);

/* Nothing narrows it; `all` not counted. */
bool selector_is_empty(const struct selector *s);
/* First step: bits of enum selector_matched; 0 = no match. Either half can satisfy a selector, for
 * --login and --client also m->first. If the answer depends on recipients or mailboxes that were
 * cut, the bits come with MATCHED_UNSURE. notes may be NULL. */
unsigned selector_nominate(
    const struct selector *s, const struct message *m, struct selector_notes *notes);
/* The same for a row: recipients may have been delivered since its file was read, so with --only
 * the file decides (MATCHED_UNSURE) where one of them does not match. */
unsigned selector_nominate_row(
    const struct selector *s, const struct message *m, struct selector_notes *notes);
/* Matches all mailboxes of a header while it is read: from_list.taken is selector_header_take with
 * this as its argument. Zero for each message, but for the selector. */
struct selector_header {
	const struct selector *selector;
	bool author, from; /* a mailbox matched PATTERN, --from */
	bool cut;          /* not all of it was read */
	unsigned limits;
	/* --subject; see selector_subject_take. */
	bool subject, subject_unsure;
	unsigned subjects, subject_limits;
	struct strbuf text; /* scratch; the owner releases it */
};
void selector_header_take(void *arg, const struct address *mailbox);
/* selector_nominate with the queue file's header read: mailboxes are unsure only if it was cut. */
unsigned selector_nominate_read(const struct selector *s, const struct message *m,
    const struct selector_header *header, struct selector_notes *notes);
/* Second step, on what the proof read. queue: bit of the message's queue. */
bool selector_match_file(
    const struct selector *s, int64_t arrival_time, int64_t size, unsigned queue);

/* Whether there is a third step. */
bool selector_asks_file(const struct selector *s);
/* A Subject field, while the header is read; cut: its end is missing. Of more than
 * SELECTOR_SUBJECTS_MAX fields the rest is not looked at, and missing. */
#define SELECTOR_SUBJECTS_MAX 10
void selector_subject_take(struct selector_header *h, const char *value, size_t len, bool cut);
/* Afterwards: YES if one of the fields matches; without a field, if the empty text does. UNSURE:
 * what is missing decides. whole: the header was read to its end. Once for each message. */
enum selector_answer selector_subject_answer(struct selector_header *h, bool whole);
/* Whether text, a reason, matches --why; cut: its end is missing. */
enum selector_answer selector_why_answer(
    const struct selector *s, const char *text, bool cut, unsigned *limits);

/* How many recipients --recipient does not match; 0 without it. Counts the queue file's if it was
 * read, else those of RCPT TO; cut ones do not match. */
uint32_t selector_other_recipients(const struct selector *s, const struct message *m);
