/* SPDX-License-Identifier: ISC */
/* One rule: whose mail it concerns (a pattern for envelope sender and header From, a login, or a
 * client network), its action, its reply text, and when it expires. A rule owns its texts. 100,000
 * domain rules take about 30 MB. */
#pragma once

#include "base/err.h"
#include "base/net.h"
#include "mail/selector/pattern.h"

/* From mildest to strictest. If several header From mailboxes match, the strictest wins. */
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

#define RULE_TEXT_MAX    400 /* bytes of reply text, without its enhanced status code */
#define RULE_REASON_MAX  400
#define RULE_LOGIN_MAX   256
#define RULE_SUBJECT_MAX 2048 /* the longest: an address whose local part is all quoted pairs */
#define RULE_STATUS_SIZE 10   /* "5.999.999" */

/* Shared by all copies of a rule and by the rules that replace it. */
struct rule_counter {
	_Atomic uint64_t hits, limit_errors;
	_Atomic size_t references;
};

struct rule {
	enum rule_kind kind;
	/* All subjects with the same meaning have this one spelling. rule_make parses it. */
	char *subject;
	struct net_block block; /* for RULE_CLIENT */
	/* Of a RULE_LOGIN: ADDRESS is one name, DOMAIN all logins of a domain, REGEX an
	 * expression. */
	enum pattern_kind pattern_kind;
	/* What mail is compared with: a login, an address (local part in lower case), a domain. */
	char *key;
	struct pattern *regex; /* for REGEX only; owned */
	enum rule_action action;
	char *text;                    /* without its enhanced status code; "": the default text */
	char status[RULE_STATUS_SIZE]; /* "5.7.1"; "": the default of the action */
	/* Of the command's rules. Zero and "" for rules of the file. */
	int64_t set_time; /* wall clock, microseconds, whole seconds */
	int64_t expires;  /* likewise; 0: never */
	char *reason, *author;
	struct rule_counter *counter; /* NULL until the rule is in a rule set */
	/* Only in a rule that is for display; otherwise use rule_hits. */
	uint64_t hits;
	unsigned line; /* in the rules file; 0: a rule of the command or the fleet */
	bool fleet;    /* a rule of the fleet (rules/fleet_rules.h) */
};

/* Parses a line of the rules file, which is not empty and has no newline. The reply text is
 * printable ASCII. The class of an enhanced status code fits the action (RFC 3463): 5 for REJECT, 4
 * for DEFER. With any other action it is plain text. Returns ERR_SYNTAX with words that do not name
 * file and line. */
int rule_parse(const char *line, struct rule *ret, struct err *err) NODISCARD;
/* text may be NULL. */
int rule_make(const char *subject, enum rule_action action, const char *text, struct rule *ret,
    struct err *err) NODISCARD;
/* Cuts subject and action off line, in place. *ret_rest begins at the next word. */
int rule_split(char *line, const char **ret_subject, enum rule_action *ret_action, char **ret_rest,
    struct err *err) NODISCARD;
/* Sets reason and author of a command's rule. NULL means "". Control characters are scrubbed.
 * Returns ERR_LIMIT past RULE_REASON_MAX bytes. */
int rule_set_note(struct rule *r, const char *reason, const char *author) NODISCARD;
int rule_copy(const struct rule *r, struct rule *ret) NODISCARD;
/* For login_case = ignore: from now on the RULE_LOGIN rule matches without regard to ASCII case. */
int rule_ignore_login_case(struct rule *r) NODISCARD;
/* Whether two subjects are the same. Unless login_exact, logins' ASCII case is ignored. */
bool rule_same_subject(const char *a, const char *b, bool login_exact);
void rule_release(struct rule *r); /* accepts a zeroed one */

/* Shares other's counter, or makes a new one if other is NULL. */
int rule_share_counter(struct rule *r, const struct rule *other) NODISCARD;
void rule_hit(const struct rule *r); /* counts a match; r is in a rule set */
uint64_t rule_hits(const struct rule *r);

bool rule_expired(const struct rule *r, int64_t wall);
const char *rule_action_word(enum rule_action action); /* "REJECT" */
/* Accepts any case; returns 0 or ERR_SYNTAX. */
int rule_action_of(const char *word, enum rule_action *ret) NODISCARD;

/* The SMTP reply of REJECT and DEFER: "550", "5.7.1", text with single '%'. For other actions code
 * and status are "". Points into r or to static memory. */
struct rule_reply {
	const char *code, *status, *text;
};
struct rule_reply rule_reply_of(const struct rule *r);

/* Whether passing is an OK rule that is looked up before blocked and lets some of its mail through.
 * Returns true for two expressions, because nobody can tell. */
bool rule_outranks(const struct rule *passing, const struct rule *blocked);

/* Private to lib/rules: replaces *at by a copy of text. */
int rule_own(char **at, const char *text) NODISCARD;
void rule_disown(char **at);
/* Replaces the rule's expression by *p, and takes *p over even on failure. */
int rule_own_regex(struct rule *r, struct pattern *p) NODISCARD;
