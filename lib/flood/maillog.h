/* SPDX-License-Identifier: ISC */
/*
 * Joins the lines of a mail log by queue ID to messages that Postfix accepted. Pure. The lines are
 * hostile: memory is fixed (MAILLOG_PENDING messages at once; the oldest are dropped), and no line
 * is trusted to be whole.
 *
 *   smtpd    client=NAME[ADDRESS], sasl_username=  begin, client, login
 *   pickup   uid=N from=<USER>                     from sendmail(1)
 *   cleanup  message-id=                           what a filter on this host sends back
 *   qmgr     from=<>, size=, nrcpt=  (the first)   sender, recipients: the message counts
 *   smtp ... status=deferred, status=bounced       undelivered
 *
 * Stamps are "Nov 29 15:22:26" (local time, no year: see year) or RFC 3339. Any syslog_name is
 * taken: of "postfix/submission/smtpd[12]:" the last word counts.
 */
#pragma once

#include "flood/flood.h"

#define MAILLOG_PENDING (1u << 16)
#define MAILLOG_LINE    (64u << 10) /* longer lines are cut */

struct maillog_counts {
	uint64_t lines, broken; /* broken: no stamp, or too long */
	uint64_t messages, recipients, second_passes, unjoined;
};

struct maillog;
typedef void maillog_message(void *arg, const struct flood_message *m);
/* A message that was counted before bounced, or is deferred for over ten minutes; once for each. */
typedef void maillog_bad(void *arg, enum flood_kind kind, const char *key, int64_t now);

struct maillog *maillog_new(maillog_message *message, maillog_bad *bad, void *arg);
void maillog_free(struct maillog *l);
const struct maillog_counts *maillog_counts(const struct maillog *l);

/* The stamp of a line as the begin of its file, wall seconds; 0: it has none. mtime, the file's
 * last change, tells the year: a file spans at most one. */
int64_t maillog_first(const char *line, int64_t mtime);
/* Call it before a file's lines. */
void maillog_file(struct maillog *l, int64_t first);
/* Reads one line without newline, which it changes. cut: the line was longer than MAILLOG_LINE. */
void maillog_line(struct maillog *l, char *line, bool cut);

/*
 * The stamp at the front of a line, wall seconds; *ret_rest is what follows. year is used if the
 * stamp has none. False: no stamp.
 */
bool maillog_stamp(const char *line, int year, int64_t *ret, const char **ret_rest);
