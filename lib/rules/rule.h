/* SPDX-License-Identifier: ISC */
/* One rule: whose mail (a pattern for envelope sender and header From, a login, or a client
 * network), what to do, with what words, until when. Owns its texts. Small: 100,000 domain rules
 * take about 30 MB. */
#pragma once

#include "base/err.h"
#include "base/net.h"
#include "mail/selector/pattern.h"

/* From mildest to strictest: of several header From verdicts the greatest wins. */
enum rule_action {
	RULE_OK,
	RULE_WARN,
	RULE_HOLD,
	RULE_DEFER,
	RULE_DISCARD,
	RULE_REJECT,
};

enum rule_kind { RULE_LOGIN, RULE_CLIENT, RULE_PATTERN };

#define RULE_LOGIN_PREFIX "login:"

#define RULE_TEXT_MAX    400 /* bytes of reply text, without its enhanced code */
#define RULE_REASON_MAX  400
#define RULE_LOGIN_MAX   256
#define RULE_SUBJECT_MAX 2048 /* an address whose local part is all quoted pairs */
#define RULE_STATUS_SIZE 10   /* "5.999.999" */

/* Shared by all copies of a rule and those that replace it. */
struct rule_counter {
	_Atomic uint64_t hits, limit_errors;
	_Atomic size_t references;
};

struct rule {
	enum rule_kind kind;
	/* The one spelling of all subjects with this meaning; rule_make reads it back. */
	char *subject;
	struct net_block block; /* CLIENT */
	/* LOGIN: ADDRESS for a name, DOMAIN for all logins of a domain, or REGEX. */
	enum pattern_kind pattern_kind;
	/* compared with mail: a login, an address (local part lower case), a domain */
	char *key;
	struct pattern *regex; /* REGEX only; owned */
	enum rule_action action;
	char *text;                    /* without the enhanced code; "" = the default words */
	char status[RULE_STATUS_SIZE]; /* "5.7.1"; "" = the action's default */
	/* Of the command's rules; zero and "" in the file's. */
	int64_t set_time; /* wall microseconds, whole seconds */
	int64_t expires;  /* likewise; 0 = never */
	char *reason, *author;
	struct rule_counter *counter; /* NULL until it is in a rule set */
	uint64_t hits;                /* only in a rule for showing; use rule_hits */
	unsigned line;                /* of the rules file; 0 = the command's, or the fleet's */
	bool fleet;                   /* of the fleet (rules/fleet_rules.h) */
};

/* Parses a line of the rules file, not empty, without its newline. The text is printable ASCII. An
 * enhanced code fits the action (RFC 3463): class 5 for REJECT, 4 for DEFER; for others it is text.
 * ERR_SYNTAX without file and line, or -ENOMEM. */
int rule_parse(const char *line, struct rule *ret, struct err *err) NODISCARD;
/* text may be NULL. */
int rule_make(const char *subject, enum rule_action action, const char *text, struct rule *ret,
    struct err *err) NODISCARD;
/* Cuts pattern and action off line, in place; *ret_rest begins with the next word. */
int rule_split(char *line, const char **ret_subject, enum rule_action *ret_action, char **ret_rest,
    struct err *err) NODISCARD;
/* For the command's rules. NULL is ""; scrubs. ERR_LIMIT past RULE_REASON_MAX bytes. */
int rule_set_note(struct rule *r, const char *reason, const char *author) NODISCARD;
int rule_copy(const struct rule *r, struct rule *ret) NODISCARD; /* -ENOMEM */
/* login_case = ignore: a LOGIN rule matches without ASCII case. 0 or -ENOMEM. */
int rule_ignore_login_case(struct rule *r) NODISCARD;
/* Unless login_exact, names of logins are compared without ASCII case. */
bool rule_same_subject(const char *a, const char *b, bool login_exact);
void rule_release(struct rule *r); /* accepts a zeroed one */

/* Shares other's counter, or makes one if there is none. 0 or -ENOMEM. */
int rule_share_counter(struct rule *r, const struct rule *other) NODISCARD;
void rule_hit(const struct rule *r); /* r is in a rule set */
uint64_t rule_hits(const struct rule *r);

bool rule_expired(const struct rule *r, int64_t wall);
const char *rule_action_word(enum rule_action action);                 /* "REJECT" */
int rule_action_of(const char *word, enum rule_action *ret) NODISCARD; /* any case; ERR_SYNTAX */

/* The SMTP reply of REJECT and DEFER ("550", "5.7.1", text with single '%'); code and status of
 * other actions are "". Points into r or static memory. */
struct rule_reply {
	const char *code, *status, *text;
};
struct rule_reply rule_reply_of(const struct rule *r);

/* Whether passing is an OK rule that is looked up before blocked and lets some of its mail through.
 * Of two expressions nobody can tell: true. */
bool rule_outranks(const struct rule *passing, const struct rule *blocked);

/* For this room alone: replaces *at by a copy of text. 0 or -ENOMEM. */
int rule_own(char **at, const char *text) NODISCARD;
void rule_disown(char **at);
/* Replaces the expression by *p, which it takes over also on failure. */
int rule_own_regex(struct rule *r, struct pattern *p) NODISCARD;
