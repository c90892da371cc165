/* SPDX-License-Identifier: ISC */
/* Joins the lines of a mail log by queue ID into messages that Postfix accepted. Pure. The lines
 * are hostile: memory is fixed (MAILLOG_PENDING messages at a time; the oldest are dropped), and
 * any line may be incomplete.
 *   smtpd    client=NAME[ADDRESS], sasl_username=  begin, client, login
 *   pickup   uid=N from=<USER>                     from sendmail(1)
 *   cleanup  message-id=                           to detect mail that a filter sends back
 *   qmgr     from=<>, size=, nrcpt=  (the first)   sender, recipients: the message counts
 *   smtp ... status=deferred, status=bounced       undelivered
 * A stamp is "Nov 29 15:22:26" (local time, without a year: see maillog_first) or RFC 3339. Any
 * syslog_name is accepted: only the last word counts, as of "postfix/submission/smtpd[12]:". */
#pragma once

#include "flood/flood.h"

#define MAILLOG_PENDING (1u << 16)
#define MAILLOG_LINE    (64u << 10) /* bytes; longer lines are cut */

struct maillog_counts {
	uint64_t lines, broken; /* broken: no stamp, or too long */
	uint64_t messages, recipients, unjoined;
};

struct maillog;
typedef void maillog_message(void *arg, const struct flood_message *m);
/* Called once for each counted message that bounces, or that has been deferred for ten minutes. */
typedef void maillog_bad(void *arg, enum flood_kind kind, const char *key, int64_t now);

struct maillog *maillog_new(maillog_message *message, maillog_bad *bad, void *arg);
void maillog_free(struct maillog *l);
const struct maillog_counts *maillog_counts(const struct maillog *l);

/* The time of a file's first line, wall clock, seconds; 0 if it has no stamp. mtime, the file's
 * last change, gives the year: a file spans at most one year. */
int64_t maillog_first(const char *line, int64_t mtime);
/* Call it before the lines of a file. */
void maillog_file(struct maillog *l, int64_t first);
/* line: without its newline; it is changed. cut: it exceeded MAILLOG_LINE. */
void maillog_line(struct maillog *l, char *line, bool cut);

/* Parses the stamp at the start of a line, wall clock, seconds. *ret_rest: the text after it. year
 * is for stamps without one. False if there is no stamp. */
bool maillog_stamp(const char *line, int year, int64_t *ret, const char **ret_rest);
