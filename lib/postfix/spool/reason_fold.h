/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/str.h"

/* Makes equal reasons textually equal, so that they can be counted. Writes reason to ret (cleared
 * first) with addresses replaced by ADDRESS, hosts by HOST, IP addresses by IP, links by URL,
 * numbers by N, and words of letters and digits by ID. SMTP reply codes and enhanced status codes
 * stay. */
void reason_fold(const char *reason, struct strbuf *ret);
