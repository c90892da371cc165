/* SPDX-License-Identifier: ISC */
/* An order of the fleet, as its operator: placed, waited for, told. */
#pragma once

#include "purge/fleet/fleet_link.h"
#include "purge/session.h"
#include "rules/rules_file.h"

#define FLEET_PRESENT (60 * INT64_C(1000000)) /* since a present host was last seen */
#define FLEET_LOOK    30                      /* seconds until an order that only looks expires */
#define FLEET_EXPIRE  86400                   /* seconds, without --expire */

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
	const struct rule_list *rules; /* of --block; may be NULL, or empty */
	int64_t rules_for;             /* seconds; 0: for ever */
	/* Results. */
	int64_t number, rule_version;
	struct json *placed;  /* the answer: "hosts" with "name", "seen_us" */
	struct json *results; /* the last answer of "results"; NULL: none yet */
};

/* Connects, and resolves --host. An unknown tag is ERR_USAGE. fleet_close in any case. */
int fleet_open(struct fleet *f, struct session *s, struct err *err) NODISCARD;
void fleet_close(struct fleet *f);

/* Places the order; where the answer is lost, asks again under the same token. ERR_USAGE: a host
 * that is none; nothing is placed. */
int fleet_place(struct fleet *f, struct fleet_order *o, struct err *err) NODISCARD;
/*
 * Looks each 200 ms until every present host is done, and the absent ones or their time (--wait) is
 * over. Shows the hosts on a terminal meanwhile. ERR_STOPPED: ^C; the order stands.
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
/* The sum of a number in all summaries, and how many hosts have one above 0. */
int64_t fleet_sum(const struct json *results, const char *key, size_t *ret_hosts);
/* 0 all done, 2 a host failed, 4 all present ones done. */
int fleet_exit(const struct json *results);
enum { EXIT_SOME_ABSENT = 4 };

/* ---- telling */

/* A row a host on a terminal or pipe. */
int fleet_tell_hosts(FILE *to, const struct fleet_order *o, size_t most, size_t *ret_rows);
/* {"host":..} lines and the summary. */
int fleet_tell_json(const struct fleet_order *o);
const char *fleet_done_key(const char *verb, bool dry_run); /* "deleted", "would_delete" */

/* ---- the verbs with --fleet */

int fleet_act(struct fleet *f, struct err *err);   /* purge, hold, release, undo */
int fleet_look(struct fleet *f, struct err *err);  /* list, top, why, status */
int fleet_block(struct fleet *f, struct err *err); /* block, unblock */
int fleet_admin(struct fleet *f, struct err *err); /* fleet ... */
/* Of the command line: connects and runs one of these. An exit status or a negative code. */
int fleet_main(struct session *s, struct err *err) NODISCARD;

/* "seen 4 minutes ago", from microseconds; never seen: below 0. Returns buf. */
char *fleet_seen_text(int64_t seen_us, char *buf, size_t size);
/* How many hosts have the rules of this version in force, and how many there are. */
int fleet_rules_known(
    struct fleet *f, int64_t version, size_t *ret_known, size_t *ret_hosts, struct err *err);
/* For ^C: what stands, and how to end it. */
void fleet_tell_standing(const struct fleet_order *o);
