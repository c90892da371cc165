/* SPDX-License-Identifier: ISC */
/* The header From scanner: every mailbox of a From field (RFC 5322 3.4 with its obsolete forms, RFC
 * 6854 groups). Of broken input it reports every addr-spec that a mail reader could show, so that a
 * stray '>' or '(' hides no author:
 * - a domain ends at the first byte that no host name holds; at white space, comments and Unicode
 *   blanks it is reported as it stands, too ("u@a.example .b.example" is two);
 * - a quote or comment that is never closed is none, and what follows it is read;
 * - "a@b@c" is a@b and a@b@c; a lone "a@b" in quotes is a@b.
 * Encoded words are never an address. What precedes <an address> is a display name, even if it
 * looks like an address: lists write "joe@a.example via Desk <desk@b.example>". */
#pragma once

#include "base/str.h"
#include "mail/address/address.h"

#define FROM_MAILBOX_MAX 64 /* recorded per message, all From fields together */
/* Domains per message that libidn2 is asked about (0.1 s; long ones count more than once,
 * repetitions in a field do not). Later ones are taken as they stand, and `cut` is set. */
#define FROM_NAMES_MAX 10000
/* Mailboxes per message that are looked at (0.2 s), with repetitions; then `cut` is set. */
#define FROM_LOOKED_MAX 100000

/* Called for each mailbox that is not yet recorded. */
typedef void from_taken(void *arg, const struct address *mailbox);

/* The mailboxes of one message. Zero-initialise; from_clear empties it for the next. */
struct from_list {
	struct strbuf packed; /* the first FROM_MAILBOX_MAX; view with strlist_of() */
	unsigned count;       /* of these */
	bool cut;             /* a cap cut something: mailboxes, an address, names */
	/* Called also past the cap, perhaps repeatedly; may be NULL. */
	from_taken *taken;
	void *arg;
	/* Private. */
	uint64_t hashes[FROM_MAILBOX_MAX];
	unsigned names, looked;
};
void from_clear(struct from_list *list); /* keeps memory and callback */
void from_release(struct from_list *list);
/* Adds the mailboxes of one field, without repetitions. Linear in len, bounded memory. */
void from_scan(struct from_list *list, const char *value, size_t len);
/* Whether a cap kept a mailbox, or the meaning of its name, from the callback. */
bool from_was_bounded(const struct from_list *list);
