/* SPDX-License-Identifier: ISC */
/* One index, one Postfix: the index remembers whose queue it is about, and the command works on no
 * other. */
#ifndef PQPURGE_PURGE_BELONGS_H
#define PQPURGE_PURGE_BELONGS_H

#include "base/settings.h"
#include "postfix/config/instance.h"

enum belongs {
	BELONGS_UNKNOWN, /* it has not been told yet, or there is no index */
	BELONGS_HERE,
	BELONGS_RENAMED,   /* the same queue, but another myhostname */
	BELONGS_ELSEWHERE, /* another queue directory */
};

/* What the index remembers against what Postfix says. Pure. */
enum belongs belongs_of(const char *known_queue_directory, const char *known_hostname,
    const char *queue_directory, const char *hostname);

/*
 * Before a verb does anything: ERR_INSTANCE where the index is another instance's, with words that
 * say what to do. A changed myhostname is told on stderr. Where the index does not know its
 * instance, or its name, it is told (tell_index; best effort, so that a full disk stops nobody). An
 * index that is missing is the verb's affair: 0. One that cannot be read is that as well, unless
 * the verb drops rows: what left another queue has not left this one.
 */
int belongs_check(const struct settings *settings, const struct postfix *postfix, bool tell_index,
    bool drops_rows, struct err *err) NODISCARD;

#endif
