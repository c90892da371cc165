/* SPDX-License-Identifier: ISC */
/* The flood watch's detector. It counts recipients for each login, local sender, sender, client and
 * domain, and reports those that send far more than their limit and than they ever did. The daemon
 * feeds it each message, `floods --try` each line of a log.
 *
 * Pure: no clock, no file, no log, no allocation after flood_new. Memory is fixed
 * (FLOOD_MEMORY_MAX). Not thread-safe: the caller locks. Times are wall clock, microseconds. A
 * clock that steps loses the counts of the windows, nothing else.
 *
 * Keys, narrowest first: login; local (mail of sendmail(1), by envelope sender); sender (no login,
 * own networks); client (no login, one IPv4 address or IPv6 /64); domain (own mail) or xdomain
 * (mail from outside); bounce (null sender from outside, by recipient). VERP, tags and SRS are
 * folded. A message counts for no wider key if its narrower key has an open incident, is exempt, or
 * has a history that lifts its limit.
 *
 * There are three windows (10 minutes, 1 hour, 1 day; two buckets each). A key is over its limit if
 * a window holds more than `count` recipients and more than `above` times the key's own peak. A
 * login also has limits on the networks it comes from, the senders it uses, and its undelivered
 * mail.
 *
 * Peaks are the largest finished buckets. A new peak takes effect after six days (at once in the
 * first week of a new state), but never while an incident of the key is open. Peaks fade by 1.5 % a
 * day.
 *
 * An incident ends half an hour after its key was last above half of its limit. If the key is over
 * its limit again within six hours, the same incident goes on.
 *
 * Each kind has a table of its own, so strangers' keys push out only strangers' keys. If a set is
 * full the least important key goes, but never one with an open incident. */
#pragma once

#include "base/json.h"
#include "base/settings/settings.h"
#include "mail/queue_id.h"

#define FLOOD_MEMORY_MAX    (14u << 20)
#define FLOOD_INCIDENTS_MAX 512 /* remembered, open ones among them */
#define FLOOD_OPEN_MAX      256
#define FLOOD_KEY_MAX       512 /* bytes; a longer key is cut, and gets no rule */
#define FLOOD_EXEMPT_MAX    64
#define FLOOD_SAMPLES       5
#define FLOOD_NEW_SENDERS   "*" /* a local key: all senders never seen before */

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
	FLOOD_QUIET,
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
int flood_kind_of(const char *word, enum flood_kind *ret); /* 0 or ERR_SYNTAX */
const char *flood_signal_word(enum flood_signal signal);   /* "networks/1h" */

/* The limits of one kind. 0 turns a signal off. */
struct flood_limits {
	/* Recipients in each window. Of a login: /24 or /48 networks in 1 to 2 hours, and in 1 to 2
	 * days; senders in 1 to 2 hours (LOCAL: new senders); undelivered messages of the last
	 * hour, if also over 30 % of all. */
	uint32_t most[FLOOD_SIGNALS];
	double above; /* times the key's own peak */
	/* Times a limit of recipients or networks: from there on a rule may be set. */
	double act_at;
};
extern const struct flood_limits flood_defaults[FLOOD_KINDS];
/* Multiplies all limits; --try compares the results. */
void flood_scale(struct flood_limits limits[FLOOD_KINDS], double by);

struct flood_config {
	struct flood_limits limits[FLOOD_KINDS];
	const struct settings_exempt
	    *exempt; /* must outlive the detector; at most FLOOD_EXEMPT_MAX */
	size_t exempt_count;
	uint64_t secret[2]; /* random, so that nobody can aim at a set */
};

struct flood;
struct flood *flood_new(const struct flood_config *config);
void flood_free(struct flood *f);
size_t flood_memory(void); /* bytes of one detector */

struct flood_message {
	int64_t now;
	/* Arrival, if it is counted late; 0: now. */
	int64_t when;
	const char *login;                 /* "": none */
	const char *sender;                /* normal form; "": the null sender */
	const char *recipient;             /* the first one; "": unknown */
	const char *message_id, *queue_id; /* "": unknown */
	struct net_address client;         /* family 0: from sendmail(1) */
	uint32_t recipients;
	bool local;    /* from sendmail(1) */
	bool own;      /* the client is in own_networks or loopback */
	bool loopback; /* the client is this host */
	bool login_exact;
};
/* flood_take has the events that it causes. */
void flood_feed(struct flood *f, const struct flood_message *m);
/* Ends incidents that are over. Call it about every second. */
void flood_tick(struct flood *f, int64_t now);
/* `count` messages of the last hour, of a login or local sender, bounced or are still queued after
 * ten minutes, as a catch-up sees them. Do not call it while much of all mail is undelivered (a
 * relay is down). */
void flood_undelivered(
    struct flood *f, enum flood_kind kind, const char *key, uint32_t count, int64_t now);

/* Lists at most max accounts that sent enough in the last hour for flood_undelivered. Takes some
 * 100 us. */
struct flood_busy {
	char name[64];
	double messages; /* in the last hour */
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
	uint8_t untold; /* bits of events that flood_take has not returned yet */
	uint8_t action; /* the caller's: the action of its rule */
	char key[FLOOD_KEY_MAX + 1];
	struct queue_id ids[FLOOD_SAMPLES];
	struct net_address clients[FLOOD_SAMPLES];
	int64_t window, since, last; /* window: since when recipients and messages are counted */
	int64_t until;               /* 0: still open */
	uint64_t recipients, messages;
	uint32_t seen, limit, usual; /* of its signal, when it began */
	uint32_t networks, senders, undelivered;
	uint32_t most[FLOOD_WINDOWS];
	uint64_t told; /* recipients at the last event; the next event comes at ten times that */
	uint64_t hash;
	/* The caller's. */
	int64_t expires; /* when its rule expires; 0 never */
	uint64_t held, hits;
};

enum flood_event { FLOOD_BEGINS, FLOOD_AGAIN, FLOOD_ACTS, FLOOD_UPDATE, FLOOD_ENDS };
/* Returns 1 and the next event, or 0. *ret is valid until the next call of this module. */
int flood_take(struct flood *f, enum flood_event *ret_event, struct flood_incident **ret);

struct flood_incident *flood_find(struct flood *f, uint32_t id); /* NULL if there is none */
/* n < FLOOD_INCIDENTS_MAX. The id of a free slot is 0. */
struct flood_incident *flood_at(struct flood *f, size_t n);
unsigned flood_open_count(const struct flood *f);
/* Incidents that were not opened because FLOOD_OPEN_MAX are open. */
uint64_t flood_unopened(const struct flood *f);
/* Recipients an hour. */
uint32_t flood_rate(struct flood *f, const struct flood_incident *i, int64_t now);
/* Keeps the incident open, because its own rule still gets hits. */
void flood_goes_on(struct flood_incident *i, int64_t now);

/* The user calls it normal: the volume seen becomes the key's peak, and the incident ends. */
void flood_normal(struct flood *f, struct flood_incident *i, int64_t now);
/* The user calls it bad: nothing is ever learned from its mail. It stays open. */
void flood_bad(struct flood *f, struct flood_incident *i, int64_t now);
/* Marks as bad each unmarked open incident that a rule's subject ("login:joe") names. Returns their
 * count. */
unsigned flood_named(struct flood *f, const char *subject, int64_t now);

/* Writes peaks, counts and incidents as JSON lines. *at begins at 0. Each call appends a slice of
 * at most some 100 lines, so that a lock is held for less than a millisecond, and returns true
 * while there is more. Counts are saved for accounts, and for other keys above a quarter of their
 * limit. Counting of networks and senders begins anew. */
bool flood_save(struct flood *f, size_t *at, struct strbuf *to);
/* Reads one such line, in any order. ERR_SYNTAX for any other line. */
int flood_restore(struct flood *f, const struct json *line) NODISCARD;
/* The restored counts have everything before this time. Wall clock; 0 unknown. */
int64_t flood_counted_until(const struct flood *f);
/* Raises a key's peak to one learned from a log. A key that was marked bad learns nothing (0).
 * ERR_SYNTAX: the line is about something else. */
int flood_learn(struct flood *f, const struct json *line) NODISCARD;
/* Makes pending peaks effective, at the end of --learn. */
void flood_settle(struct flood *f);
/* Calls told for each key whose peak lifts its limits. */
typedef void flood_told(
    void *arg, enum flood_kind kind, const char *key, const uint32_t peak[FLOOD_WINDOWS]);
void flood_lifted(struct flood *f, flood_told *told, void *arg);
