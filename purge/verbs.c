/* SPDX-License-Identifier: ISC */
#include "purge/verbs.h"

#include "base/str.h"
#include "purge/fleet/fleet_order.h"

#define TAKES_MATCHES (OPTION_SELECT | OPTION_LIMIT)

/* clang-format off */
static const struct verb verbs[] = {
    {"purge", "[PATTERN...]", "delete what matches (the verb when none is given)",
	"On a terminal it shows what it will delete and asks. --block refuses the\n"
	"senders before anything is deleted. --sweep repeats until a pass finds nothing.\n"
	"With --for the order stays in force for AGE, or until undo ends it: a rule\n"
	"refuses the senders, and each catch-up deletes what came in past the rule.\n",
	TAKES_MATCHES | OPTION_REASON | OPTION_PURGE | OPTION_STANDING | OPTION_FLEET,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_DELETE, verb_act, fleet_act},
    {"hold", "[PATTERN...]", "move what matches to the hold queue",
	"With --for the order stays in force for AGE, or until undo ends it: a rule\n"
	"holds new mail, and each catch-up holds what came in past the rule.\n",
	TAKES_MATCHES | OPTION_REASON | OPTION_STANDING | OPTION_FLEET,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_HOLD, verb_act, fleet_act},
    {"release", "[PATTERN...]", "move what matches back from the hold queue",
	"It releases only what a hold of this command put there; --foreign releases all.\n"
	"Mail past maximal_queue_lifetime would bounce at once, so it stays. --requeue\n"
	"makes it new mail, and -y releases it as it is.\n",
	TAKES_MATCHES | OPTION_REASON | OPTION_RELEASE | OPTION_REQUEUE | OPTION_FLEET,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_RELEASE, verb_act, fleet_act},
    {"retry", "[PATTERN...]", "ask Postfix to try what matches now",
	"Postfix also tries mail that defer_transports would hold back. Mail in the hold\n"
	"queue stays there.\n",
	TAKES_MATCHES | OPTION_REASON,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_RETRY, verb_retry, NULL},
    {"list", "[PATTERN...]", "show matches that are in the queue now",
	"With no pattern and no selector it shows all mail in the queue.\n",
	TAKES_MATCHES | OPTION_INDEX | OPTION_FLEET,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_list, fleet_look},
    {"show", "ID...", "show all that is known of a message", NULL,
	OPTION_INDEX,
	WORDS_IDS, VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_show, NULL},
    {"top", "[PATTERN...]", "show who fills the queue: counts, sizes, ages by sender domain",
	"Groups the messages in the queue by the domain of the envelope sender, or by the\n"
	"property that --by names. On a pipe it prints tab-separated columns.\n",
	TAKES_MATCHES | OPTION_TOP | OPTION_INDEX | OPTION_FLEET,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_GROUPS | VERB_AT_DOOR, ACTION_LIST, verb_top, fleet_look},
    {"screen", "", "watch the queue on a full screen, and act on it",
	"Shows groups by sender domain, header From, recipient domain, login or client,\n"
	"every 2 seconds, and their messages. Keys hold, purge, block and undo; each\n"
	"shows what it will do and asks. '?' shows the keys.\n",
	0, WORDS_NONE, VERB_PLAIN, ACTION_LIST, verb_screen, NULL},
    {"why", "[PATTERN...]", "show why matches are deferred: the reasons, counted",
	"Similar reasons are folded into one. It also shows when Postfix tries again and\n"
	"when it gives up. With no pattern and no selector it covers the whole queue.\n",
	TAKES_MATCHES | OPTION_INDEX | OPTION_FLEET,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_GROUPS | VERB_AT_DOOR, ACTION_LIST, verb_why, fleet_look},
    {"block", "PATTERN...", "refuse mail by a rule that is in force at once",
	"A PATTERN is written as in pqpurge-rules(5): login:NAME and\n"
	"client:ADDRESS[/BITS] are patterns, too.\n",
	OPTION_RULE | OPTION_SUBJECT | OPTION_REASON | OPTION_FLEET,
	WORDS_RULES, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_block, fleet_block},
    {"unblock", "PATTERN...", "remove rules that block added", NULL,
	OPTION_SUBJECT | OPTION_REASON | OPTION_FLEET,
	WORDS_RULES, VERB_CHANGES | VERB_AT_DOOR, ACTION_LIST, verb_unblock, fleet_block},
    {"rules", "[--test ADDRESS]", "list the rules, or say which one decides",
	"With --test, --client is an address and --login a name that the mail came from.\n",
	OPTION_TEST,
	WORDS_NONE, VERB_AT_DOOR, ACTION_LIST, verb_rules, NULL},
    {"sync", "", "bring the index in line with the queue",
	"Reads the queue files that the index does not know, and drops the rows of\n"
	"messages that left. A timer runs it each minute; other verbs do this, too.\n",
	0, WORDS_NONE, VERB_CHANGES | VERB_POSTFIX, ACTION_LIST, verb_sync, NULL},
    {"status", "", "show the state of daemon, index and Postfix, and what is wrong",
	"It names Postfix settings that let mail in past the rules. For each finding it\n"
	"says what to type. Exit status 2: something is wrong.\n",
	OPTION_FLEET, WORDS_NONE, VERB_AT_DOOR, ACTION_LIST, verb_status, fleet_look},
    {"setup", "", "connect the daemon and this host's Postfix, or disconnect them",
	"Makes the user and the directories, puts the milter first in main.cf, starts the\n"
	"units, and prints the status. It shows what it will do and asks; -n only shows.\n",
	OPTION_SETUP,
	WORDS_NONE, VERB_CHANGES, ACTION_LIST, verb_setup, NULL},
    {"log", "", "list past batches: when, who, what, how many, why", NULL,
	OPTION_LIMIT,
	WORDS_NONE, VERB_AT_DOOR, ACTION_LIST, verb_log, NULL},
    {"report", "[PATTERN...]", "write what happened as one HTML file, to keep or to send",
	"Reports on a batch of the log (--batch), a flood (--flood), or what is in the\n"
	"queue now. To find what is left, --batch uses the selection of the batch, unless\n"
	"another one is given.\n",
	OPTION_REPORT | OPTION_OUTPUT | OPTION_SELECT,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_report, NULL},
    {"undo", "BATCH...", "release what a hold batch held and still holds",
	"hold and log show the number of a batch. Mail past maximal_queue_lifetime stays,\n"
	"unless -y or --requeue is given. An order that stays in force is ended.\n",
	OPTION_REASON | OPTION_REQUEUE | OPTION_FLEET,
	WORDS_BATCHES, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_RELEASE, verb_act, fleet_act},
    {"metrics", "", "write numbers of queue, rules, floods and batches for Prometheus",
	"-o FILE replaces a file for node_exporter's textfile collector. --json writes an\n"
	"object for each sample.\n",
	OPTION_OUTPUT, WORDS_NONE, VERB_POSTFIX, ACTION_LIST, verb_metrics, NULL},
    {"order", "[--listen]", "carry out one order that comes through the order door",
	"systemd runs it and hands it a connection as stdin. On hosts without systemd,\n"
	"--listen makes the sockets and serves them.\n",
	OPTION_ORDER,
	WORDS_NONE, VERB_HIDDEN, ACTION_LIST, verb_order, NULL},
    {"floods", "[ID]", "show floods: who sends far more than usual, and what was done",
	"Without ID it lists the open ones. 'floods --try FILE...' reads mail logs (also\n"
	".gz) and shows what the flood watch would have reported; --learn learns from\n"
	"them what is usual.\n",
	OPTION_FLOODS | OPTION_LIMIT | OPTION_REASON,
	WORDS_ANY, VERB_AT_DOOR, ACTION_LIST, verb_floods, NULL},
    {"fleet", "WORD [N|NAME]",
	"show and manage the fleet's hosts and orders",
	"WORD: hosts, orders, order N, cancel N, init, add NAME, retire NAME.\n"
	"An order with --fleet stands until every host has done it or until it expires;\n"
	"cancel ends it. init prepares the database. add and retire admit and remove\n"
	"hosts and persons.\n",
	OPTION_FLEET_ADD | OPTION_LIMIT | OPTION_REASON,
	WORDS_ANY, VERB_PLAIN, ACTION_LIST, verb_fleet, fleet_admin},
    {"complete", "domains|rules|batches|log [PREFIX]", "suggest words for the shell's completion", NULL,
	0, WORDS_ANY, VERB_HIDDEN, ACTION_LIST, verb_complete, NULL},
};
/* clang-format on */

static int unknown_verb(const char *word, struct err *err)
{
	struct spell spell = {0};

	spell_consider(&spell, word, "--help");
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (!(verbs[i].flags & VERB_HIDDEN))
			spell_consider(&spell, word, verbs[i].name);
	if (spell.best)
		return err_set(err, ERR_USAGE,
		    "unknown verb '%s'; did you mean '%s'? Nothing was done", word, spell.best);
	return err_set(
	    err, ERR_USAGE, "unknown verb '%s'; '--help' lists the verbs. Nothing was done", word);
}

int verb_choose(const char *word, const struct verb **ret, bool *ret_is_name, struct err *err)
{
	for (size_t i = 0; word && i < COUNT_OF(verbs); i++)
		if (strcmp(word, verbs[i].name) == 0) {
			*ret = &verbs[i];
			*ret_is_name = true;
			return 0;
		}
	if (word && !pattern_looks_like(word))
		return unknown_verb(word, err);
	*ret = &verbs[0];
	*ret_is_name = false;
	return 0;
}

const struct action_row *verb_action_row(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &action_rows[verbs[i].action];
	return &action_rows[ACTION_LIST];
}

static void help_option(FILE *to, const struct option_row *row)
{
	char left[64], letter[8] = "    ";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s%s", letter, row->name,
	    row->argument == ARGUMENT_OPTIONAL ? "[="
	    : row->argument == ARGUMENT_NEEDED ? " "
					       : "",
	    row->value_name ? row->value_name : "", row->argument == ARGUMENT_OPTIONAL ? "]" : "");
	if (strlen(left) > 28)
		fprintf(to, "  %s\n  %-28s %s\n", left, "", row->help);
	else
		fprintf(to, "  %-28s %s\n", left, row->help);
}

static void help_options(FILE *to, const char *title, unsigned groups)
{
	if (!groups)
		return;
	fprintf(to, "\n%s\n", title);
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].groups & groups)
			help_option(to, &option_rows[i]);
}

static const char patterns_text[] =
    "\nA PATTERN is matched against the envelope sender and every header From mailbox:\n"
    "  example.com        that domain alone\n"
    "  .example.com       its subdomains alone\n"
    "  user@example.com   that address\n"
    "  <>                 the null sender\n"
    "  /pcre/, /pcre/i    a regular expression for the whole address\n"
    "One of several patterns must match, and every kind of selector that is given.\n";

static void help_whole(FILE *to)
{
	fputs("usage: pqpurge-idx [-c FILE] [VERB] [OPTION...] [PATTERN...]\n\n"
	      "Finds exactly a domain's queued mail, and deletes, holds or lists it.\n\nVerbs:\n",
	    to);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (!(verbs[i].flags & VERB_HIDDEN))
			fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\n'pqpurge-idx VERB --help' lists the options of a verb. See also pqpurge-idx(8).\n",
	    to);
	fputs(patterns_text, to);
	help_options(to, "Options of all verbs:", OPTION_COMMON);
}

void verb_help(FILE *to, const struct verb *verb)
{
	if (!verb) {
		help_whole(to);
		return;
	}
	fprintf(to, "usage: pqpurge-idx %s [OPTION...] %s\n\n%c%s.\n", verb->name, verb->words_text,
	    verb->summary[0] - 'a' + 'A', verb->summary + 1);
	if (verb->details)
		fputs(verb->details, to);
	if (verb->words == WORDS_PATTERNS)
		fputs(patterns_text, to);
	help_options(to, "Options:", verb->takes);
	help_options(to, "Options of all verbs:", OPTION_COMMON);
}
