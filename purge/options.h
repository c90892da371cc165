/* SPDX-License-Identifier: ISC */
/* The command line of pqpurge-idx. Options may stand before the verb, so the line is parsed twice:
 * first for the verb, then for its options. Strings point into argv. */
#pragma once

#include "base/err.h"
#include "mail/selector/selector.h"
#include "purge/top/top.h"
#include "rules/rule.h"

struct verb;

/* Each verb's row names the groups that it takes. */
enum option_group {
	OPTION_COMMON = 1u << 0,
	OPTION_SELECT = 1u << 1,
	OPTION_LIMIT = 1u << 2,
	OPTION_REASON = 1u << 3,
	OPTION_PURGE = 1u << 4,
	OPTION_RELEASE = 1u << 5,
	OPTION_RULE = 1u << 6,
	OPTION_SUBJECT = 1u << 7,
	OPTION_TEST = 1u << 8,
	OPTION_OUTPUT = 1u << 9,
	OPTION_TOP = 1u << 10,
	OPTION_REQUEUE = 1u << 11,
	OPTION_INDEX = 1u << 12, /* read-only verbs */
	OPTION_SETUP = 1u << 13,
	OPTION_ORDER = 1u << 14,
	OPTION_FLOODS = 1u << 15,
	OPTION_FLEET = 1u << 16, /* what the fleet can be ordered */
	OPTION_FLEET_ADD = 1u << 17,
	OPTION_REPORT = 1u << 18,
	OPTION_STANDING = 1u << 19, /* purge and hold: stays in force */
	/* Not of verbs. For others than root, too: it neither names nor reads a file. */
	OPTION_OPEN = 1u << 20,
	/* How the option goes into an order of the fleet; without one, --fleet refuses it. */
	ON_FLEET_HERE = 1u << 21, /* not in the order's spec, or read from struct options */
	ON_FLEET_TEXTS = 1u << 22,
	ON_FLEET_TEXT = 1u << 23,
	ON_FLEET_SWITCH = 1u << 24,
	ON_FLEET = ON_FLEET_HERE | ON_FLEET_TEXTS | ON_FLEET_TEXT | ON_FLEET_SWITCH,
};

struct options {
	const char *config; /* NULL = not given */
	bool dry_run, yes, json, quiet, help, version;
	struct selector selector; /* --subdomains is applied */
	struct strbuf given;      /* packed: each option as "name" or "name=value" */
	struct strbuf selected;   /* the selection's words, for the account */
	bool subdomains;
	bool ids_from_stdin; /* --id - */
	size_t limit;        /* 0 = none */
	const char *reason;
	bool block, sweep, foreign, requeue, watch;
	bool with_bounces, index_only;
	uint32_t flood;            /* --flood; 0 = not given */
	uint32_t normal, bad;      /* floods; likewise */
	uint64_t batch;            /* report; 0 = not given */
	const char *flood_meaning; /* of --flood or --normal, from a dry run; NULL: ask */
	bool try_logs, learn;      /* floods */
	bool remove;               /* setup */
	bool listen, grant;        /* order */
	bool fleet;                /* --fleet or --host */
	const char *fleets;        /* --fleet=NAME,NAME; NULL: the setting's */
	const char *hosts;         /* --host: names and @tags, separated by commas; NULL: all */
	const char *tags, *as;     /* fleet add */
	int64_t wait, expire;      /* of a fleet order; microseconds; 0: not given */
	const char *save;          /* directory; NULL = not asked */
	const char *output;        /* NULL: stdout */
	enum top_by by;
	int64_t since;     /* top: wall; part of selector.arrived_after; 0 = not given */
	int64_t block_for; /* microseconds; 0 = until unblocked */
	int64_t rule_for;  /* likewise; for purge and hold: how long the order stays in force */
	enum rule_action action;
	const char *text; /* NULL: the action's default */
	const char *test; /* NULL = not given */
	int64_t now;      /* wall microseconds */
	const char *
	    *words; /* after the verb; patterns of selecting verbs also in selector.author */
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
	size_t at; /* offset of the member; a bool if there is no argument */
	/* One of them, if there is an argument. at: the member */
	int (*set)(void *at, const char *value, struct err *err);
	/* also sets other members; value: NULL if optional and missing */
	int (*set_more)(struct options *o, void *at, const char *value, struct err *err);
};
#define OPTION_ROWS_MAX 63
extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* Sets *ret_verb, also on errors, if a verb was recognized. ERR_USAGE with words. With --help or
 * --version only the verb is checked. Release ret in any case. */
int options_parse(int argc, char **argv, struct options *ret, const struct verb **ret_verb,
    struct err *err) NODISCARD;
void options_release(struct options *o);

/* given: "name" or "name=value", as in options.given. */
bool option_is(const char *given, const char *name);
const struct option_row *option_find(const char *given); /* NULL: there is none */

int options_add_id(struct options *o, const char *word, struct err *err) NODISCARD;
