/* SPDX-License-Identifier: ISC */
/* pqpurge.conf(5), read by libconfuse. Unknown keys, bad values and repeated keys are errors with
 * file and line. So is what libconfuse would read otherwise than it looks, such as ${NAME}; '...'
 * holds any text. There are no functions such as include(). Thread-safe. */
#pragma once

#include "base/err.h"

#define SETTINGS_DEFAULT_FILE "/etc/pqpurge/pqpurge.conf"
#define SETTINGS_ENV          "PQPURGE_CONF"

/* One `flood KIND { }` section. Negative, and a factor of 0: not given. */
#define SETTINGS_FLOOD_KINDS   7
#define SETTINGS_FLOOD_ACTIONS 4
extern const char *const settings_flood_kinds[SETTINGS_FLOOD_KINDS];     /* "login" ... */
extern const char *const settings_flood_actions[SETTINGS_FLOOD_ACTIONS]; /* 0 "warn", "hold"... */
struct settings_flood {
	bool given;
	int64_t count[3];             /* recipients in 10 min, 1 h, 1 d */
	int64_t networks[2];          /* in 1 h, 1 d */
	int64_t senders, undelivered; /* in 1 h */
	double above, act_at;
	int64_t action; /* of settings_flood_actions */
	int64_t last;   /* key `for`: of a rule; microseconds */
	bool held;      /* also what the window accepted */
	bool force;
};

struct settings {
	char *socket; /* libmilter notation */
	char *socket_group;
	int64_t socket_mode;
	char *policy_socket; /* likewise, of the policy front; "": none */
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
	char *own_networks; /* networks of one's own hosts: net_parse_list reads it; may be empty */
	char *order_directory;    /* root's own: the sockets of the order door */
	char *standing_directory; /* root's own: orders that stay in force */
	char *operator_group;     /* "": nobody */
	char *operator_allow;     /* words: verbs, and "regex" */
	char *hook_user;
	char *fleet;       /* conninfo or URI of the fleet's database, for libpq; "": no fleet */
	char *fleet_name;  /* this host's in the fleet; "": myhostname */
	char *fleet_user;  /* of the fleet's agent */
	char *fleet_allow; /* words: verbs, and "regex" */
	int64_t fleet_max_messages; /* an order that matches more is refused; 0: no bound */
	int64_t flood_watch;        /* enum settings_flood_watch */
	char *flood_exempt;         /* "KIND:KEY", a newline between two */
	char *flood_hook;           /* a program; "": none */
	struct settings_flood flood[SETTINGS_FLOOD_KINDS];
};
enum settings_flood_watch { FLOOD_WATCH_OFF, FLOOD_WATCH_WARN, FLOOD_WATCH_ACT };

/* Reads file. NULL means SETTINGS_DEFAULT_FILE, which may be missing: all defaults. On failure err
 * says "FILE:LINE: what" and ret is untouched. */
int settings_load(const char *file, struct settings *ret, struct err *err) NODISCARD;
void settings_release(struct settings *s);
/* Every key as in force, a line each, in the file's own syntax. */
void settings_print(const struct settings *s, FILE *to);
