/* SPDX-License-Identifier: ISC */
/*
 * Rules files and searches. Up to the first NUL the input is a rules file; between further NULs are
 * senders to look up, in addition to those that the rules name. Every second rule is taken as the
 * command's. The rule set must search as the naive search does, and every accepted rule must
 * survive being stored.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/rules/naive.h"

#include "rules/ruleset.h"
#include "rules/stored.h"

#define RULES_TRIED   24 /* the naive search is slow */
#define SENDERS_TRIED 24
#define NOW           1000

/* As a stored line it gives the same rule again, and the same line. */
static void check_line(struct rule *r)
{
	struct strbuf line = {0}, again = {0};
	struct stored s = {0};

	stored_put(&line, &(struct rule_list){r, 1, 1}, 0);
	fuzz_require(stored_parse("rules", line.text, line.len, &s, NULL) == 0);
	fuzz_require(s.rules.count == 1 && s.damaged == 0 && s.kept.len == 0);
	fuzz_require(strcmp(s.rules.list[0].subject, r->subject) == 0);
	fuzz_require(strcmp(s.rules.list[0].key, r->key) == 0);
	stored_put(&again, &s.rules, 0);
	fuzz_require(strcmp(again.text, line.text) == 0);
	fuzz_require(strlen(r->text) <= RULE_TEXT_MAX && !strpbrk(r->text, "\r\n"));
	stored_release(&s);
	strbuf_release(&line);
	strbuf_release(&again);
}

/* For any file, the written text is read back: as many rules, as much damage, the same text
 * again. */
static void check_stored(const char *text, size_t len)
{
	struct stored first = {0}, second = {0};
	struct strbuf out = {0}, again = {0};

	fuzz_require(stored_parse("rules", text, len, &first, NULL) == 0);
	stored_begin(&out, &first.kept);
	stored_put(&out, &first.rules, 0);
	for (size_t i = 0; i < first.rules.count; i++)
		check_line(&first.rules.list[i]);
	fuzz_require(stored_parse("rules", out.text, out.len, &second, NULL) == 0);
	fuzz_require(second.rules.count == first.rules.count && second.damaged == first.damaged);
	stored_begin(&again, &second.kept);
	stored_put(&again, &second.rules, 0);
	fuzz_require(again.len == out.len && memcmp(again.text, out.text, out.len) == 0);
	stored_release(&first);
	stored_release(&second);
	strbuf_release(&out);
	strbuf_release(&again);
}

/* A set made in one step equals one made side by side. */
static struct ruleset *join(struct rule_list *file, struct rule_list *command, size_t way)
{
	struct ruleset *first, *set;

	if (way % 3 == 0)
		return ruleset_new(file, command, false);
	first = way % 3 == 1 ? ruleset_new(file, NULL, false) : ruleset_new(NULL, command, false);
	fuzz_require(first != NULL);
	set = way % 3 == 1 ? ruleset_with(first, RULE_OF_COMMAND, command)
			   : ruleset_with(first, RULE_OF_FILE, file);
	ruleset_unref(first);
	return set;
}

/* Divides the rules. An expression that may reach its limits is no use for comparing. */
static struct ruleset *share_out(struct rule_list *rules)
{
	struct rule_list file = {0}, command = {0};

	for (size_t i = 0; i < rules->count && i < RULES_TRIED; i++) {
		struct rule *r = &rules->list[i];
		struct rule_list *to = r->line % 2 == 0 ? &file : &command;

		check_line(r);
		if (r->regex && strpbrk(r->subject, "*+{?"))
			continue;
		if (to == &command) {
			r->expires = r->line % 7 == 0 ? NOW : 0;
			r->line = 0;
		}
		fuzz_require(rule_list_add(to, r) == 0);
	}
	return join(&file, &command, rules->count);
}

static void look_up(struct ruleset *set, const struct ruleset_query *query)
{
	struct ruleset_hit hit = ruleset_find(set, query), naive = naive_find(set, query);

	fuzz_require(hit.rule == naive.rule && hit.warned == naive.warned);
}

/* A login that the rule covers. */
static const char *login_of(const struct rule *r, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", r->class == CLASS_LOGIN_DOMAIN ? "Joe@" : "",
	    r->regex ? r->subject : r->key);
	return buf;
}

/* Mail from sender, and from below its domain, with every login and client that rules name. */
static void look_up_sender(struct ruleset *set, const char *sender)
{
	struct ruleset_query query = {.wall = NOW};
	struct address address, below;
	char domain[DOMAIN_MAX + 8], login[RULE_LOGIN_MAX + 1];

	address_envelope(sender, NULL, &address);
	snprintf(domain, sizeof(domain), "x.%s", address.domain.text);
	address_build(address.text, address.local_len, domain, strlen(domain), &below);
	query.address = &address;
	look_up(set, &query);
	query.address = &below;
	look_up(set, &query);
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);

		if (rule_kind(r) == RULE_PATTERN)
			continue;
		query.login = rule_kind(r) == RULE_LOGIN ? login_of(r, login, sizeof(login)) : NULL;
		query.client = rule_kind(r) == RULE_CLIENT ? &r->block.base : NULL;
		look_up(set, &query);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	size_t len = strnlen(text, size);
	struct rule_list rules = {0};
	struct ruleset *set;
	struct err err;

	check_stored(text, size);
	if (rules_file_parse("rules", text, len, &rules, &err) != 0) {
		fuzz_require(strncmp(err.text, "rules:", 6) == 0);
		return 0;
	}
	set = share_out(&rules);
	rule_list_release(&rules);
	fuzz_require(set != NULL);
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);

		look_up_sender(set, rule_kind(r) == RULE_PATTERN && r->key[0] ? r->key : "<>");
	}
	text += len;
	for (unsigned i = 0; i < SENDERS_TRIED && text < end; i++) {
		char sender[600];

		text++;
		len = strnlen(text, (size_t)(end - text));
		snprintf(sender, sizeof(sender), "%.*s", (int)len, text);
		look_up_sender(set, sender);
		text += len;
	}
	ruleset_unref(set);
	return 0;
}
