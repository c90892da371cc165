/* SPDX-License-Identifier: ISC */
/* Open addressing, at most half full. */
#include "rules/ruleset_private.h"

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15) /* mixes the class into the hash */

int rule_table_init(struct rule_table *t, const struct rule *rules, size_t count)
{
	size_t slots = 1;

	memset(t, 0, sizeof(*t));
	t->rules = rules;
	if (count == 0)
		return 0;
	while (slots < 2 * count)
		slots *= 2;
	t->slots = calloc(slots, sizeof(*t->slots));
	if (!t->slots)
		return -ENOMEM;
	t->mask = slots - 1;
	for (size_t i = 0; i < slots; i++)
		t->slots[i].rule = RULE_NONE;
	return 0;
}

void rule_table_release(struct rule_table *t)
{
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

void rule_client_key(
    const struct net_address *address, unsigned bits, unsigned char key[CLIENT_KEY_LEN])
{
	unsigned whole = bits / 8;

	memset(key, 0, CLIENT_KEY_LEN);
	key[0] = address->family;
	key[1] = (unsigned char)bits;
	memcpy(key + 2, address->at, whole);
	if (bits % 8 != 0)
		key[2 + whole] = (unsigned char)(address->at[whole] & (0xff00u >> bits % 8));
}

static struct span key_of(const struct rule *r, unsigned char buf[CLIENT_KEY_LEN])
{
	if (r->class != CLASS_CLIENT) {
		const char *key = r->regex ? r->subject : r->key;

		return (struct span){key, strlen(key)};
	}
	rule_client_key(&r->block.base, r->block.bits, buf);
	return (struct span){buf, CLIENT_KEY_LEN};
}

static bool is_filed_under(const struct rule *r, struct span key)
{
	unsigned char buf[CLIENT_KEY_LEN];
	struct span own = key_of(r, buf);

	return own.len == key.len && memcmp(own.at, key.at, own.len) == 0;
}

static struct rule_slot *slot_of(
    const struct rule_table *t, enum rule_class class, struct span key, uint64_t hash)
{
	for (size_t i = hash & t->mask;; i = (i + 1) & t->mask) {
		struct rule_slot *s = &t->slots[i];

		if (s->rule == RULE_NONE)
			return s;
		if (s->hash == hash && s->class == class && is_filed_under(&t->rules[s->rule], key))
			return s;
	}
}

uint64_t rule_table_hash(enum rule_class class, struct span key)
{
	return bytes_hash(key.at, key.len) ^ (class + 1) * MULTIPLIER;
}

void rule_table_add(struct rule_table *t, uint32_t n)
{
	const struct rule *r = &t->rules[n];
	unsigned char buf[CLIENT_KEY_LEN];
	struct span key = key_of(r, buf);
	uint64_t hash = rule_table_hash(r->class, key);
	struct rule_slot *s = slot_of(t, r->class, key, hash);

	if (s->rule != RULE_NONE)
		return;
	t->count[r->class]++;
	*s = (struct rule_slot){.hash = hash, .class = r->class, .rule = n};
}

uint32_t rule_table_find(
    const struct rule_table *t, enum rule_class class, struct span key, uint64_t hash)
{
	return t->count[class] ? slot_of(t, class, key, hash)->rule : RULE_NONE;
}

uint32_t rule_table_same(const struct rule_table *t, const struct rule *r)
{
	unsigned char buf[CLIENT_KEY_LEN];
	struct span key = key_of(r, buf);

	return rule_table_find(t, r->class, key, rule_table_hash(r->class, key));
}
