/* SPDX-License-Identifier: ISC */
/* Queues in flow order, and where in them a queue ID lies (global/mail_queue.c mail_queue_path,
 * util/dir_forest.c). */
#ifndef PQPURGE_POSTFIX_QUEUE_H
#define PQPURGE_POSTFIX_QUEUE_H

#include <sys/stat.h>

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

/* The nth queue in flow order: maildrop, incoming, active, deferred, hold. */
enum queue_name queue_at(unsigned n);
const char *queue_word(enum queue_name queue); /* "deferred" */
/* "deferred,hold" to bits. ERR_SYNTAX names the word that is no queue. */
int queue_parse_list(const char *text, unsigned *ret_bits, struct err *err) NODISCARD;

#define QUEUE_PATH_MAX 96
#define HASH_DEPTH_MAX 16 /* hash_queue_depth is 1 to 16 */
/* How deep main.cf has the files of queue: 0 where it is not hashed. */
unsigned queue_depth(const struct postfix *p, enum queue_name queue);
/*
 * The path of id, depth directories deep in a queue ("deferred") or in a log directory ("defer",
 * "bounce", "trace": a file of the same name per message), relative to the queue directory.
 */
void queue_path(
    const char *directory, unsigned depth, const struct queue_id *id, char path[QUEUE_PATH_MAX]);

/*
 * Where files lie: the layout that is on disk, which main.cf may not say (after `postconf -e
 * hash_queue_depth=2`, or while `postfix reload` moves files). Below a queue a directory named by
 * one hexadecimal digit or '_' is a level of hashing (util/dir_forest.c).
 */
#define QUEUE_LEVELS "0123456789ABCDEF_"
struct queue_spot {
	uint8_t queue; /* enum queue_name */
	uint8_t depth;
};
struct queue_layout {
	/* In flow order; of one queue the shallow ones first. Depth 0 is always among them. */
	struct queue_spot spots[QUEUE_COUNT * (HASH_DEPTH_MAX + 1)];
	unsigned count;
	uint32_t defer, bounce, trace; /* the depths of the log directories, as bits */
};
/*
 * Looks at the directories, not at files: some 100 us. Postfix may be changing it, so whoever
 * concludes from a name that is in none of these spots reads the layout again and looks once more.
 */
void queue_layout_read(struct queue_layout *ret, int queue_dir);
/*
 * Opens the file of that name: in spots[*hint] first, then in all of them in flow order, three
 * times, since it may move. The descriptor, -ENOENT, or -errno where it is there and cannot be
 * opened. *hint becomes the spot. Not for a proof: an earlier queue may have another file of that
 * name.
 */
int queue_layout_open(const struct queue_layout *layout, int queue_dir, const struct queue_id *id,
    unsigned *hint) NODISCARD;
/*
 * The hash settings under which postsuper(1) finds what lies there: main.cf's where they fit, else
 * others (postfix_with_layout).
 */
void queue_hashing(const struct postfix *p, enum queue_name queue, unsigned depth,
    unsigned *ret_queues, unsigned *ret_depth);

/*
 * Opens the queue directory. All queues must be in it, as Postfix makes them when it starts: an
 * unmounted file system is no empty queue. The descriptor, or a code; ERR_CONFIG: one is missing.
 */
int queue_directory_open(const struct postfix *p, struct err *err) NODISCARD;
/*
 * Which queue directory it is: its device and inode, mixed with those of a queue that lies on a
 * file system of its own, so that one which is not mounted is another place.
 */
void queue_directory_place(int queue_dir, uint64_t *ret_device, uint64_t *ret_inode);

/* Microseconds after which a child that looks at so many files hangs: a cold disk is faster. */
int64_t queue_patience(size_t count);

/*
 * Opens a file of the queue to read it, by its path below queue_dir: no symlink is followed, no
 * FIFO waited for, and its access time stays where that is possible (it would be a write for each
 * proof). The descriptor, or -errno. What it is, is for the caller to see.
 */
int queue_open(int queue_dir, const char *path) NODISCARD;
/*
 * A regular file that cleanup(8) has finished: the owner's rwx is what it sets last
 * (global/mail_open_ok.c); the group's bits are requests to qmgr(8).
 */
bool queue_is_complete(const struct stat *st);

#endif
