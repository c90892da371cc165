/* SPDX-License-Identifier: ISC */
#include <pwd.h>

#include "base/clock.h"
#include "postfix/spool/queue.h"
#include "purge/options.h"

static int add_expression(struct pattern_set *set, const char *text, struct err *err)
{
	if (*text != '/')
		return err_set(err, ERR_SYNTAX, "'%s' is not an expression, /.../", text);
	return pattern_set_parse(set, text, err);
}

static int worded(int code, struct err *err)
{
	return code < 0 ? err_set(err, code, "%s", err_word(code)) : 0;
}

static int set_pattern(void *at, const char *value, struct err *err)
{
	return pattern_set_parse(at, value, err);
}

static int set_expression(void *at, const char *value, struct err *err)
{
	return add_expression(at, value, err);
}

static int set_words(void *at, const char *value, struct err *err)
{
	(void)err;
	*(const char **)at = value;
	return 0;
}

static int set_output(void *at, const char *value, struct err *err)
{
	return set_words(at, strcmp(value, "-") == 0 ? NULL : value, err);
}

static int set_login(void *at, const char *value, struct err *err)
{
	return selector_add_login_text(at, value, err);
}

static int set_message_id(void *at, const char *value, struct err *err)
{
	return worded(selector_add_message_id(at, value), err);
}

static int set_client(void *at, const char *value, struct err *err)
{
	return selector_add_client(at, value, err);
}

static int set_uid(void *at, const char *value, struct err *err)
{
	const struct passwd *pw = getpwnam(value);
	uint64_t number;

	if (pw)
		return worded(selector_add_uid(at, pw->pw_uid), err);
	if (str_parse_u64(value, 0, UINT32_MAX - 1, &number) < 0)
		return err_set(err, ERR_SYNTAX, "there is no user '%s'", value);
	return worded(selector_add_uid(at, (uid_t)number), err);
}

int options_add_id(struct options *o, const char *word, struct err *err)
{
	struct queue_id id;

	o->selector.ids_given = true;
	if (queue_id_parse(word, strlen(word), &id) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is not a queue ID", word);
	return worded(selector_add_id(&o->selector, &id), err);
}

static int set_id(struct options *o, void *at, const char *value, struct err *err)
{
	(void)at;
	if (strcmp(value, "-") != 0)
		return options_add_id(o, value, err);
	o->selector.ids_given = o->ids_from_stdin = true;
	return 0;
}

static int parse_age(const char *value, int64_t *ret, struct err *err)
{
	if (clock_parse_span(value, ret) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is not an age (90s, 10m, 2h, 3d)", value);
	return 0;
}

/* Never 0, which means "not given". */
static int parse_time(const struct options *o, const char *value, int64_t *ret, struct err *err)
{
	int64_t age;
	int code = parse_age(value, &age, err);

	if (code == 0)
		*ret = o->now > age ? o->now - age : 1;
	return code;
}

/* Repeated options are alternatives, so the laxer one counts, here and below. */
static int set_older(struct options *o, void *at, const char *value, struct err *err)
{
	int64_t time = 0, *before = at;
	int code = parse_time(o, value, &time, err);

	if (time > *before)
		*before = time;
	return code;
}

static int set_newer(struct options *o, void *at, const char *value, struct err *err)
{
	int64_t time = 0, *after = at;
	int code = parse_time(o, value, &time, err);

	if (code == 0 && (*after == 0 || time < *after))
		*after = time;
	return code;
}

static int set_larger(void *at, const char *value, struct err *err)
{
	struct selector *s = at;
	uint64_t bytes;

	if (str_parse_size(value, &bytes) < 0 || bytes > INT64_MAX)
		return err_set(err, ERR_SYNTAX, "'%s' is not a size (500k, 10M, 1G)", value);
	if (s->larger_than < 0 || (int64_t)bytes < s->larger_than)
		s->larger_than = (int64_t)bytes;
	return 0;
}

static int set_queue(void *at, const char *value, struct err *err)
{
	unsigned bits;
	int code = queue_parse_list(value, &bits, err);

	if (code == 0)
		((struct selector *)at)->queues |= bits;
	return code;
}

static int set_limit(void *at, const char *value, struct err *err)
{
	uint64_t n;

	if (str_parse_u64(value, 1, SIZE_MAX / 2, &n) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is not a number from 1 up", value);
	*(size_t *)at = (size_t)n;
	return 0;
}

/* "12" or "12:MEANING" (floods.h): the door's client names the meaning that its dry run showed. */
static int set_flood(struct options *o, void *at, const char *value, struct err *err)
{
	uint32_t *into = at;
	uint64_t n;
	const char *rest = str_digits(value, &n);

	if (!rest || (*rest && *rest != ':') || n < 1 || n > UINT32_MAX / 2)
		return err_set(err, ERR_SYNTAX, "'%s' is not the number of a flood", value);
	o->flood_meaning = *rest ? rest + 1 : NULL;
	if (*into)
		return err_set(err, ERR_SYNTAX, "one flood at a time");
	*into = (uint32_t)n;
	return 0;
}

static int set_batch(void *at, const char *value, struct err *err)
{
	if (str_parse_u64(value, 1, INT64_MAX, at) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is not the number of a batch", value);
	return 0;
}

/* Zero is refused: the rule would never be in force. */
static int set_duration(void *at, const char *value, struct err *err)
{
	int64_t age = 0;
	int code = parse_age(value, &age, err);

	if (code == 0 && age == 0)
		return err_set(err, ERR_SYNTAX, "a rule for '%s' would never be in force", value);
	if (code == 0)
		*(int64_t *)at = age;
	return code;
}

#define FLEETS_MAX 200 /* bytes */

static int set_hosts(struct options *o, void *at, const char *value, struct err *err)
{
	(void)at;
	if (!*value || strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789.-_@,") != strlen(value))
		return err_set(
		    err, ERR_SYNTAX, "'%s' is not a list of hosts (mx1,mx2 or @tag)", value);
	if (o->hosts)
		return err_set(err, ERR_SYNTAX, "give several hosts as one list: mx1,mx2");
	o->hosts = value;
	o->fleet = true;
	return 0;
}

/* names of libpq services */
static int set_fleet(struct options *o, void *at, const char *value, struct err *err)
{
	const char *const good =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_,";

	(void)at;
	o->fleet = true;
	if (!value)
		return 0;
	if (!*value || strspn(value, good) != strlen(value) || strlen(value) > FLEETS_MAX)
		return err_set(err, ERR_SYNTAX, "'%s' is not a list of fleets (east,west)", value);
	if (o->fleets)
		return err_set(err, ERR_SYNTAX, "give several fleets as one list: east,west");
	o->fleets = value;
	return 0;
}

static int set_block(struct options *o, void *at, const char *value, struct err *err)
{
	o->block = true;
	return value ? set_duration(at, value, err) : 0;
}

static int set_action(void *at, const char *value, struct err *err)
{
	if (rule_action_of(value, at) < 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is not an action (REJECT, DEFER, HOLD, DISCARD, OK, WARN)", value);
	return 0;
}

static int set_reason(void *at, const char *value, struct err *err)
{
	if (strlen(value) > RULE_REASON_MAX)
		return err_set(err, ERR_SYNTAX, "longer than %d bytes", RULE_REASON_MAX);
	return set_words(at, value, err);
}

static int set_by(void *at, const char *value, struct err *err)
{
	if (top_by_of(value, at) < 0)
		return err_set(err, ERR_SYNTAX,
		    "top cannot group by '%s' (sender, from, recipient, login, client, uid, "
		    "reason)",
		    value);
	return 0;
}

/* clang-format off */
#define VALUE(name, letter, value, groups, member, set, help) \
	{name, letter, ARGUMENT_NEEDED, value, groups, help, offsetof(struct options, member), set, NULL}
#define MORE(name, letter, value, groups, member, set, help) \
	{name, letter, ARGUMENT_NEEDED, value, groups, help, offsetof(struct options, member), NULL, set}
#define MAYBE(name, letter, value, groups, member, set, help) \
	{name, letter, ARGUMENT_OPTIONAL, value, groups, help, offsetof(struct options, member), NULL, set}
#define PLAIN(name, letter, groups, member, help) \
	{name, letter, ARGUMENT_NONE, NULL, groups, help, offsetof(struct options, member), NULL, NULL}
#define SELECT   (OPTION_SELECT | OPTION_OPEN)
#define SUBJECTS (SELECT | OPTION_SUBJECT)
#define ORIGINS  (SELECT | OPTION_TEST)
#define COMMON   (OPTION_COMMON | OPTION_OPEN | HERE)
#define HERE     ON_FLEET_HERE
#define TEXTS    ON_FLEET_TEXTS
#define SWITCH   ON_FLEET_SWITCH
const struct option_row option_rows[] = {
	VALUE("sender", 0, "PATTERN", SELECT | HERE, selector.sender, set_pattern, "the envelope sender matches"),
	VALUE("from", 0, "PATTERN", SELECT | HERE, selector.from, set_pattern, "a header From mailbox matches"),
	VALUE("recipient", 0, "PATTERN", SELECT | HERE, selector.recipient, set_pattern, "a recipient matches, as given or as queued"),
	PLAIN("only", 0, SELECT | SWITCH, selector.only, "with --recipient: every queued one matches"),
	VALUE("login", 0, "NAME", ORIGINS | TEXTS, selector, set_login, "sent by this SASL login, @DOMAIN or /pcre/"),
	VALUE("client", 0, "ADDRESS[/BITS]", ORIGINS | HERE, selector, set_client, "sent from this host or network"),
	VALUE("uid", 0, "USER", SELECT | TEXTS, selector, set_uid, "submitted locally by this user"),
	VALUE("subject", 0, "/PCRE/", SELECT | TEXTS, selector.subject, set_expression, "its Subject, decoded, matches"),
	VALUE("why", 0, "/PCRE/", SELECT | TEXTS, selector.why, set_expression, "it is deferred for a reason that matches"),
	VALUE("message-id", 0, "ID", SELECT | TEXTS, selector, set_message_id, "with this Message-ID"),
	MORE("id", 0, "ID", SELECT | TEXTS, selector, set_id, "with this queue ID; - reads stdin"),
	MORE("older", 0, "AGE", SELECT | HERE, selector.arrived_before, set_older, "arrived longer ago (90s 10m 2h 3d)"),
	MORE("newer", 0, "AGE", SELECT | HERE, selector.arrived_after, set_newer, "arrived more recently"),
	VALUE("larger", 0, "SIZE", SELECT | HERE, selector, set_larger, "larger than (500k 10M 1G)"),
	VALUE("queue", 0, "NAME[,NAME]", SELECT | HERE, selector, set_queue, "is in one of the queues"),
	PLAIN("subdomains", 0, SUBJECTS | SWITCH, subdomains, "domains include their subdomains"),
	MORE("flood", 0, "ID", SELECT, flood, set_flood, "sent by the key of this flood"),
	PLAIN("all", 0, SELECT | OPTION_FLOODS | SWITCH, selector.all, "everything"),
	MORE("normal", 0, "ID", OPTION_FLOODS | OPTION_OPEN, normal, set_flood, "it was no flood: end it, release, learn"),
	MORE("bad", 0, "ID", OPTION_FLOODS | OPTION_OPEN, bad, set_flood, "it was a flood: never learn it"),
	PLAIN("try", 0, OPTION_FLOODS, try_logs, "show what would be reported of mail logs"),
	PLAIN("learn", 0, OPTION_FLOODS, learn, "learn from mail logs what is usual"),
	VALUE("limit", 0, "N", OPTION_LIMIT | OPTION_OPEN | HERE, limit, set_limit, "at most N: oldest messages, latest batches"),
	MAYBE("block", 0, "AGE", OPTION_PURGE | OPTION_OPEN | HERE, block_for, set_block, "refuse the senders first, for AGE"),
	PLAIN("sweep", 0, OPTION_PURGE | OPTION_OPEN | SWITCH, sweep, "repeat until a pass finds nothing"),
	VALUE("batch", 0, "N", OPTION_REPORT | OPTION_OPEN, batch, set_batch, "report on this batch and what belongs to it"),
	VALUE("output", 'o', "FILE", OPTION_OUTPUT, output, set_output, "write to FILE, replacing it at once"),
	VALUE("save", 0, "DIR", OPTION_PURGE, save, set_words, "write each message to DIR first"),
	PLAIN("with-bounces", 0, OPTION_PURGE | OPTION_OPEN | SWITCH, with_bounces, "also the bounces it caused"),
	PLAIN("index-only", 0, OPTION_INDEX | OPTION_OPEN | SWITCH, index_only, "answer from the index, without a catch-up"),
	PLAIN("remove", 0, OPTION_SETUP, remove, "undo what setup did"),
	PLAIN("grant", 0, OPTION_ORDER, grant, "give operator.sock to operator_group"),
	PLAIN("listen", 0, OPTION_ORDER, listen, "make the sockets and serve them"),
	PLAIN("foreign", 0, OPTION_RELEASE | OPTION_OPEN | SWITCH, foreign, "also release what others hold"),
	PLAIN("requeue", 0, OPTION_REQUEUE | OPTION_OPEN | SWITCH, requeue, "release as new mail with new queue IDs"),
	VALUE("by", 0, "WHAT", OPTION_TOP | OPTION_OPEN | ON_FLEET_TEXT, by, set_by, "sender from recipient login client uid reason"),
	MORE("since", 0, "AGE", OPTION_TOP | OPTION_OPEN | HERE, since, set_newer, "count only what arrived within AGE"),
	PLAIN("watch", 0, OPTION_TOP, watch, "draw it every 2 seconds"),
	MAYBE("fleet", 0, "NAME[,NAME]", OPTION_FLEET | OPTION_FLEET_ADD | HERE, fleets, set_fleet, "on all hosts of the fleet, or of the named ones"),
	MORE("host", 0, "NAME[,NAME]", OPTION_FLEET | HERE, hosts, set_hosts, "on these hosts; @TAG: all with that tag"),
	VALUE("wait", 0, "AGE", OPTION_FLEET | HERE, wait, set_duration, "wait up to AGE for absent hosts"),
	VALUE("expire", 0, "AGE", OPTION_FLEET | HERE, expire, set_duration, "absent hosts may do it for AGE (1d)"),
	VALUE("tag", 0, "TAG[,TAG]", OPTION_FLEET_ADD, tags, set_words, "the new host's tags"),
	VALUE("as", 0, "ROLE", OPTION_FLEET_ADD, as, set_words, "host, operator or reader"),
	VALUE("for", 0, "AGE", OPTION_RULE | OPTION_STANDING | OPTION_OPEN, rule_for, set_duration, "stay in force for AGE"),
	VALUE("action", 0, "ACTION", OPTION_RULE | OPTION_OPEN, action, set_action, "REJECT DEFER HOLD DISCARD OK WARN"),
	VALUE("text", 0, "TEXT", OPTION_RULE | OPTION_OPEN, text, set_words, "the reply's text"),
	VALUE("test", 0, "ADDRESS", OPTION_TEST | OPTION_OPEN, test, set_words, "say which rule decides for ADDRESS"),
	VALUE("reason", 0, "TEXT", OPTION_REASON | OPTION_OPEN | HERE, reason, set_reason, "a reason for the account"),
	PLAIN("dry-run", 'n', COMMON, dry_run, "show what would be done, touch nothing"),
	PLAIN("yes", 'y', COMMON, yes, "do not ask"),
	PLAIN("json", 0, COMMON, json, "one JSON object a line"),
	PLAIN("quiet", 'q', COMMON, quiet, "print problems only"),
	VALUE("config", 'c', "FILE", OPTION_COMMON | HERE, config, set_words, "the configuration file"),
	PLAIN("help", 'h', OPTION_COMMON, help, "this text"),
	PLAIN("version", 'V', OPTION_COMMON, version, "the version"),
};
/* clang-format on */
_Static_assert(COUNT_OF(option_rows) <= OPTION_ROWS_MAX, "OPTION_ROWS_MAX is too small");
const size_t option_row_count = COUNT_OF(option_rows);
