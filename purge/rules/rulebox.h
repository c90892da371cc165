/* SPDX-License-Identifier: ISC */
/*
 * All rules as the command sees them: what the daemon says is in force, or, where none answers,
 * what it would take from its files. Those of the state directory are read, and compiled, in a
 * child that is the directory's owner; here rules are text to be shown.
 */
#ifndef PQPURGE_PURGE_RULEBOX_H
#define PQPURGE_PURGE_RULEBOX_H

#include "index/client.h"
#include "rules/rules_json.h"

/* What is asked instead of the whole list. Zero-initialise. */
struct rulebox_question {
	const struct ruleset_query *query; /* which rule decides */
	const struct rule_list
	    *blocked; /* which OK rules outrank one of these (the first 20,000 bytes) */
};

/* Zero-initialise. */
struct rulebox {
	struct rule_list command, file; /* as rule_of_json reads them; in their order */
	bool by_daemon;
	struct err silent;    /* why the daemon was not asked, though it may run; "" */
	uint64_t damaged;     /* lines of the command's rules that are left out */
	struct strbuf damage; /* packed list: what is wrong with the first of them */
	/* What is wrong with the rules file; "" if nothing. Its rules from before are in force
	 * (by_daemon), or they are missing here. */
	struct err broken;
	struct err unsaved; /* the command's rules cannot be read or saved, says the daemon; "" */
	/* The answers. A rule without a subject is none. */
	struct rule decides, warned;
	struct rule_list passing;                         /* the first OK rules that outrank ... */
	const struct rule *blocked[RULES_OUTRANKING_MAX]; /* ... these of the question */
	uint64_t outranking_count;                        /* all of them */
};

/*
 * Reads all rules, or with a question (NULL: none) what was asked. A wrong rules file is no failure
 * here. Release ret in every case.
 */
int rulebox_read(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *ret, struct err *err) NODISCARD;
void rulebox_release(struct rulebox *box);

/* "command" or "FILE:LINE"; returns buf. */
char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size);

#endif
