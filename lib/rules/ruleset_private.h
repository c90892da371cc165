/* SPDX-License-Identifier: ISC */
/* Private to ruleset.c, ruleset_find.c and rule_table.c. */
#pragma once

#include <stdatomic.h>

#include "base/bytes.h"
#include "rules/ruleset.h"

/* A hash table from keys to rules. Filled once, then only read. */

enum rule_class {
	CLASS_LOGIN,
	CLASS_LOGIN_DOMAIN,
	CLASS_CLIENT,  /* key: rule_client_key */
	CLASS_ADDRESS, /* key: local part lower case */
	CLASS_NULL,    /* key: no bytes */
	CLASS_DOMAIN,
	CLASS_SUBDOMAINS, /* key: the domain above */
	CLASS_REGEX,      /* key: the subject; for rule_table_same alone */
	CLASS_COUNT,
};

#define RULE_NONE UINT32_MAX
struct rule_slot {
	uint64_t hash;
	enum rule_class class;
	uint32_t rule; /* RULE_NONE: the slot is free */
};

struct rule_table {
	const struct rule *rules;
	struct rule_slot *slots;
	size_t mask;               /* slots less one; 0: empty */
	size_t count[CLASS_COUNT]; /* keys of each class: an empty one is not asked */
};

/* Room for count keys. */
int rule_table_init(struct rule_table *t, const struct rule *rules, size_t count) NODISCARD;
void rule_table_release(struct rule_table *t);
/* Of several rules with one key the first counts. */
void rule_table_add(struct rule_table *t, uint32_t n);
uint64_t rule_table_hash(enum rule_class class, struct span key);
/* The rule under key, whose hash that is, or RULE_NONE. */
uint32_t rule_table_find(
    const struct rule_table *t, enum rule_class class, struct span key, uint64_t hash);
/* The rule with r's subject. */
uint32_t rule_table_same(const struct rule_table *t, const struct rule *r);

/* The key of a network: family (IPv4 is not in ::/0), bits, and the address cut to that many. */
#define CLIENT_KEY_LEN 18
void rule_client_key(
    const struct net_address *address, unsigned bits, unsigned char key[CLIENT_KEY_LEN]);

#define RULE_MASKS 129 /* mask lengths, 0 to 128 */

/* In the order in which they are asked. */
enum { LAYER_COMMAND, LAYER_FLEET, LAYER_FILE, LAYER_COUNT };

/* The compiled rules of one origin, read-only. Sets share it: a new rule of the command leaves the
 * file's layer as it is. */
struct rule_layer {
	struct rule *rules;
	size_t count;
	struct rule_table table;
	uint32_t *regexes; /* in the order they are asked */
	size_t regex_count;
	bool has_mask[RULE_MASKS]; /* of client rules */
	bool login_exact;
	_Atomic size_t references;
};

struct ruleset {
	struct rule_layer *layers[LAYER_COUNT];
	unsigned char masks[RULE_MASKS]; /* lengths in either layer, longest first */
	size_t mask_count;
	_Atomic size_t references;
};
