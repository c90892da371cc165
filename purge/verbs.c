/* SPDX-License-Identifier: ISC */
#include "purge/verbs.h"

#include "base/str.h"

#define TAKES_MATCHES (OPTION_SELECT | OPTION_LIMIT)

/* In the order of struct verb. */
/* clang-format off */
static const struct verb verbs[] = {
    {"purge", "[PATTERN...]", "delete what matches (the verb when none is given)",
	"On a terminal it shows what it will delete and asks. With --block the senders\n"
	"are refused before anything is deleted; --sweep repeats until a pass finds\n"
	"nothing. With --for the order stays in force: the senders are refused, and\n"
	"each catch-up deletes what came in all the same, until AGE is over or undo\n"
	"ends it.\n",
	TAKES_MATCHES | OPTION_REASON | OPTION_PURGE | OPTION_STANDING | OPTION_FLEET,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_DELETE, verb_act},
    {"hold", "[PATTERN...]", "move what matches to the hold queue",
	"With --for what comes later is held, too, at the door and by each catch-up,\n"
	"until AGE is over or undo ends it.\n",
	TAKES_MATCHES | OPTION_REASON | OPTION_STANDING | OPTION_FLEET,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_HOLD, verb_act},
    {"release", "[PATTERN...]", "move what matches back from the hold queue",
	"Only what a hold of this command put there, unless --foreign is given. Mail past\n"
	"maximal_queue_lifetime would bounce at once, so it stays: --requeue makes it new\n"
	"mail, -y releases it all the same.\n",
	TAKES_MATCHES | OPTION_REASON | OPTION_RELEASE | OPTION_REQUEUE | OPTION_FLEET,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_RELEASE, verb_act},
    {"retry", "[PATTERN...]", "ask Postfix to try what matches now",
	"It tries even what defer_transports parks. What is on hold stays there.\n",
	TAKES_MATCHES | OPTION_REASON,
	WORDS_PATTERNS, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_RETRY, verb_retry},
    {"list", "[PATTERN...]", "show matches that are in the queue now",
	"With no pattern and no selector: all mail in the queue.\n",
	TAKES_MATCHES | OPTION_INDEX | OPTION_FLEET,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_list},
    {"show", "ID...", "show all that is known of a message", NULL,
	OPTION_INDEX,
	WORDS_IDS, VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_show},
    {"top", "[PATTERN...]", "show who fills the queue: counts, sizes, ages by sender domain",
	"Messages that are in the queue now, by the domain of the envelope sender or by\n"
	"what --by says. On a pipe: tab-separated columns.\n",
	TAKES_MATCHES | OPTION_TOP | OPTION_INDEX | OPTION_FLEET,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_GROUPS | VERB_AT_DOOR, ACTION_LIST, verb_top},
    {"screen", "", "watch the queue on the whole terminal, and act on what is seen",
	"Groups by sender domain, header From, recipient domain, login or client, drawn\n"
	"anew every two seconds; their messages; hold, purge, block, undo, each of which\n"
	"shows what it will do and asks. '?' tells the keys.\n",
	0, WORDS_NONE, VERB_BY_VERBS, ACTION_LIST, verb_screen},
    {"why", "[PATTERN...]", "show why matches are deferred: the reasons, counted",
	"Numbers, addresses, hosts and IDs in the reasons are folded. It also tells when\n"
	"Postfix tries again and gives up. With no pattern and no selector it is about\n"
	"the whole queue.\n",
	TAKES_MATCHES | OPTION_INDEX | OPTION_FLEET,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_GROUPS | VERB_AT_DOOR, ACTION_LIST, verb_why},
    {"block", "PATTERN...", "refuse mail by a rule that is in force at once",
	"A PATTERN is written as in pqpurge-rules(5): login:NAME and\n"
	"client:ADDRESS[/BITS] are patterns, too.\n",
	OPTION_RULE | OPTION_SUBJECT | OPTION_REASON | OPTION_FLEET,
	WORDS_RULES, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_block},
    {"unblock", "PATTERN...", "remove rules that block added", NULL,
	OPTION_SUBJECT | OPTION_REASON | OPTION_FLEET,
	WORDS_RULES, VERB_CHANGES | VERB_AT_DOOR, ACTION_LIST, verb_unblock},
    {"rules", "[--test ADDRESS]", "list the rules, or say which one decides",
	"With --test, --client is an address and --login a name that the mail came from.\n",
	OPTION_TEST,
	WORDS_NONE, VERB_AT_DOOR, ACTION_LIST, verb_rules},
    {"sync", "", "bring the index in line with the queue",
	"Reads the queue files that the index does not know, and drops the rows of what\n"
	"left the queue. Every other verb does the same; this is the timer's.\n",
	0, WORDS_NONE, VERB_CHANGES | VERB_POSTFIX, ACTION_LIST, verb_sync},
    {"status", "", "tell how daemon, index and Postfix do, and what is wrong",
	"It names the settings of Postfix through which mail comes in past the rules, and\n"
	"for each finding says what to type. Exit status 2: something is wrong.\n",
	OPTION_FLEET, WORDS_NONE, VERB_AT_DOOR, ACTION_LIST, verb_status},
    {"setup", "", "wire the daemon into this host's Postfix, or take it out again",
	"Makes user and directories, puts the milter first in main.cf, starts the units\n"
	"and tells the status. It shows what it will do and asks; -n only shows.\n",
	OPTION_SETUP,
	WORDS_NONE, VERB_CHANGES, ACTION_LIST, verb_setup},
    {"log", "", "list past batches: when, who, what, how many, why", NULL,
	OPTION_LIMIT,
	WORDS_NONE, VERB_AT_DOOR, ACTION_LIST, verb_log},
    {"report", "[PATTERN...]", "write what happened as one HTML file, to keep or to send",
	"About a batch of the log (--batch), a flood (--flood), or what is in the queue\n"
	"now. With --batch the selection is that of the batch, unless another is given:\n"
	"what of it is left in the queue is told, too.\n",
	OPTION_REPORT | OPTION_OUTPUT | OPTION_SELECT,
	WORDS_PATTERNS, VERB_POSTFIX | VERB_AT_DOOR, ACTION_LIST, verb_report},
    {"undo", "BATCH...", "release what a hold batch held and still holds",
	"hold and log tell the number of a batch. Mail past maximal_queue_lifetime\n"
	"stays, unless -y or --requeue is given. Of an order that stays in force it is\n"
	"the end.\n",
	OPTION_REASON | OPTION_REQUEUE | OPTION_FLEET,
	WORDS_BATCHES, VERB_CHANGES | VERB_POSTFIX | VERB_AT_DOOR, ACTION_RELEASE, verb_act},
    {"metrics", "", "tell numbers of queue, rules, floods and batches for Prometheus",
	"Its text format, for node_exporter's textfile collector with -o FILE, which is\n"
	"replaced as a whole. With --json one object for each sample.\n",
	OPTION_OUTPUT, WORDS_NONE, VERB_POSTFIX, ACTION_LIST, verb_metrics},
    {"order", "[--listen]", "carry out one order that comes through the order door",
	"For systemd, which hands it a connection as stdin. With --listen it makes the\n"
	"sockets itself, for hosts without systemd.\n",
	OPTION_ORDER,
	WORDS_NONE, VERB_HIDDEN, ACTION_LIST, verb_order},
    {"floods", "[ID]", "show floods: who sends far more than usual, and what was done",
	"Without ID the open ones. 'floods --try FILE...' reads mail logs (also .gz) and\n"
	"tells what the flood watch would have told; --learn takes over what is usual.\n",
	OPTION_FLOODS | OPTION_LIMIT | OPTION_REASON,
	WORDS_ANY, VERB_AT_DOOR, ACTION_LIST, verb_floods},
    {"fleet", "WORD [N|NAME]",
	"tell of the fleet's hosts and orders, and manage them",
	"WORD: hosts, orders, order N, cancel N, init, add NAME, retire NAME.\n"
	"An order of '--fleet' stands until every host has done it or it expires; cancel\n"
	"ends it. init prepares the database, add and retire let hosts in and out.\n",
	OPTION_FLEET_ADD | OPTION_LIMIT | OPTION_REASON,
	WORDS_ANY, VERB_NO_ROOT, ACTION_LIST, verb_fleet},
    {"complete", "domains|rules|batches|log [PREFIX]", "suggest words for the shell's completion", NULL,
	0, WORDS_ANY, VERB_HIDDEN, ACTION_LIST, verb_complete},
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
    "Several are alternatives; every other kind of option narrows.\n";

static void help_whole(FILE *to)
{
	fputs("usage: pqpurge-idx [-c FILE] [VERB] [OPTION...] [PATTERN...]\n\n"
	      "Deletes exactly a domain's queued mail, and does what goes with it.\n\nVerbs:\n",
	    to);
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		if (!(verbs[i].flags & VERB_HIDDEN))
			fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fputs(
	    "\n'pqpurge-idx VERB --help' tells the options of a verb; pqpurge-idx(8) tells all.\n",
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
