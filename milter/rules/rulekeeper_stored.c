/* SPDX-License-Identifier: ISC */
/* Call everything here with `change` held. */
#include "base/clock.h"
#include "base/log.h"
#include "milter/rules/rulekeeper_private.h"

static bool is_pending(const struct rulekeeper *k, const char *subject)
{
	const struct strlist pending = strlist_of(&k->pending);

	strlist_each (each, &pending)
		if (rule_same_subject(each, subject, k->settings->login_exact))
			return true;
	return false;
}

static int note_error(struct rulekeeper *k, int code, const struct err *err)
{
	if (strcmp(k->stored_error.text, err->text) != 0)
		log_error("%s; trying again each second", err->text);
	k->stored_error = *err;
	return code;
}

static const struct rule_list *rules_of(const struct rulekeeper *k)
{
	return ruleset_rules(k->set, RULE_OF_COMMAND);
}

static int apply_pending(struct rulekeeper *k, struct rule_list *rules)
{
	const struct strlist pending = strlist_of(&k->pending);
	int code = 0;

	strlist_each (subject, &pending)
		(void)stored_drop(rules, subject, 0, k->settings->login_exact);
	for (size_t i = 0; code == 0 && i < rules_of(k)->count; i++) {
		const struct rule *r = &rules_of(k)->list[i];

		if (is_pending(k, r->subject))
			code = rule_list_add_copy(rules, r);
	}
	return code;
}

static void tell_damage(const struct stored *s)
{
	const struct strlist told = strlist_of(&s->told);

	strlist_each (line, &told)
		log_error("%s; the line is ignored", line);
	if (s->damaged > told.count)
		log_error("and %zu more such lines", s->damaged - told.count);
}

static int take_over(struct rulekeeper *k, struct stored *s)
{
	int code = apply_pending(k, &s->rules);

	code = code ?: rulekeeper_swap(k, ruleset_with(k->set, RULE_OF_COMMAND, &s->rules));
	if (code)
		return code;
	tell_damage(s);
	stored_release(&k->stored);
	k->stored = *s;
	*s = (struct stored){0};
	return 0;
}

static int read_stored(struct rulekeeper *k, struct err *err)
{
	AUTO(stored_release) struct stored s = {0};
	int code = stored_read(k->settings->state_directory, STORED_FILE, &s, err);

	if (code == 0) {
		code = take_over(k, &s);
		if (code)
			err_set(err, code, "failed to take the rules of '%s' (%s)", k->stored_path,
			    err_word(code));
	}
	return code;
}

/* If the directory is gone or replaced, nobody removed the rules on purpose: they stay in force
 * and are written again. */
static bool is_lost(const struct rulekeeper *k, const struct file_mark *directory)
{
	return directory->error || directory->dev != k->directory_mark.dev ||
	       directory->ino != k->directory_mark.ino;
}

void keeper_look(struct rulekeeper *k, bool force)
{
	struct file_mark directory = file_mark_of(k->settings->state_directory);
	struct file_mark now = file_mark_of(k->stored_path);
	struct err err = {{0}};

	if (!force && !k->unread && file_mark_same(&now, &k->stored_mark))
		return;
	if (now.error == ENOENT && is_lost(k, &directory)) {
		k->unsaved = k->unsaved || rules_of(k)->count || k->stored.kept.len;
		k->unread = false;
	} else {
		k->unread = read_stored(k, &err) != 0;
		if (k->unread) {
			(void)!note_error(k, 0, &err);
			return;
		}
		log_info("the command's rules were read from '%s': %zu", k->stored_path,
		    rules_of(k)->count);
	}
	if (!k->hits_read)
		hits_read(k->settings->state_directory, k->set);
	k->hits_read = true;
	k->stored_mark = now; /* before reading */
	k->directory_mark = directory;
}

int keeper_save(struct rulekeeper *k)
{
	struct strbuf text = {0};
	struct err err = {{0}};

	if (k->unread)
		return k->unsaved ? ERR_STALE : 0;
	if (!k->unsaved) {
		k->stored_error.text[0] = '\0';
		return 0;
	}
	stored_begin(&text, &k->stored.kept);
	stored_put(&text, rules_of(k), clock_wall());
	int code = stored_replace(k->settings->state_directory, STORED_FILE, &text, true, &err);
	strbuf_release(&text);
	if (code)
		return note_error(k, code, &err);
	if (k->stored_error.text[0])
		log_info("the command's rules are saved again");
	k->stored_error.text[0] = '\0';
	k->unsaved = false;
	strbuf_release(&k->pending);
	k->stored_mark = file_mark_of(k->stored_path);
	k->directory_mark = file_mark_of(k->settings->state_directory);
	return 0;
}

static int put_in_force(
    struct rulekeeper *k, struct rule_list *rules, struct rule *added, struct err *err)
{
	int code = 0;

	if (added && rules->count >= RULES_MAX)
		return err_set(err, ERR_LIMIT, "there are %d rules already", RULES_MAX);
	if (added)
		code = rule_list_add(rules, added);
	code = code ?: rulekeeper_swap(k, ruleset_with(k->set, RULE_OF_COMMAND, rules));
	if (code)
		return err_set(err, code, "failed to put the rule in force (%s)", err_word(code));
	k->unsaved = true;
	return 0;
}

int keeper_change(struct rulekeeper *k, const char *subject, struct rule *r, struct err *err)
{
	AUTO(rule_list_release) struct rule_list rules = {0};

	keeper_look(k, false);
	int64_t wall = clock_wall();
	if (r)
		r->set_time = wall / USEC_PER_SEC * USEC_PER_SEC;
	int code = rule_list_copy(&rules, rules_of(k), wall);
	int was_there = stored_drop(&rules, subject, wall, k->settings->login_exact);
	if (r || was_there)
		strlist_push(&k->pending, subject, strlen(subject));
	if (code || k->pending.failed)
		code = err_set(err, -ENOMEM, "failed to put the rule in force (out of memory)");
	else if (r || was_there)
		code = put_in_force(k, &rules, r, err);
	return code ? code : was_there;
}

bool keeper_drop_expired(struct rulekeeper *k, enum rule_origin origin)
{
	const struct rule_list *in_force = ruleset_rules(k->set, origin);
	AUTO(rule_list_release) struct rule_list rules = {0};
	int64_t wall = clock_wall();
	size_t n = 0;

	while (n < in_force->count && !rule_expired(&in_force->list[n], wall))
		n++;
	return n < in_force->count && rule_list_copy(&rules, in_force, wall) == 0 &&
	       rulekeeper_swap(k, ruleset_with(k->set, origin, &rules)) == 0;
}

void keeper_expire(struct rulekeeper *k)
{
	k->unsaved |= keeper_drop_expired(k, RULE_OF_COMMAND);
}

void keeper_save_hits(struct rulekeeper *k)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	struct err err = {{0}};

	if (k->unread) /* hits of unread rules would be lost */
		return;
	uint64_t sum = hits_put(k->set, &text);
	if (sum != k->hits_saved) {
		if (stored_replace(k->settings->state_directory, HITS_FILE, &text, false, &err) ==
		    0)
			k->hits_saved = sum;
		else
			log_debug("%s", err.text);
	}
}
