/* SPDX-License-Identifier: ISC */
/*
 * All rules as the command sees them: those of the rules file and those that the index keeps. What
 * the index keeps is compiled only in a child that is the index's owner; here it is text to be
 * shown, and what depends on its meaning is asked of the child.
 */
#ifndef PQPURGE_PURGE_RULEBOX_H
#define PQPURGE_PURGE_RULEBOX_H

#include "base/settings.h"
#include "rules/ruleset.h"

#define RULEBOX_OUTRANKING_MAX 5 /* kept; more are counted */

/* What else the child is to find out. Zero-initialise: nothing. */
struct rulebox_question {
	const struct ruleset_query *query; /* which rule decides */
	const struct rule_list *blocked;   /* which OK rules outrank one of these */
};

/* Zero-initialise. */
struct rulebox {
	struct rule_list file;
	struct rule_list command; /* rule_decode_words: texts alone */
	bool no_index;            /* there is none: no rules of the command */
	uint64_t damaged;         /* rules of the index that could not be read */
	struct err broken; /* what is wrong with the rules file, whose rules are missing then; "" if
			      nothing */
	/* The answers; they point into the lists and the question. */
	const struct rule *decides, *warned; /* NULL: none */
	struct rulebox_outranking {
		const struct rule *passing, *blocked;
	} outranking[RULEBOX_OUTRANKING_MAX];
	uint64_t outranking_count;
};

/* Reads both. A wrong rules file is no failure here: the daemon goes on with the rules that it has.
 * question may be NULL. */
int rulebox_read(const struct settings *settings, int64_t wall,
    const struct rulebox_question *question, struct rulebox *ret, struct err *err) NODISCARD;
void rulebox_release(struct rulebox *box);

/*
 * Whether passing is an OK rule by which mail would still come through that blocked means to stop:
 * more specific, and about some of the same mail.
 */
bool rulebox_outranks(const struct rule *passing, const struct rule *blocked);

/* "command" or "FILE:LINE"; returns buf. */
char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size);

#endif
