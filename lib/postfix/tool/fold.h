/* SPDX-License-Identifier: ISC */
/* Reasons with what differs from one message to the next folded away, so that equal ones can be
 * counted. */
#ifndef PQPURGE_POSTFIX_FOLD_H
#define PQPURGE_POSTFIX_FOLD_H

#include "base/str.h"

/*
 * Writes reason into ret (cleared first) with addresses as ADDRESS, hosts as HOST, IP addresses as
 * IP, links as URL, numbers as N and words of letters and digits as ID. SMTP reply codes and
 * enhanced status codes stay.
 */
void fold_reason(const char *reason, struct strbuf *ret);

#endif
