/* SPDX-License-Identifier: ISC */
/* All rules as the command sees them: those of the rules file and those that the index keeps. */
#ifndef PQPURGE_PURGE_RULEBOX_H
#define PQPURGE_PURGE_RULEBOX_H

#include "base/settings.h"
#include "rules/ruleset.h"

/* Zero-initialise. */
struct rulebox {
	struct rule_list file, command;
	bool no_index;     /* there is none: no rules of the command */
	uint64_t damaged;  /* rules of the index that could not be read */
	struct err broken; /* what is wrong with the rules file, whose rules are missing then; "" if
			      nothing */
};

/* Reads both. A wrong rules file is no failure here: the daemon goes on with the rules that it has.
 */
int rulebox_read(
    const struct settings *settings, int64_t wall, struct rulebox *ret, struct err *err) NODISCARD;
void rulebox_release(struct rulebox *box);

/*
 * Whether passing is an OK rule by which mail would still come through that blocked means to stop:
 * more specific, and about some of the same mail.
 */
bool rulebox_outranks(const struct rule *passing, const struct rule *blocked);

/* "command" or "FILE:LINE"; returns buf. */
char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size);

#endif
