/* SPDX-License-Identifier: ISC */
/* A domain while it is read, in bounded memory: its last bytes, because the normal form keeps no
 * more. Drops control characters and Unicode's blanks, format characters, fillers and variation
 * selectors: "bad.exa<U+200B>mple" is displayed, and so read, as bad.example. Keeps U+200C and
 * U+200D where they may be part of a name (RFC 5892 A.1, A.2); domain.c decides. */
#pragma once

#include "mail/address/domain.h"

struct domain_text {
	char at[2 * (DOMAIN_INPUT_MAX + 2)];
	size_t len;
	bool cut;        /* its front was dropped */
	bool ascii;      /* set by domain_text_finish */
	bool no_joiners; /* drop U+200C and U+200D everywhere */
};

/* Makes domain_lacked_memory return true. */
void domain_note_lack(void);

void domain_text_clear(struct domain_text *t);
void domain_text_add(struct domain_text *t, char c);
/* Lower case, no trailing dots, at most DOMAIN_INPUT_MAX bytes. NUL becomes '?'. */
void domain_text_finish(struct domain_text *t);
/* Drops joiners from a finished text. False if there are none. */
bool domain_text_drop_joiners(struct domain_text *t);
/* Non-ASCII blanks only; len > 0. */
bool domain_is_blank(const char *text, size_t len);
/* The length without trailing dots. A single dot stays. */
size_t domain_undotted(const char *bytes, size_t len);
