/* SPDX-License-Identifier: ISC */
/* The rules file, pqpurge-rules(5): one rule per line, '#' comments, no continuation lines. */
#pragma once

#include "base/str.h"
#include "rules/rule.h"

#define RULES_MAX      1000000    /* in one file or list */
#define RULES_FILE_MAX (64 << 20) /* bytes; a larger file is refused */

struct rule_list {
	struct rule *list;
	size_t count, cap;
};
int rule_list_add(struct rule_list *rules, struct rule *r) NODISCARD; /* takes over *r */
int rule_list_add_copy(struct rule_list *rules, const struct rule *r) NODISCARD;
/* Adds copies of the rules that have not expired. */
int rule_list_copy(struct rule_list *rules, const struct rule_list *from, int64_t wall) NODISCARD;
void rule_list_release(struct rule_list *rules);
/* A missing file means no rules. One wrong line fails the whole call, with "FILE:LINE: what". */
int rules_file_read(const char *file, struct rule_list *ret, struct err *err) NODISCARD;
/* Returns 1, 0 if there is no such file, or a code, also if it is not a regular file. */
int rules_file_text(const char *file, struct strbuf *ret, struct err *err) NODISCARD;
/* name is for messages. */
int rules_file_parse(const char *name, const char *text, size_t len, struct rule_list *ret,
    struct err *err) NODISCARD;
