/* SPDX-License-Identifier: ISC */
/* The order door: a process that is not root asks root to work on the queue. `pqpurge-idx order` is
 * a root process that serves one order: it reads the order, decides by the peer's uid and groups
 * and by root's own configuration, does the work, and answers with frames. The sockets lie in
 * order_directory, where only root can write.
 *   peer                       may ask for
 *   the daemon's user          DOOR_HOLD, DOOR_HOOK
 *   fleet_user                 DOOR_FLEET, DOOR_RULES: as fleet_allow lists
 *   members of operator_group  DOOR_VERB: the verbs of operator_allow
 *   root                       all that members may
 *
 * An order is a frame of base/io.h, of at most DOOR_FRAME_MAX bytes: u8 DOOR_VERSION, u8 kind, then
 * fixed fields and length-prefixed strings (base/bytes.h). It contains no JSON, no path and no
 * descriptor. Both ends check it with the same function. Every text is valid UTF-8 without control
 * characters. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#define DOOR_DAEMON_SOCKET   "daemon.sock"
#define DOOR_OPERATOR_SOCKET "operator.sock"
#define DOOR_GROUP           "pqpurge-order" /* of daemon.sock */

/* A file in order_directory. Its mtime is when the agent last asked for this host's health, as it
 * does while it is connected to the fleet. */
#define DOOR_FLEET_SEEN "fleet.seen"
/* microseconds; if the file is older, the fleet is lost */
#define DOOR_FLEET_SILENT (60 * INT64_C(1000000))

#define DOOR_VERSION   1
#define DOOR_FRAME_MAX (64u << 10)
/* microseconds in which a frame must arrive completely */
#define DOOR_FRAME_TIME  (2 * INT64_C(1000000))
#define DOOR_TEXT_MAX    4096u /* bytes of one string */
#define DOOR_COLUMNS_MAX 10000u
#define DOOR_WORDS_MAX   4096u /* in a command line */
#define DOOR_FIELDS_MAX  64u   /* of a hook */
#define DOOR_PAIRS_MAX   2000u /* of a fleet order */
#define DOOR_RULES_MAX   10000u
#define DOOR_RULES_BYTES (4u << 20) /* of the frames with rules that follow the first */
#define DOOR_HOLD_MAX    100000u    /* messages */
#define DOOR_WINDOW_MAX  (86400 * INT64_C(1000000)) /* microseconds */

enum door_kind {
	DOOR_HOLD = 1, /* hold mail that one key sent within a window */
	DOOR_HOOK,     /* run flood_hook as hook_user */
	DOOR_VERB,     /* run a verb of the command */
	DOOR_FLEET,
	DOOR_RULES, /* the fleet's rules for this host */
	DOOR_KINDS
};

/* The key of an incident, its value in normal form. */
enum door_key {
	DOOR_LOGIN = 1, /* "joe"; not "@DOMAIN", not an expression */
	DOOR_LOCAL,     /* "www-data@example.com": an envelope sender, however the mail came */
	DOOR_SENDER,    /* "u@example.com": an envelope sender */
	DOOR_CLIENT,    /* "192.0.2.1", or a narrow network (net_is_narrow): "2001:db8::/64" */
	DOOR_DOMAIN,    /* "example.com": the domain of the envelope sender */
	DOOR_KEYS
};

struct door_hold {
	enum door_key key;
	const char *value;
	/* Arrival time, wall clock, microseconds; at most DOOR_WINDOW_MAX apart. */
	int64_t since, until;
	uint32_t most;      /* hold at most so many, the oldest first; 1 to DOOR_HOLD_MAX */
	const char *token;  /* kept in the account: "flood:12"; letters, digits and "-:._" */
	const char *reason; /* for people; may be "" */
};

enum door_event { DOOR_BEGIN = 1, DOOR_UPDATE, DOOR_END, DOOR_EVENTS };

/* A field for the hook: a member of the JSON object on its stdin, and the variable
 * PQPURGE_FLOOD_NAME (a list's members separated by blanks). */
enum door_field_kind {
	DOOR_TEXT = 1,
	DOOR_NUMBER,
	DOOR_LIST,
};
struct door_field {
	const char *name; /* a-z and '_', at most 32 bytes; unique */
	enum door_field_kind kind;
	const char *text;
	int64_t number;
	struct strbuf list; /* a packed list (strlist_push) */
};
struct door_hook {
	enum door_event event; /* argv[1]: "begin", "update", "end" */
	struct door_field *fields;
	size_t count;
};

struct door_verb {
	const char **words; /* argv without the program's name; begins with the verb */
	size_t count;
	bool answered;    /* the user saw a dry run of it and said yes */
	uint32_t columns; /* width of the terminal that gets the output; 0: no terminal */
};

/*
 * An order of the fleet, as pqpurge-link took it from the database. Nothing in it is trusted. The
 * door refuses an order with an unknown key, or with a value that is not in normal form.
 *
 * The link knows no keys. It turns the JSON of fleet_order.spec into pairs:
 *   a string            its text
 *   a number            an integer, in decimal
 *   true                "yes"; false and null give no pair
 *   an array            a pair for each member, under the same key
 * The keys (those from older_s on at most once):
 *   author sender from recipient   a pattern in normal form, or "/pcre/" if fleet_allow has
 *                                  "regex"; author not with undo
 *   subject why                    "/pcre/", likewise
 *   login client uid message_id id   as the option of that name takes them
 *   of                             undo only: token of the order whose holds are released
 *   older_s newer_s                seconds before the order was placed
 *   larger limit                   bytes; messages
 *   queue by                       words
 *   all only subdomains sweep with_bounces requeue foreign index_only   "yes"
 * The verb is purge, hold, release, undo, list, top, why, status, or "health" (fleet/README.md).
 */
struct door_pair {
	const char *key; /* a-z, 0-9 and '_', 1 to 32 bytes */
	const char *value;
};
#define DOOR_FLEET_PREFIX "fleet:" /* begins its token, and its user, in the account */
struct door_fleet {
	uint64_t number;   /* of the order, for people */
	const char *token; /* unique: a UUID of 36 bytes, in lower case */
	uint32_t attempt;  /* from 1; from 2 on the account is first searched for the token */
	bool lookup;       /* the order is over: only report what was done under its token */
	bool dry_run;
	const char *verb;      /* a-z, at most 16 bytes */
	int64_t age;           /* microseconds since it was placed; >= 0 */
	const char *placed_by; /* the operator's database role */
	const char *reason;
	struct door_pair *pairs; /* at most DOOR_PAIRS_MAX */
	size_t count;
};

/* Rules of origin fleet. If they do not fit one frame, several follow each other on one connection;
 * all but the last have `more` and at least one rule. They take effect together, after the last. */
struct door_rule {
	const char *subject;
	const char *action; /* REJECT, DEFER, HOLD, DISCARD, OK, WARN; "": the rule is taken back */
	const char *text, *reason, *set_by;
	int64_t left; /* microseconds until it expires; 0: never */
};
struct door_rules {
	bool replace; /* the set is complete: drop all other rules of origin fleet */
	bool more;
	struct door_rule *rules; /* at most DOOR_RULES_MAX in all frames together */
	size_t count;
};

struct door_order {
	enum door_kind kind;
	struct door_hold hold;
	struct door_hook hook;
	struct door_verb verb;
	struct door_fleet fleet;
	struct door_rules rules;
};

const char *door_event_word(enum door_event event);
const char *door_key_word(enum door_key key); /* "login", "local", "sender", "client", "domain" */

/* Appends an order to ret as the payload of a frame. ERR_SYNTAX with words if door_decode would
 * refuse it, or ERR_LIMIT if it is too long. */
int door_encode(const struct door_order *order, struct bytes *ret, struct err *err) NODISCARD;
/* payload must outlive ret, whose texts point into it. ERR_SYNTAX, ERR_VERSION, ERR_LIMIT or
 * -ENOMEM. Release ret after success. */
int door_decode(struct span payload, struct door_order *ret, struct err *err) NODISCARD;
void door_order_release(struct door_order *order); /* after door_decode; zeroes *order */
bool door_fleet_is_switch(const char *key);        /* a key of struct door_fleet */

/* The answer: frames, each with a u8 kind and a blob or fields. */

enum door_answer_kind {
	DOOR_SAYS = 1,  /* bytes of the verb's stdout */
	DOOR_COMPLAINS, /* bytes of the verb's stderr */
	DOOR_ENDS,      /* struct door_end; the last frame */
	DOOR_PROGRESS,  /* u64 done, u64 total messages; fleet orders only, at most each 200 ms */
	DOOR_FLOOD,     /* the messages --flood meant in a dry run, for the order that follows */
	DOOR_ANSWERS
};
#define DOOR_LINES_MAX (8u << 20) /* bytes of output of one fleet order; the rest is dropped */
struct door_end {
	int status;     /* exit status: 0 done, 1 refused or not begun, 2 failed, 3 interrupted */
	bool refused;   /* by root, or because the order is malformed; status is 1 */
	uint64_t batch; /* in the account; 0: none */
	uint64_t matched, done, failed; /* messages */
	char words[512];                /* why it failed, or "" */
};
int door_answer_write(
    int fd, enum door_answer_kind kind, struct span bytes, int64_t deadline) NODISCARD;
int door_end_write(int fd, const struct door_end *end, int64_t deadline) NODISCARD;
int door_progress_write(int fd, uint64_t done, uint64_t total, int64_t deadline) NODISCARD;
/* bytes: those after the kind. ERR_SYNTAX if they are not a progress. */
int door_progress_read(struct span bytes, uint64_t *ret_done, uint64_t *ret_total) NODISCARD;

struct door_talk {
	/* Gets the verb's output as it comes; NULL: drop it. A negative code ends the call. */
	int (*says)(void *arg, enum door_answer_kind kind, struct span bytes);
	void *arg;
	/* Once set, root stops as after ^C and reports what was done. May be NULL. */
	const volatile sig_atomic_t *stop;
};
/*
 * Sends orders to socket (DOOR_DAEMON_SOCKET, DOOR_OPERATOR_SOCKET) in directory, and waits for the
 * end until the steady deadline. Several orders are the frames of one DOOR_RULES with `more`; of
 * any other kind there is one. talk may be NULL. Returns
 *   0            *ret has the result; its status may be a failure
 *   -ENOENT, -ECONNREFUSED, -EACCES, ERR_REFUSED, or a code of door_encode
 *                nothing was sent: there is no such door, it is closed to this process, or its
 *                listener is not root
 *   ERR_TIMEOUT, -EPIPE, ERR_SYNTAX
 *                it was sent, and the result is unknown; the account has it
 * It blocks: a hold takes some hundred milliseconds or more, a hook up to 30 s plus the wait for
 * another hook. DOOR_CALL_TIME covers both.
 */
#define DOOR_CALL_TIME (120 * INT64_C(1000000))
int door_call(const char *directory, const char *socket, const struct door_order *orders,
    size_t count, const struct door_talk *talk, int64_t deadline, struct door_end *ret,
    struct err *err) NODISCARD;
