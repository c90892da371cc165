/* SPDX-License-Identifier: ISC */
/*
 * The flood watch's detector: counts recipients for each login, local sender, sender, client and
 * domain, and says which of them sends far more than its limit and than it ever did. The
 * daemon feeds it message by message, `floods --try` line by line of a log.
 *
 * Pure: no clock, no file, no log, no allocation after flood_new. Memory is fixed
 * (FLOOD_MEMORY_MAX). Not safe for threads: the caller locks. Time is wall time in microseconds; a
 * clock that steps loses the counts of the windows, nothing else.
 *
 * Keys, narrowest first: login; local (sendmail(1), by envelope sender); sender (no login, own
 * networks); client (no login, one IPv4 address or IPv6 /64); domain (own mail) or xdomain (from
 * outside); bounce (null sender from outside, by recipient). VERP, tags and SRS are folded. A
 * message whose narrower key has an open incident, is exempt, or has a history that lifts its
 * limit counts for no wider key.
 *
 * A key is over its limit where one of three windows (10 minutes, 1 hour, 1 day; two buckets each)
 * holds more than `count` and more than `above` times its own peak. A login is also over by the
 * networks it comes from, the senders it uses, and its undelivered mail. Peaks are the largest
 * finished buckets. They take effect after six days (in the first week of a new state at once),
 * never while an incident of the key is open, and fade by 1.5 % a day.
 *
 * An incident ends half an hour after its key was last above half of its limit. The same key
 * within six hours goes on with the same incident. Strangers' keys push out strangers' keys: each
 * kind has a table of its own, and of a full set the least goes, never one with an open incident.
 */
#pragma once

#include "base/json.h"
#include "base/net.h"
#include "mail/queue_id.h"

#define FLOOD_MEMORY_MAX    (14u << 20)
#define FLOOD_INCIDENTS_MAX 512 /* that are remembered; of these are open at most: */
#define FLOOD_OPEN_MAX      256
#define FLOOD_KEY_MAX       512 /* bytes; longer ones are cut, and no rule is made for them */
#define FLOOD_EXEMPT_MAX    64
#define FLOOD_SAMPLES       5
#define FLOOD_NEW_SENDERS   "*" /* a local key: all senders that were never seen before */

enum flood_kind {
	FLOOD_LOGIN,
	FLOOD_LOCAL,
	FLOOD_SENDER,
	FLOOD_CLIENT,
	FLOOD_DOMAIN,
	FLOOD_XDOMAIN,
	FLOOD_BOUNCE,
	FLOOD_KINDS
};
enum flood_window { FLOOD_10M, FLOOD_1H, FLOOD_1D, FLOOD_WINDOWS };
enum flood_signal {
	FLOOD_QUIET, /* not over */
	FLOOD_COUNT_10M,
	FLOOD_COUNT_1H,
	FLOOD_COUNT_1D,
	FLOOD_NETWORKS_1H,
	FLOOD_NETWORKS_1D,
	FLOOD_SENDERS,
	FLOOD_UNDELIVERED,
	FLOOD_SIGNALS
};
const char *flood_kind_word(enum flood_kind kind);         /* "login" */
int flood_kind_of(const char *word, enum flood_kind *ret); /* ERR_SYNTAX */
const char *flood_signal_word(enum flood_signal signal);   /* "networks/1h" */

/* Limits of one kind. 0: that signal is off. */
struct flood_limits {
	uint32_t count[FLOOD_WINDOWS]; /* recipients */
	double above;                  /* times its own peak */
	uint32_t networks[2];          /* of a login: /24 and /48 in 1 to 2 hours, 1 to 2 days */
	uint32_t senders;              /* of a login, in 1 to 2 hours; LOCAL: new ones */
	uint32_t undelivered;          /* messages of the last hour, and 30 % of them */
	double act_at;                 /* times count and networks: then a rule may be set */
};
extern const struct flood_limits flood_defaults[FLOOD_KINDS];
/* Multiplies all limits: for the comparison of --try. */
void flood_scale(struct flood_limits limits[FLOOD_KINDS], double by);

/* Never counted: one key, "@DOMAIN" for all logins or senders of a domain, or a client network. */
struct flood_exempt {
	enum flood_kind kind;
	const char *key;
	struct net_block block; /* CLIENT */
};
/* "KIND:KEY". key points into text. ERR_SYNTAX with words. */
int flood_exempt_parse(const char *text, struct flood_exempt *ret, struct err *err) NODISCARD;

struct flood_config {
	struct flood_limits limits[FLOOD_KINDS];
	const struct flood_exempt *exempt; /* outlive the detector; at most FLOOD_EXEMPT_MAX */
	size_t exempt_count;
	uint64_t secret[2]; /* random: nobody can aim at a set */
};

struct flood;
struct flood *flood_new(const struct flood_config *config); /* NULL on no memory */
void flood_free(struct flood *f);                           /* NULL is fine */
size_t flood_memory(void);                                  /* bytes of one */

struct flood_message {
	int64_t now;
	int64_t when;                      /* it arrived earlier, and is counted late; 0: now */
	const char *login;                 /* "" none */
	const char *sender;                /* normal form, "" the null sender */
	const char *recipient;             /* the first one; "" unknown */
	const char *message_id, *queue_id; /* "" unknown */
	struct net_address client;         /* family 0: from sendmail(1) */
	uint32_t recipients;
	bool local;    /* from sendmail(1) */
	bool own;      /* the client is in own_networks, or loopback */
	bool loopback; /* it is this host */
	bool login_exact;
};
/* Counts one message. flood_take returns what came of it. */
void flood_feed(struct flood *f, const struct flood_message *m);
/* Ends incidents that are over; call it about each second. */
void flood_tick(struct flood *f, int64_t now);
/*
 * A login (or local sender) has `count` messages of the last hour that bounced or are still queued
 * after ten minutes, as a catch-up sees them. Do not call it while that is so for much of all mail
 * (a relay is down).
 */
void flood_undelivered(
    struct flood *f, enum flood_kind kind, const char *key, uint32_t count, int64_t now);

/* Accounts that sent enough in the last hour for flood_undelivered: at most max. Takes some 100 us.
 */
struct flood_busy {
	char name[64];
	double messages; /* of the last hour */
};
size_t flood_busy(
    struct flood *f, enum flood_kind kind, int64_t now, struct flood_busy *ret, size_t max);

enum flood_mark { FLOOD_UNMARKED, FLOOD_NORMAL, FLOOD_BAD };
struct flood_incident {
	uint32_t id; /* from 1; 0: the slot is free */
	uint8_t kind, signal, mark;
	bool open, act; /* act: it passed act_at */
	bool loopback, key_cut;
	uint8_t clients_count, ids_count;
	uint8_t untold;  /* bits of events that flood_take did not give out yet */
	uint8_t action;  /* the caller's own: of its rule */
	bool hook_begun; /* the caller's own: the hook was told of its begin */
	char key[FLOOD_KEY_MAX + 1];
	struct queue_id ids[FLOOD_SAMPLES];
	struct net_address clients[FLOOD_SAMPLES];
	int64_t window, since, last; /* window: from when recipients and messages are counted */
	int64_t until;               /* 0: open */
	uint64_t recipients, messages;
	uint32_t seen, limit, usual; /* at its begin, of its signal */
	uint32_t networks, senders, undelivered;
	uint32_t most[FLOOD_WINDOWS];
	uint64_t told; /* recipients at the last event: the next at ten times that */
	uint64_t hash;
	/* The caller's own. */
	int64_t expires; /* of its rule; 0 none */
	uint64_t held, hits;
};

enum flood_event { FLOOD_BEGINS, FLOOD_AGAIN, FLOOD_ACTS, FLOOD_UPDATE, FLOOD_ENDS };
/* The next event: 1, or 0 none. *ret is valid until the next call of any function here. */
int flood_take(struct flood *f, enum flood_event *ret_event, struct flood_incident **ret);

struct flood_incident *flood_find(struct flood *f, uint32_t id); /* NULL: no such */
/* The n-th slot, n < FLOOD_INCIDENTS_MAX; id 0: free. */
struct flood_incident *flood_at(struct flood *f, size_t n);
unsigned flood_open_count(const struct flood *f);
uint64_t flood_unopened(const struct flood *f); /* incidents past FLOOD_OPEN_MAX */
uint32_t flood_rate(struct flood *f, const struct flood_incident *i, int64_t now); /* an hour */
/* Its own rule still gets hits: the incident goes on. */
void flood_goes_on(struct flood *f, struct flood_incident *i, int64_t now);

/* Normal: what was seen counts as its peak from now on, and the incident ends. */
void flood_normal(struct flood *f, struct flood_incident *i, int64_t now);
/* Bad: nothing of it is ever learned. It stays open. */
void flood_bad(struct flood *f, struct flood_incident *i, int64_t now);
/* Marks each open incident as bad whose key a rule's subject names ("login:joe"), unless it was
 * marked before. Returns how many. */
unsigned flood_named(struct flood *f, const char *subject, int64_t now);

/*
 * Peaks, counts and incidents as JSON lines. *at begins at 0; each call appends a slice (at most
 * some 100 lines, so that a lock is held for less than a millisecond) and returns true while more
 * is to come. Counts are kept of accounts, and of other keys past a quarter of their limit;
 * networks and senders are counted anew.
 */
bool flood_save(struct flood *f, size_t *at, struct strbuf *to);
/* One such line. ERR_SYNTAX: it is none. Lines in any order. */
int flood_restore(struct flood *f, const struct json *line) NODISCARD;
/* Until when the lines that were restored had counted everything; wall, 0 unknown. */
int64_t flood_counted_until(const struct flood *f);
/*
 * A line about a peak, from a log: raises what is known of its key, and nothing else. A key that
 * was marked bad learns nothing (0). ERR_SYNTAX: a line about something else.
 */
int flood_learn(struct flood *f, const struct json *line) NODISCARD;
/* Makes pending peaks effective, at the end of --learn. */
void flood_settle(struct flood *f);
/* Told of each key whose peak lifts its limits. */
typedef void flood_told(
    void *arg, enum flood_kind kind, const char *key, const uint32_t peak[FLOOD_WINDOWS]);
void flood_lifted(struct flood *f, flood_told *told, void *arg);
