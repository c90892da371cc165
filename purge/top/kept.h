/* SPDX-License-Identifier: ISC */
/* The counts by group that the daemon keeps (index/census/census.h). */
#pragma once

#include "index/control/client.h"
#include "purge/top/top.h"

/* At most limit groups. Do not trust the answer. Errors as client_ask. */
int kept_ask(const struct index_client *c, enum group_kind kind, const char *like, size_t limit,
    struct json **ret, struct err *err) NODISCARD;
/* As top_of, but ages are exact only to an eighth. Release ret in any case. */
int kept_top(
    const struct index_client *c, enum top_by by, struct top *ret, struct err *err) NODISCARD;
