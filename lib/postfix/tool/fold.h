/* SPDX-License-Identifier: ISC */
#ifndef PQPURGE_POSTFIX_FOLD_H
#define PQPURGE_POSTFIX_FOLD_H

#include "base/str.h"

/*
 * Folds away what differs from message to message, so that equal reasons can be counted. Writes
 * reason into ret (cleared first) with addresses as ADDRESS, hosts as HOST, IP addresses as IP,
 * links as URL, numbers as N, words of letters and digits as ID. SMTP reply codes and enhanced
 * status codes stay.
 */
void fold_reason(const char *reason, struct strbuf *ret);

#endif
