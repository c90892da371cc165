/* SPDX-License-Identifier: ISC */
/* The queues, and where a queue ID lies in them (global/mail_queue.c, util/dir_forest.c). */
#pragma once

#include "mail/queue_id.h"
#include "postfix/config/instance.h"

enum queue_name {
	QUEUE_MAILDROP = 1u << 0,
	QUEUE_INCOMING = 1u << 1,
	QUEUE_ACTIVE = 1u << 2,
	QUEUE_DEFERRED = 1u << 3,
	QUEUE_HOLD = 1u << 4,
};
#define QUEUE_COUNT 5
#define QUEUE_ALL   0x1fu

enum queue_name queue_at(unsigned n);          /* in flow order */
const char *queue_word(enum queue_name queue); /* "deferred" */
/* "deferred,hold" as bits. ERR_SYNTAX, with words that name the unknown queue. */
int queue_parse_list(const char *text, unsigned *ret_bits, struct err *err) NODISCARD;

#define QUEUE_PATH_MAX 96
#define HASH_DEPTH_MAX 16 /* hash_queue_depth is 1 to 16 */
/* What main.cf says; 0: not hashed. */
unsigned queue_depth(const struct postfix *p, enum queue_name queue);
/* The path of id, relative to the queue directory, in a queue ("deferred") or log directory
 * ("defer", "bounce" and "trace" have a file of the same name for each message). */
void queue_path(
    const char *directory, unsigned depth, const struct queue_id *id, char path[QUEUE_PATH_MAX]);

/* A directory whose name is one of these characters is a level of hashing. */
#define QUEUE_LEVELS "0123456789ABCDEF_"
struct queue_spot {
	uint8_t queue; /* enum queue_name */
	uint8_t depth;
};
/* The queue directory, and where files lie in it on disk. main.cf may differ (after `postconf -e
 * hash_queue_depth=2`, or while `postfix reload` moves files). */
struct queue {
	int dir; /* -1: closed */
	/* In flow order, and within a queue by depth. Includes depth 0 of each queue. */
	struct queue_spot spots[QUEUE_COUNT * (HASH_DEPTH_MAX + 1)];
	unsigned count;
	uint32_t defer, bounce, trace; /* depths of the log directories, as bits */
};
/* ERR_CONFIG if a queue is missing: Postfix makes all queues when it starts, so a missing one means
 * a file system that is not mounted. Call queue_close in any case. */
int queue_open(const struct postfix *p, struct queue *ret, struct err *err) NODISCARD;
void queue_close(struct queue *q);
/* Looks again where files lie. Looks at directories, not files: takes some 100 us. Postfix may
 * change that at any time. Before you conclude that a name is nowhere, call this and look once
 * more. */
void queue_look(struct queue *q);
/* Tries spots[*hint] first, then all spots, three times because the file may move. *hint becomes
 * its spot. Returns the descriptor, -ENOENT, or -errno if it cannot be opened. Do not use it for a
 * proof: an earlier queue may have another file of that name. */
int queue_open_file(const struct queue *q, const struct queue_id *id, unsigned *hint) NODISCARD;
/* The hash settings under which postsuper(1) finds a file in this queue at this depth: those of
 * main.cf if they fit, otherwise settings for postfix_with_layout. */
void queue_hashing(const struct postfix *p, enum queue_name queue, unsigned depth,
    unsigned *ret_queues, unsigned *ret_depth);

/* Identifies the queue directory by device and inode, mixed with those of each queue that has a
 * file system of its own. So the place differs while such a file system is not mounted. */
void queue_place(const struct queue *q, uint64_t *ret_device, uint64_t *ret_inode);

/* Microseconds after which a child that looks at count files hangs, even with a cold disk. */
int64_t queue_patience(size_t count);

/* path: below the queue directory. Does not follow a symlink, does not wait for a FIFO, and keeps
 * the access time if possible, which saves a write for each proof. Returns the descriptor or
 * -errno. The caller checks the file's type. */
int queue_open_path(const struct queue *q, const char *path) NODISCARD;
/* Whether cleanup(8) has finished this regular file: it sets the owner's rwx bits last
 * (global/mail_open_ok.c). The group's bits are requests to qmgr(8). */
bool queue_is_complete(const struct stat *st);
/* Whether this regular file is not complete and never will be: for a minute it has lain where
 * cleanup(8) completes none. Postfix marks a corrupt file so, and a restore may lose modes. queue:
 * where it lies. */
bool queue_is_stuck(const struct stat *st, enum queue_name queue);
