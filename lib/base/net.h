/* SPDX-License-Identifier: ISC */
/* Client addresses and networks, IPv4 and IPv6. IPv4-mapped IPv6 is IPv4. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct sockaddr;

struct net_address {
	unsigned char at[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t family;       /* 4, 6, or 0: none or unknown */
};
struct net_block {
	struct net_address base;
	unsigned bits; /* of 128 */
};

/* "192.0.2.1", "2001:db8::1", and Postfix's "IPv6:2001:db8::1". ERR_SYNTAX otherwise. */
int net_parse(const char *text, struct net_address *ret) NODISCARD;
/* With an optional "/BITS". Bits set below the mask are ERR_SYNTAX (as in cidr_table(5)). */
int net_parse_block(const char *text, struct net_block *ret) NODISCARD;
/* Pushes each block of a list separated by blanks or commas, without brackets ("[::1]/128" as in
 * mynetworks), on a packed list. ERR_SYNTAX names the first that is no block. */
int net_parse_list(const char *text, struct strbuf *packed, struct err *err) NODISCARD;
/* Family 0 for anything but AF_INET and AF_INET6. Returns the port, or 0. */
uint16_t net_of_sockaddr(const struct sockaddr *sa, struct net_address *ret);
bool net_equal(const struct net_address *a, const struct net_address *b);
/* IPv4 lies in IPv4 blocks only, family 0 in none. */
bool net_contains(const struct net_block *block, const struct net_address *address);
/* At least as narrow as one network of one customer: /24, or /48 for IPv6. */
bool net_is_narrow(const struct net_block *block);
#define NET_TEXT_SIZE 48
char *net_text(const struct net_address *address, char buf[NET_TEXT_SIZE]); /* "" for family 0 */
