/* SPDX-License-Identifier: ISC */
/* The walk over an LMDB file's pages; their layout is in page_format.h. */
#include "index/data_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/data_file.h"
#include "index/page_format.h"

#define STEPS_PER_LOOK 256u   /* pages between two looks at the clock */
#define PAGES_UNSEEN   65536u /* at the end of the file, given out and never written */

struct walk {
	const char *directory;
	struct err *err;
	int fd;
	size_t page_size, last; /* last page in use */
	unsigned char *seen;    /* a bit for each page that something names */
	unsigned char *level[PAGE_LEVELS];
	int64_t deadline;
	unsigned steps;
};

/* One tree on the way: what was counted, and the last key met. */
struct tree {
	const struct page_tree *said;
	enum { TREE_FREE, TREE_MAIN, TREE_TABLE } kind;
	struct page_tree found;
	unsigned char key[PAGE_KEY_MAX];
	size_t key_len;
	bool key_known;
	bool key_may_repeat; /* it was a branch's: the first key below may equal it */
};

static int walk_tree(struct walk *w, const struct page_tree *said, int kind);

/* ---- reading */

static int damaged(struct walk *w, size_t page, const char *what)
{
	return err_set(
	    w->err, ERR_DAMAGED, "index '%s' is damaged (page %zu: %s)", w->directory, page, what);
}

static int read_at(struct walk *w, size_t page, size_t offset, void *to, size_t len)
{
	char *at = to;
	off_t where = (off_t)(page * w->page_size + offset);

	while (len > 0) {
		ssize_t got = pread(w->fd, at, len, where);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(w->err, errno, "failed to read index '%s'", w->directory);
		if (got == 0)
			return damaged(w, page, "not in the file");
		at += got;
		where += got;
		len -= (size_t)got;
	}
	return 0;
}

/* Marks pages as named; each may be so once. */
static int claim(struct walk *w, size_t page, size_t count)
{
	if (page < PAGE_METAS || page > w->last || count == 0 || count > w->last - page + 1)
		return damaged(w, page, "named, but not there");
	for (size_t i = page; i < page + count; i++) {
		unsigned char bit = (unsigned char)(1u << (i % 8));

		if (w->seen[i / 8] & bit)
			return damaged(w, i, "named twice");
		w->seen[i / 8] |= bit;
	}
	return 0;
}

/* ---- the order of keys */

static int compare_keys(const struct tree *t, const unsigned char *key, size_t len)
{
	size_t a, b;
	int order;

	if (t->kind == TREE_FREE) { /* integers; both are of that length */
		memcpy(&a, key, sizeof(a));
		memcpy(&b, t->key, sizeof(b));
		return (a > b) - (a < b);
	}
	order = memcmp(key, t->key, len < t->key_len ? len : t->key_len);
	return order ? order : (len > t->key_len) - (len < t->key_len);
}

static int next_key(
    struct walk *w, struct tree *t, size_t page, const unsigned char *key, size_t len, bool branch)
{
	int order;

	if (len == 0 || len > PAGE_KEY_MAX || (t->kind == TREE_FREE && len != sizeof(size_t)))
		return damaged(w, page, "a key of the wrong length");
	order = t->key_known ? compare_keys(t, key, len) : 1;
	if (order < 0 || (order == 0 && !(t->key_may_repeat && !branch)))
		return damaged(w, page, "keys out of order");
	memcpy(t->key, key, len);
	t->key_len = len;
	t->key_known = true;
	t->key_may_repeat = branch;
	return 0;
}

/* ---- values */

/* What a transaction freed: a count and that many page numbers, the highest first. */
static int free_list(struct walk *w, size_t page, const unsigned char *list, size_t len)
{
	size_t count, number, above = SIZE_MAX;
	int code = 0;

	if (len < sizeof(count))
		return damaged(w, page, "a list of free pages that is too short");
	memcpy(&count, list, sizeof(count));
	if (count > len / sizeof(count) - 1)
		return damaged(w, page, "a list of free pages that is too short");
	for (size_t i = 1; code == 0 && i <= count; i++) {
		memcpy(&number, list + i * sizeof(number), sizeof(number));
		code = number < above ? claim(w, number, 1)
				      : damaged(w, page, "free pages out of order");
		above = number;
	}
	return code;
}

static int far_free_list(struct walk *w, size_t first, size_t len)
{
	unsigned char *list = malloc(len);
	int code;

	if (!list)
		return err_sys(w->err, ENOMEM, "failed to check index '%s'", w->directory);
	code = read_at(w, first, sizeof(struct page_head), list, len);
	if (code == 0)
		code = free_list(w, first, list, len);
	free(list);
	return code;
}

/* A value on pages of its own. LMDB may leave it more of them than it needs. */
static int far_value(struct walk *w, struct tree *t, size_t page, const struct page_node *node)
{
	struct page_head head;
	size_t first, pages;
	int code;

	memcpy(&first, node->value, sizeof(first));
	if (first < PAGE_METAS || first > w->last)
		return damaged(w, page, "a value on a page that is not there");
	code = read_at(w, first, 0, &head, sizeof(head));
	if (code != 0)
		return code;
	pages = page_overflow_pages(&head);
	if (head.number != first || head.flags != PAGE_OVERFLOW)
		return damaged(w, first, "no overflow page");
	code = claim(w, first, pages);
	if (code != 0)
		return code;
	if (node->value_len > pages * w->page_size - sizeof(head))
		return damaged(w, first, "too few overflow pages");
	t->found.overflow_pages += pages;
	return t->kind == TREE_FREE ? far_free_list(w, first, node->value_len) : 0;
}

static int value(struct walk *w, struct tree *t, size_t page, const struct page_node *node)
{
	struct page_tree table;

	if (node->flags == NODE_FAR)
		return far_value(w, t, page, node);
	if (t->kind == TREE_FREE && node->flags == 0)
		return free_list(w, page, node->value, node->value_len);
	if (t->kind == TREE_MAIN && node->flags == NODE_TABLE && node->value_len == sizeof(table)) {
		memcpy(&table, node->value, sizeof(table));
		return walk_tree(w, &table, TREE_TABLE);
	}
	return node->flags == 0 ? 0 : damaged(w, page, "a node of no known kind");
}

/* ---- pages */

static int walk_page(struct walk *w, struct tree *t, size_t page, unsigned level);

static int walk_nodes(struct walk *w, struct tree *t, size_t page, unsigned level)
{
	const unsigned char *at = w->level[level];
	bool branch = level + 1u < t->said->depth;
	size_t used = 0, nodes = page_node_count(at);
	int code = 0;

	if (branch && nodes < (t->kind == TREE_FREE ? 1 : 2))
		return damaged(w, page, "a branch that does not branch");
	for (size_t i = 0; code == 0 && i < nodes; i++) {
		struct page_node node = {0};

		if (!page_node(at, w->page_size, i, branch, &node))
			return damaged(w, page, "a node that is not in its page");
		used += node.size;
		/* The first of a branch has no key of its own. */
		if (!branch || i > 0)
			code = next_key(w, t, page, node.key, node.key_len, branch);
		if (code == 0)
			code = branch ? walk_page(w, t, node.child, level + 1)
				      : value(w, t, page, &node);
	}
	if (code == 0 && used != page_bytes_used(at, w->page_size))
		return damaged(w, page, "nodes that overlap");
	if (!branch)
		t->found.entries += nodes;
	return code;
}

static int walk_page(struct walk *w, struct tree *t, size_t page, unsigned level)
{
	bool leaf = level + 1u == t->said->depth;
	int code = claim(w, page, 1);

	if (++w->steps % STEPS_PER_LOOK == 0 && clock_steady() > w->deadline)
		return 1;
	if (code == 0 && !w->level[level]) {
		w->level[level] = malloc(w->page_size);
		if (!w->level[level])
			return err_sys(w->err, ENOMEM, "failed to check index '%s'", w->directory);
	}
	if (code == 0)
		code = read_at(w, page, 0, w->level[level], w->page_size);
	if (code != 0)
		return code;
	if (!page_head_sound(w->level[level], w->page_size, page, leaf ? PAGE_LEAF : PAGE_BRANCH))
		return damaged(w, page, "a wrong head");
	*(leaf ? &t->found.leaf_pages : &t->found.branch_pages) += 1;
	return walk_nodes(w, t, page, level);
}

/* Levels are shared: a table hangs below a leaf of the main tree, whose page is kept aside. */
static int walk_tree(struct walk *w, const struct page_tree *said, int kind)
{
	unsigned char *outer[PAGE_LEVELS];
	struct tree t = {.said = said, .kind = kind};
	unsigned wanted = kind == TREE_FREE ? NODES_BY_NUMBER : 0;
	int code;

	if ((said->flags & NODES_SPECIAL) != wanted || said->depth > PAGE_LEVELS ||
	    (said->depth == 0) != (said->root == PAGE_NONE))
		return damaged(w, said->root, "a tree of no known kind");
	if (said->depth > 0) {
		memcpy(outer, w->level, sizeof(outer));
		memset(w->level, 0, sizeof(w->level));
		code = walk_page(w, &t, said->root, 0);
		for (size_t i = 0; i < PAGE_LEVELS; i++)
			free(w->level[i]);
		memcpy(w->level, outer, sizeof(outer));
		if (code != 0)
			return code;
	}
	if (t.found.branch_pages != said->branch_pages || t.found.leaf_pages != said->leaf_pages ||
	    t.found.overflow_pages != said->overflow_pages || t.found.entries != said->entries)
		return damaged(w, said->root, "a tree that counts wrongly");
	return 0;
}

/* ---- meta pages */

static int read_meta(struct walk *w, size_t page, struct page_meta *ret)
{
	struct page_head head;
	int code = read_at(w, page, 0, &head, sizeof(head));

	if (code == 0)
		code = read_at(w, page, sizeof(head), ret, sizeof(*ret));
	if (code != 0)
		return code;
	if (ret->magic != PAGE_MAGIC || head.flags != PAGE_META)
		return damaged(w, page, "no meta page");
	if (ret->version != PAGE_VERSION)
		return 1; /* LMDB's to refuse */
	return page_size_sound(page_meta_size(ret)) ? 0 : damaged(w, page, "a wrong page size");
}

/* The newest state. LMDB writes them in turns, by the number of the transaction. */
static int choose_meta(struct walk *w, struct page_meta *ret)
{
	struct page_meta metas[PAGE_METAS] = {{0}};
	size_t newest;

	for (size_t i = 0; i < PAGE_METAS; i++) {
		int code = read_meta(w, i, &metas[i]);

		if (code != 0)
			return code;
		if (page_meta_size(&metas[i]) != page_meta_size(&metas[0]))
			return damaged(w, i, "a wrong page size");
		w->page_size = page_meta_size(&metas[0]);
	}
	newest = metas[0].transaction < metas[1].transaction;
	*ret = metas[newest];
	if (ret->transaction > 0 && (ret->transaction & 1) != newest)
		return damaged(w, newest, "a transaction that was never here");
	return 0;
}

static int walk_file(struct walk *w)
{
	struct page_meta meta = {0};
	struct stat st;
	int code = choose_meta(w, &meta);

	if (code != 0)
		return code;
	if (fstat(w->fd, &st) != 0)
		return err_sys(w->err, errno, "failed to read index '%s'", w->directory);
	w->last = meta.last;
	if (w->last < PAGE_METAS - 1 || w->last > (size_t)st.st_size / w->page_size + PAGES_UNSEEN)
		return damaged(w, w->last, "the last one, but not there");
	w->seen = calloc(w->last / 8 + 1, 1);
	if (!w->seen)
		return err_sys(w->err, ENOMEM, "failed to check index '%s'", w->directory);
	code = walk_tree(w, &meta.trees[0], TREE_FREE);
	return code != 0 ? code : walk_tree(w, &meta.trees[1], TREE_MAIN);
}

int data_pages_check(const char *directory, int64_t deadline, struct err *err)
{
	struct walk w = {.directory = directory, .deadline = deadline, .err = err, .fd = -1};
	char *path = data_file_path(directory, DATA_FILE);
	struct stat st;
	int code = 0;

	if (!path)
		return err_sys(err, ENOMEM, "failed to check index '%s'", directory);
	w.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (w.fd < 0 && errno != ENOENT)
		code = err_sys(err, errno, "failed to open '%s'", path);
	else if (w.fd >= 0 && fstat(w.fd, &st) == 0 && st.st_size > 0)
		code = walk_file(&w);
	free(w.seen);
	io_close(&w.fd);
	free(path);
	return code;
}
