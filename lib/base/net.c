/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/net.h"

static const unsigned char mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void set_v4(struct net_address *ret, const void *four)
{
	memcpy(ret->at, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ret->at + 12, four, 4);
	ret->family = 4;
}

static void set_v6(struct net_address *ret, const void *sixteen)
{
	memcpy(ret->at, sixteen, 16);
	ret->family = memcmp(ret->at, mapped_prefix, sizeof(mapped_prefix)) == 0 ? 4 : 6;
}

int net_parse(const char *text, struct net_address *ret)
{
	struct in_addr four;
	struct in6_addr six;

	if (str_starts_nocase(text, "IPv6:"))
		text += 5;
	else if (inet_pton(AF_INET, text, &four) == 1) {
		set_v4(ret, &four);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &six) != 1)
		return ERR_SYNTAX;
	set_v6(ret, &six);
	return 0;
}

static bool rest_is_zero(const unsigned char at[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (at[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

int net_parse_block(const char *text, struct net_block *ret)
{
	char address[NET_TEXT_SIZE + 8]; /* may begin with "IPv6:" */
	size_t len = strcspn(text, "/");
	struct net_block block;
	unsigned lead; /* bits before an IPv4 address */

	if (len >= sizeof(address))
		return ERR_SYNTAX;
	memcpy(address, text, len);
	address[len] = '\0';
	if (net_parse(address, &block.base) < 0)
		return ERR_SYNTAX;
	lead = strchr(address, ':') ? 0 : 96;
	uint64_t bits = 128 - lead;
	if (text[len] == '/' && str_parse_u64(text + len + 1, 0, 128 - lead, &bits) < 0)
		return ERR_SYNTAX;
	block.bits = lead + (unsigned)bits;
	if (!rest_is_zero(block.base.at, block.bits))
		return ERR_SYNTAX;
	*ret = block;
	return 0;
}

/* Turns "[ADDRESS]/BITS" into "ADDRESS/BITS", in place. */
static void drop_brackets(char *block)
{
	char *close = block[0] == '[' ? strchr(block, ']') : NULL;

	if (!close)
		return;
	memmove(close, close + 1, strlen(close + 1) + 1);
	memmove(block, block + 1, strlen(block + 1) + 1);
}

int net_parse_list(const char *text, struct strbuf *packed, struct err *err)
{
	size_t len;

	for (const char *part; (part = str_part(&text, " \t,", &len));) {
		char block[2 * NET_TEXT_SIZE];
		struct net_block ignored;

		snprintf(block, sizeof(block), "%.*s", (int)(len < 200 ? len : 200), part);
		drop_brackets(block);
		if (net_parse_block(block, &ignored) < 0)
			return err_set(err, ERR_SYNTAX, "'%.*s' is not a network (ADDRESS/BITS)",
			    (int)(len < 200 ? len : 200), part);
		strlist_push(packed, block, strlen(block));
	}
	return packed->failed ? err_sys(err, ENOMEM, "failed to keep a list of networks") : 0;
}

int net_blocks_of(const struct strlist *packed, struct net_blocks *ret)
{
	struct net_blocks blocks = {0};
	struct net_block block;
	int code = 0;

	strlist_each (text, packed)
		if (code == 0)
			code = net_parse_block(text, &block) ?: array_add(&blocks, block);
	if (code < 0)
		free(blocks.list);
	else
		*ret = blocks;
	return code;
}

uint16_t net_of_sockaddr(const struct sockaddr *sa, struct net_address *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(ret, 0, sizeof(*ret));
	if (sa && sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		set_v4(ret, &v4.sin_addr);
		return ntohs(v4.sin_port);
	}
	if (sa && sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		set_v6(ret, &v6.sin6_addr);
		return ntohs(v6.sin6_port);
	}
	return 0;
}

static bool is_link_local(const struct net_address *a)
{
	return a->family == 6 && a->at[0] == 0xfe && (a->at[1] & 0xc0) == 0x80;
}

void net_interfaces(struct strbuf *packed)
{
	struct ifaddrs *all = NULL;
	struct net_address address;
	char text[NET_TEXT_SIZE];
	int left = NET_INTERFACES_MAX;

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *i = all; i && left > 0; i = i->ifa_next) {
		net_of_sockaddr(i->ifa_addr, &address);
		if (address.family == 0 || net_is_loopback(&address) || is_link_local(&address))
			continue;
		net_text(&address, text);
		strlist_push(packed, text, strlen(text));
		left--;
	}
	freeifaddrs(all);
}

bool net_equal(const struct net_address *a, const struct net_address *b)
{
	return a->family == b->family &&
	       (a->family == 0 || memcmp(a->at, b->at, sizeof(a->at)) == 0);
}

bool net_contains(const struct net_block *block, const struct net_address *address)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;
	unsigned char mask = (unsigned char)(0xff00u >> rest);

	if (address->family == 0 || address->family != block->base.family)
		return false;
	if (memcmp(block->base.at, address->at, whole) != 0)
		return false;
	return rest == 0 || ((block->base.at[whole] ^ address->at[whole]) & mask) == 0;
}

bool net_any_contains(
    const struct net_block *blocks, size_t count, const struct net_address *address)
{
	for (size_t n = 0; n < count; n++)
		if (net_contains(&blocks[n], address))
			return true;
	return false;
}

bool net_is_loopback(const struct net_address *address)
{
	static const unsigned char one[16] = {[15] = 1};

	return address->family == 4 ? address->at[12] == 127
				    : address->family == 6 && memcmp(address->at, one, 16) == 0;
}

bool net_is_narrow(const struct net_block *block)
{
	return block->bits >= (block->base.family == 4 ? 96 + 24 : 48);
}

char *net_text(const struct net_address *address, char buf[NET_TEXT_SIZE])
{
	buf[0] = '\0';
	if (address->family == 4)
		inet_ntop(AF_INET, address->at + 12, buf, NET_TEXT_SIZE);
	else if (address->family == 6)
		inet_ntop(AF_INET6, address->at, buf, NET_TEXT_SIZE);
	return buf;
}

char *net_block_text(const struct net_block *block, char buf[NET_BLOCK_TEXT_SIZE])
{
	size_t len = strlen(net_text(&block->base, buf));

	if (block->bits < 128)
		snprintf(buf + len, NET_BLOCK_TEXT_SIZE - len, "/%u",
		    block->base.family == 4 ? block->bits - 96 : block->bits);
	return buf;
}
