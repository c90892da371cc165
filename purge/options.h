/* SPDX-License-Identifier: ISC */
/*
 * The command line of pqpurge-idx. Every option is a row of one table (option_table.c): its name,
 * letter, argument, the groups of verbs that take it, its help line, its setter. Reading is done in
 * two steps, because an option may stand before the verb: first the words are split into options
 * and others, then the verb, known by now, says which options it takes.
 *
 * Strings point into argv. Nothing is done before the whole line has been understood.
 */
#ifndef PQPURGE_PURGE_OPTIONS_H
#define PQPURGE_PURGE_OPTIONS_H

#include "base/err.h"
#include "mail/selector.h"
#include "purge/top/top.h"
#include "rules/rule.h"

struct verb;

/* Groups of options. A verb's row names those that it takes; an option belongs to one or several.
 */
enum option_group {
	OPTION_COMMON = 1u << 0, /* every verb */
	OPTION_SELECT = 1u << 1, /* which messages */
	OPTION_LIMIT = 1u << 2,
	OPTION_REASON = 1u << 3,
	OPTION_PURGE = 1u << 4,
	OPTION_RELEASE = 1u << 5,
	OPTION_RULE = 1u << 6,    /* what a rule says */
	OPTION_SUBJECT = 1u << 7, /* what a rule is for */
	OPTION_TEST = 1u << 8,    /* rules --test */
	OPTION_TOP = 1u << 16,
	OPTION_REQUEUE = 1u << 17, /* release and undo */
	OPTION_INDEX = 1u << 18,   /* verbs that only look */
	OPTION_SETUP = 1u << 20,
	OPTION_ORDER = 1u << 24,
	OPTION_FLOODS = 1u << 26,
	OPTION_STANDING = 1u << 25, /* purge and hold: stays in force */
};

struct options {
	const char *config; /* -c; NULL = not given */
	bool dry_run, yes, json, quiet, help, version;
	struct selector selector; /* --subdomains is already applied */
	struct strbuf given;      /* packed: each option as "name" or "name=value" */
	struct strbuf selected;   /* the words that made it, for the account */
	bool subdomains;
	bool ids_from_stdin; /* --id - */
	size_t limit;        /* 0 = none */
	const char *reason;  /* "" = none */
	bool block, sweep, foreign, requeue, watch;
	bool with_bounces, index_only;
	uint32_t flood;       /* --flood; 0 = not given */
	uint32_t normal, bad; /* floods; likewise */
	bool try_logs, learn; /* floods */
	bool remove;          /* setup */
	bool listen;          /* order */
	const char *save;     /* directory; NULL = not asked */
	enum top_by by;
	int64_t block_for; /* microseconds; 0 = until unblocked */
	int64_t rule_for;  /* likewise; of purge and hold: how long the order stays in force */
	enum rule_action action;
	const char *text; /* NULL = the action's default */
	const char *test; /* NULL = not asked */
	int64_t now;      /* wall microseconds that ages are counted from */
	const char **
	    words; /* after the verb; patterns of a selecting verb are in selector.author as well */
	size_t word_count;
};

enum option_argument { ARGUMENT_NONE, ARGUMENT_NEEDED, ARGUMENT_OPTIONAL };

struct option_row {
	const char *name;
	char letter; /* 0 = none */
	enum option_argument argument;
	const char *value_name; /* "AGE" */
	unsigned groups;
	const char *help;
	bool *(*flag)(struct options *o); /* what an option without argument sets; NULL: see set */
	int (*set)(struct options *o, const char *value,
	    struct err *err); /* value may be NULL where it is optional */
};
extern const struct option_row option_rows[];
extern const size_t option_row_count;

/*
 * Reads the command line. *ret_verb is set in any case where a verb could be told, so that help can
 * name it. ERR_USAGE with words: unknown options and verbs (with the nearest), options that the
 * verb does not take, values that make no sense, words that are no pattern. With --help or
 * --version nothing but the verb is checked. Release ret in every case.
 */
int options_parse(int argc, char **argv, struct options *ret, const struct verb **ret_verb,
    struct err *err) NODISCARD;
void options_release(struct options *o);

#endif
