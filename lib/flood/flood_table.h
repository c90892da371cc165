/* SPDX-License-Identifier: ISC */
/* Entries of the flood watch: one key's counters, in sets of eight. For this room alone. */
#pragma once

#include "flood/flood_keys.h"

#define ENTRY_NAME 64

/* What is learned of a key: finished buckets of the windows, networks in 1 h and 1 d, senders. */
enum peak { PEAK_10M, PEAK_1H, PEAK_1D, PEAK_NETWORKS_1H, PEAK_NETWORKS_1D, PEAK_SENDERS, PEAKS };

struct window {
	uint32_t current, previous; /* recipients */
	uint32_t messages, messages_before;
	uint32_t bucket; /* time / seconds of the window */
};
struct entry {
	uint32_t last;        /* message, epoch seconds */
	uint16_t incident;    /* slot + 1 of the open one; 0: none */
	uint16_t pending_day; /* since when a peak is pending; 0: none */
	uint16_t shun;        /* buckets of this day and before are not learned */
	bool exempt;
	struct window window[FLOOD_WINDOWS];
	float peak[PEAKS], pending[PEAKS];
	/* Recipients of the day that an incident reported; they count for the peak only. */
	uint32_t told, told_before;
	uint32_t undelivered;
	uint64_t networks_1h[2], senders[2], networks_1d[2][4]; /* now, and the bucket before */
	char name[ENTRY_NAME]; /* "": too long (then it is not saved), or the entry is empty */
};
struct table {
	uint64_t
	    *hash; /* of each entry, so that a set is found in one line of the cache; 0: empty */
	struct entry *list;
	uint32_t sets;
};

extern const uint32_t table_sizes[FLOOD_KINDS];
extern const uint32_t window_seconds[FLOOD_WINDOWS];

/* The entry of a key, or NULL. */
struct entry *table_find(const struct table *t, uint64_t hash);
/* The same; makes it if there is none (*ret_new). NULL: the set is full of open incidents. */
struct entry *table_get(
    const struct table *t, uint64_t hash, const struct flood_key *k, int64_t now, bool *ret_new);
/* Finishes buckets. young: pending peaks take effect at once. */
void table_roll(struct entry *e, int64_t now, bool young);
double table_recipients(const struct entry *e, enum flood_window w, int64_t now);
double table_messages(const struct entry *e, enum flood_window w, int64_t now);
uint32_t table_networks_1h(const struct entry *e);
double table_networks_1d(const struct entry *e); /* by linear counting */
uint32_t table_senders(const struct entry *e);
void table_clear(struct entry *e);  /* an incident ends: what it reported is not reported again */
void table_settle(struct entry *e); /* pending becomes effective */
void table_forget(struct entry *e, int64_t now); /* drops what is pending; today is not learned */
