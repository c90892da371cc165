/* SPDX-License-Identifier: ISC */
/* Reading the command line: split into options and words, choose the verb, then set what it takes.
 */
#include <errno.h>

#include "purge/options.h"

#include "base/clock.h"
#include "base/str.h"
#include "purge/verbs.h"

/* One option as it stood on the command line. */
struct given {
	const struct option_row *row;
	const char *value; /* NULL: none */
};

/* The command line, split. Both arrays have room for all that can come. */
struct split {
	struct given *given;
	size_t given_count;
	const char **words;
	size_t word_count;
};

static const struct option_row *row_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (strlen(option_rows[i].name) == len &&
		    strncmp(option_rows[i].name, name, len) == 0)
			return &option_rows[i];
	return NULL;
}

static const struct option_row *row_by_letter(char letter)
{
	for (size_t i = 0; letter && i < option_row_count; i++)
		if (option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

static int unknown_option(const char *name, size_t len, struct err *err)
{
	char word[64];
	struct spell spell = {0};

	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	for (size_t i = 0; i < option_row_count; i++)
		spell_consider(&spell, word, option_rows[i].name);
	if (spell.best)
		return err_set(err, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", word,
		    spell.best);
	return err_set(err, ERR_USAGE, "unknown option '--%s'", word);
}

/*
 * The next word as value of an option. A word that begins with '-' is more likely an option whose
 * neighbour's value was forgotten, and `--reason --dry-run` must not become a purge: such a value
 * needs the form with '='.
 */
static int next_value(
    int argc, char **argv, int *at, const char *name, const char **ret, struct err *err)
{
	const char *word = *at + 1 < argc ? argv[*at + 1] : NULL;

	if (!word)
		return err_set(err, ERR_USAGE, "option '--%s' needs a value", name);
	if (word[0] == '-' && word[1] != '\0')
		return err_set(err, ERR_USAGE,
		    "option '--%s' needs a value; if '%s' is meant, write '--%s=%s'", name, word,
		    name, word);
	*ret = word;
	(*at)++;
	return 0;
}

static int take(
    struct split *split, const struct option_row *row, const char *value, struct err *err)
{
	if (value && *value == '\0')
		return err_set(err, ERR_USAGE, "the value of option '--%s' is empty", row->name);
	split->given[split->given_count++] = (struct given){.row = row, .value = value};
	return 0;
}

static int split_long(int argc, char **argv, int *at, struct split *split, struct err *err)
{
	const char *name = argv[*at] + 2, *value = NULL;
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_row *row = row_by_name(name, len);

	if (!row)
		return unknown_option(name, len, err);
	if (equals && row->argument == ARGUMENT_NONE)
		return err_set(err, ERR_USAGE, "option '--%s' takes no value", row->name);
	if (equals)
		value = equals + 1;
	else if (row->argument == ARGUMENT_NEEDED) {
		int code = next_value(argc, argv, at, row->name, &value, err);

		if (code < 0)
			return code;
	}
	return take(split, row, value, err);
}

/* "-n", "-ny", "-cFILE", "-c FILE". */
static int split_letters(int argc, char **argv, int *at, struct split *split, struct err *err)
{
	for (const char *letter = argv[*at] + 1; *letter; letter++) {
		const struct option_row *row = row_by_letter(*letter);
		const char *value = NULL;
		int code;

		if (!row)
			return err_set(
			    err, ERR_USAGE, "unknown option '-%c' in '%s'", *letter, argv[*at]);
		if (row->argument == ARGUMENT_NONE) {
			code = take(split, row, NULL, err);
			if (code < 0)
				return code;
			continue;
		}
		if (letter[1])
			return take(split, row, letter + 1, err);
		code = next_value(argc, argv, at, row->name, &value, err);
		return code < 0 ? code : take(split, row, value, err);
	}
	return 0;
}

static int split_line(int argc, char **argv, struct split *split, struct err *err)
{
	bool ended = false;

	for (int at = 1; at < argc; at++) {
		const char *word = argv[at];
		int code = 0;

		if (!ended && strcmp(word, "--") == 0)
			ended = true;
		else if (!ended && word[0] == '-' && word[1] == '-')
			code = split_long(argc, argv, &at, split, err);
		else if (!ended && word[0] == '-' && word[1])
			code = split_letters(argc, argv, &at, split, err);
		else
			split->words[split->word_count++] = word;
		if (code < 0)
			return code;
	}
	return 0;
}

static int set_one(
    struct options *o, const struct given *given, const struct verb *verb, struct err *err)
{
	const struct option_row *row = given->row;
	int code = 0;

	if (!(row->groups & (verb->takes | OPTION_COMMON)))
		return err_set(
		    err, ERR_USAGE, "'%s' takes no option '--%s'", verb->name, row->name);
	if (row->flag)
		*row->flag(o) = true;
	else
		code = row->set(o, given->value, err);
	if (code == ERR_SYNTAX)
		code = ERR_USAGE;
	return code < 0 ? err_within(err, code, "option '--%s'", row->name) : 0;
}

/* Rules name a login or a client so; here it is an option. */
static const char *rule_prefix(const char *word)
{
	static const char *const prefixes[] = {"login", "client"};

	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (str_starts(word, prefixes[i]) && word[strlen(prefixes[i])] == ':')
			return prefixes[i];
	return NULL;
}

static int no_pattern(const struct verb *verb, const char *word, struct err *err)
{
	const char *prefix = rule_prefix(word);
	const struct verb *other;
	struct queue_id id;
	bool is_verb;

	if (prefix)
		return err_set(err, ERR_USAGE, "'%s' is no pattern for '%s'; write '--%s %s'", word,
		    verb->name, prefix, word + strlen(prefix) + 1);
	if (verb_choose(word, &other, &is_verb, NULL) == 0 && is_verb)
		return err_set(err, ERR_USAGE, "'%s' is no pattern for '%s'; the verb comes first",
		    word, verb->name);
	if (queue_id_parse(word, strlen(word), &id) == 0)
		return err_set(err, ERR_USAGE,
		    "'%s' is no pattern; a queue ID is given as '--id %s'", word, word);
	return err_set(err, ERR_USAGE,
	    "'%s' is no pattern for '%s'; a domain of a single label is given as '--sender %s'",
	    word, verb->name, word);
}

static int add_author(struct options *o, const struct verb *verb, const char *word, struct err *err)
{
	struct pattern p = {0};
	int code;

	if (!pattern_looks_like(word) || rule_prefix(word))
		return no_pattern(verb, word, err);
	code = pattern_parse(word, &p, err);
	if (code < 0)
		return err_within(err, ERR_USAGE, "pattern '%s'", word);
	code = pattern_set_add(&o->selector.author, &p);
	if (code < 0) {
		pattern_release(&p);
		return err_set(err, code, "out of memory");
	}
	return 0;
}

static int set_words(struct options *o, const struct verb *verb, struct err *err)
{
	static const char *const needed[] = {[WORDS_RULES] = "pattern",
	    [WORDS_IDS] = "queue ID",
	    [WORDS_BATCHES] = "batch number",
	    [WORDS_ANY] = NULL};

	if (verb->words == WORDS_NONE && o->word_count)
		return err_set(err, ERR_USAGE, "'%s' takes no word '%s'", verb->name, o->words[0]);
	if (needed[verb->words] && o->word_count == 0)
		return err_set(
		    err, ERR_USAGE, "'%s' needs at least one %s", verb->name, needed[verb->words]);
	for (size_t i = 0; verb->words == WORDS_PATTERNS && i < o->word_count; i++) {
		int code = add_author(o, verb, o->words[i], err);

		if (code < 0)
			return code;
	}
	return 0;
}

static void include_subdomains(struct selector *s)
{
	struct pattern_set *sets[] = {&s->author, &s->sender, &s->from, &s->recipient};

	for (size_t i = 0; i < COUNT_OF(sets); i++)
		for (size_t n = 0; n < sets[i]->count; n++)
			pattern_include_subdomains(&sets[i]->list[n]);
}

/* A notice tells no more of what caused it than whose mail it was: what narrows otherwise cannot
 * be asked of it. */
static int check_bounces(const struct selector *s, struct err *err)
{
	if (s->author.count + s->sender.count == 0)
		return err_set(err, ERR_USAGE,
		    "'--with-bounces' finds bounces by the senders that they go to: it needs a "
		    "pattern or '--sender'");
	if (s->from.count || s->recipient.count || s->logins.len || s->message_ids.len ||
	    s->client_count || s->ids_given)
		return err_set(err, ERR_USAGE,
		    "'--with-bounces' goes by senders alone: of '--from', '--recipient', "
		    "'--login', '--client', '--message-id' and '--id' a bounce says nothing");
	return 0;
}

/* What no single option can see. */
static int check_together(struct options *o, const struct verb *verb, struct err *err)
{
	struct selector *s = &o->selector;
	int code;

	if (s->only && s->recipient.count == 0)
		return err_set(err, ERR_USAGE,
		    "'--only' says something about '--recipient', which is missing");
	if (o->block && s->recipient.count)
		return err_set(
		    err, ERR_USAGE, "'--block' refuses senders; it cannot go with '--recipient'");
	if (o->with_bounces && (code = check_bounces(s, err)) < 0)
		return code;
	if (o->sweep && o->limit)
		return err_set(
		    err, ERR_USAGE, "'--sweep' takes all there is; it cannot go with '--limit'");
	if (!(verb->flags & VERB_CHANGES) || verb->words != WORDS_PATTERNS || s->all || o->flood ||
	    !selector_is_empty(s))
		return 0;
	return err_set(err, ERR_USAGE,
	    "'%s' needs a pattern, a selector or '--all'; nothing was done", verb->name);
}

/* What the account shows as selected, and what tells whether two batches are about the same: the
 * options that select in the table's order, then the patterns. */
static void keep_selected(struct options *o, const struct split *split, const struct verb *verb)
{
	struct strbuf *to = &o->selected;

	for (const struct option_row *row = option_rows; row < option_rows + option_row_count;
	     row++)
		for (size_t i = 0; i < split->given_count; i++) {
			const struct given *given = &split->given[i];

			if (given->row == row && row->groups & OPTION_SELECT)
				strbuf_printf(to, "%s--%s%s%s", to->len ? " " : "", row->name,
				    given->value ? "=" : "", given->value ? given->value : "");
		}
	for (size_t i = 0; verb->words == WORDS_PATTERNS && i < o->word_count; i++)
		strbuf_printf(to, "%s%s", to->len ? " " : "", o->words[i]);
}

static void keep_given(struct options *o, const struct split *split)
{
	struct strbuf word = {0};

	for (size_t i = 0; i < split->given_count; i++) {
		const struct given *given = &split->given[i];

		strbuf_clear(&word);
		strbuf_printf(&word, "%s%s%s", given->row->name, given->value ? "=" : "",
		    given->value ? given->value : "");
		o->given.failed |= word.failed;
		strlist_push(&o->given, strbuf_text(&word), word.len);
	}
	strbuf_release(&word);
}

static int apply(
    struct options *o, const struct split *split, const struct verb *verb, struct err *err)
{
	int code;

	for (size_t i = 0; i < split->given_count; i++) {
		code = set_one(o, &split->given[i], verb, err);
		if (code < 0)
			return code;
	}
	code = set_words(o, verb, err);
	if (code < 0)
		return code;
	if (o->subdomains)
		include_subdomains(&o->selector);
	keep_selected(o, split, verb);
	keep_given(o, split);
	if (o->given.failed)
		return err_set(err, -ENOMEM, "out of memory");
	return check_together(o, verb, err);
}

/* Whether help or the version was asked for: then the rest of the line need not make sense. */
static bool asks_for_words(struct options *o, const struct split *split)
{
	for (size_t i = 0; i < split->given_count; i++) {
		if (strcmp(split->given[i].row->name, "help") == 0)
			o->help = true;
		if (strcmp(split->given[i].row->name, "version") == 0)
			o->version = true;
	}
	return o->help || o->version;
}

/* No command line holds more options than letters. */
static size_t letters_of(int argc, char **argv)
{
	size_t n = 1;

	for (int i = 1; i < argc; i++)
		n += strlen(argv[i]);
	return n;
}

static void options_init(struct options *o)
{
	*o = (struct options){.reason = "", .action = RULE_REJECT, .now = clock_wall()};
	selector_init(&o->selector);
}

int options_parse(
    int argc, char **argv, struct options *ret, const struct verb **ret_verb, struct err *err)
{
	struct split split = {0};
	bool is_name = false;
	int code = -ENOMEM;

	options_init(ret);
	*ret_verb = NULL;
	split.given = calloc(letters_of(argc, argv), sizeof(*split.given));
	ret->words = calloc((size_t)argc + 1, sizeof(*ret->words));
	split.words = ret->words;
	if (!split.given || !split.words) {
		err_set(err, code, "out of memory");
		goto out;
	}
	code = split_line(argc, argv, &split, err);
	if (code < 0)
		goto out;
	code = verb_choose(split.word_count ? split.words[0] : NULL, ret_verb, &is_name, err);
	if (asks_for_words(ret, &split)) {
		code = 0;
		if (!is_name)
			*ret_verb = NULL;
	}
	if (code < 0 || ret->help || ret->version)
		goto out;
	ret->word_count = split.word_count - is_name;
	memmove(ret->words, ret->words + is_name, ret->word_count * sizeof(*ret->words));
	code = apply(ret, &split, *ret_verb, err);
out:
	free(split.given);
	return code;
}

void options_release(struct options *o)
{
	selector_release(&o->selector);
	strbuf_release(&o->selected);
	strbuf_release(&o->given);
	free(o->words);
	o->words = NULL;
	o->word_count = 0;
}
