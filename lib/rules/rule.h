/* SPDX-License-Identifier: ISC */
/* One rule: whose mail it concerns (a pattern for envelope sender and header From, a login, or a
 * client network), its action, its reply text, and when it expires. A rule owns its texts. 100,000
 * domain rules take about 30 MB. */
#pragma once

#include "base/err.h"
#include "base/net.h"
#include "mail/selector/pattern.h"

/* From mildest to strictest: of several header From mailboxes' rules the strictest wins. */
enum rule_action {
	RULE_OK,
	RULE_WARN,
	RULE_HOLD,
	RULE_DEFER,
	RULE_DISCARD,
	RULE_REJECT,
};

/* Where a rule was set, in the order of a search. */
enum rule_origin { RULE_OF_COMMAND, RULE_OF_FLEET, RULE_OF_FILE, RULE_ORIGINS };

enum rule_kind { RULE_LOGIN, RULE_CLIENT, RULE_PATTERN };

/* What a rule compares mail with, in the order of a search. */
enum rule_class {
	CLASS_LOGIN,        /* key: a login */
	CLASS_LOGIN_DOMAIN, /* key: the domain of logins */
	CLASS_LOGIN_REGEX,
	CLASS_CLIENT,  /* struct rule's block */
	CLASS_ADDRESS, /* key: an address, its local part in lower case */
	CLASS_NULL,    /* key: "" */
	CLASS_DOMAIN,
	CLASS_SUBDOMAINS, /* key: the domain above them */
	CLASS_REGEX,
	CLASS_COUNT,
};

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
	enum rule_class class;
	/* All subjects with the same meaning have this one spelling, which rule_make parses. */
	char *subject;
	struct net_block block; /* for CLASS_CLIENT */
	char *key;              /* for the other classes, but "" for expressions */
	struct pattern *regex;  /* for expressions; owned */
	enum rule_action action;
	char *text;                    /* without its enhanced status code; "": the default text */
	char status[RULE_STATUS_SIZE]; /* "5.7.1"; "": the default of the action */
	/* Zero and "" for rules of the file. */
	int64_t set_time; /* wall clock, microseconds, whole seconds */
	int64_t expires;  /* the same; 0: never */
	char *reason, *author;
	struct rule_counter *counter; /* NULL until the rule is in a rule set */
	/* Only of a rule for display; otherwise use rule_hits. */
	uint64_t hits;
	unsigned line; /* in the rules file; 0: a rule of the command or the fleet */
	bool fleet;    /* rules/fleet_rules.h */
};

/* Parses a line of the rules file, which is not empty and has no newline. The reply text is
 * printable ASCII. The class of an enhanced status code fits the action (RFC 3463): 5 for REJECT, 4
 * for DEFER. With any other action it is plain text. ERR_SYNTAX with words that do not name file
 * and line. */
int rule_parse(const char *line, struct rule *ret, struct err *err) NODISCARD;
/* text may be NULL. */
int rule_make(const char *subject, enum rule_action action, const char *text, struct rule *ret,
    struct err *err) NODISCARD;
/* Cuts subject and action off line, in place. *ret_rest begins at the next word. */
int rule_split(char *line, const char **ret_subject, enum rule_action *ret_action, char **ret_rest,
    struct err *err) NODISCARD;
/* For a rule of the command. NULL means "". Control characters are scrubbed. ERR_LIMIT with words
 * past RULE_REASON_MAX bytes. */
int rule_set_note(
    struct rule *r, const char *reason, const char *author, struct err *err) NODISCARD;
int rule_copy(const struct rule *r, struct rule *ret) NODISCARD;
/* For login_case = ignore: a RULE_LOGIN rule then matches without regard to ASCII case. */
int rule_ignore_login_case(struct rule *r) NODISCARD;
/* Unless login_exact, logins' ASCII case is ignored. */
bool rule_same_subject(const char *a, const char *b, bool login_exact);
void rule_release(struct rule *r);

/* Shares other's counter; NULL: a new one. */
int rule_share_counter(struct rule *r, const struct rule *other) NODISCARD;
void rule_hit(const struct rule *r); /* r is in a rule set */
uint64_t rule_hits(const struct rule *r);

bool rule_expired(const struct rule *r, int64_t wall);
static inline enum rule_kind rule_kind(const struct rule *r)
{
	return r->class < CLASS_CLIENT    ? RULE_LOGIN
	       : r->class == CLASS_CLIENT ? RULE_CLIENT
					  : RULE_PATTERN;
}
enum rule_origin rule_origin(const struct rule *r);
const char *rule_origin_word(enum rule_origin origin); /* "command", "fleet", "file" */
const char *rule_action_word(enum rule_action action); /* "REJECT" */
/* Accepts any case. ERR_SYNTAX if there is none. */
int rule_action_of(const char *word, enum rule_action *ret) NODISCARD;

/* The SMTP reply of REJECT and DEFER: "550", "5.7.1", text with single '%'. For other actions code
 * and status are "". Points into r or to static memory. */
struct rule_reply {
	const char *code, *status, *text;
};
struct rule_reply rule_reply_of(const struct rule *r);

/* Whether passing is an OK rule that is looked up before blocked and lets some of its mail through.
 * True for two expressions, because nobody can tell. */
bool rule_outranks(const struct rule *passing, const struct rule *blocked);

/* Private to lib/rules. Replaces *at by a copy of text. */
int rule_own(char **at, const char *text) NODISCARD;
void rule_disown(char **at);
/* Takes over *p even on failure. */
int rule_own_regex(struct rule *r, struct pattern *p) NODISCARD;
