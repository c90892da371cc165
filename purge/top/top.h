/* SPDX-License-Identifier: ISC */
/* Groups the messages of a walk. The queue file's facts take precedence over the milter's. */
#pragma once

#include "base/json.h"
#include "base/labels.h"
#include "index/control/client.h"
#include "mail/group.h"
#include "order/order.h"

/* The first ones are enum group_kind. UID: the user who ran sendmail(1), by name or else number.
 * REASON: why a message is deferred. */
enum top_by { TOP_SENDER, TOP_FROM, TOP_RECIPIENT, TOP_LOGIN, TOP_CLIENT, TOP_UID, TOP_REASON };

/* ERR_SYNTAX for an unknown word. */
int top_by_of(const char *word, enum top_by *ret) NODISCARD;
const char *top_head(enum top_by by);

#define TOP_AGES GROUP_AGES

struct top_group {
	const char *name; /* "<>": null sender; "": none */
	uint64_t count, bytes;
	int64_t oldest, newest; /* wall */
	uint64_t ages[TOP_AGES];
	uint64_t *came; /* in each of the last CENSUS_CAME minutes; only the daemon knows it */
	uint64_t last;  /* private: last message counted, from 1 */
};

struct top {
	struct top_group *list; /* by count, then name */
	size_t count;
	uint64_t messages; /* each once, although it may be in several groups */
	uint64_t bytes;
	uint64_t more;   /* groups that are not in the list */
	uint64_t unread; /* defer logs, for REASON; why_unread: the first */
	struct err why_unread;
	struct labels names;
};

/* Groups all READY messages; login_exact as in mail/group.h. Ages are relative to now. 0 or
 * -ENOMEM; release ret in any case. */
int top_of(const struct outcome *outcome, enum top_by by, bool login_exact, int64_t now,
    struct top *ret) NODISCARD;
/* The same by REASON, in a child that is mail_owner. ERR_STOPPED soon after *p->stop is set. */
int top_of_reasons(const struct postfix *p, const struct outcome *outcome, int64_t now,
    struct top *ret, struct err *err) NODISCARD;
/* Adds a group of a line of `top --json`, or of the daemon's answer; unit: microseconds of its
 * times. Nonsense is 0. ERR_SYNTAX: it has no name. top is zero at first; top_end sorts. */
int top_add(struct top *top, const struct json *group, int64_t unit) NODISCARD;
void top_end(struct top *top);
/* The daemon's answer to "groups" (index/census/census.h), at most `most` of them. ERR_SYNTAX. */
int top_read(const struct json *answer, size_t most, struct top *ret) NODISCARD;
/* The counts that the daemon keeps (index/census/census.h), at most limit groups. Do not trust the
 * answer. Errors as client_ask. */
int kept_ask(const struct index_client *c, enum group_kind kind, const char *like, size_t limit,
    struct json **ret, struct err *err) NODISCARD;
/* As top_of, but ages are exact only to an eighth. Release ret in any case. */
int kept_top(
    const struct index_client *c, enum top_by by, struct top *ret, struct err *err) NODISCARD;
/* NULL if there is none. */
const struct top_group *top_find(const struct top *top, const char *name);
void top_release(struct top *top);
