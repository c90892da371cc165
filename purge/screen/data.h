/* SPDX-License-Identifier: ISC */
/* The screen's data, from the output of the daemon and of verbs. Names are strangers' words; they
 * are scrubbed when they are drawn (cells.h). */
#pragma once

#include "purge/top/top.h"

struct screen_groups {
	struct top top;
	uint64_t others;        /* messages of groups that were given up (census.h) */
	int64_t now, caught_up; /* wall */
	int64_t steady;         /* when they were read */
	bool kept;              /* counted by the daemon; otherwise by `top`, without came */
};

/* The daemon's answer to "groups". ERR_SYNTAX or -ENOMEM. Release ret in any case. */
int screen_groups_read(const struct json *answer, struct screen_groups *ret) NODISCARD;
/* The lines of `top --json`; like as in the daemon's question. */
int screen_groups_read_top(const char *text, size_t len, int64_t now, const char *like,
    struct screen_groups *ret) NODISCARD;
void screen_groups_release(struct screen_groups *g);

struct screen_message {
	char *id, *queue, *sender, *recipient;
	size_t recipients;
	int64_t arrival; /* wall */
	int64_t size;    /* -1: unknown */
};

#define SCREEN_MESSAGES 1000 /* of a group, the oldest ones */

struct screen_messages {
	struct screen_message *list;
	size_t count, cap;
};

/* The lines of `list --json`. */
int screen_messages_read(const char *text, size_t len, struct screen_messages *ret) NODISCARD;
void screen_messages_release(struct screen_messages *m);
