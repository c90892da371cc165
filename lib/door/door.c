/* SPDX-License-Identifier: ISC */
#include "door/door_private.h"

#include "base/net.h"
#include "base/str.h"

const char *door_event_word(enum door_event event)
{
	static const char *const words[DOOR_EVENTS] = {"", "begin", "update", "end"};

	return words[event];
}

bool door_is_text(const char *text)
{
	size_t len = strlen(text);

	if (len > DOOR_TEXT_MAX)
		return false;
	while (len > 0) {
		uint32_t point;
		size_t step = str_utf8(text, len, &point);

		if (step == 0 || str_is_unsafe(point))
			return false;
		text += step;
		len -= step;
	}
	return true;
}

bool door_consists_of(const char *text, const char *allowed, size_t max)
{
	size_t len = strlen(text);

	return len >= 1 && len <= max && strspn(text, allowed) == len;
}

/* Whether --login takes it for a name, not for a domain or an expression. */
static bool is_login(const char *value)
{
	return *value && *value != '@' && *value != '/';
}

bool door_is_normal(const char *value, enum pattern_kind *ret)
{
	AUTO(pattern_release) struct pattern p = {0};
	AUTO(strbuf_release) struct strbuf normal = {0};

	if (*value == '/' || pattern_parse(value, &p, NULL) < 0 || p.kind == PATTERN_REGEX)
		return false;
	*ret = p.kind;
	pattern_canonical(&p, &normal);
	return !normal.failed && strcmp(strbuf_text(&normal), value) == 0;
}

static bool is_address(const char *value)
{
	enum pattern_kind kind;

	return door_is_normal(value, &kind) && kind == PATTERN_ADDRESS;
}

static bool is_domain(const char *value)
{
	enum pattern_kind kind;

	return door_is_normal(value, &kind) && kind == PATTERN_DOMAIN;
}

bool door_is_client(const char *value)
{
	char normal[NET_BLOCK_TEXT_SIZE];
	struct net_block block;

	return net_parse_block(value, &block) == 0 && net_is_narrow(&block) &&
	       strcmp(net_block_text(&block, normal), value) == 0;
}

static const struct key_row {
	const char *word;
	bool (*is_value)(const char *value);
} keys[DOOR_KEYS] = {
    [DOOR_LOGIN] = {"login", is_login},
    [DOOR_LOCAL] = {"local", is_address},
    [DOOR_SENDER] = {"sender", is_address},
    [DOOR_CLIENT] = {"client", door_is_client},
    [DOOR_DOMAIN] = {"domain", is_domain},
};

const char *door_key_word(enum door_key key)
{
	return keys[key].word;
}

static int check_hold(const struct door_order *order, struct err *err)
{
	const struct door_hold *h = &order->hold;

	if (h->key < DOOR_LOGIN || h->key >= DOOR_KEYS)
		return err_set(err, ERR_SYNTAX, "there is no key %d", (int)h->key);
	if (!door_is_text(h->value) || !keys[h->key].is_value(h->value))
		return err_set(err, ERR_SYNTAX, "'%s' is not a %s in normal form", h->value,
		    keys[h->key].word);
	if (h->since <= 0 || h->until <= h->since || h->until - h->since > DOOR_WINDOW_MAX)
		return err_set(err, ERR_SYNTAX, "the window is empty or longer than a day");
	if (h->most < 1 || h->most > DOOR_HOLD_MAX)
		return err_set(err, ERR_SYNTAX, "%u messages are not from 1 to %u",
		    (unsigned)h->most, DOOR_HOLD_MAX);
	if (str_starts(h->token, DOOR_FLEET_PREFIX))
		return err_set(err, ERR_SYNTAX, "'%s' is a token of the fleet", h->token);
	if (!door_consists_of(h->token, DOOR_LOWER DOOR_UPPER DOOR_DECIMAL "-:._", 64))
		return err_set(err, ERR_SYNTAX, "'%s' is not a token", h->token);
	return door_is_text(h->reason) ? 0 : err_set(err, ERR_SYNTAX, "the reason is not a text");
}

static bool is_known(const struct door_hook *hook, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(hook->fields[i].name, hook->fields[n].name) == 0)
			return true;
	return false;
}

static int check_field(const struct door_hook *hook, size_t n, struct err *err)
{
	const struct door_field *f = &hook->fields[n];
	struct strlist list = strlist_of(&f->list);
	bool good = door_consists_of(f->name, DOOR_LOWER "_", 32) && !is_known(hook, n) &&
		    f->kind >= DOOR_TEXT && f->kind <= DOOR_LIST && list.count <= DOOR_FIELDS_MAX;

	if (f->kind == DOOR_TEXT)
		good = good && door_is_text(f->text);
	strlist_each (each, &list)
		good = good && door_is_text(each);
	return good ? 0 : err_set(err, ERR_SYNTAX, "field '%s' is invalid", f->name);
}

static int check_hook(const struct door_order *order, struct err *err)
{
	const struct door_hook *hook = &order->hook;
	int code = 0;

	if (hook->event < DOOR_BEGIN || hook->event >= DOOR_EVENTS)
		return err_set(err, ERR_SYNTAX, "there is no event %d", (int)hook->event);
	for (size_t n = 0; code == 0 && n < hook->count; n++)
		code = check_field(hook, n, err);
	return code;
}

static int check_verb(const struct door_order *order, struct err *err)
{
	const struct door_verb *verb = &order->verb;

	if (verb->count == 0 || !door_consists_of(verb->words[0], DOOR_LOWER, 16))
		return err_set(err, ERR_SYNTAX, "the first word is not a verb");
	for (size_t n = 0; n < verb->count; n++)
		if (!door_is_text(verb->words[n]))
			return err_set(err, ERR_SYNTAX,
			    "word %zu holds control characters or bytes that are not UTF-8, or is "
			    "too long",
			    n + 1);
	return 0;
}

static void hold_members(struct codec *c, struct door_order *order)
{
	struct door_hold *h = &order->hold;
	uint8_t key = (uint8_t)h->key;

	codec_u8(c, &key);
	h->key = (enum door_key)key;
	codec_u32(c, &h->most);
	codec_i64(c, &h->since);
	codec_i64(c, &h->until);
	codec_text(c, &h->value);
	codec_text(c, &h->token);
	codec_text(c, &h->reason);
}

static void field_members(struct codec *c, struct door_field *f)
{
	uint8_t kind = (uint8_t)f->kind;

	codec_text(c, &f->name);
	codec_u8(c, &kind);
	f->kind = (enum door_field_kind)kind;
	f->text = f->text ? f->text : "";
	if (f->kind == DOOR_NUMBER)
		codec_i64(c, &f->number);
	else if (f->kind == DOOR_TEXT)
		codec_text(c, &f->text);
	else if (f->kind == DOOR_LIST)
		codec_list(c, &f->list);
}

static void hook_members(struct codec *c, struct door_order *order)
{
	struct door_hook *hook = &order->hook;
	uint8_t event = (uint8_t)hook->event;

	codec_u8(c, &event);
	hook->event = (enum door_event)event;
	hook->fields =
	    codec_array(c, hook->fields, &hook->count, sizeof(*hook->fields), DOOR_FIELDS_MAX);
	for (size_t n = 0; n < hook->count; n++)
		field_members(c, &hook->fields[n]);
}

static void verb_members(struct codec *c, struct door_order *order)
{
	struct door_verb *verb = &order->verb;

	codec_flag(c, &verb->answered);
	codec_u32(c, &verb->columns);
	c->in.failed |= verb->columns > DOOR_COLUMNS_MAX;
	verb->words =
	    codec_array(c, verb->words, &verb->count, sizeof(*verb->words), DOOR_WORDS_MAX);
	for (size_t n = 0; n < verb->count; n++)
		codec_text(c, &verb->words[n]);
}

static const struct {
	void (*members)(struct codec *c, struct door_order *order);
	int (*check)(const struct door_order *order, struct err *err);
} kinds[DOOR_KINDS] = {
    [DOOR_HOLD] = {hold_members, check_hold},
    [DOOR_HOOK] = {hook_members, check_hook},
    [DOOR_VERB] = {verb_members, check_verb},
    [DOOR_FLEET] = {door_fleet_members, door_fleet_check},
    [DOOR_RULES] = {door_rules_members, door_rules_check},
};

static int order_members(struct codec *c, struct door_order *order)
{
	uint8_t version = DOOR_VERSION, kind = (uint8_t)order->kind;

	codec_u8(c, &version);
	if (version != DOOR_VERSION)
		return err_set(c->err, ERR_VERSION, "the order is of another version");
	codec_u8(c, &kind);
	if (kind >= DOOR_KINDS || !kinds[kind].members)
		return err_set(c->err, ERR_SYNTAX, "there is no such order");
	order->kind = (enum door_kind)kind;
	kinds[kind].members(c, order);
	return c->code;
}

int door_decode(struct span payload, struct door_order *ret, struct err *err)
{
	struct codec c = {.in = reader_of(payload.at, payload.len), .err = err};
	struct door_order order = {0};

	if (payload.len > DOOR_FRAME_MAX)
		return err_set(
		    err, ERR_LIMIT, "an order can have at most %u bytes", DOOR_FRAME_MAX);
	int code = order_members(&c, &order);
	if (code == 0 && !reader_done(&c.in))
		code = err_set(err, ERR_SYNTAX, "the order is cut off, or too long");
	code = code ?: kinds[order.kind].check(&order, err);
	if (code == 0)
		*ret = order;
	else
		door_order_release(&order);
	return code;
}

void door_order_release(struct door_order *order)
{
	for (size_t n = 0; n < order->hook.count; n++)
		strbuf_release(&order->hook.fields[n].list);
	free(order->hook.fields);
	free(order->verb.words);
	free(order->fleet.pairs);
	free(order->rules.rules);
	*order = (struct door_order){0};
}

int door_encode(const struct door_order *order, struct bytes *ret, struct err *err)
{
	size_t before = ret->len;
	struct codec c = {.out = ret, .err = err};
	struct door_order copy = *order;
	AUTO(door_order_release) struct door_order again = {0};
	int code = order_members(&c, &copy);

	if (code < 0)
		return code;
	if (ret->failed)
		return err_set(err, -ENOMEM, "out of memory");
	return door_decode((struct span){ret->at + before, ret->len - before}, &again, err);
}
