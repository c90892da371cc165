/* SPDX-License-Identifier: ISC */
/*
 * The header From scanner: every mailbox of one From field, in normal form (RFC 5322 3.4 and its
 * obsolete forms, RFC 6854 groups). Encoded words never become an address. It errs on the side of
 * naming a domain: of broken input every addr-spec that a mail reader could show is reported, so
 * that a stray '>' or '(' does not hide an author. In particular:
 *
 * - a domain ends at the first byte that no host name holds; at white space, comments and Unicode
 *   blanks it is reported as it stands, too ("u@a.example .b.example" is two);
 * - a quote or comment that is never closed is none, and what follows it is read;
 * - "a@b@c" is a@b and a@b@c; a lone "a@b" in quotes is a@b.
 *
 * What stands in front of <an address> is a display name, also if it looks like an address:
 * helpdesks and lists write "joe@a.example via Desk <desk@b.example>".
 */
#ifndef PQPURGE_MAIL_FROM_H
#define PQPURGE_MAIL_FROM_H

#include "base/str.h"
#include "mail/address.h"

#define FROM_MAILBOX_MAX 64 /* mailboxes recorded per message, all From fields together */
/*
 * Domains per message that libidn2 is asked about, long ones counted more than once: 0.1 s. Past
 * that they are taken as they stand, and `cut` says so. Repetitions within a field do not count.
 */
#define FROM_NAMES_MAX 10000
/* Mailboxes per message that are looked at, repetitions counted: 0.2 s. Then `cut` says so. */
#define FROM_LOOKED_MAX 100000

/* Each mailbox as it is found, in normal form; one that is recorded already is not told again. */
typedef void from_taken(void *arg, const struct address *mailbox);

/* The mailboxes of one message. Zero-initialise; from_clear empties it for the next. */
struct from_list {
	struct strbuf packed; /* the first FROM_MAILBOX_MAX: strlist_of() views them */
	unsigned count;       /* of these */
	bool cut;             /* a cap cut something: mailboxes, an address, names */
	/* Told of every mailbox, also past the cap, perhaps repeatedly; NULL: nobody. */
	from_taken *taken;
	void *arg;
	/* For from_scan. */
	uint64_t hashes[FROM_MAILBOX_MAX];
	unsigned names, looked;
};
void from_clear(struct from_list *list); /* keeps the memory, and who is told */
void from_release(struct from_list *list);

/* Adds each mailbox of one field, without repetitions. Linear in len, in bounded memory. */
void from_scan(struct from_list *list, const char *value, size_t len);
/* Whether a bound kept whoever was told from a mailbox, or from what its name means. */
bool from_was_bounded(const struct from_list *list);

#endif
