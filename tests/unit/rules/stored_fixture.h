/* SPDX-License-Identifier: ISC */
/* A directory for the stored rules, and rules to store. */
#ifndef PQPURGE_TESTS_RULES_STORED_FIXTURE_H
#define PQPURGE_TESTS_RULES_STORED_FIXTURE_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rules/stored.h"

#define SECOND USEC_PER_SEC

static inline struct stored parse(const char *text)
{
	struct stored s = {0};
	struct err err = {{0}};

	if (stored_parse("rules", text, strlen(text), &s, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

/* ---- the file */

static char directory[] = "/tmp/pqp-stored.XXXXXX";

static inline char *path_of(const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static inline int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	unlink(path_of(STORED_FILE));
	unlink(path_of(STORED_LOCK));
	return rmdir(directory);
}

#endif
