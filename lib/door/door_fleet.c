/* SPDX-License-Identifier: ISC */

#include "door/door_private.h"
#include "mail/queue_id.h"

#define SECONDS_MAX UINT64_C(10000000000)
#define REASON_MAX  400

static bool is_expression(const char *value)
{
	return *value == '/' && strlen(value) <= PATTERN_REGEX_MAX + 8;
}

static bool is_pattern(const char *value)
{
	enum pattern_kind kind;

	return is_expression(value) || door_is_normal(value, &kind);
}

static bool is_name(const char *value)
{
	return *value && strlen(value) <= 1024;
}

static bool is_user(const char *value)
{
	return door_consists_of(value, DOOR_LOWER DOOR_UPPER DOOR_DECIMAL "-._", 64) &&
	       *value != '-';
}

static bool is_id(const char *value)
{
	struct queue_id id;

	return queue_id_parse(value, strlen(value), &id) == 0;
}

static bool is_seconds(const char *value)
{
	uint64_t n;

	return str_parse_u64(value, 0, SECONDS_MAX, &n) == 0;
}

static bool is_count(const char *value)
{
	uint64_t n;

	return str_parse_u64(value, 1, INT64_MAX / 2, &n) == 0;
}

static bool is_words(const char *value)
{
	return door_consists_of(value, DOOR_LOWER ",", 64);
}

static bool is_switch(const char *value)
{
	return strcmp(value, "yes") == 0;
}

static bool is_uuid(const char *value)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(value) != sizeof(form) - 1)
		return false;
	for (size_t n = 0; form[n]; n++)
		if (form[n] == '-' ? value[n] != '-' : !strchr("0123456789abcdef", value[n]))
			return false;
	return true;
}

static const struct key_form {
	const char *key;
	bool (*is_value)(const char *value);
	bool many;
} forms[] = {
    {"author", is_pattern, true},
    {"sender", is_pattern, true},
    {"from", is_pattern, true},
    {"recipient", is_pattern, true},
    {"login", is_name, true},
    {"client", door_is_client, true},
    {"uid", is_user, true},
    {"subject", is_expression, true},
    {"why", is_expression, true},
    {"message_id", is_name, true},
    {"id", is_id, true},
    {"of", is_uuid, true},
    {"older_s", is_seconds, false},
    {"newer_s", is_seconds, false},
    {"larger", is_seconds, false},
    {"limit", is_count, false},
    {"queue", is_words, false},
    {"by", is_words, false},
    {"all", is_switch, false},
    {"only", is_switch, false},
    {"subdomains", is_switch, false},
    {"sweep", is_switch, false},
    {"with_bounces", is_switch, false},
    {"requeue", is_switch, false},
    {"foreign", is_switch, false},
    {"index_only", is_switch, false},
};

static const struct key_form *form_of(const char *key)
{
	for (size_t n = 0; n < COUNT_OF(forms); n++)
		if (strcmp(forms[n].key, key) == 0)
			return &forms[n];
	return NULL;
}

bool door_fleet_is_switch(const char *key)
{
	const struct key_form *form = form_of(key);

	return form && form->is_value == is_switch;
}

static bool is_repeated(const struct door_fleet *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f->pairs[i].key, f->pairs[n].key) == 0)
			return true;
	return false;
}

/* undo's words are batch numbers, which the executor finds only by "of". An author "17" would be a
 * domain. */
static bool is_of_verb(const struct door_fleet *f, const char *key)
{
	const bool undoes = strcmp(f->verb, "undo") == 0;

	if (strcmp(key, "of") == 0)
		return undoes;
	return !undoes || strcmp(key, "author") != 0;
}

static int check_pair(const struct door_fleet *f, size_t n, struct err *err)
{
	const struct door_pair *o = &f->pairs[n];
	const struct key_form *form = form_of(o->key);

	if (!door_is_text(o->key) || !door_is_text(o->value))
		return err_set(err, ERR_SYNTAX, "pair %zu is not a text", n + 1);
	if (!form)
		return err_set(err, ERR_SYNTAX, "unknown key '%s'", o->key);
	if (!is_of_verb(f, o->key))
		return err_set(err, ERR_SYNTAX, "'%s' cannot go with '%s'", o->key, f->verb);
	if (!form->many && is_repeated(f, n))
		return err_set(err, ERR_SYNTAX, "'%s' is given twice", o->key);
	if (!form->is_value(o->value))
		return err_set(err, ERR_SYNTAX,
		    "'%s' is not a value for '%s', or not in its normal form", o->value, o->key);
	return 0;
}

static bool is_verb(const char *word)
{
	return str_has_word("purge hold release undo list top why status health", word);
}

int door_fleet_check(const struct door_order *order, struct err *err)
{
	const struct door_fleet *f = &order->fleet;
	int code = 0;

	if (!is_verb(f->verb))
		return err_set(err, ERR_SYNTAX, "the fleet orders no such verb");
	if (!is_uuid(f->token))
		return err_set(err, ERR_SYNTAX, "the order's token is not a UUID");
	if (!door_consists_of(f->placed_by, DOOR_LOWER DOOR_UPPER DOOR_DECIMAL "-._@", 63))
		return err_set(err, ERR_SYNTAX, "the operator's name is invalid");
	if (!door_is_text(f->reason) || strlen(f->reason) > REASON_MAX)
		return err_set(err, ERR_SYNTAX,
		    "the reason is not a text, or it is longer than %d bytes", REASON_MAX);
	if (f->attempt < 1 || f->age < 0 || f->age / 1000000 > (int64_t)SECONDS_MAX)
		return err_set(err, ERR_SYNTAX, "the order's attempt or age is invalid");
	for (size_t n = 0; code == 0 && n < f->count; n++)
		code = check_pair(f, n, err);
	return code;
}

/* The daemon judges the rules. Here only lengths are checked, by the database's limits. */
static int check_rule(const struct door_rule *r, size_t n, struct err *err)
{
	const struct {
		const char *text;
		size_t max;
	} rows[] = {{r->subject, 2048}, {r->action, 16}, {r->text, 400}, {r->reason, REASON_MAX},
	    {r->set_by, 64}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!door_is_text(rows[i].text) || strlen(rows[i].text) > rows[i].max)
			return err_set(
			    err, ERR_SYNTAX, "rule %zu is not a text, or it is too long", n + 1);
	if (!*r->subject || r->left < 0)
		return err_set(err, ERR_SYNTAX, "rule %zu is invalid", n + 1);
	return 0;
}

int door_rules_check(const struct door_order *order, struct err *err)
{
	const struct door_rules *rules = &order->rules;
	int code = 0;

	if (rules->more && rules->count == 0)
		return err_set(err, ERR_SYNTAX, "a frame without rules, and more are to follow");
	for (size_t n = 0; code == 0 && n < rules->count; n++)
		code = check_rule(&rules->rules[n], n, err);
	return code;
}

void door_fleet_members(struct codec *c, struct door_order *order)
{
	struct door_fleet *f = &order->fleet;

	codec_u64(c, &f->number);
	codec_text(c, &f->token);
	codec_u32(c, &f->attempt);
	codec_flag(c, &f->lookup);
	codec_flag(c, &f->dry_run);
	codec_text(c, &f->verb);
	codec_i64(c, &f->age);
	codec_text(c, &f->placed_by);
	codec_text(c, &f->reason);
	f->pairs = codec_array(c, f->pairs, &f->count, sizeof(*f->pairs), DOOR_PAIRS_MAX);
	for (size_t n = 0; n < f->count; n++) {
		codec_text(c, &f->pairs[n].key);
		codec_text(c, &f->pairs[n].value);
	}
}

void door_rules_members(struct codec *c, struct door_order *order)
{
	struct door_rules *rules = &order->rules;

	codec_flag(c, &rules->replace);
	codec_flag(c, &rules->more);
	rules->rules =
	    codec_array(c, rules->rules, &rules->count, sizeof(*rules->rules), DOOR_RULES_MAX);
	for (size_t n = 0; n < rules->count; n++) {
		struct door_rule *rule = &rules->rules[n];

		codec_text(c, &rule->subject);
		codec_text(c, &rule->action);
		codec_text(c, &rule->text);
		codec_text(c, &rule->reason);
		codec_text(c, &rule->set_by);
		codec_i64(c, &rule->left);
	}
}
