/* SPDX-License-Identifier: ISC */
/*
 * The header From scanner: finds every mailbox of a From field (RFC 5322 section 3.4 with its
 * obsolete forms, RFC 6854 groups). In broken input it reports every addr-spec that a mail reader
 * might show, so that a stray '>' or '(' hides no author:
 *
 * - A domain ends at the first byte that host names cannot contain. At white space, comments and
 *   Unicode blanks it is also reported as it stands: "u@a.example .b.example" is two mailboxes.
 * - A quote or comment that is never closed is ignored, and the text after it is read.
 * - "a@b@c" is a@b and a@b@c; a lone "a@b" in quotes is a@b.
 *
 * Encoded words are never an address. Text before <an address> is a display name, even if it looks
 * like an address: lists write "joe@a.example via Desk <desk@b.example>".
 */
#pragma once

#include "base/str.h"
#include "mail/address/address.h"

#define FROM_MAILBOX_MAX 64 /* recorded of a message, in all its From fields */
/* Domains of a message for which libidn2 is asked (0.1 s). Long ones count more than once;
 * repetitions within a field do not count. Later ones are taken as they stand, and `cut` is set. */
#define FROM_NAMES_MAX 10000
/* Mailboxes of a message that are considered (0.2 s), repetitions included. Then `cut` is set. */
#define FROM_LOOKED_MAX 100000

/* Called for each mailbox that is not recorded yet. */
typedef void from_taken(void *arg, const struct address *mailbox);

/* Of one message; from_clear empties it for the next. */
struct from_list {
	struct strbuf packed; /* the first FROM_MAILBOX_MAX; read with strlist_of() */
	unsigned count;       /* in packed */
	bool cut;             /* a cap was hit: mailboxes, an address, or domains */
	/* Also called past FROM_MAILBOX_MAX, perhaps repeatedly for one mailbox; may be NULL. */
	from_taken *taken;
	void *arg;
	/* Private. */
	uint64_t hashes[FROM_MAILBOX_MAX];
	unsigned names, looked;
};
void from_clear(struct from_list *list); /* keeps memory and callback */
void from_release(struct from_list *list);
/* Adds the mailboxes of one field, each once. Time is linear in len; memory is bounded. */
void from_scan(struct from_list *list, const char *value, size_t len);
/* Whether the callback lacks a mailbox, or the normal form of its domain, because of a cap. */
bool from_was_bounded(const struct from_list *list);
