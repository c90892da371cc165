/* SPDX-License-Identifier: ISC */
/* The rules file, pqpurge-rules(5): one rule a line, '#' comments, no continuation lines. */
#ifndef PQPURGE_RULES_RULES_FILE_H
#define PQPURGE_RULES_RULES_FILE_H

#include "base/str.h"
#include "rules/rule.h"

#define RULES_MAX      1000000    /* rules in one file or index; more is an error */
#define RULES_FILE_MAX (64 << 20) /* bytes; a larger file is not read */

/* A growing array of rules. Zero-initialise. */
struct rule_list {
	struct rule *list;
	size_t count, cap;
};
int rule_list_add(struct rule_list *rules, struct rule *r) NODISCARD; /* takes *r over */
void rule_list_release(struct rule_list *rules);

/* Reads the whole file. A missing file is no rules (0); any wrong line fails the whole: "FILE:LINE:
 * what". */
int rules_file_read(const char *file, struct rule_list *ret, struct err *err) NODISCARD;
/* The text alone: 1, 0 where there is no such file, or a code, also for what is no file. */
int rules_file_text(const char *file, struct strbuf *ret, struct err *err) NODISCARD;
/* The same from memory; name is for messages. For tests and fuzzing. */
int rules_file_parse(const char *name, const char *text, size_t len, struct rule_list *ret,
    struct err *err) NODISCARD;

#endif
