/* SPDX-License-Identifier: ISC */
/*
 * A selector as JSON:
 *
 * {"author":[PATTERN,...],"sender":[...],"from":[...],"recipient":[...],"logins":[TEXT,...],
 * "message_ids":[TEXT,...],"clients":["192.0.2.0/24",...],"uids":[N,...],"ids":["ID",...],
 * "ids_given":true,
 * "login_exact":true,"only":true,"all":true,"arrived_before":N,"arrived_after":N,
 * "larger_than":N,"queues":N}
 *
 * TEXT is {"text":"..."}, or {"hex":"..."} where it is no UTF-8, which JSON cannot carry. PATTERN
 * is a TEXT with "within":true where it includes subdomains. What is absent is not asked.
 */
#include <errno.h>

#include "index/wire.h"

static bool is_utf8(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		uint32_t point;
		size_t step = str_utf8(text, len, &point);

		if (step == 0)
			return false;
		text += step;
		len -= step;
	}
	return true;
}

static struct json *text_of(const char *text)
{
	struct json *o = json_new();
	struct strbuf hex = {0};

	if (is_utf8(text)) {
		json_put_text(o, "text", text);
		return o;
	}
	for (; *text; text++)
		strbuf_printf(&hex, "%02x", (unsigned char)*text);
	if (hex.failed) {
		json_free(o);
		o = NULL;
	}
	json_put_text(o, "hex", strbuf_text(&hex));
	strbuf_release(&hex);
	return o;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex(const char *hex, struct strbuf *out)
{
	for (; *hex; hex += 2) {
		int high = hex_value(hex[0]), low = high < 0 ? -1 : hex_value(hex[1]);

		if (low < 0 || (high == 0 && low == 0))
			return ERR_SYNTAX;
		strbuf_putc(out, (char)(high << 4 | low));
	}
	return out->failed ? -ENOMEM : 0;
}

static int read_text(const struct json *o, struct strbuf *out)
{
	const char *text = json_text(o, "text"), *hex = json_text(o, "hex");

	strbuf_clear(out);
	if (text) {
		strbuf_puts(out, text);
		return out->failed ? -ENOMEM : 0;
	}
	return hex ? read_hex(hex, out) : ERR_SYNTAX;
}

static struct json *patterns_of(const struct pattern_set *set)
{
	struct json *array = json_new_array();
	struct strbuf text = {0};

	for (size_t i = 0; i < set->count; i++) {
		struct json *each;

		strbuf_clear(&text);
		pattern_canonical(&set->list[i], &text);
		each = text.failed ? NULL : text_of(strbuf_text(&text));
		if (set->list[i].kind == PATTERN_WITHIN)
			json_put_bool(each, "within", true);
		json_append(array, each);
	}
	strbuf_release(&text);
	return array;
}

static struct json *texts_of(const struct strbuf *packed)
{
	struct strlist list = strlist_of(packed);
	struct json *array = json_new_array();

	strlist_each (text, &list)
		json_append(array, text_of(text));
	return array;
}

static void put_clients(struct json *o, const struct selector *s)
{
	struct strbuf packed = {0};
	struct strlist list;

	for (size_t i = 0; i < s->clients.count; i++) {
		const struct net_block *block = &s->clients.list[i];
		unsigned bits = block->base.family == 4 ? block->bits - 96 : block->bits;
		char address[NET_TEXT_SIZE], text[NET_TEXT_SIZE + 8];

		(void)snprintf(text, sizeof text, "%s/%u", net_text(&block->base, address), bits);
		strlist_push(&packed, text, strlen(text));
	}
	list = strlist_of(&packed);
	json_put_list(o, "clients", &list);
	strbuf_release(&packed);
}

static void put_ids(struct json *o, const struct selector *s)
{
	struct strbuf packed = {0};
	struct strlist list;

	for (size_t i = 0; i < s->ids.count; i++)
		strlist_push(&packed, s->ids.list[i].text, strlen(s->ids.list[i].text));
	list = strlist_of(&packed);
	json_put_list(o, "ids", &list);
	json_put_bool(o, "ids_given", packed.failed || s->ids_given);
	strbuf_release(&packed);
}

struct json *wire_selector(const struct selector *s)
{
	struct json *o = json_new();

	json_put(o, "author", patterns_of(&s->author));
	json_put(o, "sender", patterns_of(&s->sender));
	json_put(o, "from", patterns_of(&s->from));
	json_put(o, "recipient", patterns_of(&s->recipient));
	json_put(o, "logins", texts_of(&s->logins));
	json_put(o, "message_ids", texts_of(&s->message_ids));
	put_clients(o, s);
	json_put_ints(o, "uids", s->uids.list, s->uids.count);
	put_ids(o, s);
	json_put_bool(o, "login_exact", s->login_exact);
	json_put_bool(o, "only", s->only);
	json_put_bool(o, "all", s->all);
	json_put_int(o, "arrived_before", s->arrived_before);
	json_put_int(o, "arrived_after", s->arrived_after);
	json_put_int(o, "larger_than", s->larger_than);
	json_put_int(o, "queues", s->queues);
	return o;
}

static int read_pattern(
    const struct json *o, struct strbuf *text, struct pattern_set *set, struct err *err)
{
	struct pattern pattern = {0};
	int code = read_text(o, text);

	if (code == 0)
		code = pattern_parse(strbuf_text(text), &pattern, err);
	if (code != 0)
		return code;
	if (json_bool(o, "within", false))
		pattern_include_subdomains(&pattern);
	code = pattern_set_add(set, &pattern);
	pattern_release(&pattern);
	return code;
}

static int read_patterns(
    const struct json *o, const char *key, struct pattern_set *set, struct err *err)
{
	struct strbuf text = {0};
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_count(o, key); i++)
		code = read_pattern(json_at(o, key, i), &text, set, err);
	strbuf_release(&text);
	return code;
}

static int read_texts(const struct json *o, const char *key, struct selector *s,
    int (*add)(struct selector *s, const char *text))
{
	struct strbuf text = {0};
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_count(o, key); i++) {
		code = read_text(json_at(o, key, i), &text);
		if (code == 0)
			code = add(s, strbuf_text(&text));
	}
	strbuf_release(&text);
	return code;
}

static int read_clients(const struct json *o, struct selector *s, struct err *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_count(o, "clients"); i++) {
		const char *text = json_text(json_at(o, "clients", i), NULL);

		code = text ? selector_add_client(s, text, err) : ERR_SYNTAX;
	}
	return code;
}

static int read_uids(const struct json *o, struct selector *s)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_count(o, "uids"); i++) {
		int64_t uid = json_int(json_at(o, "uids", i), NULL, -1);

		code = uid >= 0 && uid <= UINT32_MAX ? selector_add_uid(s, (uid_t)uid) : ERR_SYNTAX;
	}
	return code;
}

static int read_ids(const struct json *o, struct selector *s)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_count(o, "ids"); i++) {
		const char *text = json_text(json_at(o, "ids", i), NULL);
		struct queue_id id;

		code = text ? queue_id_parse(text, strlen(text), &id) : ERR_SYNTAX;
		if (code == 0)
			code = selector_add_id(s, &id);
	}
	s->ids_given = s->ids_given || json_bool(o, "ids_given", false);
	return code;
}

static int read_all(const struct json *o, struct selector *s, struct err *err)
{
	int code = read_patterns(o, "author", &s->author, err);

	if (code == 0)
		code = read_patterns(o, "sender", &s->sender, err);
	if (code == 0)
		code = read_patterns(o, "from", &s->from, err);
	if (code == 0)
		code = read_patterns(o, "recipient", &s->recipient, err);
	if (code == 0)
		code = read_texts(o, "logins", s, selector_add_login);
	if (code == 0)
		code = read_texts(o, "message_ids", s, selector_add_message_id);
	if (code == 0)
		code = read_clients(o, s, err);
	if (code == 0)
		code = read_uids(o, s);
	return code == 0 ? read_ids(o, s) : code;
}

int wire_selector_read(const struct json *o, struct selector *ret, struct err *err)
{
	struct selector s;
	struct err why = {{0}};
	int code;

	selector_init(&s);
	code = read_all(o, &s, &why);
	if (code != 0) {
		selector_release(&s);
		return err_set(err, code, "a selector makes no sense (%s)",
		    why.text[0] ? why.text : err_word(code));
	}
	s.login_exact = json_bool(o, "login_exact", false);
	s.only = json_bool(o, "only", false);
	s.all = json_bool(o, "all", false);
	s.arrived_before = json_int(o, "arrived_before", 0);
	s.arrived_after = json_int(o, "arrived_after", 0);
	s.larger_than = json_int(o, "larger_than", -1);
	s.queues = (unsigned)json_int(o, "queues", 0);
	selector_seal(&s);
	*ret = s;
	return 0;
}
