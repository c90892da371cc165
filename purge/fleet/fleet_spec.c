/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_spec.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/net.h"

/* of an option in the spec */
enum form { FORM_TEXTS, FORM_WORDS, FORM_TEXT, FORM_SWITCH, FORM_LEAST, FORM_MOST, FORM_HERE };

static const struct row {
	const char *option, *key;
	enum form form;
} rows[] = {
    {"login", "login", FORM_TEXTS},
    {"uid", "uid", FORM_TEXTS},
    {"subject", "subject", FORM_TEXTS},
    {"why", "why", FORM_TEXTS},
    {"message-id", "message_id", FORM_TEXTS},
    {"id", "id", FORM_TEXTS},
    {"queue", "queue", FORM_WORDS},
    {"by", "by", FORM_TEXT},
    {"older", "older_s", FORM_LEAST},
    {"newer", "newer_s", FORM_MOST},
    {"since", "newer_s", FORM_MOST},
    {"all", "all", FORM_SWITCH},
    {"only", "only", FORM_SWITCH},
    {"subdomains", "subdomains", FORM_SWITCH},
    {"sweep", "sweep", FORM_SWITCH},
    {"with-bounces", "with_bounces", FORM_SWITCH},
    {"requeue", "requeue", FORM_SWITCH},
    {"foreign", "foreign", FORM_SWITCH},
    {"index-only", "index_only", FORM_SWITCH},
    /* not copied into the spec: read from struct options, or only for the command */
    {"sender", NULL, FORM_HERE},
    {"from", NULL, FORM_HERE},
    {"recipient", NULL, FORM_HERE},
    {"client", NULL, FORM_HERE},
    {"larger", NULL, FORM_HERE},
    {"limit", NULL, FORM_HERE},
    {"block", NULL, FORM_HERE},
    {"reason", NULL, FORM_HERE},
    {"dry-run", NULL, FORM_HERE},
    {"yes", NULL, FORM_HERE},
    {"json", NULL, FORM_HERE},
    {"quiet", NULL, FORM_HERE},
    {"config", NULL, FORM_HERE},
    {"fleet", NULL, FORM_HERE},
    {"host", NULL, FORM_HERE},
    {"wait", NULL, FORM_HERE},
    {"expire", NULL, FORM_HERE},
};

static const struct row *row_of(const char *given)
{
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		if (option_is(given, rows[n].option))
			return &rows[n];
	return NULL;
}

/* "" if the option has no value; NULL if it is another row's option. */
static const char *value_of(const char *given, const struct row *row)
{
	const char *equals = strchr(given, '=');

	return row_of(given) != row ? NULL : equals ? equals + 1 : "";
}

/* Releases packed. */
static void put_unless_empty(struct json *o, const char *key, struct strbuf *packed)
{
	if (packed->len || packed->failed)
		json_put_packed(o, key, packed);
}

static void put_texts(struct json *o, const struct strlist *given, const struct row *row)
{
	struct strbuf packed = {0};

	strlist_each (each, given) {
		const char *value = value_of(each, row);

		if (value)
			strlist_push(&packed, value, strlen(value));
	}
	put_unless_empty(o, row->key, &packed);
}

/* Words with commas between them; the option may be repeated. */
static void put_words(struct json *o, const struct strlist *given, const struct row *row)
{
	AUTO(strbuf_release) struct strbuf words = {0};

	strlist_each (each, given) {
		const char *value = value_of(each, row);

		if (value)
			strbuf_printf(&words, "%s%s", words.len ? "," : "", value);
	}
	if (words.failed)
		json_put(o, row->key, NULL); /* makes o fail: fewer words would select other mail */
	else if (words.len)
		json_put_text(o, row->key, strbuf_text(&words));
}

/* Repeated ages are alternatives, so the laxer one counts. */
static void put_age(struct json *o, const struct strlist *given, const struct row *row)
{
	int64_t found = -1;

	strlist_each (each, given) {
		const char *value = value_of(each, row);
		int64_t age;

		if (!value || clock_parse_span(value, &age) < 0)
			continue;
		age = (age + USEC_PER_SEC - 1) / USEC_PER_SEC;
		if (found < 0 || (row->form == FORM_LEAST ? age < found : age > found))
			found = age;
	}
	if (found >= 0)
		json_put_int(o, row->key, found);
}

static void put_row(struct json *o, const struct strlist *given, const struct row *row)
{
	if (row->form == FORM_TEXTS)
		put_texts(o, given, row);
	else if (row->form == FORM_WORDS)
		put_words(o, given, row);
	else if (row->form == FORM_LEAST || row->form == FORM_MOST)
		put_age(o, given, row);
	strlist_each (each, given) {
		const char *value = value_of(each, row);

		if (value && row->form == FORM_TEXT)
			json_put_text(o, row->key, value);
		else if (value && row->form == FORM_SWITCH)
			json_put_bool(o, row->key, true);
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
		if (!row_of(each))
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
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		put_row(o, &given, &rows[n]);
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
