/* SPDX-License-Identifier: ISC */
#include "flood/flood_keys.h"

static inline uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
	v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

uint64_t flood_hash(const uint64_t secret[2], const char *text, size_t len)
{
	uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
	    secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
	uint64_t word, last = (uint64_t)len << 56;

	for (; len >= 8; len -= 8, text += 8) {
		memcpy(&word, text, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	memcpy(&word, text, len);
	last |= word;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return word ? word : 1;
}

/* Lowers ASCII letters, eight bytes at a time: about a login's length. */
static void fold(char *to, const char *text, size_t len)
{
	const uint64_t each = 0x0101010101010101;
	uint64_t word;

	for (; len >= 8; len -= 8, text += 8, to += 8) {
		memcpy(&word, text, 8);
		uint64_t low = word & 0x7f * each;
		uint64_t from_a = low + (0x80 - 'A') * each, past_z = low + (0x7f - 'Z') * each;
		word |= (~word & (from_a ^ past_z) & 0x80 * each) >> 2;
		memcpy(to, &word, 8);
	}
	for (size_t i = 0; i < len; i++)
		to[i] = (char)(text[i] + ((unsigned)(text[i] - 'A') < 26) * 32);
}

static void add(struct flood_key *k, const char *text, size_t len, bool fold_case)
{
	size_t room = FLOOD_KEY_MAX - k->len;

	k->cut |= len > room;
	if (len > room)
		len = room;
	char *to = k->text + k->len;
	if (fold_case)
		fold(to, text, len);
	else
		memcpy(to, text, len);
	k->len += len;
	k->text[k->len] = '\0';
}

void flood_key_text(struct flood_key *k, const char *text, bool fold_case)
{
	k->len = 0;
	k->cut = false;
	add(k, text, strlen(text), fold_case);
}

/* The length without tag or VERP: up to the first '+' or '='. */
static size_t local_len(const char *address, const char *at)
{
	size_t len = (size_t)(at - address);

	for (const char *c = "+="; *c; c++) {
		const char *cut = len > 1 ? memchr(address + 1, *c, len - 1) : NULL;

		if (cut)
			len = (size_t)(cut - address);
	}
	return len;
}

void flood_key_address(struct flood_key *k, const char *address)
{
	const char *at = strrchr(address, '@');

	flood_key_text(k, "", false);
	if (!*address)
		add(k, "<>", 2, false);
	else if (!at)
		add(k, address, strlen(address), true);
	else if (str_starts_nocase(address, "SRS0=") || str_starts_nocase(address, "SRS1="))
		add(k, "srs", 3, false);
	else
		add(k, address, local_len(address, at), true);
	if (at)
		add(k, at, strlen(at), true);
}

void flood_key_domain(struct flood_key *k, const char *address)
{
	const char *at = strrchr(address, '@');

	flood_key_text(k, at ? at + 1 : address, true);
}

void flood_key_client(struct flood_key *k, const struct net_address *client)
{
	struct net_address a = *client;

	if (a.family == 6)
		memset(a.at + 8, 0, 8);
	char text[NET_TEXT_SIZE];
	flood_key_text(k, net_text(&a, text), false);
	if (a.family == 6)
		add(k, "/64", 3, false);
}

size_t flood_network(const struct net_address *client, char buf[8])
{
	size_t len = client->family == 6 ? 6 : 3;

	memcpy(buf, client->at + (client->family == 6 ? 0 : 12), len);
	return len;
}

static bool is_in(const struct net_block *block, const char *key)
{
	char text[NET_TEXT_SIZE];
	struct net_address a;

	snprintf(text, sizeof(text), "%s", key);
	text[strcspn(text, "/")] = '\0';
	return net_parse(text, &a) == 0 && net_contains(block, &a);
}

bool flood_is_exempt(const struct flood_config *c, enum flood_kind kind, const char *key)
{
	for (size_t i = 0; i < c->exempt_count; i++) {
		const struct settings_exempt *e = &c->exempt[i];
		const char *at = strrchr(key, '@');

		if (e->kind != (size_t)kind)
			continue;
		if (kind == FLOOD_CLIENT
			? is_in(&e->block, key)
			: str_equal_nocase(e->key, key) ||
			      (e->key[0] == '@' && at && str_equal_nocase(e->key, at)))
			return true;
	}
	return false;
}
