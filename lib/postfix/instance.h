/* SPDX-License-Identifier: ISC */
/* One Postfix instance: what main.cf says of its queue, read by one call of postconf(1) (argv only, no shell). */
#ifndef PQPURGE_POSTFIX_INSTANCE_H
#define PQPURGE_POSTFIX_INSTANCE_H

#include "base/role.h"
#include "base/str.h"

struct postfix {
	char *config_directory; /* absolute */
	char *queue_directory;
	char *command_directory;
	char *mail_owner;
	char *myhostname, *myorigin, *mydestination;
	unsigned hashed_queues; /* hash_queue_names as bits of enum queue_name */
	unsigned hash_depth;    /* hash_queue_depth */
	bool hash_defer;        /* hash_queue_names holds `defer` */
	bool long_queue_ids;    /* enable_long_queue_ids; files of both forms may lie there */
	struct role owner;      /* mail_owner's */
};

/*
 * Reads the instance. ERR_CONFIG where postconf fails, a parameter is missing or mail_owner does not exist, with what
 * postconf said. Other parameters can be asked for with postfix_parameter. Bounded: 10 s, 1 MiB of output.
 */
int postfix_read(const char *config_directory, struct postfix *ret, struct err *err) NODISCARD;
void postfix_release(struct postfix *p);

/*
 * Runs a program with argv (no shell, PATH not searched), an environment of its own, stdin from /dev/null, in its own process group; collects
 * stdout up to max bytes and the last line of stderr into words. For postconf and postqueue. Returns its exit status or a negative code.
 */
int postfix_run(const char *const argv[], size_t max, int64_t timeout, struct strbuf *ret_out, struct err *err) NODISCARD;

#endif
