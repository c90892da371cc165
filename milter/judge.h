/* SPDX-License-Identifier: ISC */
/* From rules to a verdict, without side effects. No client text enters a reply. Mail from
 * sendmail(1) cannot be refused: a refusal would bounce to the outside or loop in maildrop. So
 * REJECT and DEFER become HOLD there, which works only at end of message. */
#pragma once

#include "milter/session.h"
#include "rules/ruleset.h"

enum verdict_action {
	VERDICT_CONTINUE,
	VERDICT_HOLD, /* quarantine; accepted and recorded */
	VERDICT_TEMPFAIL,
	VERDICT_DISCARD,
	VERDICT_REJECT,
};

struct verdict {
	enum verdict_action action;
	struct ruleset_hit hit; /* rule NULL: no rule applies; warned: rule to log, too */
	enum rule_action asked; /* the rule's action, before local mail turned it into HOLD */
	/* For REJECT and TEMPFAIL; otherwise "". */
	char code[4], status[RULE_STATUS_SIZE]; /* "550", "5.7.1" */
	char text[2 * RULE_TEXT_MAX + 1];       /* '%' doubled, for smfi_setreply */
	/* The address that matched the rule, or else the warning; "" is the null sender. Not
	 * scrubbed. */
	char subject[ADDRESS_MAX + 1];
};

/* At MAIL, by login, client and envelope sender. Returns only REJECT, TEMPFAIL, or CONTINUE without
 * a hit: judge_message finds all other rules again and reports them once, with the queue ID. A
 * DISCARD at MAIL would not do: smtpd(8) would still receive the mail and give it to cleanup(8),
 * whose non_smtpd_milters would judge it as mail from sendmail(1). */
void judge_envelope(
    struct ruleset *set, const struct session *s, int64_t wall, struct verdict *ret);

/* The header From mailbox with the strictest rule, of those after the recorded ones. Clear it with
 * the session. */
struct judge_more {
	unsigned seen; /* all mailboxes */
	bool found;
	enum rule_action action;
	char mailbox[ADDRESS_MAX + 1];
};
void judge_clear(struct judge_more *more);
#define JUDGE_EXPRESSIONS_MAX 1000 /* mailboxes; for further ones expressions are skipped */
/* Gives a From field to the session and looks up the mailboxes that the session does not record. */
void judge_from(struct judge_more *more, struct ruleset *set, struct session *s, const char *value,
    int64_t wall);

/* At end of message: the envelope again, as rules may have changed, then every header From mailbox.
 * The strictest rule wins; of equals, the envelope's. OK for login or client ends the lookup; OK
 * for the envelope sender does not excuse the header. Unrecorded mailboxes were judged when they
 * came. */
void judge_message(struct ruleset *set, const struct session *s, const struct judge_more *more,
    int64_t wall, struct verdict *ret);

/* Logs at info the effect of a rule, and a warning; nothing if no rule applies. id is the queue ID
 * or "NOQUEUE", stage "MAIL" or "end of message". Call it while holding the rule set. */
void judge_log(const char *id, const char *stage, const struct session *s, const struct verdict *v);
