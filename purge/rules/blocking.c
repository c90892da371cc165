/* SPDX-License-Identifier: ISC */
#include "purge/rules/blocking.h"
#include "base/clock.h"
#include "postfix/config/bypass.h"
#include "purge/rules/rulebox.h"
#include "purge/status/live.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"
#include "rules/rules_json.h"
#include "rules/stored.h"

#define ANSWER_TIMEOUT (10 * USEC_PER_SEC)

/* rules have whole seconds */
static int64_t up_to_second(int64_t wall)
{
	return (wall + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC;
}

static int add_rule(
    struct rule_list *plan, const char *subject, const struct block_terms *terms, struct err *err)
{
	AUTO(rule_release) struct rule r = {0};

	/* JSON and the rules file hold only text */
	if (!str_is_utf8(subject))
		return err_set(err, ERR_USAGE,
		    "'%s' has bytes that are not UTF-8 (write an expression, /...\\xNN.../)",
		    subject);
	int code = rule_make(subject, terms->action, terms->text, &r, err);
	if (code < 0)
		return err_within(err, ERR_USAGE, "'%s'", subject);
	r.set_time = terms->now / USEC_PER_SEC * USEC_PER_SEC;
	r.expires = up_to_second(terms->expires);
	code = rule_set_note(&r, terms->reason, terms->author, NULL);
	code = code ?: rule_list_add(plan, &r);
	return code < 0 ? err_set(err, code, "'%s': %s", subject, err_word(code)) : 0;
}

static bool is_domain(const char *text)
{
	AUTO(pattern_release) struct pattern p = {0};
	return pattern_parse(text, &p, NULL) == 0 && p.kind == PATTERN_DOMAIN &&
	       p.address.domain.kind != DOMAIN_LITERAL;
}

static int add_joined(struct rule_list *plan, const char *prefix, const char *subject,
    const struct block_terms *terms, struct err *err)
{
	AUTO(strbuf_release) struct strbuf joined = {0};

	strbuf_printf(&joined, "%s%s", prefix, subject);
	return joined.failed ? err_set(err, -ENOMEM, "out of memory")
			     : add_rule(plan, joined.text, terms, err);
}

int block_plan_add(
    struct rule_list *plan, const char *subject, const struct block_terms *terms, struct err *err)
{
	int code = add_rule(plan, subject, terms, err);

	if (code == 0 && terms->subdomains && is_domain(subject))
		code = add_joined(plan, ".", subject, terms, err);
	return code;
}

static int add_login_pattern(struct rule_list *plan, const struct pattern *p,
    const struct block_terms *terms, struct err *err)
{
	return add_joined(plan,
	    p->kind == PATTERN_DOMAIN ? RULE_LOGIN_PREFIX "@" : RULE_LOGIN_PREFIX, p->text, terms,
	    err);
}

int block_plan_selector(struct rule_list *plan, const struct selector *selector,
    const struct block_terms *terms, struct err *err)
{
	const struct pattern_set *sets[] = {&selector->author, &selector->sender, &selector->from};
	struct strlist logins = strlist_of(&selector->logins);
	char client[NET_BLOCK_TEXT_SIZE];
	int code = 0;

	for (size_t i = 0; i < COUNT_OF(sets); i++)
		for (size_t n = 0; code == 0 && n < sets[i]->count; n++)
			code = block_plan_add(plan, sets[i]->list[n].text, terms, err);
	strlist_each (login, &logins) {
		code = code ?: add_joined(plan, RULE_LOGIN_PREFIX, login, terms, err);
	}
	for (size_t i = 0; code == 0 && i < selector->login_patterns.count; i++)
		code = add_login_pattern(plan, &selector->login_patterns.list[i], terms, err);
	for (size_t i = 0; code == 0 && i < selector->clients.count; i++)
		code = add_joined(plan,
		    "client:", net_block_text(&selector->clients.list[i], client), terms, err);
	if (code == 0 && plan->count == 0)
		return err_set(err, ERR_USAGE,
		    "'--block' needs a pattern, '--sender', '--from', '--login' or '--client'");
	return code;
}

/* postmaster stands for the senders of the domain. */
static bool hits_domain(const struct pattern *p, const char *own, size_t len)
{
	struct address postmaster;
	struct domain domain;

	domain_normal(own, len, &domain);
	if (p->kind == PATTERN_DOMAIN)
		return domain_equal(&p->address.domain, &domain);
	if (p->kind == PATTERN_ADDRESS)
		return false;
	address_build("postmaster", strlen("postmaster"), own, len, &postmaster);
	return pattern_match(p, &postmaster) == 1;
}

/* The first domain of a main.cf list that p hits. Skips tables ("hash:/etc/x", "/etc/x") and
 * exceptions. */
static bool hits_own(const struct pattern *p, const char *list, char *buf, size_t size)
{
	size_t len;

	if (!list) /* Postfix was not asked: an operator's own machine may have none */
		return false;
	for (const char *part; (part = str_part(&list, ", \t\r\n", &len));) {
		bool is_name = !memchr(part, ':', len) && !memchr(part, '/', len) && *part != '!';

		if (is_name && hits_domain(p, part, len)) {
			snprintf(buf, size, "%.*s", (int)len, part);
			return true;
		}
	}
	return false;
}

const char *block_doubt(const struct rule *r, const struct postfix *p, char *buf, size_t size)
{
	AUTO(pattern_release) struct pattern pattern = {0};
	struct address null_sender = {0};
	char own[DOMAIN_MAX + 1];

	buf[0] = '\0';

	if (rule_kind(r) != RULE_PATTERN || r->action == RULE_OK || r->action == RULE_WARN)
		return NULL;
	if (pattern_parse(r->subject, &pattern, NULL) < 0)
		return NULL;
	address_split("", &null_sender);
	if (pattern_match(&pattern, &null_sender) == 1)
		snprintf(buf, size, "'%s' is the sender of all bounces", r->subject);
	else if (hits_own(&pattern, p->myorigin, own, sizeof(own)) ||
		 hits_own(&pattern, p->mydestination, own, sizeof(own)))
		snprintf(
		    buf, size, "'%s' means mail from this host's own domain '%s'", r->subject, own);
	return *buf ? buf : NULL;
}

struct change {
	const struct settings *settings;
	const char *subject;
	const struct rule *set;
};

/* A daemon that answers may need time for its disk; for a frozen one there is no wait. */
static int ask_daemon(const struct index_client *client, const struct change *change,
    struct block_answer *ret, struct err *err)
{
	AUTO(json_release) struct json *reply = NULL;
	struct json *request;
	int code = client_daemon(client, err);

	if (code == ERR_TIMEOUT)
		return code;
	request = json_request(change->set ? "rule-set" : "rule-unset");
	if (change->set)
		rule_put_request(change->set, request);
	else
		json_put_text(request, "pattern", change->subject);
	code = client_ask(client, request, ANSWER_TIMEOUT, &reply, err);
	if (code == 0)
		*ret = (struct block_answer){.by_daemon = true,
		    .was_there = json_bool(reply, "was_there", false),
		    .saved = json_bool(reply, "saved", false)};
	return code;
}

static int change_file(void *arg, struct bytes *out, struct err *err)
{
	const struct change *c = arg;
	int there = stored_change(c->settings->state_directory, c->subject, c->set, clock_wall(),
	    c->settings->login_exact, err);

	bytes_put_u8(out, there == 1);
	return there < 0 ? there : 0;
}

/* Runs in a child that is the directory's owner, who may change the file. */
static int change_in_child(const struct index_client *client, struct change *change,
    struct block_answer *ret, struct err *err)
{
	AUTO(blob_release) struct blob blob = {0};
	struct role owner;
	int code = role_of_owner(client->settings->state_directory, &owner, err);

	code =
	    code ?: role_ask(&owner, client->stop, ANSWER_TIMEOUT, change_file, change, &blob, err);
	if (code == 0 && blob.len != 1)
		code = err_set(err, ERR_CHILD, "a child ended without a result");
	if (code == 0)
		*ret = (struct block_answer){.was_there = blob.at[0], .saved = true};
	return code;
}

static bool is_nobody(int code)
{
	return code == ERR_NO_DAEMON || code == ERR_NO_INDEX;
}

/* A starting daemon has the lock before its socket, so ask once more. */
static int carry_out(const struct index_client *client, struct change *change,
    struct block_answer *ret, struct err *err)
{
	int code = ask_daemon(client, change, ret, err);

	if (is_nobody(code))
		code = change_in_child(client, change, ret, err);
	if (code == ERR_LOCKED) {
		struct err why = {{0}};
		int again = ask_daemon(client, change, ret, &why);

		if (!is_nobody(again))
			return again < 0 ? err_set(err, again, "%s", why.text) : 0;
	}
	return code;
}

int block_set(const struct index_client *client, const struct rule *r, struct block_answer *ret,
    struct err *err)
{
	struct change change = {.settings = client->settings, .subject = r->subject, .set = r};
	int code = carry_out(client, &change, ret, err);

	return code < 0 ? err_within(err, code, "failed to set the rule for '%s'", r->subject) : 0;
}

int block_unset(const struct index_client *client, const char *subject, struct block_answer *ret,
    struct err *err)
{
	struct change change = {.settings = client->settings, .subject = subject};
	int code = carry_out(client, &change, ret, err);

	return code < 0 ? err_within(err, code, "failed to remove the rule for '%s'", subject) : 0;
}

struct block_terms block_terms_of(const struct session *s, enum rule_action action, int64_t lasts)
{
	const struct options *o = &s->options;

	return (struct block_terms){.action = action,
	    .reason = o->reason,
	    .author = s->user,
	    .now = o->now,
	    .expires = lasts ? o->now + lasts : 0,
	    .subdomains = o->subdomains};
}

int block_doubts(const struct session *s, const struct rule_list *plan, struct err *err)
{
	char words[640];
	int doubts = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (!block_doubt(&plan->list[i], &s->postfix, words, sizeof(words)))
			continue;
		complain("%s", words);
		doubts++;
	}
	if (doubts > 0 && !s->options.yes && !s->options.dry_run && !session_can_ask(s))
		return err_set(err, ERR_USAGE, "blocking this needs '--yes'; nothing was done");
	return doubts;
}

int block_ask(
    const struct session *s, const struct rule_list *plan, const char *question, struct err *err)
{
	int doubts = block_doubts(s, plan, err);

	if (doubts <= 0 || s->options.yes || s->options.dry_run)
		return doubts < 0 ? doubts : 1;
	if (ask_yes(STDIN_FILENO, stderr, question) == ANSWER_YES)
		return 1;
	say(stderr, "Nothing was blocked.\n");
	return 0;
}

static void tell_outranking(const struct session *s, const struct rule_list *plan)
{
	const struct rulebox_question question = {.blocked = plan};
	struct rulebox box;
	struct err err = {{0}};
	char origin[256];

	if (rulebox_read(&s->client, s->options.now, &question, &box, &err) < 0)
		complain("could not look for rules that outrank it: %s", err.text);
	if (box.broken.text[0])
		complain("the rules file is wrong: %s", box.broken.text);
	for (size_t i = 0; i < box.passing.count; i++) {
		const struct rule *passing = &box.passing.list[i];

		complain("'%s OK' (%s) outranks '%s': such mail still passes", passing->subject,
		    rulebox_origin(&s->settings, passing, origin, sizeof(origin)),
		    box.blocked[i]->subject);
	}
	if (box.outranking_count > box.passing.count)
		complain(
		    "and %" PRIu64 " more such rules", box.outranking_count - box.passing.count);
	rulebox_release(&box);
}

/* Names only the first such setting; status shows all. */
static void tell_past_rules(const struct session *s)
{
	AUTO(findings_release) struct findings findings = {0};
	const struct finding *first = NULL;
	char command[PATH_MAX + 64];
	struct err err = {{0}};

	if (bypass_find(&s->postfix, s->settings.socket, s->settings.policy_socket, false,
		&findings, &err) < 0)
		complain("could not check whether the rules are applied to all mail: %s", err.text);
	for (size_t i = 0; !first && i < findings.count; i++)
		if (bypass_is_past_rules(&findings.list[i]))
			first = &findings.list[i];
	if (first)
		complain("rules are not applied to all mail: %s ('%s' says more)", first->words,
		    session_command(s, "status", command, sizeof(command)));
}

void block_tell_exceptions(const struct session *s, const struct rule_list *plan)
{
	tell_outranking(s, plan);
	tell_past_rules(s);
}

void block_tell_sessions(FILE *to, const struct session *s)
{
	AUTO(live_release) struct live live = {0};

	live_read(&s->client, &live);
	if (live.answer && live_lost_sessions(&live, s->options.now))
		say_fold(to, 0,
		    "SMTP sessions that were open when the daemon last stopped are not covered "
		    "until they end.");
}

char *block_until(const struct rule *r, char *buf, size_t size)
{
	if (r->expires == 0) {
		snprintf(buf, size, "unblocked");
		return buf;
	}
	return clock_text(r->expires, buf, size);
}

void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer)
{
	char until[CLOCK_TEXT_SIZE];

	say(to, "%s: %s%s, until %s.\n", r->subject,
	    answer->was_there ? "there was a rule, now it is " : "", rule_action_word(r->action),
	    block_until(r, until, sizeof(until)));
	if (!answer->saved)
		say(to, "  In force, not saved: the daemon forgets it when it stops.\n");
	else if (!answer->by_daemon)
		say(to, "  Saved; no daemon runs, so it takes effect when the daemon starts.\n");
}
