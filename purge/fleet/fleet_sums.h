/* SPDX-License-Identifier: ISC */
/* Adds up many hosts' groups of top and why by their names. */
#pragma once

#include "base/array.h"
#include "base/json.h"
#include "purge/top/top.h"

struct fleet_share {
	char *name;
	int64_t count;
};
struct fleet_group {
	const char *name;
	int64_t count, messages, bytes;
	int64_t oldest, newest; /* epoch seconds; 0: unknown */
	int64_t ages[TOP_AGES];
	size_t hosts;
	/* for why; see fleet_why.h */
	int64_t largest;                     /* the count of the host that example is from */
	struct json *example;                /* for writing; NULL: none */
	ARRAY_OF(struct fleet_share) shares; /* recipients by domain; sorted by fleet_sums_close */
};
/* Bytes of texts that are taken: 2 KiB for each of 1,000 groups. */
#define FLEET_SUMS_HOST (2u << 20)   /* of one host */
#define FLEET_SUMS_ALL  (256u << 20) /* of all */

/* Zero-initialise. */
struct fleet_sums {
	struct labels names;
	struct fleet_group *list; /* the largest first; set by fleet_sums_close */
	size_t count;
	int64_t all;              /* of all counts */
	size_t bytes, host_bytes; /* of the texts of all hosts, and of the last one */
};
/* The keys name the members with name and count. *ret is the line's group until the next call; NULL
 * for a line without them, which is skipped. -ENOMEM. */
int fleet_sums_add(struct fleet_sums *s, const char *name_key, const char *count_key,
    const struct json *line, struct fleet_group **ret) NODISCARD;
/* Counts len bytes of text that a host sent. */
void fleet_sums_weigh(struct fleet_sums *s, size_t len);
/* Before each host's lines. */
void fleet_sums_begin(struct fleet_sums *s);
/* Whether this host, or all hosts together, sent as much text as is taken. */
bool fleet_sums_full(const struct fleet_sums *s);
/* A number that a host sent: nonsense is 0. */
int64_t fleet_sums_number(const struct json *o, const char *key);
void fleet_sums_increase(int64_t *to, int64_t n); /* not beyond half of the largest number */
/* Sorts. Call it once, after the last line. */
void fleet_sums_close(struct fleet_sums *s);
void fleet_sums_release(struct fleet_sums *s);
