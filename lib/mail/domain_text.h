/* SPDX-License-Identifier: ISC */
/*
 * The bytes of a domain while they are read, in bounded memory: the last of them, which are all
 * that the normal form keeps, without what nobody sees.
 *
 * Taken out are Unicode's blanks, format characters, fillers and variation selectors, and control
 * characters: "bad.exa<U+200B>mple" is shown, and meant to be read, as bad.example. U+200C and
 * U+200D stay where they could be part of a name (RFC 5892 A.1, A.2); domain.c decides.
 */
#ifndef PQPURGE_MAIL_DOMAIN_TEXT_H
#define PQPURGE_MAIL_DOMAIN_TEXT_H

#include "mail/domain.h"

struct domain_text {
	char at[2 * (DOMAIN_INPUT_MAX + 2)];
	size_t len;
	bool cut;        /* its front was dropped */
	bool ascii;      /* once it is finished */
	bool no_joiners; /* none stays */
};

void domain_text_clear(struct domain_text *t);
void domain_text_add(struct domain_text *t, char c);
/*
 * No more bytes: lower case, without trailing dots, terminated, cut at its front to
 * DOMAIN_INPUT_MAX bytes; NUL is '?'.
 */
void domain_text_finish(struct domain_text *t);
/* Of what is finished: takes U+200C and U+200D out, too. False: there are none. */
bool domain_text_drop_joiners(struct domain_text *t);

/* Whether a blank of Unicode past ASCII stands at the front of len > 0 bytes. */
bool domain_is_blank(const char *text, size_t len);
/* Length without trailing dots, which name the same domain; of dots alone one is left. */
size_t domain_undotted(const char *bytes, size_t len);

#endif
