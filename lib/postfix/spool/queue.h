/* SPDX-License-Identifier: ISC */
/* Queues, and where in them a queue ID lies (global/mail_queue.c, util/dir_forest.c). */
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

enum queue_name queue_at(unsigned n); /* the nth in flow order, which is that of the bits */
const char *queue_word(enum queue_name queue); /* "deferred" */
/* "deferred,hold" to bits. The words of ERR_SYNTAX name what is no queue. */
int queue_parse_list(const char *text, unsigned *ret_bits, struct err *err) NODISCARD;

#define QUEUE_PATH_MAX 96
#define HASH_DEPTH_MAX 16 /* hash_queue_depth is 1 to 16 */
/* Levels of hashing by main.cf; 0 = not hashed. */
unsigned queue_depth(const struct postfix *p, enum queue_name queue);
/* The path of id, relative to the queue directory, in a queue ("deferred") or log directory
 * ("defer", "bounce", "trace": a file of the same name for each message). */
void queue_path(
    const char *directory, unsigned depth, const struct queue_id *id, char path[QUEUE_PATH_MAX]);

/* Where files lie on disk. main.cf may differ (after `postconf -e hash_queue_depth=2`, or while
 * `postfix reload` moves files). A directory named by one of these is a level of hashing. */
#define QUEUE_LEVELS "0123456789ABCDEF_"
struct queue_spot {
	uint8_t queue; /* enum queue_name */
	uint8_t depth;
};
struct queue_layout {
	/* In flow order; of one queue the shallow ones first. Includes each queue's depth 0. */
	struct queue_spot spots[QUEUE_COUNT * (HASH_DEPTH_MAX + 1)];
	unsigned count;
	uint32_t defer, bounce, trace; /* the depths of the log directories, as bits */
};
/* Reads directories, not files: some 100 us. Postfix may change it at any time: before you conclude
 * that a name is nowhere, read it again and look once more. */
void queue_layout_read(struct queue_layout *ret, int queue_dir);
/*
 * Opens the file of that name: tries spots[*hint], then all spots, three times, since it may move.
 * *hint becomes the spot. The descriptor, -ENOENT, or -errno if it cannot be opened. Not for a
 * proof: an earlier queue may have another file of that name.
 */
int queue_layout_open(const struct queue_layout *layout, int queue_dir, const struct queue_id *id,
    unsigned *hint) NODISCARD;
/* The hash settings under which postsuper(1) finds what lies there: main.cf's if they fit, else
 * others, for postfix_with_layout. */
void queue_hashing(const struct postfix *p, enum queue_name queue, unsigned depth,
    unsigned *ret_queues, unsigned *ret_depth);

/* The descriptor, -errno, or ERR_CONFIG if a queue is missing, which Postfix makes when it starts:
 * an unmounted file system is no empty queue. */
int queue_directory_open(const struct postfix *p, struct err *err) NODISCARD;
/* Identifies the queue directory by device and inode, mixed with those of each queue on a file
 * system of its own: not mounted, it is another place. */
void queue_directory_place(int queue_dir, uint64_t *ret_device, uint64_t *ret_inode);

/* Microseconds after which a child that looks at count files hangs: a cold disk is faster. */
int64_t queue_patience(size_t count);

/*
 * Opens a file to read it, by its path below queue_dir. Follows no symlink, waits for no FIFO, and
 * keeps the access time if possible (it would be a write for each proof). The descriptor, or
 * -errno. The caller checks the type.
 */
int queue_open(int queue_dir, const char *path) NODISCARD;
/* Whether cleanup(8) has finished this regular file: it sets the owner's rwx last
 * (global/mail_open_ok.c); the group's bits are requests to qmgr(8). */
bool queue_is_complete(const struct stat *st);
