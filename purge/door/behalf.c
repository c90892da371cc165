/* SPDX-License-Identifier: ISC */
/* What of a command line somebody else may say. */
#include "purge/door/behalf.h"

#include "purge/session.h"

/* Options that neither name a file nor read one. A new option is refused until it stands here. */
static const char *const open_options[] = {"sender", "from", "recipient", "only", "login", "client",
    "uid", "subject", "why", "flood", "message-id", "id", "older", "newer", "larger", "queue",
    "subdomains", "all", "limit", "block", "for", "sweep", "with-bounces", "index-only", "foreign",
    "requeue", "normal", "bad", "by", "since", "action", "text", "test", "reason", "dry-run", "yes",
    "json", "quiet"};

bool behalf_is_open(const char *given)
{
	size_t len = strcspn(given, "=");

	for (size_t n = 0; n < COUNT_OF(open_options); n++)
		if (strlen(open_options[n]) == len && strncmp(open_options[n], given, len) == 0)
			return true;
	return false;
}

/* Every expression begins with a slash: alone, or behind the kind of a rule. */
static bool is_expression(const char *text)
{
	static const char *const kinds[] = {"login:", "client:"};

	for (size_t n = 0; n < COUNT_OF(kinds); n++)
		if (str_starts(text, kinds[n]))
			text += strlen(kinds[n]);
	return *text == '/';
}

static bool has_expression(const struct options *o)
{
	struct strlist given = strlist_of(&o->given);

	strlist_each (each, &given) {
		const char *equals = strchr(each, '=');

		/* A reason is no pattern, and stands in the account alone. */
		if (equals && !str_starts(each, "reason=") && is_expression(equals + 1))
			return true;
	}
	for (size_t n = 0; n < o->word_count; n++)
		if (is_expression(o->words[n]))
			return true;
	return false;
}

static int check_options(const struct options *o, struct err *err)
{
	struct strlist given = strlist_of(&o->given);

	strlist_each (each, &given)
		if (!behalf_is_open(each))
			return err_set(err, ERR_REFUSED, "'--%.*s' is for root alone",
			    (int)strcspn(each, "="), each);
	if (o->ids_from_stdin)
		return err_set(err, ERR_REFUSED, "'--id -' is for root alone");
	return 0;
}

static int check_allowed(
    const struct session *s, const char *word, const char *what, struct err *err)
{
	if (!s->behalf->allow || str_has_word(s->behalf->allow, word))
		return 0;
	return err_set(err, ERR_REFUSED, "%s may not %s: %s does not list '%s'", s->behalf->user,
	    what, s->behalf->allow_key, word);
}

static int check(const struct session *s, struct err *err)
{
	const struct options *o = &s->options;
	int code = 0;

	if (!(s->verb->flags & VERB_AT_DOOR))
		return err_set(err, ERR_REFUSED, "'%s' is for root alone", s->verb->name);
	code = check_allowed(s, s->verb->name, s->verb->name, err);
	if (code == 0)
		code = check_options(o, err);
	if (code == 0 && (o->block || o->rule_for))
		code = check_allowed(s, "block", "set rules", err);
	if (code == 0 && o->normal)
		code = check_allowed(s, "release", "release what a flood's rule held", err);
	if (code == 0 && has_expression(o))
		code = check_allowed(s, "regex", "use expressions", err);
	return code;
}

int behalf_check(struct session *s, struct err *err)
{
	int code = check(s, err);

	if (code == ERR_REFUSED && s->behalf->answer)
		s->behalf->answer->refused = *err;
	s->options.config = s->behalf->config;
	return code;
}
