/* SPDX-License-Identifier: ISC */
/* Keys and values of author and inode rows (entry.h), for code that writes or checks them. */
#pragma once

#include <endian.h>

#include "index/rows/entry.h"

#define AUTHOR_KEY_SIZE (DOMAIN_KEY_MAX + 1 + ENTRY_KEY_SIZE)
#define INODE_KEY_SIZE  16

static inline struct span author_key(
    struct span key, uint64_t sequence, unsigned char buf[AUTHOR_KEY_SIZE])
{
	memcpy(buf, key.at, key.len);
	buf[key.len] = 0;
	be64_store(buf + key.len + 1, sequence);
	return (struct span){.at = buf, .len = key.len + 1 + ENTRY_KEY_SIZE};
}

static inline struct span inode_key(
    uint64_t inode, uint64_t sequence, unsigned char buf[INODE_KEY_SIZE])
{
	be64_store(buf, inode);
	be64_store(buf + 8, sequence);
	return (struct span){.at = buf, .len = INODE_KEY_SIZE};
}

static inline uint64_t inode_value(const struct packed_id *id, const struct record_head *head)
{
	return htole64((id->time & ~PACKED_ID_FLAGS) | (head->read ? PACKED_ID_FLAG_A : 0) |
		       (head->moved ? PACKED_ID_FLAG_B : 0));
}

static inline bool inode_split(
    struct span key, struct span value, struct packed_id *ret, uint64_t *ret_sequence)
{
	const unsigned char *at = key.at;

	if (key.len != INODE_KEY_SIZE || value.len != sizeof ret->time)
		return false;
	ret->inode = be64_load(at);
	*ret_sequence = be64_load(at + 8);
	memcpy(&ret->time, value.at, sizeof ret->time);
	ret->time = le64toh(ret->time);
	return true;
}
