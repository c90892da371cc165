/* SPDX-License-Identifier: ISC */
#include <getopt.h>

#include "purge/options.h"

#include "base/clock.h"
#include "base/str.h"
#include "purge/verbs.h"

#define ROW_VALUE 256 /* what getopt_long returns for row 0 */

typedef int line_visit(void *arg, const struct option_row *row, const char *value, struct err *err);

static const struct option_row *row_of(int value)
{
	if (value >= ROW_VALUE)
		return &option_rows[value - ROW_VALUE];
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].letter == value)
			return &option_rows[i];
	return NULL;
}

bool option_is(const char *given, const char *name)
{
	size_t len = strcspn(given, "=");

	return strlen(name) == len && strncmp(name, given, len) == 0;
}

const struct option_row *option_find(const char *given)
{
	for (size_t n = 0; n < option_row_count; n++)
		if (option_is(given, option_rows[n].name))
			return &option_rows[n];
	return NULL;
}

static int unknown_option(const char *given, struct err *err)
{
	char word[64];
	struct spell spell = {0};

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
	for (size_t i = 0; i < option_row_count; i++)
		spell_consider(&spell, word, option_rows[i].name);
	if (spell.best)
		return err_set(err, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", word,
		    spell.best);
	return err_set(err, ERR_USAGE, "unknown option '--%s'", word);
}

/* getopt_long would accept abbreviated names. */
static int check_names(int argc, char **argv, struct err *err)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (str_starts(argv[i], "--") && !option_find(argv[i] + 2))
			return unknown_option(argv[i] + 2, err);
	return 0;
}

/* A separate value that begins with '-' is probably an option after a forgotten value: `--reason
 * --dry-run` must not become a purge. */
static int check_value(
    const struct option_row *row, const char *value, const char *word, struct err *err)
{
	if (value && *value == '\0')
		return err_set(err, ERR_USAGE, "the value of option '--%s' is empty", row->name);
	if (value && value == word && value[0] == '-' && value[1])
		return err_set(err, ERR_USAGE,
		    "option '--%s' needs a value; if '%s' is meant, write '--%s=%s'", row->name,
		    value, row->name, value);
	return 0;
}

static int refuse(int got, struct err *err)
{
	const struct option_row *row = row_of(optopt);

	if (!row)
		return err_set(err, ERR_USAGE, "unknown option '-%c'", optopt);
	return err_set(err, ERR_USAGE,
	    got == ':' ? "option '--%s' needs a value" : "option '--%s' takes no value", row->name);
}

/* For getopt_long: "-" keeps the order of words, ":" reports missing values. */
static void make_table(
    struct option longs[OPTION_ROWS_MAX + 1], char letters[2 * OPTION_ROWS_MAX + 3])
{
	static const int arguments[] = {[ARGUMENT_NONE] = no_argument,
	    [ARGUMENT_NEEDED] = required_argument,
	    [ARGUMENT_OPTIONAL] = optional_argument};
	char *letter = stpcpy(letters, "-:");

	memset(longs, 0, (OPTION_ROWS_MAX + 1) * sizeof(*longs));
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		longs[i] =
		    (struct option){row->name, arguments[row->argument], NULL, ROW_VALUE + (int)i};
		if (row->letter)
			*letter++ = row->letter;
		if (row->letter && row->argument == ARGUMENT_NEEDED)
			*letter++ = ':';
	}
	*letter = '\0';
}

static int read_line(int argc, char **argv, line_visit *visit, void *arg, struct err *err)
{
	struct option longs[OPTION_ROWS_MAX + 1];
	char letters[2 * OPTION_ROWS_MAX + 3];
	int got, code = check_names(argc, argv, err);

	make_table(longs, letters);
	optind = opterr = 0;
	while (code == 0 && (got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (got == '?' || got == ':')
			return refuse(got, err);
		if (got != 1)
			code = check_value(row_of(got), optarg, argv[optind - 1], err);
		if (code == 0)
			code = visit(arg, got == 1 ? NULL : row_of(got), optarg, err);
	}
	for (; code == 0 && optind < argc; optind++)
		code = visit(arg, NULL, argv[optind], err);
	return code;
}

/* Rules name logins and clients by these prefixes; command lines do so by options. */
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
		return err_set(err, ERR_USAGE, "'%s' is not a pattern for '%s'; write '--%s %s'",
		    word, verb->name, prefix, word + strlen(prefix) + 1);
	if (verb_choose(word, &other, &is_verb, NULL) == 0 && is_verb)
		return err_set(err, ERR_USAGE,
		    "'%s' is not a pattern for '%s'; the verb comes first", word, verb->name);
	if (queue_id_parse(word, strlen(word), &id) == 0)
		return err_set(err, ERR_USAGE,
		    "'%s' is not a pattern; to give a queue ID, write '--id %s'", word, word);
	return err_set(err, ERR_USAGE,
	    "'%s' is not a pattern for '%s'; to give a domain of a single label, write '--sender "
	    "%s'",
	    word, verb->name, word);
}

static int add_author(struct options *o, const struct verb *verb, const char *word, struct err *err)
{
	if (!pattern_looks_like(word) || rule_prefix(word))
		return no_pattern(verb, word, err);
	int code = pattern_set_parse(&o->selector.author, word, err);
	return code < 0 ? err_within(err, ERR_USAGE, "pattern '%s'", word) : 0;
}

static int set_words(struct options *o, const struct verb *verb, struct err *err)
{
	static const char *const needed[] = {[WORDS_RULES] = "pattern",
	    [WORDS_IDS] = "queue ID",
	    [WORDS_BATCHES] = "batch number",
	    [WORDS_ANY] = NULL};
	int code = 0;

	if (verb->words == WORDS_NONE && o->word_count)
		return err_set(
		    err, ERR_USAGE, "'%s' does not take the word '%s'", verb->name, o->words[0]);
	if (needed[verb->words] && o->word_count == 0)
		return err_set(
		    err, ERR_USAGE, "'%s' needs at least one %s", verb->name, needed[verb->words]);
	for (size_t i = 0; verb->words == WORDS_PATTERNS && code == 0 && i < o->word_count; i++)
		code = add_author(o, verb, o->words[i], err);
	return code;
}

static void include_subdomains(struct selector *s)
{
	struct pattern_set *sets[] = {&s->author, &s->sender, &s->from, &s->recipient};

	for (size_t i = 0; i < COUNT_OF(sets); i++)
		for (size_t n = 0; n < sets[i]->count; n++)
			pattern_include_subdomains(&sets[i]->list[n]);
}

static int check_together(const struct options *o, const struct verb *verb, struct err *err)
{
	const struct selector *s = &o->selector;
	const bool changes = verb->flags & VERB_CHANGES && verb->words == WORDS_PATTERNS;
	/* A notice names its recipient, but nothing else of the mail that caused it. */
	const bool asks_file = selector_asks_file(s);
	const bool beyond_notices = asks_file || s->from.count || s->recipient.count ||
				    selector_asks_login(s) || s->message_ids.len ||
				    s->clients.count || s->uids.count || s->ids_given;
	const struct {
		bool wrong;
		const char *words;
	} rows[] = {
	    {s->only && !s->recipient.count, "'--only' needs '--recipient'"},
	    {o->block && s->recipient.count,
		"'--block' refuses senders; it cannot go with '--recipient'"},
	    {o->with_bounces && !(s->author.count + s->sender.count),
		"'--with-bounces' finds bounces by the sender that they return to: it needs a "
		"pattern or '--sender'"},
	    {o->with_bounces && beyond_notices,
		"'--with-bounces' finds bounces by sender only; it cannot go with '--from', "
		"'--recipient', '--login', '--client', '--uid', '--subject', '--why', "
		"'--message-id' or '--id'"},
	    {o->index_only && asks_file,
		"'--index-only' cannot go with '--subject' or '--why': the index has neither"},
	    {(o->wait || o->expire) && !o->fleet,
		"'--wait' and '--expire' go with '--fleet' or '--host'"},
	    {o->normal && o->bad, "a flood is '--normal' or '--bad'"},
	    {(o->normal || o->bad) && (o->try_logs || o->learn),
		"'--try' and '--learn' read logs; they cannot go with '--normal' or '--bad'"},
	    {o->sweep && o->limit,
		"'--sweep' deletes everything that matches; it cannot go with '--limit'"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].wrong)
			return err_set(err, ERR_USAGE, "%s", rows[i].words);
	if (changes && !s->all && !o->flood && selector_is_empty(s))
		return err_set(err, ERR_USAGE,
		    "'%s' needs a pattern, a selector or '--all'; nothing was done", verb->name);
	return 0;
}

struct parsing {
	struct options *o;
	const struct verb *verb;
};

/* First pass: finds the words, --help and --version, whatever the rest says. */
static int gather(void *arg, const struct option_row *row, const char *value, struct err *err)
{
	struct options *o = ((struct parsing *)arg)->o;

	(void)err;
	if (!row)
		o->words[o->word_count++] = value;
	else if (row->at == offsetof(struct options, help))
		o->help = true;
	else if (row->at == offsetof(struct options, version))
		o->version = true;
	return 0;
}

static void keep_given(struct options *o, const struct option_row *row, const char *value)
{
	AUTO(strbuf_release) struct strbuf word = {0};

	strbuf_printf(&word, "%s%s%s", row->name, value ? "=" : "", value ? value : "");
	o->given.failed |= word.failed;
	strlist_push(&o->given, strbuf_text(&word), word.len);
}

/* Second pass, when the verb is known. */
static int set(void *arg, const struct option_row *row, const char *value, struct err *err)
{
	const struct parsing *p = arg;
	void *at = row ? (char *)p->o + row->at : NULL;
	int code = 0;

	if (row && !(row->groups & (p->verb->takes | OPTION_COMMON)))
		return err_set(err, ERR_USAGE, "'%s' does not take the option '--%s'",
		    p->verb->name, row->name);
	if (row && row->set_more)
		code = row->set_more(p->o, at, value, err);
	else if (row && row->set)
		code = row->set(at, value, err);
	else if (row)
		*(bool *)at = true;
	if (row)
		keep_given(p->o, row, value);
	if (code < 0)
		err_within(err, code, "option '--%s'", row->name);
	return code == ERR_SYNTAX ? ERR_USAGE : code;
}

/* Quotes a word with a blank, so that the words of a selection stay apart. */
static void put_word(struct strbuf *to, const char *word)
{
	strbuf_printf(to, strchr(word, ' ') ? "'%s'" : "%s", word);
}

/* The canonical selection, which the account shows and compares: the selecting options in the
 * table's order, then the patterns. */
static void keep_selected(struct options *o, const struct verb *verb)
{
	struct strlist given = strlist_of(&o->given);
	struct strbuf *to = &o->selected;

	for (size_t i = 0; i < option_row_count; i++)
		strlist_each (each, &given) {
			const char *name = option_rows[i].name, *equals = strchr(each, '=');

			if (!(option_rows[i].groups & OPTION_SELECT) || !option_is(each, name))
				continue;
			strbuf_printf(to, "%s--%s%s", to->len ? " " : "", name, equals ? "=" : "");
			put_word(to, equals ? equals + 1 : "");
		}
	for (size_t i = 0; verb->words == WORDS_PATTERNS && i < o->word_count; i++) {
		strbuf_puts(to, to->len ? " " : "");
		put_word(to, o->words[i]);
	}
}

static int apply(struct parsing *p, int argc, char **argv, struct err *err)
{
	int code = read_line(argc, argv, set, p, err);

	code = code ?: set_words(p->o, p->verb, err);
	if (code < 0)
		return code;
	keep_selected(p->o, p->verb);
	if (p->o->given.failed)
		return err_set(err, -ENOMEM, "out of memory");
	if (p->o->since > p->o->selector.arrived_after) /* both hold */
		p->o->selector.arrived_after = p->o->since;
	if (p->o->subdomains)
		include_subdomains(&p->o->selector);
	return check_together(p->o, p->verb, err);
}

int options_parse(
    int argc, char **argv, struct options *ret, const struct verb **ret_verb, struct err *err)
{
	struct parsing p = {.o = ret};
	bool is_name = false;

	*ret = (struct options){.reason = "", .action = RULE_REJECT, .now = clock_wall()};
	selector_init(&ret->selector);
	*ret_verb = NULL;
	ret->words = calloc((size_t)argc + 1, sizeof(*ret->words));
	if (!ret->words)
		return err_set(err, -ENOMEM, "out of memory");
	int code = read_line(argc, argv, gather, &p, err);
	if (code < 0)
		return code;
	code = verb_choose(ret->word_count ? ret->words[0] : NULL, &p.verb, &is_name, err);
	if (ret->help || ret->version) {
		*ret_verb = is_name ? p.verb : NULL;
		return 0;
	}
	if (code < 0)
		return code;
	*ret_verb = p.verb;
	ret->word_count -= is_name;
	memmove(ret->words, ret->words + is_name, ret->word_count * sizeof(*ret->words));
	return apply(&p, argc, argv, err);
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
