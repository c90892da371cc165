/* SPDX-License-Identifier: ISC */
/* Private to lib/flood. An entry has the counters of one key, in sets of eight. */
#pragma once

#include "flood/flood_keys.h"

#define ENTRY_NAME 64

/* Learned about a key: largest finished bucket of each window, networks in 1 h and 1 d, senders. */
enum peak { PEAK_10M, PEAK_1H, PEAK_1D, PEAK_NETWORKS_1H, PEAK_NETWORKS_1D, PEAK_SENDERS, PEAKS };

struct window {
	uint32_t current, previous; /* recipients */
	uint32_t messages, messages_before;
	uint32_t bucket; /* time divided by the window's seconds */
};
struct entry {
	uint32_t last;        /* seconds since the epoch */
	uint16_t incident;    /* slot of the open incident plus 1; 0: none */
	uint16_t pending_day; /* the day since which a peak is pending; 0: none */
	uint16_t shun;        /* buckets of this day and earlier are not learned */
	bool exempt;
	struct window window[FLOOD_WINDOWS];
	float peak[PEAKS], pending[PEAKS];
	/* Recipients of the day that an incident has reported; they count only for the peak. */
	uint32_t told, told_before;
	uint32_t undelivered;
	/* Bitmaps: this bucket and the one before. */
	uint64_t networks_1h[2], senders[2], networks_1d[2][4];
	/* "": the name is too long (then it is not saved), or the entry is empty */
	char name[ENTRY_NAME];
};
struct table {
	/* Of each entry, so that a set is found in one cache line; 0: empty. */
	uint64_t *hash;
	struct entry *list;
	uint32_t sets;
};

#define TABLE_ENTRIES 46080 /* the sum of table_sizes */
extern const uint32_t table_sizes[FLOOD_KINDS];
extern const uint32_t window_seconds[FLOOD_WINDOWS];

struct entry *table_find(const struct table *t, uint64_t hash);
/* Made if missing (*ret_new). NULL: the set is full of open incidents' keys. */
struct entry *table_get(
    const struct table *t, uint64_t hash, const struct flood_key *k, int64_t now, bool *ret_new);
/* Finishes the buckets that are over at now. young: pending peaks take effect at once. */
void table_roll(struct entry *e, int64_t now, bool young);
double table_recipients(const struct entry *e, enum flood_window w, int64_t now);
double table_messages(const struct entry *e, enum flood_window w, int64_t now);
uint32_t table_networks_1h(const struct entry *e);
double table_networks_1d(const struct entry *e); /* estimated by linear counting */
uint32_t table_senders(const struct entry *e);
/* Call it at the end of an incident: what it reported is not reported again. */
void table_clear(struct entry *e);
void table_settle(struct entry *e);              /* makes pending peaks effective */
void table_forget(struct entry *e, int64_t now); /* drops pending peaks; today is not learned */
