/* SPDX-License-Identifier: ISC */
/*
 * From rules to a verdict. Pure: a rule set and a session in, a value out. No client text enters a
 * reply. Mail from sendmail(1) cannot be refused (a refusal bounces to the outside or loops in
 * maildrop): there REJECT and DEFER become HOLD, which works only at end of message.
 */
#ifndef PQPURGE_MILTER_JUDGE_H
#define PQPURGE_MILTER_JUDGE_H

#include "milter/session.h"
#include "rules/ruleset.h"

enum verdict_action {
	VERDICT_CONTINUE,
	VERDICT_HOLD, /* quarantine; the message is accepted and recorded */
	VERDICT_TEMPFAIL,
	VERDICT_DISCARD,
	VERDICT_REJECT,
};

struct verdict {
	enum verdict_action action;
	struct ruleset_hit hit; /* rule NULL: no rule spoke; warned: to be logged beside it */
	enum rule_action asked; /* what the rule says, where local mail made it HOLD */
	/* Of REJECT and TEMPFAIL; "" otherwise. */
	char code[4], status[RULE_STATUS_SIZE]; /* "550", "5.7.1" */
	char text[2 * RULE_TEXT_MAX + 1];       /* '%' doubled, for smfi_setreply */
	/*
	 * The address that was looked up when the rule (or else the warning) was met, "" for the
	 * null sender. For the log: scrub it.
	 */
	char subject[ADDRESS_MAX + 1];
};

/*
 * At MAIL: login, client, envelope sender. set may be NULL (no rules). Says only what ends the mail
 * here: REJECT and TEMPFAIL, with their hit. All else (HOLD, DISCARD, OK, WARN, refusals of local
 * mail) is CONTINUE without a hit, for judge_message meets the same rules again and tells them
 * once, with the queue ID. What is discarded at MAIL smtpd(8) still receives and gives to
 * cleanup(8), whose non_smtpd_milters would judge it once more, as mail from sendmail(1).
 */
void judge_envelope(
    struct ruleset *set, const struct session *s, int64_t wall, struct verdict *ret);

/*
 * Of the mailboxes in header From that are too many to be recorded, the one for which the strictest
 * rule is: they are looked up as they come, and kept nowhere. Clear it with the session.
 */
struct judge_more {
	unsigned seen; /* mailboxes, those that are recorded among them */
	bool found;
	enum rule_action action; /* WARN: a rule that only warns */
	char mailbox[ADDRESS_MAX + 1];
};
void judge_clear(struct judge_more *more);
/* Past this many mailboxes expressions are not tried any more; what is found by hash is. */
#define JUDGE_EXPRESSIONS_MAX 1000
/* A From field: gives it to the session, and looks up what the session does not record. */
void judge_from(struct judge_more *more, struct ruleset *set, struct session *s, const char *value,
    int64_t wall);

/*
 * At end of message: the envelope again (a rule set meanwhile counts), then every header From
 * mailbox; the strictest wins, the envelope's where both are alike. OK for login or client ends the
 * lookup; OK for the envelope sender does not excuse the header. A rule that was set since the
 * header came counts, but for mailboxes that are not recorded.
 */
void judge_message(struct ruleset *set, const struct session *s, const struct judge_more *more,
    int64_t wall, struct verdict *ret);

/*
 * Tells at info what a rule did, and a warning that was passed on the way; nothing where no rule
 * spoke. id is the queue ID or "NOQUEUE", stage "MAIL" or "end of message". Call it while the rule
 * set is held.
 */
void judge_log(const char *id, const char *stage, const struct session *s, const struct verdict *v);

#endif
