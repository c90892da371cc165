/* SPDX-License-Identifier: ISC */
/* The rules file, pqpurge-rules(5): one rule a line, '#' comments, no continuation lines. */
#pragma once

#include "base/str.h"
#include "rules/rule.h"

#define RULES_MAX      1000000    /* rules in one file or index */
#define RULES_FILE_MAX (64 << 20) /* bytes; a larger file is not read */

/* Zero-initialise. */
struct rule_list {
	struct rule *list;
	size_t count, cap;
};
int rule_list_add(struct rule_list *rules, struct rule *r) NODISCARD; /* takes *r over */
void rule_list_release(struct rule_list *rules);
/* A missing file means no rules. Any wrong line fails the whole: "FILE:LINE: what". */
int rules_file_read(const char *file, struct rule_list *ret, struct err *err) NODISCARD;
/* 1, 0 if there is no such file, or a code, also for what is no regular file. */
int rules_file_text(const char *file, struct strbuf *ret, struct err *err) NODISCARD;
/* From memory; name is for messages. */
int rules_file_parse(const char *name, const char *text, size_t len, struct rule_list *ret,
    struct err *err) NODISCARD;
