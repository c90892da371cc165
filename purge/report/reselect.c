/* SPDX-License-Identifier: ISC */
#include "purge/report/reselect.h"

#include "purge/door/behalf.h"
#include "purge/floods/floods.h"

#define WORDS_MAX   1000
#define REFUSE(...) err_set(err, ERR_REFUSED, __VA_ARGS__)

static bool may_select(const char *word)
{
	const struct option_row *row = option_find(word + 2);

	return row && row->groups & OPTION_SELECT;
}

/* The account quotes words with blanks, so a selection with a quotation mark is refused. */
static int split(char *text, char **argv, int *ret_argc, struct err *err)
{
	int argc = 0;
	char *rest = text;

	argv[argc++] = (char *)"pqpurge-idx";
	argv[argc++] = (char *)"list";
	if (strpbrk(text, "'\"\\(") || str_has_control(text))
		return REFUSE(
		    "the batch's selection has an expression, a blank or a list of IDs; give the "
		    "selectors again with --batch");
	for (char *word; (word = strsep(&rest, " "));) {
		if (!*word)
			continue;
		if (argc == WORDS_MAX)
			return REFUSE("the batch's selection is too long");
		if (*word == '-' && (!str_starts(word, "--") || !may_select(word)))
			return REFUSE("the batch's selection cannot be read");
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	*ret_argc = argc;
	return argc > 2 ? 0 : REFUSE("the account has no selection for the batch");
}

static void shift(int64_t *time, int64_t by)
{
	if (*time)
		*time = *time > by ? *time - by : 1;
}

/* Ages count from `then`. */
static int take_over(struct session *s, struct options *parsed, int64_t then, struct err *err)
{
	struct options *o = &s->options;

	if (parsed->ids_from_stdin)
		return REFUSE(
		    "the batch selected a list of IDs; give the selectors again with --batch");
	shift(&parsed->selector.arrived_before, parsed->now - then);
	shift(&parsed->selector.arrived_after, parsed->now - then);
	selector_release(&o->selector);
	o->selector = parsed->selector;
	selector_init(&parsed->selector);
	o->flood = parsed->flood;
	o->selector.login_exact = s->settings.login_exact;
	int code = o->flood ? floods_select(s, o->flood, err) : 0;
	selector_seal(&o->selector);
	return code;
}

int reselect(
    struct session *s, const char *selected, int64_t then, char **ret_words, struct err *err)
{
	/* the account may hold a stranger's words, so no expressions */
	const struct behalf account = {.user = "the account", .allow = "", .allow_key = "this"};
	char *words = strdup(selected), *argv[WORDS_MAX + 1];
	AUTO(options_release) struct options parsed = {0};
	const struct verb *verb;
	int argc = 0, code;

	if (!words)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_words = words;
	code = split(words, argv, &argc, err);
	if (code == 0 && behalf_check_words(&account, argc, argv, NULL) < 0)
		code = REFUSE("the batch's selection has an expression, and expressions are taken "
			      "only from the command line; give it again with --batch");
	if (code < 0)
		return code;
	code = options_parse(argc, argv, &parsed, &verb, err);
	return code ?: take_over(s, &parsed, then, err);
}
