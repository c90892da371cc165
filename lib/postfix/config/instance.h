/* SPDX-License-Identifier: ISC */
/* A Postfix instance: what main.cf says of its queue, read by one call of postconf(1). Programs
 * run without a shell, with our own environment, each in its own process group. */
#pragma once

#include "base/role.h"
#include "base/str.h"

struct postfix {
	char *config_directory; /* absolute */
	char *queue_directory;
	char *command_directory;
	char *mail_owner;
	char *myhostname;
	char *myorigin; /* of Debian's "/etc/mailname" the first line */
	char *mydestination;
	unsigned hashed_queues; /* hash_queue_names as bits of enum queue_name */
	unsigned hash_depth;    /* hash_queue_depth */
	bool long_queue_ids;    /* enable_long_queue_ids; the queue may have both forms */
	struct role owner;      /* mail_owner's */
	const volatile sig_atomic_t *stop; /* the caller's, or NULL: ends looks at the spool */
	bool private_directory; /* postfix_with_layout: remove config_directory in the end */
};

/* ERR_CONFIG with postconf's words: it failed, a parameter is missing, or mail_owner does not exist
 * or is root. Bounded: 10 s, 1 MiB of output. */
int postfix_read(const char *config_directory, struct postfix *ret, struct err *err) NODISCARD;
void postfix_release(struct postfix *p); /* zeroes; accepts a zeroed one */

/*
 * The same instance under other hash settings, so that postsuper(1) finds files at a layout that
 * main.cf does not have (queue_hashing), in a private configuration directory with only what
 * postsuper reads, expanded. Log directories are hashed as on disk, if at that depth. End all
 * postsupers before postfix_release, which removes the directory.
 */
int postfix_with_layout(const struct postfix *p, unsigned hashed_queues, unsigned depth,
    struct postfix *ret, struct err *err) NODISCARD;

/* Makes a configuration directory with only a main.cf of that text, under /run or /tmp. Root's and
 * 0700, for main.cf may be secret. remove takes NULL. */
int postfix_private_main(
    const struct strbuf *text, char **ret_directory, struct err *err) NODISCARD;
void postfix_private_remove(char *directory); /* and frees it */

/* Sets *ret to the value of any parameter, expanded. ERR_CONFIG if there is no such parameter. */
int postfix_parameter(
    const struct postfix *p, const char *name, struct strbuf *ret, struct err *err) NODISCARD;

/*
 * Runs a program (argv[0] is its absolute path), stdin from /dev/null, and collects its stdout.
 * Returns its exit status (if not 0, err gets the last line of its stderr) or a negative code:
 * ERR_LIMIT past max bytes, ERR_TIMEOUT past timeout microseconds, ERR_STOPPED soon after *stop is
 * set (it is killed in these cases), ERR_CHILD: a signal ended it. stop may be NULL.
 */
int postfix_run(const char *const argv[], size_t max, int64_t timeout,
    const volatile sig_atomic_t *stop, struct strbuf *ret_out, struct err *err) NODISCARD;

/* Runs a tool of the instance with up to three words, ended by NULL: "postfix", {"status", NULL}.
 * As postfix_run, with 30 s and a MiB of output, which is dropped. */
int postfix_tool(
    const struct postfix *p, const char *tool, const char *const *words, struct err *err) NODISCARD;

/* Runs postconf(1) -c directory option words..., ended by NULL. *ret: its output. ERR_CONFIG with
 * its words. Private to lib/postfix. */
int postconf_run(const char *directory, const char *option, const char *const *words,
    struct strbuf *ret, struct err *err) NODISCARD;
/* The value (perhaps empty) in a line "name = value" of its output; NULL for other lines. */
const char *postconf_value(const char *line, const char *name);
