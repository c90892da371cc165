/* SPDX-License-Identifier: ISC */
/* The inside of a rule set, for ruleset.c, ruleset_find.c and rule_table.c alone. */
#ifndef PQPURGE_RULES_RULESET_PRIVATE_H
#define PQPURGE_RULES_RULESET_PRIVATE_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "rules/ruleset.h"

/* ---- the hash table from what a rule is about to the rule: filled once, then only read */

enum rule_class {
	CLASS_LOGIN,
	CLASS_LOGIN_DOMAIN,
	CLASS_CLIENT,  /* bytes: rule_client_key */
	CLASS_ADDRESS, /* local part lower case */
	CLASS_NULL,    /* no bytes */
	CLASS_DOMAIN,
	CLASS_SUBDOMAINS, /* bytes: the domain above */
	CLASS_REGEX,      /* bytes: the subject; for rule_table_same alone */
	CLASS_COUNT,
};

#define RULE_NONE UINT32_MAX
struct rule_slot {
	uint64_t hash;
	enum rule_class class;
	uint32_t rule; /* its place in the rules; RULE_NONE: the slot is free */
};

struct rule_table {
	const struct rule *rules;
	struct rule_slot *slots;
	size_t mask;               /* slots less one, a power of two less one; 0: empty */
	size_t count[CLASS_COUNT]; /* keys of each class, so that none is asked in vain */
};

/* Room for count keys. */
int rule_table_init(struct rule_table *t, const struct rule *rules, size_t count) NODISCARD;
void rule_table_release(struct rule_table *t);
/* Files rule n. Of several with one key the first counts. */
void rule_table_add(struct rule_table *t, uint32_t n);
uint64_t rule_table_hash(enum rule_class class, struct span key);
/* The place of the rule that is filed under key, whose hash that is; RULE_NONE if none is. */
uint32_t rule_table_find(
    const struct rule_table *t, enum rule_class class, struct span key, uint64_t hash);
/* The same for the key of another rule: that with r's subject. */
uint32_t rule_table_same(const struct rule_table *t, const struct rule *r);

/*
 * The key of a network: the address's family (IPv4 does not lie in ::/0), bits, and the address cut
 * to that many. Fills all of key.
 */
#define CLIENT_KEY_LEN 18
void rule_client_key(
    const struct net_address *address, unsigned bits, unsigned char key[CLIENT_KEY_LEN]);

/* ---- the set */

#define RULE_MASKS 129 /* mask lengths, 0 to 128 */

/* In the order in which they are asked. */
enum { LAYER_COMMAND, LAYER_FILE, LAYER_COUNT };

/*
 * The rules of one origin, compiled for searching; only read once it is made. Several sets share
 * it, one after the other: a new rule of the command leaves the file's rules as they are, however
 * many.
 */
struct rule_layer {
	struct rule *rules;
	size_t count;
	struct rule_table table;
	uint32_t *regexes; /* places of the expressions, in the order they are asked */
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

#endif
