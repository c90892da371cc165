/* SPDX-License-Identifier: ISC */
/* pqpurge.conf(5), read by libconfuse. Unknown and repeated keys and bad values are errors with
 * file and line. So is text that libconfuse reads differently from what it seems to say, such as
 * ${NAME}; only '...' may contain any text. There are no functions such as include().
 * Thread-safe. */
#pragma once

#include "base/net.h"

#define SETTINGS_DEFAULT_FILE "/etc/pqpurge/pqpurge.conf"
#define SETTINGS_ENV          "PQPURGE_CONF"

/* What operator_allow and fleet_allow may have: the verbs that the order door has, and "regex".
 * NULL ends it. */
extern const char *const settings_verbs[];

#define SETTINGS_FLOOD_KINDS   7
#define SETTINGS_FLOOD_ACTIONS 4
#define SETTINGS_FLOOD_LIMITS  7
extern const char *const settings_flood_kinds[SETTINGS_FLOOD_KINDS]; /* "login" ... */
/* 0 "warn", 1 "hold" ... */
extern const char *const settings_flood_actions[SETTINGS_FLOOD_ACTIONS];
/* A negative number, or a factor of 0, means that the value is not given. */
struct settings_flood {
	bool given;
	/* Recipients in 10 min, 1 h, 1 d; networks in 1 h, 1 d; senders; undelivered messages. */
	int64_t limits[SETTINGS_FLOOD_LIMITS];
	double above, act_at;
	int64_t action; /* index in settings_flood_actions */
	int64_t last;   /* key `for`: how long the rule lasts, microseconds */
	bool held;      /* also hold mail that was accepted in the window */
	bool force;
};

struct settings {
	char *socket; /* in libmilter's notation */
	char *socket_group;
	int64_t socket_mode;
	char *policy_socket; /* where the policy front listens, likewise; "": it is off */
	char *user;
	char *index_directory;
	int64_t index_map_size; /* bytes; 1M to 1T, within size_t and RLIMIT_AS */
	char *state_directory;  /* what must last: rules, the account */
	char *rules_file;
	char *postfix_config_directory;
	int64_t postsuper_jobs; /* 0 to 64; 0: by the number of processors */
	bool log_to_stderr;     /* key `log`: "syslog" or "stderr" */
	bool record_subject;
	int64_t max_recipients; /* 1 to 100000 */
	char *origin;
	bool login_exact; /* key `login_case`: "ignore" or "exact" */
	/* For net_parse_list; may be empty. */
	char *own_networks;
	char *order_directory;    /* the sockets of the order door; only root can write there */
	char *standing_directory; /* orders that stay in force; only root can write there */
	char *operator_group;     /* "": nobody */
	char *operator_allow;     /* verbs, and "regex" */
	char *hook_user;
	char *fleet;       /* libpq's conninfo or URI of the fleet's database; "": no fleet */
	char *fleet_name;  /* this host's name in the fleet; "": myhostname */
	char *fleet_user;  /* the user of the fleet's agent */
	char *fleet_allow; /* verbs, and "regex" */
	int64_t fleet_max_messages; /* an order that matches more is refused; 0: no limit */
	int64_t flood_watch;        /* enum settings_flood_watch */
	char *flood_exempt;         /* "KIND:KEY", separated by newlines */
	char *flood_hook;           /* a program; "": none */
	struct settings_flood flood[SETTINGS_FLOOD_KINDS];
};
/* An item of flood_exempt. A key that is never counted: also "@DOMAIN" for all of a domain's, or a
 * client network. */
struct settings_exempt {
	size_t kind;            /* index in settings_flood_kinds */
	const char *key;        /* points into the item */
	struct net_block block; /* for "client" */
};
/* ERR_CONFIG with words. */
int settings_exempt_parse(const char *item, struct settings_exempt *ret, struct err *err) NODISCARD;
enum settings_flood_watch { FLOOD_WATCH_OFF, FLOOD_WATCH_WARN, FLOOD_WATCH_ACT };

/* NULL means SETTINGS_DEFAULT_FILE; if that is missing, all settings have their defaults. On
 * failure err says "FILE:LINE: what". */
int settings_load(const char *file, struct settings *ret, struct err *err) NODISCARD;
void settings_release(struct settings *s);
/* The caller frees ret->list. */
int settings_own_networks(
    const struct settings *s, struct net_blocks *ret, struct err *err) NODISCARD;
/* Whose clients may be our own content filter: own_networks and this host's interfaces, as a packed
 * list of blocks. */
int settings_local_networks(
    const struct settings *s, struct strbuf *packed, struct err *err) NODISCARD;
/* Prints every key in force, one per line, in the file's own syntax. */
void settings_print(const struct settings *s, FILE *to);
