/* SPDX-License-Identifier: ISC */
/* The command's end of `pqpurge-link operator`, the one program that speaks to the fleet's
 * database. It is a child, started from this program's directory, and answers each line with a line
 * (fleet/README.md). It runs as the user who typed the command, and the terminal's ^C does not
 * reach it. */
#pragma once

#include "base/err.h"
#include "base/json.h"

#define FLEET_LINK_PROGRAM "pqpurge-link"
#define FLEET_ANSWER_TIME  (30 * INT64_C(1000000)) /* microseconds for one answer */

struct fleet_link {
	int fd; /* the child's stdin and stdout */
	pid_t pid;
	bool lost;        /* no database at the last request, whose effect is unknown */
	const char *name; /* for messages; NULL: "the fleet" */
	struct strbuf in; /* the last answer */
};

/* Starts and connects. fleet as in the setting; name is borrowed. ERR_CONFIG with words. Close it
 * in any case. */
int fleet_link_open(
    struct fleet_link *link, const char *fleet, const char *name, struct err *err) NODISCARD;
/* Frees request, and waits for the answer. *ret is the caller's to free; ret may be NULL.
 * ERR_USAGE: the fleet refused it; err has its words. ERR_CONFIG: no database; link->lost is set.
 * ERR_STOPPED (^C), ERR_TIMEOUT, ERR_CHILD: the answer is unknown and the link unusable. */
int fleet_link_ask(
    struct fleet_link *link, struct json *request, struct json **ret, struct err *err) NODISCARD;
void fleet_link_close(struct fleet_link *link);
