/* SPDX-License-Identifier: ISC */
/*
 * The command's end of `pqpurge-link operator`, which alone speaks to the fleet's database: a child
 * beside this program, and a request and an answer a line (fleet/README.md). It runs as whoever
 * started the command, and leaves the terminal's ^C to it.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"

#define FLEET_LINK_PROGRAM "pqpurge-link"
#define FLEET_ANSWER_TIME  (30 * INT64_C(1000000))

struct fleet_link {
	int fd;
	pid_t pid;
	bool lost; /* the last request failed for want of a connection: what it did is not known */
	struct strbuf in;
};

/* Starts the link and connects it; fleet is the setting. ERR_CONFIG with words. Close it in any
 * case. */
int fleet_link_open(struct fleet_link *link, const char *fleet, struct err *err) NODISCARD;
/*
 * Sends a request (freed) and waits for its answer. The fleet said no: ERR_USAGE with its words.
 * No database: ERR_CONFIG, and link->lost. ERR_STOPPED by ^C, ERR_TIMEOUT, ERR_CHILD: the answer is
 * not known, and the link of no use any more. ret may be NULL.
 */
int fleet_link_ask(
    struct fleet_link *link, struct json *request, struct json **ret, struct err *err) NODISCARD;
void fleet_link_close(struct fleet_link *link);

/* {"do":what} */
struct json *fleet_request(const char *what);
