/* SPDX-License-Identifier: ISC */
/* A selector as JSON:
 *   {"author":[PATTERN,...],"sender":[...],"from":[...],"recipient":[...],"logins":[TEXT,...],
 *   "message_ids":[TEXT,...],"clients":["192.0.2.0/24",...],"uids":[N,...],"ids":["ID",...],
 *   "ids_given":true,"login_patterns":[PATTERN,...],"subject":[PATTERN,...],"why":[PATTERN,...],
 *   "login_exact":true,"only":true,"all":true,"arrived_before":N,"arrived_after":N,
 *   "larger_than":N,"queues":N}
 * TEXT is {"text":"..."}, or {"hex":"..."} if it is not UTF-8, which JSON requires. PATTERN is a
 * TEXT, with "within":true if it includes subdomains. Absent members do not restrict the
 * selection. */

#include "index/control/wire.h"

static struct json *text_of(const char *text)
{
	struct json *o = json_new();
	AUTO(strbuf_release) struct strbuf hex = {0};

	if (str_is_utf8(text)) {
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
	AUTO(strbuf_release) struct strbuf text = {0};

	for (size_t i = 0; i < set->count; i++) {
		struct json *each;

		strbuf_clear(&text);
		pattern_canonical(&set->list[i], &text);
		each = text.failed ? NULL : text_of(strbuf_text(&text));
		if (set->list[i].kind == PATTERN_WITHIN)
			json_put_bool(each, "within", true);
		json_append(array, each);
	}
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

	for (size_t i = 0; i < s->clients.count; i++) {
		char text[NET_BLOCK_TEXT_SIZE];

		net_block_text(&s->clients.list[i], text);
		strlist_push(&packed, text, strlen(text));
	}
	json_put_packed(o, "clients", &packed);
}

static void put_ids(struct json *o, const struct selector *s)
{
	AUTO(strbuf_release) struct strbuf packed = {0};
	struct strlist list;

	for (size_t i = 0; i < s->ids.count; i++)
		strlist_push(&packed, s->ids.list[i].text, strlen(s->ids.list[i].text));
	list = strlist_of(&packed);
	json_put_list(o, "ids", &list);
	json_put_bool(o, "ids_given", packed.failed || s->ids_given);
}

enum kind { PATTERNS, LOGINS, MESSAGE_IDS, CLIENTS, UIDS, IDS };

static const struct list {
	const char *key;
	enum kind kind;
	size_t at; /* in struct selector: a struct pattern_set or a packed list; others: unused */
} lists[] = {
#define AT(member) offsetof(struct selector, member)
    {"author", PATTERNS, AT(author)},
    {"sender", PATTERNS, AT(sender)},
    {"from", PATTERNS, AT(from)},
    {"recipient", PATTERNS, AT(recipient)},
    {"logins", LOGINS, AT(logins)},
    {"login_patterns", PATTERNS, AT(login_patterns)},
    {"subject", PATTERNS, AT(subject)},
    {"why", PATTERNS, AT(why)},
    {"message_ids", MESSAGE_IDS, AT(message_ids)},
    {"clients", CLIENTS, 0},
    {"uids", UIDS, 0},
    {"ids", IDS, 0},
#undef AT
};

struct json *wire_selector(const struct selector *s)
{
	struct json *o = json_new();

	for (const struct list *l = lists; l < lists + COUNT_OF(lists); l++) {
		const void *member = (const char *)s + l->at;

		if (l->kind == PATTERNS)
			json_put(o, l->key, patterns_of(member));
		else if (l->kind == LOGINS || l->kind == MESSAGE_IDS)
			json_put(o, l->key, texts_of(member));
	}
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
    const struct json *o, struct pattern_set *set, struct strbuf *text, struct err *err)
{
	AUTO(pattern_release) struct pattern pattern = {0};
	int code = read_text(o, text);

	code = code ?: pattern_parse(strbuf_text(text), &pattern, err);
	if (code != 0)
		return code;
	if (json_bool(o, "within", false))
		pattern_include_subdomains(&pattern);
	return pattern_set_add(set, &pattern);
}

/* text: scratch */
static int read_one(const struct list *l, const struct json *o, struct selector *s,
    struct strbuf *text, struct err *err)
{
	const char *word = json_text(o, NULL);
	int64_t number = json_int(o, NULL, -1);
	struct queue_id id;

	switch (l->kind) {
	case PATTERNS:
		return read_pattern(o, (void *)((char *)s + l->at), text, err);
	case LOGINS:
		return read_text(o, text) ?: selector_add_login(s, strbuf_text(text));
	case MESSAGE_IDS:
		return read_text(o, text) ?: selector_add_message_id(s, strbuf_text(text));
	case CLIENTS:
		return word ? selector_add_client(s, word, err) : ERR_SYNTAX;
	case UIDS:
		return number >= 0 && number <= UINT32_MAX ? selector_add_uid(s, (uid_t)number)
							   : ERR_SYNTAX;
	case IDS:
		break;
	}
	return word && queue_id_parse(word, strlen(word), &id) == 0 ? selector_add_id(s, &id)
								    : ERR_SYNTAX;
}

static int read_lists(const struct json *o, struct selector *s, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	int code = 0;

	for (const struct list *l = lists; l < lists + COUNT_OF(lists); l++)
		for (size_t i = 0; code == 0 && i < json_count(o, l->key); i++)
			code = read_one(l, json_at(o, l->key, i), s, &text, err);
	return code;
}

int wire_selector_read(const struct json *o, struct selector *ret, struct err *err)
{
	struct selector s;
	struct err why = {{0}};
	int code;

	selector_init(&s);
	code = read_lists(o, &s, &why);
	if (code != 0) {
		selector_release(&s);
		return err_set(err, code, "a selector is invalid (%s)",
		    why.text[0] ? why.text : err_word(code));
	}
	s.ids_given = s.ids_given || json_bool(o, "ids_given", false);
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
