/* SPDX-License-Identifier: ISC */
/* All rules: those in force in the daemon or, if none answers, those that it would read from its
 * files. A child that is the state directory's owner reads and compiles its rules; here rules are
 * only text. */
#pragma once

#include "index/control/client.h"
#include "rules/rules_json.h"

/* Replaces the whole list. */
struct rulebox_question {
	const struct ruleset_query *query; /* which rule decides? */
	const struct rule_list
	    *blocked; /* which OK rules outrank one of these (first 20,000 bytes)? */
};

struct rulebox {
	struct rule_list command, fleet, file; /* sorted */
	bool by_daemon;
	struct err silent;    /* why a daemon that may run was not asked; "" */
	uint64_t damaged;     /* unreadable lines of the command's rules */
	struct strbuf damage; /* packed list: the first errors in them */
	/* What is wrong with the rules file, or "". Its old rules are in force (by_daemon) or
	 * missing here. */
	struct err broken;
	struct err unsaved; /* the daemon cannot read or save the command's rules; "" */
	/* the answers; subject NULL: no such rule */
	struct rule decides, warned;
	struct rule_list passing;                         /* the first OK rules that outrank ... */
	const struct rule *blocked[RULES_OUTRANKING_MAX]; /* ... which are these */
	uint64_t outranking_count;
};

/* question may be NULL. A broken rules file is no failure. Release ret in any case. */
int rulebox_read(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *ret, struct err *err) NODISCARD;
void rulebox_release(struct rulebox *box);

/* "command", "fleet" or "FILE:LINE". Returns buf. */
char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size);
