/* SPDX-License-Identifier: ISC */
/* Private to ruleset.c, ruleset_find.c and rule_table.c. */
#pragma once

#include <stdatomic.h>

#include "base/bytes.h"
#include "rules/ruleset.h"

/* The hash table is filled once, then only read. An expression is filed under its subject, only for
 * rule_table_same; a client network under rule_client_key; any other rule under its key. */

#define RULE_NONE UINT32_MAX
struct rule_slot {
	uint64_t hash;
	enum rule_class class;
	uint32_t rule; /* RULE_NONE: free */
};

struct rule_table {
	const struct rule *rules;
	struct rule_slot *slots;
	size_t mask;               /* slots minus 1; 0: empty */
	size_t count[CLASS_COUNT]; /* of each class; an empty class is not searched */
};

int rule_table_init(struct rule_table *t, const struct rule *rules, size_t count) NODISCARD;
void rule_table_release(struct rule_table *t);
/* If several rules have one key, the first counts. */
void rule_table_add(struct rule_table *t, uint32_t n);
uint64_t rule_table_hash(enum rule_class class, struct span key);
/* Or RULE_NONE. hash: the key's. */
uint32_t rule_table_find(
    const struct rule_table *t, enum rule_class class, struct span key, uint64_t hash);
/* The rule that has r's subject, or RULE_NONE. */
uint32_t rule_table_same(const struct rule_table *t, const struct rule *r);

/* Family (so IPv4 is not in ::/0), mask length, and the address cut to it. */
#define CLIENT_KEY_LEN 18
void rule_client_key(
    const struct net_address *address, unsigned bits, unsigned char key[CLIENT_KEY_LEN]);

#define RULE_MASKS 129 /* 0 to 128 */

/* The compiled rules of one origin, read-only. Sets share layers: a new rule of the command leaves
 * the file's layer untouched. */
struct rule_layer {
	struct rule_list rules;
	struct rule_table table;
	uint32_t *regexes; /* in the order of a search */
	size_t regex_count;
	bool has_mask[RULE_MASKS]; /* of client rules */
	bool login_exact;
	_Atomic size_t references;
};

struct ruleset {
	struct rule_layer *layers[RULE_ORIGINS];
	unsigned char masks[RULE_MASKS]; /* in any layer, longest first */
	size_t mask_count;
	_Atomic size_t references;
};
