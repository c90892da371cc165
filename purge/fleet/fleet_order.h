/* SPDX-License-Identifier: ISC */
/* An order to the fleet, on the side of its operator: place it, wait for it, show its results. */
#pragma once

#include "purge/fleet/fleet_site.h"
#include "rules/rules_file.h"

#define FLEET_PRESENT (60 * INT64_C(1000000)) /* microseconds; a host seen since is present */
#define FLEET_LOOK    30    /* seconds until a dry run, or an order that only looks, expires */
#define FLEET_EXPIRE  86400 /* seconds until any other order expires, without --expire */

/* An order in one fleet. */
struct fleet_placed {
	int64_t number;       /* 0: not placed there */
	int64_t rule_version; /* of the fleet's rules with these; for fleet_rules_known */
	int64_t lost_since;   /* steady; 0: its database answers */
	struct json *results; /* the last answer of "results"; NULL: none yet */
};
/* An order in all of the fleets. */
struct fleet_order {
	const char *verb;
	bool dry_run;
	bool splits;                   /* a fleet that does not take it keeps it from no other */
	const struct json *spec;       /* borrowed */
	int64_t expire;                /* seconds */
	const struct rule_list *rules; /* of --block, borrowed; may be NULL, or empty */
	int64_t rules_for;             /* seconds; 0: for ever */
	/* Results. */
	const struct fleet *fleet;               /* borrowed */
	size_t not_placed;                       /* fleets that did not take it; it was said why */
	struct fleet_placed at[FLEET_SITES_MAX]; /* as fleet->sites */
};

/* Places the order. If an answer is lost, it asks again under the same token. ERR_USAGE: a name is
 * no host's. ERR_TIMEOUT, ERR_CHILD, ERR_STOPPED: it is not known whether it was placed. After
 * another error nothing was placed, unless the order has a number. */
int fleet_place(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
/*
 * Looks every 200 ms until all present hosts are done and, with --wait, the absent ones too or the
 * time is over. Shows the hosts on a terminal meanwhile. ERR_STOPPED: ^C; the order stands.
 */
int fleet_await(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
void fleet_order_release(struct fleet_order *o);

/* ---- a host's result */

struct fleet_result {
	const struct json *json; /* a member of "results" */
	const char *host;
	char shown[160]; /* the host's name; of several fleets "fleet/host" */
	size_t site;
	size_t next; /* private */
};
/* The next host's, fleet by fleet; zero-initialise. */
bool fleet_next(const struct fleet_order *o, struct fleet_result *r);
#define fleet_each(r, o) for (struct fleet_result r = {0}; fleet_next(o, &(r));)

enum fleet_state { FLEET_DONE, FLEET_FAILED, FLEET_ABSENT, FLEET_OPEN };
enum fleet_state fleet_state_of(const struct json *result);
const char *fleet_state_word(const struct json *result); /* "done", "absent", "partly" ... */
struct fleet_counts {
	size_t hosts, done, failed, absent, open;
};
struct fleet_counts fleet_count(const struct fleet_order *o);
/* The sum of a number over all summaries; *ret_hosts, which may be NULL: hosts with one above 0. */
int64_t fleet_sum(const struct fleet_order *o, const char *key, size_t *ret_hosts);
/* The exit status: 0 all hosts done, 2 a host failed or a fleet did not take the order, 4 all
 * present hosts done and some absent. */
int fleet_exit(const struct fleet_order *o);
enum { EXIT_SOME_ABSENT = 4 };

/* ---- showing results */

/* A table of hosts, at most `most` rows (0: all; then hosts that are done are left out first).
 * *ret_rows, which may be NULL: lines written. */
int fleet_tell_hosts(FILE *to, const struct fleet_order *o, size_t most, size_t *ret_rows);
/* A {"host":...} line for each host, then the summary. */
int fleet_tell_json(const struct fleet_order *o);
const char *fleet_done_key(const char *verb, bool dry_run); /* "deleted", "would_delete" */

/* ---- the verbs with --fleet */

int fleet_act(struct fleet *f, struct err *err);   /* purge, hold, release, undo */
int fleet_look(struct fleet *f, struct err *err);  /* list, top, why, status */
int fleet_block(struct fleet *f, struct err *err); /* block, unblock */
int fleet_admin(struct fleet *f, struct err *err); /* fleet ... */
/* Connects and runs the one that belongs to the session's verb. An exit status or a negative
 * code. */
int fleet_main(struct session *s, struct err *err) NODISCARD;

/* "seen 4 minutes ago" of microseconds; "never seen" of a negative number. Returns buf. */
char *fleet_seen_text(int64_t seen_us, char *buf, size_t size);
/* How many hosts have the order's rules in force, and how many there are. */
int fleet_rules_known(struct fleet *f, const struct fleet_order *o, size_t *ret_known,
    size_t *ret_hosts, struct err *err);
/* Whether any fleet has the order. */
bool fleet_is_placed(const struct fleet_order *o);
/* After ^C: says on stderr that the order stands, and how to cancel it. */
void fleet_tell_standing(const struct fleet_order *o);
