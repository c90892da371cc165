/* SPDX-License-Identifier: ISC */
/* A child's role, and work that succeeds. */
#ifndef PQPURGE_TESTS_ROLE_CHILD_H
#define PQPURGE_TESTS_ROLE_CHILD_H

#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/role.h"

#define LONG (clock_steady() + 20 * USEC_PER_SEC)

static struct role role;

/* As root the child becomes nobody; without root it stays the same user. */
static inline int choose_role(void **state)
{
	struct err err;

	(void)state;
	if (geteuid() == 0)
		return role_of_user("nobody", &role, &err);
	role = (struct role){.uid = geteuid(), .gid = getegid(), .name = "self"};
	return 0;
}

/* Returns the child's code. */
static inline int run(role_work *work, void *arg, struct blob *blob, struct err *err)
{
	struct role_child child = {0};
	int code = role_start(&child, &role, work, arg, err);

	assert_int_equal(code, 0);
	return role_finish(&child, LONG, blob, err);
}

static inline int work_echo(void *arg, struct bytes *out, struct err *err)
{
	(void)err;
	bytes_put_u32(out, *(uint32_t *)arg);
	return 0;
}

#endif
