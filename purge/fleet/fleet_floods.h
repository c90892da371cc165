/* SPDX-License-Identifier: ISC */
/* Open floods, which each host reports with its health. */
#pragma once

#include "base/json.h"

/* Appends "flood of login joe (900)" for each. health may be NULL. */
void fleet_floods_words(struct strbuf *to, const struct json *health);
/* "floods": [{"kind","key","since","recipients"}], if there are some. */
void fleet_floods_put(struct json *o, const struct json *health);
/* A line on stderr for each key that floods on several hosts. answer: of "hosts". */
void fleet_floods_alert(const struct json *answer);
