/* SPDX-License-Identifier: ISC */
/* Each message's reasons, folded as in `why`, for `top --by reason`. A child that is mail_owner
 * reads them. */
#pragma once

#include "base/array.h"
#include "base/labels.h"
#include "order/order.h"

struct why_entry {
	uint32_t item;   /* index in the outcome; ascending */
	uint32_t reason; /* index in names; no reason twice for an item */
};
/* Release it in any case. */
struct why_groups {
	ARRAY_OF(struct why_entry) entries;
	struct labels names; /* at most WHY_REASONS_MAX, and one for all others */
	uint64_t unread;     /* logs */
	struct err why_unread;
};

/* The number of a reason in folded form. folded is scratch space. 0 or -ENOMEM. */
int why_number(
    struct labels *names, struct strbuf *folded, const char *reason, size_t *ret) NODISCARD;
/* Reads the reasons of all READY messages. ERR_STOPPED soon after *p->stop is set. */
int why_groups_read(const struct postfix *p, const struct outcome *outcome, struct why_groups *ret,
    struct err *err) NODISCARD;
void why_groups_release(struct why_groups *g);
