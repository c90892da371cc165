/* SPDX-License-Identifier: ISC */
#pragma once

#include "base/str.h"

/*
 * Folds away what differs from message to message, so that equal reasons can be counted. Writes
 * reason into ret (cleared first) with addresses as ADDRESS, hosts as HOST, IP addresses as IP,
 * links as URL, numbers as N, words of letters and digits as ID. SMTP reply codes and enhanced
 * status codes stay.
 */
void fold_reason(const char *reason, struct strbuf *ret);
