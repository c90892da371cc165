/* SPDX-License-Identifier: ISC */
/*
 * LMDB's file as it lies on disk (mdb.c: MDB_page, MDB_node, MDB_db, MDB_meta; data version 1), as
 * far as data_pages.c checks it. Numbers are the machine's own, as LMDB's are. Everything here
 * stays inside the page that it is given.
 */
#ifndef PQPURGE_INDEX_PAGE_FORMAT_H
#define PQPURGE_INDEX_PAGE_FORMAT_H

#include "base/base.h"

#define PAGE_MAGIC   0xBEEFC0DEu
#define PAGE_VERSION 1u
#define PAGE_METAS   2u
#define PAGE_LEVELS  32u /* mdb.c CURSOR_STACK */
#define PAGE_KEY_MAX 511u
#define PAGE_NONE    SIZE_MAX /* the root of an empty tree */

/* flags of a page */
#define PAGE_BRANCH   0x01u
#define PAGE_LEAF     0x02u
#define PAGE_OVERFLOW 0x04u
#define PAGE_META     0x08u
/* flags of a leaf's node: its value is on overflow pages; or is a tree of its own */
#define NODE_FAR   0x01u
#define NODE_TABLE 0x02u
/* flags of a tree: keys are numbers; all that change its form */
#define NODES_BY_NUMBER 0x08u
#define NODES_SPECIAL   0x7eu

struct page_head {
	size_t number;
	uint16_t pad, flags;
	uint16_t lower, upper; /* of an overflow page: both together count its pages */
};

struct page_tree {
	uint32_t pad; /* of the free list in a meta page: the page size */
	uint16_t flags, depth;
	size_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct page_meta {
	uint32_t magic, version;
	size_t address, map_size;
	struct page_tree trees[2]; /* free list, names of the tables */
	size_t last, transaction;
};

struct page_node {
	unsigned flags;
	size_t size;                      /* bytes in its page, rounded up to even */
	const unsigned char *key, *value; /* value: of a far one, its page number */
	size_t key_len, value_len;
	size_t child; /* of a branch */
};

static inline size_t page_meta_size(const struct page_meta *meta)
{
	return meta->trees[0].pad;
}

static inline bool page_size_sound(size_t size)
{
	return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

static inline size_t page_overflow_pages(const struct page_head *head)
{
	uint32_t pages;

	memcpy(&pages, &head->lower, sizeof(pages));
	return pages;
}

static inline struct page_head page_head_of(const unsigned char *page)
{
	struct page_head head;

	memcpy(&head, page, sizeof(head));
	return head;
}

static inline bool page_head_sound(
    const unsigned char *page, size_t page_size, size_t number, unsigned flags)
{
	struct page_head head = page_head_of(page);

	return head.number == number && head.flags == flags && head.lower >= sizeof(head) &&
	       head.lower % 2 == 0 && head.upper >= head.lower && head.upper <= page_size;
}

static inline size_t page_node_count(const unsigned char *page)
{
	return (page_head_of(page).lower - sizeof(struct page_head)) / 2;
}

static inline size_t page_bytes_used(const unsigned char *page, size_t page_size)
{
	return page_size - page_head_of(page).upper;
}

/* The node in place i of a sound page; false where it does not lie inside. */
static inline bool page_node(
    const unsigned char *page, size_t page_size, size_t i, bool branch, struct page_node *ret)
{
	uint16_t at, words[4]; /* size or child (low, high), flags, key length */
	size_t number, size;

	memcpy(&at, page + sizeof(struct page_head) + 2 * i, sizeof(at));
	if (at % 2 != 0 || at < page_head_of(page).upper || at + sizeof(words) > page_size)
		return false;
	memcpy(words, page + at, sizeof(words));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	number = words[0] | (size_t)words[1] << 16;
#else
	number = words[1] | (size_t)words[0] << 16;
#endif
	ret->flags = branch ? 0 : words[2];
	ret->key_len = words[3];
	ret->key = page + at + sizeof(words);
	ret->value = ret->key + ret->key_len;
	ret->value_len = branch ? 0 : number;
	size = sizeof(words) + ret->key_len;
	if (branch)
		ret->child =
		    sizeof(number) > 4 ? number | (size_t)words[2] << (sizeof(number) * 4) : number;
	else if (ret->flags & NODE_FAR)
		size += sizeof(size_t);
	else
		size += number < page_size ? number : page_size;
	ret->size = (size + 1) & ~(size_t)1;
	return at + size <= page_size;
}

#endif
