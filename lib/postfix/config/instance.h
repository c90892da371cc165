/* SPDX-License-Identifier: ISC */
/* A Postfix instance: what main.cf says about its queue, read by one call of postconf(1), or two if
 * services of master.cf have another myhostname.
 *
 * All programs run without a shell, with our own environment, each in its own process group. */
#pragma once

#include "base/role.h"
#include "base/str.h"

struct postfix {
	char *config_directory; /* absolute */
	char *queue_directory;
	char *command_directory;
	char *mail_owner;
	char *myhostname;
	char *myorigin; /* a file's first line, if it names one (Debian: /etc/mailname) */
	char *mydestination;
	struct strbuf service_names; /* myhostname of services that have another, a packed list */
	unsigned hashed_queues;      /* hash_queue_names as bits of enum queue_name */
	unsigned hash_depth;
	struct role owner;                 /* of mail_owner */
	const volatile sig_atomic_t *stop; /* once set, looks at the spool end; may be NULL */
	bool private_directory;            /* by postfix_with_layout: postfix_release removes it */
};

/* ERR_CONFIG with postconf's words if it failed, if a parameter is missing, or if mail_owner does
 * not exist or is root. postconf gets 10 s and may print 1 MiB. */
int postfix_read(const char *config_directory, struct postfix *ret, struct err *err) NODISCARD;
void postfix_release(struct postfix *p);

/* A copy of p with other hash settings, so that postsuper(1) finds files in a directory layout that
 * main.cf no longer describes (see queue_hashing). Its private configuration directory has only the
 * parameters that postsuper reads, expanded. Log directories stay hashed as they are on disk, if
 * that is their depth.
 *
 * End all postsupers before postfix_release, which removes the directory. */
int postfix_with_layout(const struct postfix *p, unsigned hashed_queues, unsigned depth,
    struct postfix *ret, struct err *err) NODISCARD;

/* Makes a configuration directory, under /run or /tmp, with nothing but this main.cf. It is root's,
 * with mode 0700, because main.cf may hold secrets. */
int postfix_private_main(
    const struct strbuf *text, char **ret_directory, struct err *err) NODISCARD;
void postfix_private_remove(char *directory); /* frees directory, too; accepts NULL */

/* The expanded value. ERR_CONFIG if there is no such parameter. */
int postfix_parameter(
    const struct postfix *p, const char *name, struct strbuf *ret, struct err *err) NODISCARD;

/* The same for several parameters, by one postconf: names (some of them and NULL), and a text in
 * rets for each. */
int postfix_parameters(const struct postfix *p, const char *const *names, struct strbuf *rets,
    struct err *err) NODISCARD;

/* Runs the program argv[0] (an absolute path) with stdin from /dev/null, and collects its stdout.
 * Returns its exit status; if that is not 0, err gets the last line of its stderr.
 *
 * Or a negative code: ERR_LIMIT for more than max bytes, ERR_TIMEOUT after timeout microseconds,
 * ERR_STOPPED soon after *stop is set (stop may be NULL), ERR_CHILD if a signal ended it. The first
 * three kill the program. */
int postfix_run(const char *const argv[], size_t max, int64_t timeout,
    const volatile sig_atomic_t *stop, struct strbuf *ret_out, struct err *err) NODISCARD;

/* postfix_run for a tool of this instance and up to three words, ended by NULL: "postfix",
 * {"status", NULL}. It gets 30 s and may print 1 MiB, which is dropped. */
int postfix_tool(
    const struct postfix *p, const char *tool, const char *const *words, struct err *err) NODISCARD;

/* Private to lib/postfix: "postconf -c directory option words..." (words end with NULL). ERR_CONFIG
 * with postconf's words if it failed. */
int postconf_run(const char *directory, const char *option, const char *const *words,
    struct strbuf *ret, struct err *err) NODISCARD;
/* Whether master.cf has one of the words (ended by NULL) outside of comments. This look at the file
 * saves most hosts a call of postconf. False, too, if the file cannot be read. */
bool postfix_master_mentions(const struct postfix *p, const char *const *words);
/* Cuts postconf's output into a packed list of lines. */
void postconf_cut(struct strbuf *text);
/* The value, perhaps empty, in the line "name = value", or "service/name = value" unless service is
 * "". NULL if there is none. */
const char *postconf_find(const struct strbuf *lines, const char *service, const char *name);
