/* SPDX-License-Identifier: ISC */
/* An order to the fleet, on the side of its operator: place it, wait for it, show its results. */
#pragma once

#include "purge/fleet/fleet_link.h"
#include "purge/session.h"
#include "rules/rules_file.h"

#define FLEET_PRESENT (60 * INT64_C(1000000)) /* microseconds; a host seen since is present */
#define FLEET_LOOK    30    /* seconds until a dry run, or an order that only looks, expires */
#define FLEET_EXPIRE  86400 /* seconds until any other order expires, without --expire */

struct fleet {
	struct session *s;
	struct fleet_link link;
	struct strbuf hosts; /* packed: --host, tags resolved; empty: all */
};

struct fleet_order {
	const char *verb;
	bool dry_run;
	const struct json *spec;       /* borrowed */
	int64_t expire;                /* seconds */
	const struct rule_list *rules; /* of --block, borrowed; may be NULL, or empty */
	int64_t rules_for;             /* seconds; 0: for ever */
	/* Results. */
	int64_t number;       /* 0: not placed */
	int64_t rule_version; /* of the fleet's rules with these; for fleet_rules_known */
	struct json *placed;  /* the answer: "hosts" with "name", "seen_us" */
	struct json *results; /* the last answer of "results"; NULL: none yet */
};

/* Connects, and resolves --host. An unknown tag is ERR_USAGE. fleet_close in any case. */
int fleet_open(struct fleet *f, struct session *s, struct err *err) NODISCARD;
void fleet_close(struct fleet *f);

/* Places the order. If the answer is lost, it asks again under the same token. ERR_USAGE: a name is
 * no host's; nothing was placed. */
int fleet_place(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
/*
 * Looks every 200 ms until all present hosts are done and, with --wait, the absent ones too or the
 * time is over. Shows the hosts on a terminal meanwhile. ERR_STOPPED: ^C; the order stands.
 */
int fleet_await(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
void fleet_order_release(struct fleet_order *o);

/* ---- a host's result, a member of "results" */

enum fleet_state { FLEET_DONE, FLEET_FAILED, FLEET_ABSENT, FLEET_OPEN };
enum fleet_state fleet_state_of(const struct json *result);
const char *fleet_state_word(const struct json *result); /* "done", "absent", "partly" ... */
struct fleet_counts {
	size_t hosts, done, failed, absent, open;
};
struct fleet_counts fleet_count(const struct json *results);
/* The sum of a number over all summaries; *ret_hosts, which may be NULL: hosts with one above 0. */
int64_t fleet_sum(const struct json *results, const char *key, size_t *ret_hosts);
/* The exit status: 0 all hosts done, 2 a host failed, 4 all present hosts done and some absent. */
int fleet_exit(const struct json *results);
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
/* Connects and runs the one that belongs to the session's verb. An exit status or a negative code.
 */
int fleet_main(struct session *s, struct err *err) NODISCARD;

/* "seen 4 minutes ago" of microseconds; "never seen" of a negative number. Returns buf. */
char *fleet_seen_text(int64_t seen_us, char *buf, size_t size);
/* How many hosts have the rules of this version in force, and how many there are. */
int fleet_rules_known(
    struct fleet *f, int64_t version, size_t *ret_known, size_t *ret_hosts, struct err *err);
/* After ^C: says on stderr that the order stands, and how to cancel it. */
void fleet_tell_standing(const struct fleet_order *o);
