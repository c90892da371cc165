/* SPDX-License-Identifier: ISC */
/*
 * postqueue(1) -j as a stream. Root starts it, since others may not name a configuration directory;
 * what it writes is read by a child that is somebody else. One line is in memory at a time, so the
 * length of the queue costs none.
 */
#ifndef PQPURGE_POSTFIX_POSTQUEUE_H
#define PQPURGE_POSTFIX_POSTQUEUE_H

#include "base/json.h"
#include "postfix/spool/queue.h"

#define POSTQUEUE_LINE_MAX (16u << 20) /* a longer line is passed over and counted */
#define POSTQUEUE_TEXT_MAX 1024        /* of an address or reason; the rest is cut */

/* One line: a message that waits. */
struct postqueue_entry {
	struct queue_id queue_id;
	enum queue_name queue;
	int64_t arrival_time; /* wall microseconds, of whole seconds; 0 = not told */
	int64_t size;         /* -1 = not told */
	bool null_sender;
	size_t recipients;
	struct json *line;
};

/* ERR_SYNTAX for a line that is no such object. Release the entry after success. */
int postqueue_parse(
    const char *line, size_t len, struct postqueue_entry *ret, struct err *err) NODISCARD;
void postqueue_entry_release(struct postqueue_entry *entry);
/* The nth recipient, scrubbed and cut; each "" where the line does not have it. */
void postqueue_recipient(const struct postqueue_entry *entry, size_t n,
    char address[POSTQUEUE_TEXT_MAX], char reason[POSTQUEUE_TEXT_MAX]);

/* A visit that returns a negative code ends the reading. */
typedef int postqueue_visit(void *arg, const struct postqueue_entry *entry);
/*
 * Reads fd to its end. *ret_unread counts lines that could not be read, which end nothing; err has
 * what was wrong with the first of them. -errno of the read, or what visit returned.
 */
int postqueue_read(
    int fd, postqueue_visit *visit, void *arg, uint64_t *ret_unread, struct err *err) NODISCARD;

/* postqueue at work. */
struct postqueue_run {
	pid_t pid;
	int output; /* of its lines; the caller hands it to a child and closes it */
	int errors; /* a memory file */
};
int postqueue_start(const struct postfix *p, struct postqueue_run *ret, struct err *err) NODISCARD;
/*
 * Waits for its end some seconds, or ends it (at_once: nobody reads any more). ERR_CHILD with its
 * own last words where it failed: then what was read may not be all. Descriptors are closed.
 */
int postqueue_finish(struct postqueue_run *run, bool at_once, struct err *err) NODISCARD;

#endif
