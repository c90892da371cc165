/* SPDX-License-Identifier: ISC */
#include "purge/door/behalf.h"

#include "purge/session.h"

bool behalf_is_open(const char *given)
{
	const struct option_row *row = option_find(given);

	return row && row->groups & OPTION_OPEN;
}

/* It begins with a slash, alone or after the kind of a rule. */
static bool is_expression(const char *text)
{
	static const char *const kinds[] = {"login:", "client:"};

	for (size_t n = 0; n < COUNT_OF(kinds); n++)
		if (str_starts(text, kinds[n]))
			text += strlen(kinds[n]);
	return *text == '/';
}

static int check_options(const struct options *o, struct err *err)
{
	struct strlist given = strlist_of(&o->given);

	strlist_each (each, &given)
		if (!behalf_is_open(each))
			return err_set(err, ERR_REFUSED, "'--%.*s' is for root alone",
			    (int)strcspn(each, "="), each);
	if (o->ids_from_stdin)
		return err_set(err, ERR_REFUSED, "only root may use '--id -'");
	return 0;
}

static int check_allowed(
    const struct behalf *b, const char *word, const char *what, struct err *err)
{
	if (!b->allow || str_has_word(b->allow, word))
		return 0;
	return err_set(err, ERR_REFUSED, "%s may not %s: %s does not list '%s'", b->user, what,
	    b->allow_key, word);
}

/* Text that goes only into the account and replies, so it may look like an expression. */
static bool is_free_text(const char *word)
{
	return option_is(word, "--reason") || option_is(word, "--text");
}

static bool is_pattern_text(const char *before, const char *word)
{
	const char *equals = str_starts(word, "--") ? strchr(word, '=') : NULL;

	if (is_free_text(word) || (is_free_text(before) && !strchr(before, '=')))
		return false;
	return is_expression(equals ? equals + 1 : word);
}

static int refused(const struct behalf *b, int code, const struct err *err)
{
	if (code == ERR_REFUSED && b->answer)
		b->answer->refused = *err;
	return code;
}

int behalf_check_words(const struct behalf *b, int argc, char **argv, struct err *err)
{
	int code = 0;

	for (int n = 1; code == 0 && n < argc; n++)
		if (is_pattern_text(argv[n - 1], argv[n]))
			code = check_allowed(b, "regex", "use expressions", err);
	return refused(b, code, err);
}

static int check(const struct session *s, struct err *err)
{
	const struct options *o = &s->options;
	int code = 0;

	if (!(s->verb->flags & VERB_AT_DOOR))
		return err_set(err, ERR_REFUSED, "only root may use '%s'", s->verb->name);
	code = check_allowed(s->behalf, s->verb->name, s->verb->name, err);
	code = code ?: check_options(o, err);
	if (code == 0 && (o->block || o->rule_for))
		code = check_allowed(s->behalf, "block", "set rules", err);
	if (code == 0 && o->sweep && s->behalf->most)
		code = err_set(err, ERR_REFUSED,
		    "'--sweep' has no limit, but fleet_max_messages sets one on this host");
	if (code == 0 && o->normal)
		code = check_allowed(
		    s->behalf, "release", "release what the rule of a flood held", err);
	return code;
}

int behalf_check(struct session *s, struct err *err)
{
	int code = refused(s->behalf, check(s, err), err);

	s->options.config = s->behalf->config;
	return code;
}
