/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_spec.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/net.h"
#include "postfix/spool/queue.h"

/* Releases packed. */
static void put_unless_empty(struct json *o, const char *key, struct strbuf *packed)
{
	if (packed->len || packed->failed)
		json_put_packed(o, key, packed);
}

/* The option's name, with '_', is the key. */
static void put_row(struct json *o, const struct strlist *given, const struct option_row *row)
{
	struct strbuf texts = {0};
	char key[32];

	snprintf(key, sizeof(key), "%s", row->name);
	for (char *at = key; (at = strchr(at, '-'));)
		*at = '_';
	strlist_each (each, given) {
		const char *value = strchr(each, '=');

		if (!option_is(each, row->name))
			continue;
		if (row->groups & ON_FLEET_SWITCH)
			json_put_bool(o, key, true);
		else if (row->groups & ON_FLEET_TEXT)
			json_put_text(o, key, value + 1);
		else if (row->groups & ON_FLEET_TEXTS)
			strlist_push(&texts, value + 1, strlen(value + 1));
	}
	put_unless_empty(o, key, &texts);
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

static void put_queues(struct json *o, const struct selector *s)
{
	AUTO(strbuf_release) struct strbuf words = {0};

	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (s->queues & queue_at(n))
			strbuf_printf(
			    &words, "%s%s", words.len ? "," : "", queue_word(queue_at(n)));
	if (words.failed)
		json_put(o, "queue", NULL); /* makes o fail: fewer words would select other mail */
	json_put_words(o, "queue", strbuf_text(&words));
}

/* time 0: not given */
static void put_age(struct json *o, const char *key, const struct options *options, int64_t time)
{
	if (time)
		json_put_int(o, key, (options->now - time + USEC_PER_SEC - 1) / USEC_PER_SEC);
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
	put_queues(o, s);
	put_age(o, "older_s", options, s->arrived_before);
	put_age(o, "newer_s", options, s->arrived_after);
	return code;
}

int fleet_spec(const struct options *options, struct json **ret, struct err *err)
{
	struct strlist given = strlist_of(&options->given);

	strlist_each (each, &given)
		if (!(option_find(each)->groups & ON_FLEET))
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
