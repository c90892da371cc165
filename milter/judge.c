/* SPDX-License-Identifier: ISC */
#include "milter/judge.h"

#include "base/log.h"

static void set_subject(struct verdict *v, const char *address)
{
	snprintf(v->subject, sizeof(v->subject), "%s", address);
}

/* The strictest rule wins; the first warning is kept. */
static void merge(struct verdict *v, const struct ruleset_hit *hit, const char *address)
{
	if (hit->warned && !v->hit.warned) {
		v->hit.warned = hit->warned;
		if (!v->hit.rule)
			set_subject(v, address);
	}
	if (!hit->rule || (v->hit.rule && hit->rule->action <= v->hit.rule->action))
		return;
	v->hit.rule = hit->rule;
	set_subject(v, address);
}

static void find_envelope(
    struct ruleset *set, const struct session *s, int64_t wall, struct verdict *v)
{
	const struct message *m = session_message(s);
	const struct ruleset_query query = {
	    .login = m->login,
	    .client = &m->client,
	    .address = session_sender(s),
	    .wall = wall,
	};
	const struct ruleset_hit hit = ruleset_find(set, &query);

	merge(v, &hit, query.address->text);
}

static void find_mailbox(struct ruleset *set, const char *mailbox, int64_t wall, struct verdict *v)
{
	struct address address;
	const struct ruleset_query query = {.address = &address, .wall = wall};

	address_split(mailbox, &address);
	struct ruleset_hit hit = ruleset_find(set, &query);
	merge(v, &hit, mailbox);
}

static void find_header(struct ruleset *set, const struct session *s, const struct judge_more *more,
    int64_t wall, struct verdict *v)
{
	strlist_each (mailbox, &session_message(s)->from)
		find_mailbox(set, mailbox, wall, v);
	if (more->found)
		find_mailbox(set, more->mailbox, wall, v);
}

struct looking {
	struct judge_more *more;
	struct ruleset *set;
	int64_t wall;
};

static void keep_strictest(
    struct judge_more *more, const struct ruleset_hit *hit, const struct address *mailbox)
{
	enum rule_action action = hit->rule ? hit->rule->action : RULE_WARN;

	if (action == RULE_OK || (!hit->rule && !hit->warned) ||
	    (more->found && action <= more->action))
		return;
	more->found = true;
	more->action = action;
	snprintf(more->mailbox, sizeof(more->mailbox), "%s", mailbox->text);
}

/* judge_message looks up the recorded mailboxes, which are the first. */
static void look_up(void *arg, const struct address *mailbox)
{
	const struct looking *l = arg;
	struct ruleset_query query = {.address = mailbox, .wall = l->wall};

	if (l->more->seen < UINT_MAX)
		l->more->seen++;
	if (l->more->seen <= FROM_MAILBOX_MAX)
		return;
	query.plain = l->more->seen > JUDGE_EXPRESSIONS_MAX;
	struct ruleset_hit hit = ruleset_find(l->set, &query);
	keep_strictest(l->more, &hit, mailbox);
}

void judge_clear(struct judge_more *more)
{
	more->seen = 0;
	more->found = false;
}

void judge_from(struct judge_more *more, struct ruleset *set, struct session *s, const char *value,
    int64_t wall)
{
	struct looking looking = {.more = more, .set = set, .wall = wall};

	session_from(s, value, look_up, &looking);
}

void judge_kept_from(struct judge_more *more, struct ruleset *set, struct session *s, int64_t wall)
{
	struct looking looking = {.more = more, .set = set, .wall = wall};

	(void)session_scan_kept(s, look_up, &looking); /* session_end tells a failure */
}

/* OK by login or client: unlike the sender's address, these are authenticated. */
static bool is_trusted(const struct ruleset_hit *hit)
{
	return hit->rule && hit->rule->action == RULE_OK && rule_kind(hit->rule) != RULE_PATTERN;
}

static enum verdict_action action_of(enum rule_action asked, bool local)
{
	switch (asked) {
	case RULE_OK:
	case RULE_WARN:
		return VERDICT_CONTINUE;
	case RULE_HOLD:
		return VERDICT_HOLD;
	case RULE_DEFER:
		return local ? VERDICT_HOLD : VERDICT_TEMPFAIL;
	case RULE_DISCARD:
		return VERDICT_DISCARD;
	case RULE_REJECT:
		return local ? VERDICT_HOLD : VERDICT_REJECT;
	}
	return VERDICT_CONTINUE;
}

/* smfi_setreply needs '%' doubled. */
static void set_reply(struct verdict *v)
{
	struct rule_reply reply = rule_reply_of(v->hit.rule);
	size_t len = 0;

	snprintf(v->code, sizeof(v->code), "%s", reply.code);
	snprintf(v->status, sizeof(v->status), "%s", reply.status);
	for (const char *c = reply.text; *c && len + 2 < sizeof(v->text); c++) {
		if (*c == '%')
			v->text[len++] = '%';
		v->text[len++] = *c;
	}
	v->text[len] = '\0';
}

static void conclude(struct verdict *v, bool local)
{
	if (!v->hit.rule)
		return;
	v->asked = v->hit.rule->action;
	v->action = action_of(v->asked, local);
	if (v->action == VERDICT_REJECT || v->action == VERDICT_TEMPFAIL)
		set_reply(v);
}

void judge_envelope(struct ruleset *set, const struct session *s, int64_t wall, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	find_envelope(set, s, wall, ret);
	conclude(ret, session_is_local(s));
	if (ret->action != VERDICT_REJECT && ret->action != VERDICT_TEMPFAIL)
		memset(ret, 0, sizeof(*ret));
}

void judge_message(struct ruleset *set, const struct session *s, const struct judge_more *more,
    int64_t wall, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (ruleset_count(set) == 0)
		return;
	find_envelope(set, s, wall, ret);
	if (!is_trusted(&ret->hit))
		find_header(set, s, more, wall, ret);
	conclude(ret, session_is_local(s));
}

static void describe(struct strbuf *line, const struct session *s)
{
	const struct message *m = session_message(s);
	char client[NET_TEXT_SIZE];

	strbuf_printf(line, "; sender=<%s>", m->sender);
	if (m->client.family)
		strbuf_printf(line, " client=%s", net_text(&m->client, client));
	if (m->login[0])
		strbuf_printf(line, " login='%s'", m->login);
	if (session_is_local(s))
		strbuf_puts(line, " local");
}

static void log_and_release(struct strbuf *line, const struct session *s)
{
	describe(line, s);
	log_info("%s", strbuf_text(line));
	strbuf_release(line);
}

static void log_verdict(
    const char *id, const char *stage, const struct session *s, const struct verdict *v)
{
	static const char *const words[] = {"passed", "held", "deferred", "discarded", "rejected"};
	const struct rule *rule = v->hit.rule;
	struct strbuf line = {0};

	if (v->hit.warned) {
		strbuf_printf(&line, "%s: warning by rule '%s'", id, v->hit.warned->subject);
		if (v->hit.warned->text[0])
			strbuf_printf(&line, ": %s", v->hit.warned->text);
		log_and_release(&line, s);
	}
	if (v->action == VERDICT_CONTINUE || !rule)
		return;
	bool refusal = v->asked == RULE_REJECT || v->asked == RULE_DEFER;
	const char *text = refusal ? rule_reply_of(rule).text : rule->text;
	strbuf_printf(&line, "%s: %s at %s by rule '%s' for <%s>", id, words[v->action], stage,
	    rule->subject, v->subject);
	if (refusal && v->action == VERDICT_HOLD)
		strbuf_printf(&line, " instead of %s", rule_action_word(v->asked));
	if (text[0])
		strbuf_printf(&line, ": %s", text);
	log_and_release(&line, s);
}

void judge_note(const char *id, const char *stage, const struct session *s, const struct verdict *v)
{
	if (v->hit.rule)
		rule_hit(v->hit.rule);
	if (v->hit.warned)
		rule_hit(v->hit.warned);
	log_verdict(id, stage, s, v);
}
