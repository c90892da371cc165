/* SPDX-License-Identifier: ISC */
/* Work in a forked child that has become another user for good: code that reads untrusted bytes
 * (index, queue files, account) runs as their owner. The child calls one function; the parent gets
 * its output as one block of memory, or an error if the child dies. For one thread at a time. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct role {
	uid_t uid;
	gid_t gid;
	char name[64]; /* for messages; "uid 123" if the user has no name */
};

/* A user and its primary group. ERR_CONFIG if there is no such user. */
int role_of_user(const char *user, struct role *ret, struct err *err) NODISCARD;
/* The owner of path with that user's primary group: Postfix's directories have root's group, which
 * no child should get. A uid without a name gets the file's group, but never root's. A final
 * symlink is followed only if root owns it. */
int role_of_owner(const char *path, struct role *ret, struct err *err) NODISCARD;

/* Takes the groups (the user's if with_groups, otherwise none), gid and uid of role for good, and
 * verifies that root cannot be regained. Does nothing if an unprivileged process already has that
 * role. */
int role_assume(const struct role *role, bool with_groups, struct err *err) NODISCARD;

/* Runs in the child, with descriptors 0 to 2 and role_child.keep. Returns 0 or a negative code. The
 * parent gets its err text, and its output only with 0. */
typedef int role_work(void *arg, struct bytes *out, struct err *err);

/* A child's output, read-only. */
struct blob {
	const unsigned char *at;
	size_t len;
	void *map;
	size_t map_len;
};
void blob_release(struct blob *blob);

/* A child between role_start and role_finish. Zero means the default. */
struct role_child {
	uint64_t memory; /* bytes that it may map in addition to what the parent has (RLIMIT_AS) */
	unsigned cpu;    /* seconds of CPU time (RLIMIT_CPU) */
	int keep;        /* a descriptor that stays open in the child; 0: none */
	const volatile sig_atomic_t *stop; /* once set, role_finish ends soon */
	pid_t pid;
	int output; /* memory file that the child fills */
	int done;   /* for poll(): readable (end of file) once the child ended */
};
#define ROLE_MEMORY (UINT64_C(1) << 30)
#define ROLE_CPU    600u
#define ROLE_TIME   (60 * INT64_C(1000000)) /* microseconds */

/* Forks a child that becomes role, runs work(arg, out) and ends. It has no supplementary groups, no
 * terminal, no descriptors from 3 on, and limited memory and CPU time. It ignores SIGINT, SIGTERM
 * and SIGHUP, dies with its parent, dumps no core, cannot be traced, and gains no rights by exec.
 *
 * If role is root, nothing is dropped: check uid first. An unprivileged caller must have the role
 * itself, otherwise -EPERM. */
int role_start(struct role_child *child, const struct role *role, role_work *work, void *arg,
    struct err *err) NODISCARD;
/* Waits for the child and maps its output. Kills it at the deadline (steady clock; INT64_MAX:
 * never), with ERR_TIMEOUT, or once *child->stop is set, with ERR_STOPPED. Otherwise returns the
 * code of work, or ERR_CHILD if the child died or broke the protocol. In any case the child is gone
 * and *child is zero. Check the bytes: the child is not trusted. */
int role_finish(
    struct role_child *child, int64_t deadline, struct blob *ret, struct err *err) NODISCARD;
/* role_start with the defaults, and role_finish after at most patience microseconds. */
int role_ask(const struct role *role, const volatile sig_atomic_t *stop, int64_t patience,
    role_work *work, void *arg, struct blob *ret, struct err *err) NODISCARD;
