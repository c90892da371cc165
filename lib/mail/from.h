/* SPDX-License-Identifier: ISC */
/*
 * The header From scanner: every mailbox of one From field, in normal form.
 *
 * RFC 5322 3.4 and its obsolete forms, RFC 6854 groups: display names, quoted strings, comments
 * (nested) anywhere, obs-route, groups (also empty), several mailboxes. Encoded words are left
 * alone: they stand in display names only and never become an address. Folded lines come with LF or
 * CRLF. It errs on the side of naming a domain: of broken input every addr-spec that a mail reader
 * could show is reported, so that a stray '>' or '(' does not hide an author ("user@example.net>"
 * is example.net; "x(.example.com)@example.net" is example.net). In particular:
 *
 * - a domain ends at the first byte that no host name holds; at white space and comments it is
 *   reported as it stands, too ("u@a.example .b.example" is a.example and a.example.b.example);
 * - a quote or comment that is never closed is no quote or comment, and what follows it is read;
 * - an address in front of <another> is reported unless it is quoted; "a@b@c" is a@b and a@b@c; a
 *   lone "a@b" in quotes is a@b.
 */
#ifndef PQPURGE_MAIL_FROM_H
#define PQPURGE_MAIL_FROM_H

#include "base/str.h"
#include "mail/address.h"

#define FROM_MAILBOX_MAX 64 /* mailboxes recorded per message, all From fields together */

/*
 * Adds each mailbox of value to packed by strlist_push, in normal form (address.h), skipping exact
 * repetitions, while *count (kept by the caller over several fields) stays below FROM_MAILBOX_MAX.
 * Mailboxes without a domain are added as they are. Returns true if the cap or an address cap cut
 * something. Linear in the length of value.
 */
bool from_scan(const char *value, size_t len, struct strbuf *packed, unsigned *count);

#endif
