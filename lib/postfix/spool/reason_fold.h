/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/str.h"

/* Makes equal reasons textually equal, so that they can be counted: addresses become ADDRESS, hosts
 * HOST, IP addresses IP, links URL, numbers N, and words of letters and digits ID. SMTP reply codes
 * and enhanced status codes stay. Clears ret first. */
void reason_fold(const char *reason, struct strbuf *ret);
