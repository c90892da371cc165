/* SPDX-License-Identifier: ISC */
/*
 * One Postfix instance: what main.cf says of its queue, read by one call of postconf(1). Programs
 * run without a shell, with an environment of our own, in a process group of their own.
 */
#ifndef PQPURGE_POSTFIX_INSTANCE_H
#define PQPURGE_POSTFIX_INSTANCE_H

#include "base/role.h"
#include "base/str.h"

struct postfix {
	char *config_directory; /* absolute */
	char *queue_directory;
	char *command_directory;
	char *mail_owner;
	char *myhostname;
	char *myorigin; /* Debian's "/etc/mailname" is resolved to that file's first line */
	char *mydestination;
	unsigned hashed_queues; /* hash_queue_names as bits of enum queue_name */
	unsigned hash_depth;    /* hash_queue_depth */
	bool long_queue_ids;    /* enable_long_queue_ids; files of both forms may lie there */
	struct role owner;      /* mail_owner's */
	/* The caller's: children that read the spool end soon after it is set. May be NULL. To
	 * finish a look all the same, clear it in a copy of the struct. */
	const volatile sig_atomic_t *stop;
	bool private_directory; /* postfix_with_layout: config_directory goes with this struct */
};

/*
 * Reads the instance. ERR_CONFIG where postconf fails, a parameter is missing, or mail_owner does
 * not exist or is root, with what postconf said. Bounded: 10 s, 1 MiB of output.
 */
int postfix_read(const char *config_directory, struct postfix *ret, struct err *err) NODISCARD;
void postfix_release(struct postfix *p); /* zeroes; accepts a zeroed one */

/*
 * The same instance under other hash settings, so that postsuper(1) finds files at a layout that
 * main.cf does not have (queue_hashing). It has a private configuration directory (see
 * postfix_private_main) with only what postsuper reads, each value expanded. Log directories that
 * are hashed at depth on disk are hashed there, too. postfix_release removes the directory; no
 * postsuper may use it then.
 */
int postfix_with_layout(const struct postfix *p, unsigned hashed_queues, unsigned depth,
    struct postfix *ret, struct err *err) NODISCARD;

/*
 * A configuration directory with nothing in it but a main.cf of that text, under /run or /tmp: for
 * postconf(1) to edit. Root's and 0700, since main.cf may be for root alone. remove takes NULL.
 */
int postfix_private_main(
    const struct strbuf *text, char **ret_directory, struct err *err) NODISCARD;
void postfix_private_remove(char *directory); /* and frees it */

/* Sets *ret to the value of any parameter, expanded. ERR_CONFIG if there is no such parameter. */
int postfix_parameter(
    const struct postfix *p, const char *name, struct strbuf *ret, struct err *err) NODISCARD;

/*
 * Runs a program with argv (argv[0] is its absolute path), stdin from /dev/null, and collects its
 * stdout. Returns its exit status (0 to 255; where it is not 0 err gets the last line of its
 * stderr) or a negative code: ERR_LIMIT past max bytes, ERR_TIMEOUT past timeout microseconds (it
 * is killed in both cases), ERR_CHILD where a signal ended it.
 */
int postfix_run(const char *const argv[], size_t max, int64_t timeout, struct strbuf *ret_out,
    struct err *err) NODISCARD;

/* postconf(1) -c directory option words..., which NULL ends, and what it puts out. ERR_CONFIG with
 * what it said. Private to lib/postfix. */
int postconf_run(const char *directory, const char *option, const char *const *words,
    struct strbuf *ret, struct err *err) NODISCARD;
/* The value (perhaps empty) in a line "name = value" of its output; NULL for other lines. */
const char *postconf_value(const char *line, const char *name);

#endif
