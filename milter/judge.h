/* SPDX-License-Identifier: ISC */
/* Turns rules into a verdict. No client text enters a reply. Refused mail from sendmail(1) would
 * bounce to the outside or loop in maildrop, so REJECT and DEFER become HOLD there, which works
 * only at end of message. */
#pragma once

#include "milter/session.h"
#include "rules/ruleset.h"

enum verdict_action {
	VERDICT_CONTINUE,
	VERDICT_HOLD, /* accepted and recorded */
	VERDICT_TEMPFAIL,
	VERDICT_DISCARD,
	VERDICT_REJECT,
};

struct verdict {
	enum verdict_action action;
	struct ruleset_hit hit; /* rule NULL: none applies; warned: a rule to log, too */
	enum rule_action asked; /* before local mail turned it into HOLD */
	/* For REJECT and TEMPFAIL; otherwise "". */
	char code[4], status[RULE_STATUS_SIZE]; /* "550", "5.7.1" */
	char text[2 * RULE_TEXT_MAX + 1];       /* '%' doubled, for smfi_setreply */
	/* What matched the rule, or else the warning. "" is the null sender. Not scrubbed. */
	char subject[ADDRESS_MAX + 1];
};

/* At MAIL, by login, client and envelope sender. Returns only REJECT, TEMPFAIL, or CONTINUE
 * without a hit; judge_message finds all other rules again. DISCARD must not be given at MAIL:
 * smtpd(8) would still receive the mail and give it to cleanup(8), whose non_smtpd_milters would
 * judge it as mail from sendmail(1). */
void judge_envelope(
    struct ruleset *set, const struct session *s, int64_t wall, struct verdict *ret);

/* Of the mailboxes that the session does not record, the one with the strictest rule. Clear it with
 * the session. */
struct judge_more {
	unsigned seen; /* all mailboxes */
	bool found;
	enum rule_action action;
	char mailbox[ADDRESS_MAX + 1];
};
void judge_clear(struct judge_more *more);
#define JUDGE_EXPRESSIONS_MAX 1000 /* mailboxes; /pcre/ rules are skipped for further ones */
/* Gives a From field to the session and looks up mailboxes that the session does not record. */
void judge_from(struct judge_more *more, struct ruleset *set, struct session *s, const char *value,
    int64_t wall);

/* Likewise all fields that the session keeps. */
void judge_kept_from(struct judge_more *more, struct ruleset *set, struct session *s, int64_t wall);

/* At end of message: the envelope again, as rules may have changed, then every header From
 * mailbox. The strictest rule wins; of equals, the envelope's. OK for login or client ends the
 * lookup; OK for the envelope sender does not excuse the header. */
void judge_message(struct ruleset *set, const struct session *s, const struct judge_more *more,
    int64_t wall, struct verdict *ret);

/* Counts the rules' hits, and logs their effect and a warning at info; nothing if no rule applies.
 * id is the queue ID or "NOQUEUE", stage "MAIL" or "end of message". Call it while holding the rule
 * set. */
void judge_note(
    const char *id, const char *stage, const struct session *s, const struct verdict *v);
