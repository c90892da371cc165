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

static int check_hold(const struct door_hold *h, struct err *err)
{
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

static int check_hook(const struct door_hook *hook, struct err *err)
{
	int code = 0;

	if (hook->event < DOOR_BEGIN || hook->event >= DOOR_EVENTS)
		return err_set(err, ERR_SYNTAX, "there is no event %d", (int)hook->event);
	for (size_t n = 0; code == 0 && n < hook->count; n++)
		code = check_field(hook, n, err);
	return code;
}

static int check_verb(const struct door_verb *verb, struct err *err)
{
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

static int check(const struct door_order *order, struct err *err)
{
	switch (order->kind) {
	case DOOR_HOLD:
		return check_hold(&order->hold, err);
	case DOOR_HOOK:
		return check_hook(&order->hook, err);
	case DOOR_VERB:
		return check_verb(&order->verb, err);
	case DOOR_FLEET:
		return door_fleet_check(&order->fleet, err);
	case DOOR_RULES:
		return door_rules_check(&order->rules, err);
	default:
		return 0;
	}
}

static void read_hold(struct reader *r, struct door_hold *h)
{
	h->key = (enum door_key)reader_u8(r);
	h->most = reader_u32(r);
	h->since = reader_i64(r);
	h->until = reader_i64(r);
	h->value = reader_text(r);
	h->token = reader_text(r);
	h->reason = reader_text(r);
}

static void read_list(struct reader *r, struct strbuf *packed)
{
	uint32_t count = reader_u32(r);

	for (uint32_t n = 0; n < count && !r->failed; n++) {
		const char *text = reader_text(r);

		strlist_push(packed, text, strlen(text));
	}
}

static void read_field(struct reader *r, struct door_field *f)
{
	f->name = reader_text(r);
	f->kind = (enum door_field_kind)reader_u8(r);
	f->text = "";
	if (f->kind == DOOR_NUMBER)
		f->number = reader_i64(r);
	else if (f->kind == DOOR_TEXT)
		f->text = reader_text(r);
	else if (f->kind == DOOR_LIST)
		read_list(r, &f->list);
}

void *door_read_array(
    struct reader *r, uint32_t max, size_t size, size_t *ret_count, int *ret_code, struct err *err)
{
	uint32_t count = reader_u32(r);
	void *array = count > max ? NULL : calloc((size_t)count + 1, size);

	if (count > max)
		*ret_code = err_set(err, ERR_LIMIT, "more than %u members", max);
	else if (!array)
		*ret_code = err_set(err, -ENOMEM, "out of memory");
	*ret_count = count;
	return array;
}

static int read_hook(struct reader *r, struct door_hook *hook, struct err *err)
{
	size_t count;
	int code = 0;

	hook->event = (enum door_event)reader_u8(r);
	hook->fields =
	    door_read_array(r, DOOR_FIELDS_MAX, sizeof(*hook->fields), &count, &code, err);
	for (; code == 0 && hook->count < count; hook->count++) {
		read_field(r, &hook->fields[hook->count]);
		if (hook->fields[hook->count].list.failed)
			code = err_set(err, -ENOMEM, "out of memory");
	}
	return code;
}

static int read_verb(struct reader *r, struct door_verb *verb, struct err *err)
{
	uint8_t answered = reader_u8(r);
	size_t count;
	int code = 0;

	verb->columns = reader_u32(r);
	verb->answered = answered == 1;
	r->failed |= answered > 1 || verb->columns > DOOR_COLUMNS_MAX;
	verb->words = door_read_array(r, DOOR_WORDS_MAX, sizeof(*verb->words), &count, &code, err);
	while (code == 0 && verb->count < count)
		verb->words[verb->count++] = reader_text(r);
	return code;
}

static int read_order(struct reader *r, struct door_order *order, struct err *err)
{
	int code = 0;

	if (reader_u8(r) != DOOR_VERSION)
		return err_set(err, ERR_VERSION, "the order is of another version");
	order->kind = (enum door_kind)reader_u8(r);
	if (order->kind == DOOR_HOLD)
		read_hold(r, &order->hold);
	else if (order->kind == DOOR_HOOK)
		code = read_hook(r, &order->hook, err);
	else if (order->kind == DOOR_VERB)
		code = read_verb(r, &order->verb, err);
	else if (order->kind == DOOR_FLEET)
		code = door_fleet_read(r, &order->fleet, err);
	else if (order->kind == DOOR_RULES)
		code = door_rules_read(r, &order->rules, err);
	else
		return err_set(err, ERR_SYNTAX, "there is no such order");
	if (code == 0 && !reader_done(r))
		code = err_set(err, ERR_SYNTAX, "the order is cut off, or too long");
	return code;
}

int door_decode(struct span payload, struct door_order *ret, struct err *err)
{
	struct reader r = reader_of(payload.at, payload.len);
	struct door_order order = {0};

	if (payload.len > DOOR_FRAME_MAX)
		return err_set(
		    err, ERR_LIMIT, "an order can have at most %u bytes", DOOR_FRAME_MAX);
	int code = read_order(&r, &order, err);
	code = code ?: check(&order, err);
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

static void put_hold(struct bytes *b, const struct door_hold *h)
{
	bytes_put_u8(b, (uint8_t)h->key);
	bytes_put_u32(b, h->most);
	bytes_put_i64(b, h->since);
	bytes_put_i64(b, h->until);
	bytes_put_text(b, h->value);
	bytes_put_text(b, h->token);
	bytes_put_text(b, h->reason);
}

static void put_field(struct bytes *b, const struct door_field *f)
{
	struct strlist list = strlist_of(&f->list);

	bytes_put_text(b, f->name);
	bytes_put_u8(b, (uint8_t)f->kind);
	if (f->kind == DOOR_NUMBER)
		bytes_put_i64(b, f->number);
	else if (f->kind == DOOR_TEXT)
		bytes_put_text(b, f->text);
	else
		bytes_put_u32(b, (uint32_t)list.count);
	if (f->kind == DOOR_LIST)
		strlist_each (each, &list)
			bytes_put_text(b, each);
}

static void put_hook(struct bytes *b, const struct door_hook *hook)
{
	bytes_put_u8(b, (uint8_t)hook->event);
	bytes_put_u32(b, (uint32_t)hook->count);
	for (size_t n = 0; n < hook->count; n++)
		put_field(b, &hook->fields[n]);
}

static void put_verb(struct bytes *b, const struct door_verb *verb)
{
	bytes_put_u8(b, verb->answered);
	bytes_put_u32(b, verb->columns);
	bytes_put_u32(b, (uint32_t)verb->count);
	for (size_t n = 0; n < verb->count; n++)
		bytes_put_text(b, verb->words[n]);
}

int door_encode(const struct door_order *order, struct bytes *ret, struct err *err)
{
	size_t before = ret->len;
	AUTO(door_order_release) struct door_order again = {0};

	bytes_put_u8(ret, DOOR_VERSION);
	bytes_put_u8(ret, (uint8_t)order->kind);
	if (order->kind == DOOR_HOLD)
		put_hold(ret, &order->hold);
	else if (order->kind == DOOR_HOOK)
		put_hook(ret, &order->hook);
	else if (order->kind == DOOR_VERB)
		put_verb(ret, &order->verb);
	else if (order->kind == DOOR_FLEET)
		door_fleet_put(ret, &order->fleet);
	else if (order->kind == DOOR_RULES)
		door_rules_put(ret, &order->rules);
	if (ret->failed)
		return err_set(err, -ENOMEM, "out of memory");
	return door_decode((struct span){ret->at + before, ret->len - before}, &again, err);
}
