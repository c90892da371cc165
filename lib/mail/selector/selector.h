/* SPDX-License-Identifier: ISC */
/* A selector says which messages are meant: the command's patterns and options. Each kind of
 * condition narrows the selection; conditions of the same kind are alternatives.
 *
 * The first step tests the recorded facts of a message, the second facts of its queue file
 * (arrival, size, queue), the third the file's header and its defer log. */
#pragma once

#include "base/array.h"
#include "mail/message.h"
#include "mail/selector/pattern.h"

struct pattern_set {
	struct pattern *list;
	size_t count, cap;
};

struct selector {
	struct pattern_set author;         /* envelope sender or header From */
	struct pattern_set sender;         /* --sender */
	struct pattern_set from;           /* --from */
	struct pattern_set recipient;      /* --recipient */
	struct strbuf logins;              /* --login NAME: a packed list */
	struct pattern_set login_patterns; /* --login @DOMAIN and /pcre/: DOMAIN or REGEX */
	bool login_exact;          /* login_case = exact; set it with selector_set_login_case */
	struct strbuf message_ids; /* --message-id: a packed list, without <> */
	ARRAY_OF(struct net_block) clients; /* --client */
	/* --uid: who ran sendmail(1), from the queue file */
	ARRAY_OF(uint64_t) uids;
	ARRAY_OF(struct queue_id) ids; /* --id */
	bool ids_given;                /* if ids is then empty, nothing matches */
	bool only;                     /* --only: every queued recipient must match --recipient */
	bool all;                      /* --all */
	/* Second step. Times are wall clock, microseconds; 0: not asked. */
	int64_t arrived_before; /* --older */
	int64_t arrived_after;  /* --newer */
	int64_t larger_than;    /* bytes; -1: not asked */
	unsigned queues;        /* bits of enum queue_name (postfix/spool/queue.h); 0: all */
	/* --subject: in the form of mail/subject.h */
	struct pattern_set subject;
	struct pattern_set why; /* --why: a reason in the defer log */
};

enum selector_answer { SELECTOR_NO, SELECTOR_YES, SELECTOR_UNSURE };

enum selector_matched {
	MATCHED_ENVELOPE = 1u << 0, /* an author pattern matched the envelope sender */
	MATCHED_FROM = 1u << 1,     /* an author pattern matched the header From */
	MATCHED_OTHER = 1u << 2,    /* there is no author pattern; all else matched */
	MATCHED_UNSURE = 1u << 3,   /* depends on something that is not recorded */
	MATCHED_GIVEN = 1u << 4,    /* only the given half matched: the queue file differs */
	MATCHED_JOINED = 1u << 5,   /* only the login or client of the first pass matched */
};

/* What a selection could not decide; the counts only grow. */
struct selector_notes {
	unsigned limits;   /* expressions that hit their match limit, or found no memory */
	unsigned unjoined; /* back from a filter, so that --login or --client cannot judge them */
};

void selector_init(struct selector *s);
void selector_release(struct selector *s);
/* Takes over *p. */
int pattern_set_add(struct pattern_set *set, struct pattern *p) NODISCARD;
int pattern_set_parse(struct pattern_set *set, const char *text, struct err *err) NODISCARD;
/* ERR_SYNTAX if block is empty or no network. */
int selector_add_client(struct selector *s, const char *block, struct err *err) NODISCARD;
/* ERR_SYNTAX for "". */
int selector_add_login(struct selector *s, const char *login) NODISCARD;
/* text: NAME, @DOMAIN (only logins of that domain), or /pcre/. ERR_SYNTAX with words. */
int selector_add_login_text(struct selector *s, const char *text, struct err *err) NODISCARD;
/* Unless exact, names and expressions ignore ASCII case. Call it after the last add. */
int selector_set_login_case(struct selector *s, bool exact) NODISCARD;
bool selector_asks_login(const struct selector *s);
int selector_add_message_id(struct selector *s, const char *id) NODISCARD;
int selector_add_uid(struct selector *s, uid_t uid) NODISCARD;
int selector_add_id(struct selector *s, const struct queue_id *id) NODISCARD;
/* Sorts ids and drops duplicates, once, after the last add. */
void selector_seal(struct selector *s);

/* Whether nothing narrows the selection. Ignores `all`. */
bool selector_is_empty(const struct selector *s);
/* The first step. Returns bits of enum selector_matched; 0: no match. Either half can satisfy a
 * selector; for --login and --client so can m->first. MATCHED_UNSURE is added if the answer depends
 * on recipients or mailboxes that were cut. notes may be NULL. */
unsigned selector_nominate(
    const struct selector *s, const struct message *m, struct selector_notes *notes);
/* For a row. Recipients may have got their mail since the file was read. So if --only fails at some
 * recipient, the file decides (MATCHED_UNSURE). */
unsigned selector_nominate_row(
    const struct selector *s, const struct message *m, struct selector_notes *notes);
/* Matches all mailboxes of a header while it is read: set from_list.taken to selector_header_take
 * and its argument to this. Zero all but the selector for each message. */
struct selector_header {
	const struct selector *selector;
	bool author, from; /* a mailbox matched */
	bool cut;          /* part of the header was not read */
	unsigned limits;
	/* For --subject; see selector_subject_take. */
	bool subject, subject_unsure;
	unsigned subjects, subject_limits;
	struct strbuf text; /* scratch; the owner releases it */
};
void selector_header_take(void *arg, const struct address *mailbox);
/* With the queue file's header: mailboxes are unsure only if it was cut. */
unsigned selector_nominate_read(const struct selector *s, const struct message *m,
    const struct selector_header *header, struct selector_notes *notes);
/* The second step, with facts that the proof read. queue: the bit of the message's queue. */
bool selector_match_file(
    const struct selector *s, int64_t arrival_time, int64_t size, unsigned queue);

/* Whether there is a third step. */
bool selector_asks_file(const struct selector *s);
/* While the header is read. cut: its end is missing. After SELECTOR_SUBJECTS_MAX fields the others
 * count as missing. */
#define SELECTOR_SUBJECTS_MAX 10
void selector_subject_take(struct selector_header *h, const char *value, size_t len, bool cut);
/* After the header, once for each message: YES if a Subject field matches; without such a field, if
 * the empty text matches. UNSURE if it depends on something missing. whole: the header was read to
 * its end. */
enum selector_answer selector_subject_answer(struct selector_header *h, bool whole);
/* text: a reason. cut: its end is missing. */
enum selector_answer selector_why_answer(
    const struct selector *s, const char *text, bool cut, unsigned *limits);

/* How many recipients --recipient does not match; 0 without --recipient. Counts the queue file's
 * recipients if it was read, otherwise those of RCPT TO. Those that were cut count as not
 * matching. */
uint32_t selector_other_recipients(const struct selector *s, const struct message *m);
