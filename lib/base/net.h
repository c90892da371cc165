/* SPDX-License-Identifier: ISC */
/* Client addresses and networks, IPv4 and IPv6. An IPv4-mapped IPv6 address is IPv4. */
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
	unsigned bits; /* mask length, 0 to 128; an IPv4 mask plus 96 */
};

/* Parses "192.0.2.1", "2001:db8::1", and Postfix's "IPv6:2001:db8::1". Returns 0 or ERR_SYNTAX. */
int net_parse(const char *text, struct net_address *ret) NODISCARD;
/* An address with an optional "/BITS". A bit set below the mask is ERR_SYNTAX (cidr_table(5)). */
int net_parse_block(const char *text, struct net_block *ret) NODISCARD;
/* Pushes each of the blocks, separated by blanks or commas, to a packed list, without brackets
 * (mynetworks has "[::1]/128"). ERR_SYNTAX names the first that is not a block. */
int net_parse_list(const char *text, struct strbuf *packed, struct err *err) NODISCARD;
struct net_blocks {
	struct net_block *list;
	size_t count, cap;
};
/* The blocks of a packed list; the caller frees ret->list. Returns 0, -ENOMEM or ERR_SYNTAX. */
int net_blocks_of(const struct strlist *packed, struct net_blocks *ret) NODISCARD;
/* Pushes the addresses of this host's interfaces, without loopback and link-local ones, as
 * Postfix's inet_addr_local() finds them. At most NET_INTERFACES_MAX, and none on failure. */
#define NET_INTERFACES_MAX 256
void net_interfaces(struct strbuf *packed);
/* *ret has family 0 unless sa is AF_INET or AF_INET6. Returns the port, or 0. */
uint16_t net_of_sockaddr(const struct sockaddr *sa, struct net_address *ret);
bool net_equal(const struct net_address *a, const struct net_address *b);
/* An IPv4 address lies only in IPv4 blocks, family 0 in none. */
bool net_contains(const struct net_block *block, const struct net_address *address);
bool net_any_contains(
    const struct net_block *blocks, size_t count, const struct net_address *address);
/* 127.0.0.0/8 or ::1 */
bool net_is_loopback(const struct net_address *address);
/* Whether a block is at most as large as one network of one customer: /24, or /48 for IPv6. */
bool net_is_narrow(const struct net_block *block);
#define NET_TEXT_SIZE 48
char *net_text(const struct net_address *address, char buf[NET_TEXT_SIZE]); /* "" for family 0 */
#define NET_BLOCK_TEXT_SIZE (NET_TEXT_SIZE + 4)
/* "192.0.2.0/24", or only the address if the block is one. Returns buf. */
char *net_block_text(const struct net_block *block, char buf[NET_BLOCK_TEXT_SIZE]);
