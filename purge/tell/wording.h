/* SPDX-License-Identifier: ISC */
/* Messages in words: the forms of addresses and counts that all reports share. */
#ifndef PQPURGE_PURGE_WORDING_H
#define PQPURGE_PURGE_WORDING_H

#include "base/json.h"
#include "mail/message.h"
#include "order/order.h"

/*
 * An address in normal form as postqueue -j writes it (global/quote_822_local.c): the local part
 * quoted where it is no dot-string, and "MAILER-DAEMON" for the null sender. ret is cleared first.
 */
void wording_address(const char *normal, struct strbuf *ret);

/* The same for a terminal: scrubbed, cut to size with "..." at the end, "<>" for the null sender.
 * Returns buf. */
char *wording_address_text(const char *normal, char *buf, size_t size);

/* "1 message", "2 messages"; static text, for one count a call of printf. */
const char *wording_messages(uint64_t n);

/* "delete", "hold", "release"; "deleting" ... for progress. */
const char *wording_verb(enum action action);
const char *wording_doing(enum action action);

/* Writes text in lines of at most WORDING_WIDTH columns, broken at blanks where it has some, each
 * indented. */
#define WORDING_WIDTH 80
void wording_fold(FILE *to, int indent, const char *text);
/* The same where the first line is begun already and stands at column indent. */
void wording_fold_from(FILE *to, int indent, const char *text);

/* What the index recorded of a message: sender, from, recipients, client, login, message_id and so
 * on; absent when unknown. */
void wording_put_message(struct json *o, const struct message *m);

#endif
