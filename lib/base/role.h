/* SPDX-License-Identifier: ISC */
/*
 * Roles: who a process is, and work done by a child that is somebody else.
 *
 * Whatever reads bytes that others wrote (index, queue files, the account) runs in a forked child
 * that has dropped to their owner for good. It executes no program; it calls one function, whose
 * input it inherits by the fork and whose output comes back as one block of memory. If it dies, the
 * parent gets an error, not a crash. Not for several threads at once.
 */
#ifndef PQPURGE_BASE_ROLE_H
#define PQPURGE_BASE_ROLE_H

#include <signal.h>

#include "base/bytes.h"
#include "base/err.h"

struct role {
	uid_t uid;
	gid_t gid;
	char name[64]; /* for messages; "uid 123" where there is no name */
};

/* The role of a user by name, with its primary group. ERR_CONFIG where there is no such user. */
int role_of_user(const char *user, struct role *ret, struct err *err) NODISCARD;
/*
 * The role of whoever owns path (a last symlink is followed only where root owns it), with that
 * user's own primary group. A uid without a name gets the file's group, yet never root's.
 */
int role_of_owner(const char *path, struct role *ret, struct err *err) NODISCARD;

/*
 * Becomes role for good: groups (all of the user's when with_groups, else none), gid, uid; verifies
 * that root cannot be regained. A process that already is that role, and not root, is left as it
 * is.
 */
int role_assume(const struct role *role, bool with_groups, struct err *err) NODISCARD;

/*
 * What the child does. Returns 0 or a negative code; its err text travels to the parent, its output
 * only with 0. Of descriptors it has 0-2 and what it opens itself.
 */
typedef int role_work(void *arg, struct bytes *out, struct err *err);

/* What it handed over: read-only memory of the parent's own. Zero-initialise; release once. */
struct blob {
	const unsigned char *at;
	size_t len;
	void *map;
	size_t map_len;
};
void blob_release(struct blob *blob);

/*
 * A child at work. Started by role_start, ended by role_finish, in pairs. Zero-initialise; what the
 * caller may set before role_start means the default where it is zero.
 */
struct role_child {
	uint64_t memory; /* bytes it may map beyond what the parent has (RLIMIT_AS) */
	unsigned cpu;    /* seconds of CPU time (RLIMIT_CPU) */
	/* A descriptor that stays open in the child: what only the caller could open. */
	int keep;
	const volatile sig_atomic_t *stop; /* role_finish ends soon after this is set */
	pid_t pid;
	int output; /* memfd that the child fills */
	int done;   /* readable (end of file) once the child ended; for poll() */
};
#define ROLE_MEMORY (UINT64_C(1) << 30)
#define ROLE_CPU    600u
#define ROLE_TIME   (60 * INT64_C(1000000)) /* microseconds for a small question */

/*
 * Forks a child that drops to role (no supplementary groups), has no terminal and no descriptor
 * from 3 on but its output, runs work(arg, out) and ends with _exit. It ignores SIGINT, SIGTERM and
 * SIGHUP, dies with its parent, dumps no core, cannot be traced, gains no rights by a program, and
 * is bounded in memory (malloc and mmap fail) and CPU time (the kernel kills it). Role root is
 * legal, and then nothing is given up: callers that do not want that look at uid first. An
 * unprivileged caller must be role itself; else -EPERM.
 */
int role_start(struct role_child *child, const struct role *role, role_work *work, void *arg,
    struct err *err) NODISCARD;
/*
 * Waits for the child and maps its output. At the steady deadline (INT64_MAX for ever), or when
 * *child->stop is set, the child is killed, even a stopped one: ERR_TIMEOUT or ERR_STOPPED. Returns
 * what work returned, or ERR_CHILD where the child died or broke the protocol. Whatever comes back,
 * the child is gone, and *child is zero. The bytes are what the child says: check them.
 */
int role_finish(
    struct role_child *child, int64_t deadline, struct blob *ret, struct err *err) NODISCARD;
/*
 * Both, for a caller that does nothing else meanwhile: bounds says what the caller may set, NULL
 * means the defaults; patience is in microseconds.
 */
int role_ask(const struct role *role, const struct role_child *bounds, int64_t patience,
    role_work *work, void *arg, struct blob *ret, struct err *err) NODISCARD;

#endif
