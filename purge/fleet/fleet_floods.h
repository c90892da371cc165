/* SPDX-License-Identifier: ISC */
/* Floods as the hosts tell them with their health: of one host, and of one key on many. */
#pragma once

#include "base/json.h"

/* "flood of login joe (900)"; appended, nothing where there is none. health may be NULL. */
void fleet_floods_words(struct strbuf *to, const struct json *health);
/* "floods": [{"kind","key","since","recipients"}], where there are some. */
void fleet_floods_put(struct json *o, const struct json *health);
/* One line on stderr for each key that floods on several hosts of the answer to "hosts". */
void fleet_floods_alert(const struct json *answer);
