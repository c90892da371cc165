/* SPDX-License-Identifier: ISC */
/* Roles: a process that becomes another user, and work done in such a child.
 *
 * Code that reads untrusted bytes (index, queue files, account) runs in a forked child that has
 * become their owner for good. The child calls one function and hands its output back as one block
 * of memory. If it dies, the parent gets an error. Not for several threads at once. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct role {
	uid_t uid;
	gid_t gid;
	char name[64]; /* for messages; "uid 123" if it has no name */
};

/* A user by name, with its primary group. ERR_CONFIG if there is none. */
int role_of_user(const char *user, struct role *ret, struct err *err) NODISCARD;
/* The owner of path, with that user's primary group: Postfix's directories have group root, which
 * no child should get. A uid without a name gets the file's group, but never root's. A last symlink
 * is followed only if root owns it. */
int role_of_owner(const char *path, struct role *ret, struct err *err) NODISCARD;

/* Becomes role for good: groups (the user's if with_groups, else none), gid, uid; then verifies
 * that root cannot be regained. Does nothing if an unprivileged process already is that role. */
int role_assume(const struct role *role, bool with_groups, struct err *err) NODISCARD;

/* The child's work. Returns 0 or a negative code. Its err text reaches the parent, its output only
 * with 0. It inherits descriptors 0-2, and role_child.keep. */
typedef int role_work(void *arg, struct bytes *out, struct err *err);

/* The child's output, read-only. Zero-initialise; release once. */
struct blob {
	const unsigned char *at;
	size_t len;
	void *map;
	size_t map_len;
};
void blob_release(struct blob *blob);

/* A child between role_start and role_finish. Zero-initialise; zero members mean defaults. */
struct role_child {
	uint64_t memory; /* bytes it may map beyond what the parent has (RLIMIT_AS) */
	unsigned cpu;    /* seconds of CPU time (RLIMIT_CPU) */
	int keep;        /* a descriptor that stays open in the child; 0: none */
	const volatile sig_atomic_t *stop; /* role_finish ends soon after this is set */
	pid_t pid;
	int output; /* memfd that the child fills */
	int done;   /* readable (end of file) once the child ended; for poll() */
};
#define ROLE_MEMORY (UINT64_C(1) << 30)
#define ROLE_CPU    600u
#define ROLE_TIME   (60 * INT64_C(1000000)) /* microseconds for a small question */

/* Forks a child that drops to role without supplementary groups, terminal, or descriptors from 3
 * on, runs work(arg, out) and ends. It ignores SIGINT, SIGTERM and SIGHUP, dies with its parent,
 * dumps no core, cannot be traced, gains no rights by exec, and has limited memory and CPU time.
 * Role root is legal and drops nothing: check uid first. An unprivileged caller must be role
 * itself, else -EPERM. */
int role_start(struct role_child *child, const struct role *role, role_work *work, void *arg,
    struct err *err) NODISCARD;
/* Waits for the child and maps its output. At the steady deadline (INT64_MAX: never), or once
 * *child->stop is set, it kills the child: ERR_TIMEOUT or ERR_STOPPED. Returns what work returned,
 * or ERR_CHILD if the child died or broke the protocol. In any case the child is gone and *child is
 * zero. Check the bytes: they are what the child says. */
int role_finish(
    struct role_child *child, int64_t deadline, struct blob *ret, struct err *err) NODISCARD;
/* Both in one, with the defaults. stop may be NULL. patience in microseconds. */
int role_ask(const struct role *role, const volatile sig_atomic_t *stop, int64_t patience,
    role_work *work, void *arg, struct blob *ret, struct err *err) NODISCARD;
