/* SPDX-License-Identifier: ISC */
/* The options of pqpurge-idx: one row each, and the setters that the rows name. */
#include "base/clock.h"
#include "postfix/spool/queue.h"
#include "purge/options.h"

static int add_pattern(struct pattern_set *set, const char *text, struct err *err)
{
	struct pattern p = {0};
	int code = pattern_parse(text, &p, err);

	if (code < 0)
		return code;
	code = pattern_set_add(set, &p);
	if (code < 0) {
		pattern_release(&p);
		return err_set(err, code, "out of memory");
	}
	return 0;
}

static int set_sender(struct options *o, const char *value, struct err *err)
{
	return add_pattern(&o->selector.sender, value, err);
}

static int set_from(struct options *o, const char *value, struct err *err)
{
	return add_pattern(&o->selector.from, value, err);
}

static int set_recipient(struct options *o, const char *value, struct err *err)
{
	return add_pattern(&o->selector.recipient, value, err);
}

static int set_login(struct options *o, const char *value, struct err *err)
{
	int code = selector_add_login(&o->selector, value);

	return code < 0 ? err_set(err, code, "%s", err_word(code)) : 0;
}

static int set_message_id(struct options *o, const char *value, struct err *err)
{
	int code = selector_add_message_id(&o->selector, value);

	return code < 0 ? err_set(err, code, "%s", err_word(code)) : 0;
}

static int set_client(struct options *o, const char *value, struct err *err)
{
	return selector_add_client(&o->selector, value, err);
}

static int set_id(struct options *o, const char *value, struct err *err)
{
	struct queue_id id;
	int code;

	o->selector.ids_given = true;
	if (strcmp(value, "-") == 0) {
		o->ids_from_stdin = true;
		return 0;
	}
	if (queue_id_parse(value, strlen(value), &id) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is no queue ID", value);
	code = selector_add_id(&o->selector, &id);
	return code < 0 ? err_set(err, code, "%s", err_word(code)) : 0;
}

static int parse_age(const char *value, int64_t *ret, struct err *err)
{
	if (clock_parse_span(value, ret) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is no age (90s, 10m, 2h, 3d)", value);
	return 0;
}

/* The time that lies age before now; never 0, which would mean "not asked". */
static int64_t time_before(const struct options *o, int64_t age)
{
	return o->now > age ? o->now - age : 1;
}

/* Repeated, the options are alternatives: the laxer of two counts. The same holds for --newer and
 * --larger. */
static int set_older(struct options *o, const char *value, struct err *err)
{
	int64_t age;
	int code = parse_age(value, &age, err);

	if (code < 0)
		return code;
	if (time_before(o, age) > o->selector.arrived_before)
		o->selector.arrived_before = time_before(o, age);
	return 0;
}

static int set_newer(struct options *o, const char *value, struct err *err)
{
	int64_t age;
	int code = parse_age(value, &age, err);

	if (code < 0)
		return code;
	if (o->selector.arrived_after == 0 || time_before(o, age) < o->selector.arrived_after)
		o->selector.arrived_after = time_before(o, age);
	return 0;
}

static int set_larger(struct options *o, const char *value, struct err *err)
{
	uint64_t bytes;

	if (str_parse_size(value, &bytes) < 0 || bytes > INT64_MAX)
		return err_set(err, ERR_SYNTAX, "'%s' is no size (500k, 10M, 1G)", value);
	if (o->selector.larger_than < 0 || (int64_t)bytes < o->selector.larger_than)
		o->selector.larger_than = (int64_t)bytes;
	return 0;
}

static int set_queue(struct options *o, const char *value, struct err *err)
{
	unsigned bits;
	int code = queue_parse_list(value, &bits, err);

	if (code < 0)
		return code;
	o->selector.queues |= bits;
	return 0;
}

static int set_limit(struct options *o, const char *value, struct err *err)
{
	uint64_t n;

	if (str_parse_u64(value, 1, SIZE_MAX / 2, &n) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is no number from 1 on", value);
	o->limit = (size_t)n;
	return 0;
}

/* An age that a rule lasts: 0 would be a rule that never was in force. */
static int parse_duration(const char *value, int64_t *ret, struct err *err)
{
	int64_t age;
	int code = parse_age(value, &age, err);

	if (code < 0)
		return code;
	if (age == 0)
		return err_set(err, ERR_SYNTAX, "a rule for '%s' would never be in force", value);
	*ret = age;
	return 0;
}

static int set_block(struct options *o, const char *value, struct err *err)
{
	o->block = true;
	return value ? parse_duration(value, &o->block_for, err) : 0;
}

static int set_for(struct options *o, const char *value, struct err *err)
{
	return parse_duration(value, &o->rule_for, err);
}

static int set_action(struct options *o, const char *value, struct err *err)
{
	if (rule_action_of(value, &o->action) < 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is no action (REJECT, DEFER, HOLD, DISCARD, OK, WARN)", value);
	return 0;
}

static int set_text(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->text = value;
	return 0;
}

static int set_reason(struct options *o, const char *value, struct err *err)
{
	if (strlen(value) > RULE_REASON_MAX)
		return err_set(err, ERR_SYNTAX, "longer than %d bytes", RULE_REASON_MAX);
	o->reason = value;
	return 0;
}

static int set_by(struct options *o, const char *value, struct err *err)
{
	if (top_by_of(value, &o->by) < 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is nothing to group by (sender, from, recipient, login, client)", value);
	return 0;
}

static int set_save(struct options *o, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_SYNTAX, "no directory was named");
	o->save = value;
	return 0;
}

static int set_config(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->config = value;
	return 0;
}

static int set_test(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->test = value;
	return 0;
}

static int parse_flood(const char *value, uint32_t *ret, struct err *err)
{
	uint64_t n;

	if (str_parse_u64(value, 1, UINT32_MAX / 2, &n) < 0)
		return err_set(err, ERR_SYNTAX, "'%s' is no number of a flood", value);
	if (*ret)
		return err_set(err, ERR_SYNTAX, "one flood at a time");
	*ret = (uint32_t)n;
	return 0;
}

static int set_flood(struct options *o, const char *value, struct err *err)
{
	return parse_flood(value, &o->flood, err);
}

static int set_normal(struct options *o, const char *value, struct err *err)
{
	return parse_flood(value, &o->normal, err);
}

static int set_bad(struct options *o, const char *value, struct err *err)
{
	return parse_flood(value, &o->bad, err);
}

#define FLAG(name, field)                                                                          \
	static bool *flag_##name(struct options *o)                                                \
	{                                                                                          \
		return &o->field;                                                                  \
	}
FLAG(dry_run, dry_run)
FLAG(yes, yes)
FLAG(json, json)
FLAG(quiet, quiet)
FLAG(help, help)
FLAG(version, version)
FLAG(only, selector.only)
FLAG(all, selector.all)
FLAG(subdomains, subdomains)
FLAG(sweep, sweep)
FLAG(foreign, foreign)
FLAG(with_bounces, with_bounces)
FLAG(index_only, index_only)
FLAG(remove, remove)
FLAG(listen, listen)
FLAG(requeue, requeue)
FLAG(watch, watch)
FLAG(try, try_logs)
FLAG(learn, learn)
#undef FLAG

/* clang-format off */
#define VALUE(name, letter, value, groups, set, help) \
	{name, letter, ARGUMENT_NEEDED, value, groups, help, NULL, set}
#define MAYBE(name, letter, value, groups, set, help) \
	{name, letter, ARGUMENT_OPTIONAL, value, groups, help, NULL, set}
#define PLAIN(name, letter, groups, flag, help) \
	{name, letter, ARGUMENT_NONE, NULL, groups, help, flag, NULL}
#define SUBJECTS (OPTION_SELECT | OPTION_SUBJECT)
#define ORIGINS  (OPTION_SELECT | OPTION_TEST)
const struct option_row option_rows[] = {
	VALUE("sender", 0, "PATTERN", OPTION_SELECT, set_sender, "the envelope sender matches"),
	VALUE("from", 0, "PATTERN", OPTION_SELECT, set_from, "a header From mailbox matches"),
	VALUE("recipient", 0, "PATTERN", OPTION_SELECT, set_recipient, "a recipient matches, given or queued"),
	PLAIN("only", 0, OPTION_SELECT, flag_only, "with --recipient: every queued one does"),
	VALUE("login", 0, "NAME", ORIGINS, set_login, "sent by this SASL login"),
	VALUE("client", 0, "ADDRESS[/BITS]", ORIGINS, set_client, "sent from this host or network"),
	VALUE("message-id", 0, "ID", OPTION_SELECT, set_message_id, "with this Message-ID"),
	VALUE("id", 0, "ID", OPTION_SELECT, set_id, "with this queue ID; - reads stdin"),
	VALUE("older", 0, "AGE", OPTION_SELECT, set_older, "arrived longer ago (90s 10m 2h 3d)"),
	VALUE("newer", 0, "AGE", OPTION_SELECT, set_newer, "arrived more recently"),
	VALUE("larger", 0, "SIZE", OPTION_SELECT, set_larger, "larger than (500k 10M 1G)"),
	VALUE("queue", 0, "NAME[,NAME]", OPTION_SELECT, set_queue, "lies in one of these queues"),
	PLAIN("subdomains", 0, SUBJECTS, flag_subdomains, "domains include their subdomains"),
	VALUE("flood", 0, "ID", OPTION_SELECT, set_flood, "sent by this flood's key while it went on"),
	PLAIN("all", 0, OPTION_SELECT | OPTION_FLOODS, flag_all, "all there is"),
	VALUE("normal", 0, "ID", OPTION_FLOODS, set_normal, "that was no flood: let it go, release, learn"),
	VALUE("bad", 0, "ID", OPTION_FLOODS, set_bad, "that was one: never learn it"),
	PLAIN("try", 0, OPTION_FLOODS, flag_try, "FILE... are mail logs: what would have fired?"),
	PLAIN("learn", 0, OPTION_FLOODS, flag_learn, "FILE... are mail logs: learn what is usual"),
	VALUE("limit", 0, "N", OPTION_LIMIT, set_limit, "the oldest N; of a log the latest"),
	MAYBE("block", 0, "AGE", OPTION_PURGE, set_block, "refuse the senders first, for AGE"),
	PLAIN("sweep", 0, OPTION_PURGE, flag_sweep, "repeat until a pass finds nothing"),
	VALUE("save", 0, "DIR", OPTION_PURGE, set_save, "write each message to DIR first"),
	PLAIN("with-bounces", 0, OPTION_PURGE, flag_with_bounces, "also the bounces it caused"),
	PLAIN("index-only", 0, OPTION_INDEX, flag_index_only, "as of the last catch-up"),
	PLAIN("remove", 0, OPTION_SETUP, flag_remove, "undo what setup did"),
	PLAIN("listen", 0, OPTION_ORDER, flag_listen, "make the sockets, and serve them"),
	PLAIN("foreign", 0, OPTION_RELEASE, flag_foreign, "also what others hold"),
	PLAIN("requeue", 0, OPTION_REQUEUE, flag_requeue, "as new mail, with new queue IDs"),
	VALUE("by", 0, "WHAT", OPTION_TOP, set_by, "sender from recipient login client"),
	VALUE("since", 0, "AGE", OPTION_TOP, set_newer, "only what arrived since then"),
	PLAIN("watch", 0, OPTION_TOP, flag_watch, "draw it anew every two seconds"),
	VALUE("for", 0, "AGE", OPTION_RULE | OPTION_STANDING, set_for, "stays in force for AGE, and no longer"),
	VALUE("action", 0, "ACTION", OPTION_RULE, set_action, "REJECT DEFER HOLD DISCARD OK WARN"),
	VALUE("text", 0, "TEXT", OPTION_RULE, set_text, "the reply's text"),
	VALUE("test", 0, "ADDRESS", OPTION_TEST, set_test, "say which rule decides for it"),
	VALUE("reason", 0, "TEXT", OPTION_REASON, set_reason, "why; kept in the account"),
	PLAIN("dry-run", 'n', OPTION_COMMON, flag_dry_run, "do all but touch nothing"),
	PLAIN("yes", 'y', OPTION_COMMON, flag_yes, "do not ask"),
	PLAIN("json", 0, OPTION_COMMON, flag_json, "one JSON object a line"),
	PLAIN("quiet", 'q', OPTION_COMMON, flag_quiet, "problems only"),
	VALUE("config", 'c', "FILE", OPTION_COMMON, set_config, "the configuration file"),
	PLAIN("help", 'h', OPTION_COMMON, flag_help, "this text"),
	PLAIN("version", 'V', OPTION_COMMON, flag_version, "the version"),
};
/* clang-format on */
const size_t option_row_count = COUNT_OF(option_rows);
