/* SPDX-License-Identifier: ISC */
/* pqpurge.conf(5), read by libconfuse. Unknown keys, bad values and repeated keys are errors with
 * file and line. So is what libconfuse would read otherwise than it looks, such as ${NAME}; '...'
 * holds any text. There are no functions such as include(). Thread-safe. */
#ifndef PQPURGE_BASE_SETTINGS_H
#define PQPURGE_BASE_SETTINGS_H

#include "base/err.h"

#define SETTINGS_DEFAULT_FILE "/etc/pqpurge/pqpurge.conf"
#define SETTINGS_ENV          "PQPURGE_CONF"

struct settings {
	char *socket; /* libmilter notation */
	char *socket_group;
	int64_t socket_mode;
	char *user;
	char *index_directory;
	int64_t index_map_size; /* bytes; 1M to 1T, within size_t and RLIMIT_AS */
	char *state_directory;  /* rules, the account: what must last */
	char *rules_file;
	char *postfix_config_directory;
	int64_t postsuper_jobs; /* 0 to 64; 0 = by the number of processors */
	bool log_to_stderr;     /* key `log`: "syslog" or "stderr" */
	bool record_subject;
	int64_t max_recipients; /* 1 to 100000 */
	char *origin;
	bool login_exact;   /* key `login_case`: "ignore" or "exact" */
	char *own_networks; /* for net_parse_list; may be empty */
};

/* Reads file. NULL means SETTINGS_DEFAULT_FILE, which may be missing: all defaults. On failure err
 * says "FILE:LINE: what" and ret is untouched. */
int settings_load(const char *file, struct settings *ret, struct err *err) NODISCARD;
void settings_release(struct settings *s);
/* Every key as in force, a line each, in the file's own syntax. */
void settings_print(const struct settings *s, FILE *to);

#endif
