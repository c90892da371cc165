/* SPDX-License-Identifier: ISC */
/* The words of the command line that names a group or a message. A name is a stranger's: it passes
 * only if the option or rule that gets it takes it for just this group, never for an expression or
 * for more than it. */
#pragma once

#include "base/str.h"
#include "mail/group.h"

/* Pushes the option with its value: "--sender=example.com". ERR_SYNTAX, and nothing is pushed, if
 * no option names the group. */
int words_select(enum group_kind kind, const char *name, struct strbuf *packed) NODISCARD;
/* Pushes "--" and the pattern of a rule: "example.com", "login:joe". ERR_SYNTAX likewise, and for
 * recipients: rules know none. */
int words_block(enum group_kind kind, const char *name, struct strbuf *packed) NODISCARD;
/* Pushes the queue ID, with front ("--id=") before it. ERR_SYNTAX if it is none. */
int words_id(const char *front, const char *id, struct strbuf *packed) NODISCARD;
