/* SPDX-License-Identifier: ISC */
/* Merges many hosts' groups of top and why: equal names add up, the largest first. */
#pragma once

#include "base/json.h"
#include "purge/top/top.h"

struct fleet_share {
	char *name;
	int64_t count;
};
struct fleet_group {
	char *name;
	int64_t count, messages, bytes;
	int64_t oldest, newest; /* epoch seconds; 0: unknown */
	int64_t ages[TOP_AGES];
	size_t hosts;
	size_t place; /* private: order of adding */
	/* for why; see fleet_why.h */
	struct strbuf example;      /* packed, from the host with most of the group; empty: none */
	struct fleet_share *shares; /* recipients by domain, the largest first once joined */
	size_t share_count;
};
/* Bytes of texts that are kept: 2 KiB for each of 1,000 groups. */
#define FLEET_SUMS_HOST (2u << 20)   /* of one host */
#define FLEET_SUMS_ALL  (256u << 20) /* of all */

/* Zero-initialise. */
struct fleet_sums {
	struct fleet_group *list;
	size_t count, cap;
	int64_t all;              /* of all counts */
	size_t bytes, host_bytes; /* of the texts of all hosts, and of the last one */
};
/* The keys name the members with name and count. Lines without them are skipped. -ENOMEM. */
int fleet_sums_add(struct fleet_sums *s, const char *name_key, const char *count_key,
    const struct json *line) NODISCARD;
/* Before each host's lines. */
void fleet_sums_begin(struct fleet_sums *s);
/* Counts the texts of the group that was added last, once it has all of them. */
void fleet_sums_weigh(struct fleet_sums *s);
/* Whether this host, or all hosts together, sent as much text as is kept. */
bool fleet_sums_full(const struct fleet_sums *s);
/* Adds up groups of equal names, and sorts. Call it once, after the last line. */
void fleet_sums_join(struct fleet_sums *s);
void fleet_sums_release(struct fleet_sums *s);
