/* SPDX-License-Identifier: ISC */
/* An order to the fleet on the operator's side: places it, waits for it, shows its results. */
#pragma once

#include "purge/fleet/fleet_site.h"
#include "rules/rules_file.h"

#define FLEET_PRESENT (60 * INT64_C(1000000)) /* microseconds; present if seen since */
#define FLEET_LOOK    30    /* seconds until a dry run or a read-only order expires */
#define FLEET_EXPIRE  86400 /* seconds until any other order expires, without --expire */

/* in one fleet */
struct fleet_placed {
	int64_t number;       /* 0: not placed there */
	int64_t rule_version; /* with these rules, for fleet_rules_known */
	int64_t lost_since;   /* steady; 0: its database answers */
	struct json *results; /* the last answer of "results"; NULL: none yet */
};
/* in all fleets of the command */
struct fleet_order {
	const char *verb;
	bool dry_run;
	bool splits;                   /* a fleet that refuses it keeps it from no other */
	const struct json *spec;       /* borrowed */
	int64_t expire;                /* seconds */
	const struct rule_list *rules; /* of --block, borrowed; may be NULL or empty */
	int64_t rules_for;             /* seconds; 0: for ever */
	/* results */
	const struct fleet *fleet;               /* borrowed */
	size_t not_placed;                       /* fleets that refused it; the reason was said */
	struct fleet_placed at[FLEET_SITES_MAX]; /* as fleet->sites */
};

/* If an answer is lost, asks again with the same token. ERR_USAGE: a name is no host's.
 * ERR_TIMEOUT, ERR_CHILD, ERR_STOPPED: nobody knows whether the order was placed. After any other
 * error, it was placed only if it has a number. */
int fleet_place(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
/* Looks every 200 ms until all present hosts are done and, with --wait, until the absent ones are,
 * too, or its time is up. On a terminal it shows the hosts meanwhile. ERR_STOPPED: ^C; the order
 * stands. */
int fleet_await(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
void fleet_order_release(struct fleet_order *o);

struct fleet_result {
	const struct json *json; /* a member of "results" */
	const char *host;
	char shown[160]; /* the host's name; with several fleets, "fleet/host" */
	size_t site;
	size_t next; /* private */
};
/* The next host's result, fleet by fleet. Zero-initialise r. */
bool fleet_next(const struct fleet_order *o, struct fleet_result *r);
#define fleet_each(r, o) for (struct fleet_result r = {0}; fleet_next(o, &(r));)

enum fleet_state { FLEET_DONE, FLEET_FAILED, FLEET_ABSENT, FLEET_OPEN };
enum fleet_state fleet_state_of(const struct json *result);
const char *fleet_state_word(const struct json *result); /* "done", "absent", "partly" ... */
struct fleet_counts {
	size_t hosts, done, failed, absent, open;
};
struct fleet_counts fleet_count(const struct fleet_order *o);
/* Over all summaries. *ret_hosts: the hosts with more than 0; ret_hosts may be NULL. */
int64_t fleet_sum(const struct fleet_order *o, const char *key, size_t *ret_hosts);
/* 0: all hosts done; 2: a host failed or a fleet refused the order; 4: all present hosts done, some
 * absent. */
int fleet_exit(const struct fleet_order *o);
enum { EXIT_SOME_ABSENT = 4 };

/* At most `most` hosts (0: all); if there are more, those that are done are left out first.
 * *ret_rows: the lines written; ret_rows may be NULL. */
int fleet_tell_hosts(FILE *to, const struct fleet_order *o, size_t most, size_t *ret_rows);
/* A {"host":...} line for each host, then the summary. */
int fleet_tell_json(const struct fleet_order *o);
const char *fleet_done_key(const char *verb, bool dry_run); /* "deleted", "would_delete" */
/* The same for people: "would delete". Returns buf. */
char *fleet_done_text(const char *verb, bool dry_run, char *buf, size_t size);

int fleet_act(struct fleet *f, struct err *err);                 /* purge, hold, release, undo */
int fleet_look(struct fleet *f, struct err *err);                /* list, top, why, status */
int fleet_block(struct fleet *f, struct err *err);               /* block, unblock */
int fleet_admin_check(const struct options *o, struct err *err); /* the words of `fleet ...` */
int fleet_admin(struct fleet *f, struct err *err);               /* after fleet_admin_check */

/* "last seen 4 minutes ago" for microseconds; "never seen" for a negative number. Returns buf. */
char *fleet_seen_text(int64_t seen_us, char *buf, size_t size);
struct fleet_known {
	size_t hosts, known; /* all hosts, and those with these rules in force */
	size_t behind;       /* present hosts without them */
};
/* Counts the hosts that have a fleet's rules of this version. A fleet whose version is negative is
 * not asked. */
int fleet_rules_known(struct fleet *f, const int64_t versions[FLEET_SITES_MAX],
    struct fleet_known *ret, struct err *err);
/* Whether it was placed in at least one fleet. */
bool fleet_is_placed(const struct fleet_order *o);
/* After ^C: says on stderr that the order stands, and how to cancel it. */
void fleet_tell_standing(const struct fleet_order *o);
