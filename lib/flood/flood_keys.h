/* SPDX-License-Identifier: ISC */
/* Private to lib/flood: folding, hashing and exemption of keys. */
#pragma once

#include "flood/flood.h"

struct flood_key {
	char text[FLOOD_KEY_MAX + 1];
	size_t len;
	bool cut;
};

/* SipHash-1-3 with a secret. Never 0. */
uint64_t flood_hash(const uint64_t secret[2], const char *text, size_t len);

void flood_key_text(struct flood_key *k, const char *text, bool fold_case);
/* In lower case, without tag, VERP and SRS: "srs@DOMAIN". "<>" for the null sender. */
void flood_key_address(struct flood_key *k, const char *address);
void flood_key_domain(struct flood_key *k, const char *address);
/* An IPv4 address, or the /64 of an IPv6 address. */
void flood_key_client(struct flood_key *k, const struct net_address *client);
/* Writes the client's /24 or /48 as bytes. Returns their count. */
size_t flood_network(const struct net_address *client, char buf[8]);

bool flood_is_exempt(const struct flood_config *c, enum flood_kind kind, const char *key);
