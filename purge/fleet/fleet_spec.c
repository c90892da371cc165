/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_spec.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/net.h"

#define SPEC                                                                                       \
	(ON_FLEET_TEXTS | ON_FLEET_WORDS | ON_FLEET_TEXT | ON_FLEET_SWITCH | ON_FLEET_LEAST |      \
	    ON_FLEET_MOST)

/* "" if the option has no value; NULL if it is another row's option. */
static const char *value_of(const char *given, const struct option_row *row)
{
	const char *equals = strchr(given, '=');

	return !option_is(given, row->name) ? NULL : equals ? equals + 1 : "";
}

/* The option's name with '_', except for ages. */
static const char *key_of(const struct option_row *row, char buf[32])
{
	if (row->groups & (ON_FLEET_LEAST | ON_FLEET_MOST))
		return row->groups & ON_FLEET_LEAST ? "older_s" : "newer_s";
	snprintf(buf, 32, "%s", row->name);
	for (char *at = buf; (at = strchr(at, '-'));)
		*at = '_';
	return buf;
}

/* Releases packed. */
static void put_unless_empty(struct json *o, const char *key, struct strbuf *packed)
{
	if (packed->len || packed->failed)
		json_put_packed(o, key, packed);
}

static void put_texts(
    struct json *o, const char *key, const struct strlist *given, const struct option_row *row)
{
	struct strbuf packed = {0};

	strlist_each (each, given) {
		const char *value = value_of(each, row);

		if (value)
			strlist_push(&packed, value, strlen(value));
	}
	put_unless_empty(o, key, &packed);
}

/* Words with commas between them; the option may be repeated. */
static void put_words(
    struct json *o, const char *key, const struct strlist *given, const struct option_row *row)
{
	AUTO(strbuf_release) struct strbuf words = {0};

	strlist_each (each, given) {
		const char *value = value_of(each, row);

		if (value)
			strbuf_printf(&words, "%s%s", words.len ? "," : "", value);
	}
	if (words.failed)
		json_put(o, key, NULL); /* makes o fail: fewer words would select other mail */
	else if (words.len)
		json_put_text(o, key, strbuf_text(&words));
}

/* Repeated ages are alternatives, so the laxer one counts. */
static void put_age(
    struct json *o, const char *key, const struct strlist *given, const struct option_row *row)
{
	int64_t found = -1;

	strlist_each (each, given) {
		const char *value = value_of(each, row);
		int64_t age;

		if (!value || clock_parse_span(value, &age) < 0)
			continue;
		age = (age + USEC_PER_SEC - 1) / USEC_PER_SEC;
		if (found < 0 || (row->groups & ON_FLEET_LEAST ? age < found : age > found))
			found = age;
	}
	if (found >= 0)
		json_put_int(o, key, found);
}

static void put_row(struct json *o, const struct strlist *given, const struct option_row *row)
{
	char buf[32];
	const char *key = key_of(row, buf);

	if (row->groups & ON_FLEET_TEXTS)
		put_texts(o, key, given, row);
	else if (row->groups & ON_FLEET_WORDS)
		put_words(o, key, given, row);
	else if (row->groups & (ON_FLEET_LEAST | ON_FLEET_MOST))
		put_age(o, key, given, row);
	strlist_each (each, given) {
		const char *value = value_of(each, row);

		if (value && row->groups & ON_FLEET_TEXT)
			json_put_text(o, key, value);
		else if (value && row->groups & ON_FLEET_SWITCH)
			json_put_bool(o, key, true);
	}
}

/* Patterns go as written: the hosts apply --subdomains. */
static int put_patterns(
    struct json *o, const char *key, const struct pattern_set *set, struct err *err)
{
	struct strbuf packed = {0};

	for (size_t n = 0; n < set->count; n++) {
		AUTO(pattern_release) struct pattern p = {0};
		AUTO(strbuf_release) struct strbuf normal = {0};

		if (set->list[n].kind == PATTERN_REGEX)
			strbuf_puts(&normal, set->list[n].text);
		else if (pattern_parse(set->list[n].text, &p, err) == 0)
			pattern_canonical(&p, &normal);
		strlist_push(&packed, strbuf_text(&normal), normal.len);
		packed.failed |= normal.failed || normal.len == 0;
	}
	bool failed = packed.failed;
	put_unless_empty(o, key, &packed);
	return failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static void put_clients(struct json *o, const struct selector *s)
{
	struct strbuf packed = {0};

	for (size_t n = 0; n < s->clients.count; n++) {
		char text[NET_BLOCK_TEXT_SIZE];

		net_block_text(&s->clients.list[n], text);
		strlist_push(&packed, text, strlen(text));
	}
	put_unless_empty(o, "client", &packed);
}

static int put_selector(struct json *o, const struct options *options, struct err *err)
{
	const struct selector *s = &options->selector;
	int code = put_patterns(o, "author", &s->author, err);

	code = code ?: put_patterns(o, "sender", &s->sender, err);
	code = code ?: put_patterns(o, "from", &s->from, err);
	code = code ?: put_patterns(o, "recipient", &s->recipient, err);
	put_clients(o, s);
	if (s->larger_than >= 0)
		json_put_int(o, "larger", s->larger_than);
	if (options->limit)
		json_put_int(o, "limit", (int64_t)options->limit);
	return code;
}

int fleet_spec(const struct options *options, struct json **ret, struct err *err)
{
	struct strlist given = strlist_of(&options->given);

	strlist_each (each, &given)
		if (!(option_find(each)->groups & (SPEC | ON_FLEET_HERE)))
			return err_set(err, ERR_USAGE, "'--%.*s' does not go with '--fleet'",
			    (int)strcspn(each, "="), each);
	if (str_has_control(options->reason) || !str_is_utf8(options->reason))
		return err_set(err, ERR_USAGE,
		    "the reason has control characters, or bytes that are not UTF-8");
	if (options->ids_from_stdin)
		return err_set(err, ERR_USAGE, "'--id -' does not go with '--fleet'");
	struct json *o = json_new();
	json_put_int(o, "v", 1);
	int code = put_selector(o, options, err);
	for (size_t n = 0; n < option_row_count; n++)
		put_row(o, &given, &option_rows[n]);
	if (code == 0)
		*ret = o;
	else
		json_free(o);
	return code;
}

int fleet_token(char buf[FLEET_TOKEN_SIZE], struct err *err)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return err_sys(err, errno, "failed to make a token");
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(buf, FLEET_TOKEN_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	    b[15]);
	return 0;
}
