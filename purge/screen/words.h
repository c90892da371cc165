/* SPDX-License-Identifier: ISC */
/* The words of a command line for a group or a message. A name is a stranger's, so it passes only
 * if its option or rule takes it for exactly this group, not for an expression or for more. */
#pragma once

#include "base/str.h"
#include "mail/group.h"

/* The option with its value: "--sender=example.com". ERR_SYNTAX, with nothing pushed, if no option
 * names the group. */
int words_select(enum group_kind kind, const char *name, struct strbuf *packed) NODISCARD;
/* "--" and a rule's pattern: "example.com", "login:joe". ERR_SYNTAX likewise, and for recipients,
 * which rules do not know. */
int words_block(enum group_kind kind, const char *name, struct strbuf *packed) NODISCARD;
/* front ("--id=") and the queue ID as one word. ERR_SYNTAX if id is no queue ID. */
int words_id(const char *front, const char *id, struct strbuf *packed) NODISCARD;
