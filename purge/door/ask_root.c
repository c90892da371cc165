/* SPDX-License-Identifier: ISC */
#include "purge/door/ask_root.h"

#include <sys/ioctl.h>

#include "door/door.h"
#include "purge/door/behalf.h"
#include "purge/interrupt.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"

/* What goes to root: the verb, its options in one spelling, the other words. */
struct line {
	const char **words;
	size_t count;
	struct strbuf options; /* packed: "--name=value" */
};

/* flood: the meaning of --flood or --normal; "" if not known yet. */
static int pack_options(struct line *line, const struct options *o, const char *flood)
{
	struct strlist given = strlist_of(&o->given);

	strlist_each (each, &given) {
		bool means = *flood && (str_starts(each, "flood=") || str_starts(each, "normal="));
		char option[32 + DOOR_TEXT_MAX + BEHALF_FLOOD_MAX];
		int len = snprintf(
		    option, sizeof(option), "--%s%s%s", each, means ? ":" : "", means ? flood : "");

		/* root is not told our settings file; it only says where the door is */
		if (!str_starts(each, "config=") && len > 0)
			strlist_push(&line->options, option, strlen(option));
	}
	return line->options.failed ? -ENOMEM : 0;
}

static int make_line(const struct session *s, const char *flood, struct line *line, struct err *err)
{
	const struct options *o = &s->options;
	int code = pack_options(line, o, flood);
	struct strlist options = strlist_of(&line->options);

	/* the verb, "--", and the NULL */
	line->words = calloc(options.count + o->word_count + 3, sizeof(*line->words));
	if (code < 0 || !line->words) {
		err_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	line->words[line->count++] = s->verb->name;
	strlist_each (each, &options)
		line->words[line->count++] = each;
	if (o->word_count > 0)
		line->words[line->count++] = "--";
	for (size_t n = 0; n < o->word_count; n++)
		line->words[line->count++] = o->words[n];
	return 0;
}

static void line_release(struct line *line)
{
	free(line->words);
	strbuf_release(&line->options);
	*line = (struct line){0};
}

struct hearing {
	FILE *to;                     /* the verb's stdout */
	char flood[BEHALF_FLOOD_MAX]; /* meaning of --flood; "" */
};

static int says(void *arg, enum door_answer_kind kind, struct span bytes)
{
	struct hearing *h = arg;
	FILE *to = kind == DOOR_SAYS ? h->to : stderr;

	if (kind == DOOR_FLOOD)
		snprintf(
		    h->flood, sizeof(h->flood), "%.*s", (int)bytes.len, (const char *)bytes.at);
	if (kind != DOOR_SAYS && kind != DOOR_COMPLAINS)
		return 0;
	if (fwrite(bytes.at, 1, bytes.len, to) != bytes.len || fflush(to) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

static uint32_t columns_of(FILE *to)
{
	struct winsize size;

	if (!isatty(fileno(to)))
		return 0;
	return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static int send(const struct session *s, const struct line *line, bool answered, struct hearing *h,
    struct door_end *ret, struct err *err)
{
	struct door_order order = {.kind = DOOR_VERB,
	    .verb = {.words = line->words,
		.count = line->count,
		.answered = answered,
		.columns = columns_of(h->to)}};
	struct door_talk talk = {.says = says, .arg = h, .stop = &interrupt_stop};
	int code = door_call(s->settings.order_directory, DOOR_OPERATOR_SOCKET, &order, 1, &talk,
	    INT64_MAX, ret, err);
	struct err why = *err;

	if (code == -ENOENT || code == -ECONNREFUSED || code == -EACCES)
		return err_set(err, -EPERM,
		    "pqpurge-idx must be run by root, because postsuper(1) needs root; "
		    "and %s",
		    why.text);
	if (code == 0 && ret->words[0])
		complain("%s.", ret->words);
	return code < 0 ? code : ret->status;
}

/* The same words, as a dry run that answers in text. */
static int dry_line(const struct line *line, struct line *ret, struct err *err)
{
	ret->words = calloc(line->count + 1, sizeof(*ret->words));
	if (!ret->words)
		return err_set(err, -ENOMEM, "out of memory");
	ret->words[ret->count++] = line->words[0];
	ret->words[ret->count++] = "--dry-run";
	for (size_t n = 1; n < line->count; n++)
		if (strcmp(line->words[n], "--json") != 0)
			ret->words[ret->count++] = line->words[n];
	return 0;
}

static bool is_wanted(const struct session *s, uint64_t matched)
{
	const bool undoes = s->verb->words == WORDS_BATCHES;
	const enum action action = s->options.normal ? ACTION_RELEASE : s->verb->action;
	const char *verb = undoes ? s->verb->name : action_rows[action].verb;
	char question[64];

	snprintf(question, sizeof(question), "%c%s what was shown?", verb[0] - 'a' + 'A', verb + 1);
	if (s->options.selector.all)
		return ask_number(STDIN_FILENO, stderr, question, "", matched) == ANSWER_YES;
	return ask_yes(STDIN_FILENO, stderr, question) == ANSWER_YES;
}

/* Shows a dry run and asks. True: go on; flood has the meaning of --flood. False: *ret is the exit
 * status, or a code. */
static bool ask(struct session *s, const struct line *line, char flood[BEHALF_FLOOD_MAX], int *ret,
    struct err *err)
{
	struct hearing h = {.to = stderr};
	struct line dry = {0};
	struct door_end end = {0};

	*ret = dry_line(line, &dry, err);
	if (*ret == 0)
		*ret = send(s, &dry, false, &h, &end, err);
	memcpy(flood, h.flood, sizeof(h.flood));
	line_release(&dry);
	/* what will fail does not keep the rest back */
	if (*ret != EXIT_DONE && (*ret != EXIT_SOME_FAILED || end.matched == 0))
		return false;
	/* without a match, undo may still have standing orders to end */
	if (end.matched == 0 && s->verb->words != WORDS_BATCHES)
		return s->options.block || s->options.rule_for || s->options.normal;
	if (is_wanted(s, end.matched))
		return true;
	say(stderr, "Nothing was touched.\n");
	*ret = EXIT_INTERRUPTED;
	return false;
}

static int run(struct session *s, struct line *line, struct err *err)
{
	char flood[BEHALF_FLOOD_MAX] = "";
	struct hearing h = {.to = stdout};
	struct door_end end = {0};
	bool acts = s->verb->run == verb_act || s->verb->run == verb_retry || s->options.normal;
	bool asks = acts && !s->options.dry_run && session_can_ask(s);
	int code = 0;

	if (asks && !ask(s, line, flood, &code, err))
		return code;
	if (flood[0]) { /* exactly the mail that was shown */
		line_release(line);
		code = make_line(s, flood, line, err);
	}
	return code < 0 ? code : send(s, line, asks, &h, &end, err);
}

int ask_root(struct session *s, struct err *err)
{
	struct line line = {0};
	int code = settings_load(session_config(s), &s->settings, err);

	interrupt_catch();
	code = code ?: make_line(s, "", &line, err);
	code = code ?: run(s, &line, err);
	line_release(&line);
	return code;
}
