/* SPDX-License-Identifier: ISC */
/* Log lines for what the rules said: queue ID first, then the rule, then whose mail it was. */
#include "milter/verdict_log.h"

#include "base/log.h"

/* Who it was, for the end of a log line; what is not there is left out. The log scrubs it. */
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

static void log_line(struct strbuf *line, const struct session *s)
{
	describe(line, s);
	log_info("%s", strbuf_text(line));
	strbuf_release(line);
}

void verdict_log(
    const char *id, const char *stage, const struct session *s, const struct verdict *v)
{
	static const char *const words[] = {"passed", "held", "deferred", "discarded", "rejected"};
	const struct rule *rule = v->hit.rule;
	struct strbuf line = {0};

	if (v->hit.warned) {
		strbuf_printf(&line, "%s: warning by rule '%s'", id, v->hit.warned->subject);
		if (v->hit.warned->text[0])
			strbuf_printf(&line, ": %s", v->hit.warned->text);
		log_line(&line, s);
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
	log_line(&line, s);
}
