/* SPDX-License-Identifier: ISC */
#include "base/str.h"
#include "flood/flood.h"
#include "purge/floods/floods.h"
#include "purge/interrupt.h"
#include "purge/tell/field.h"
#include "purge/tell/say.h"

static int parse_id(const char *word, uint32_t *ret, struct err *err)
{
	uint64_t id;

	if (str_parse_u64(word, 1, UINT32_MAX / 2, &id) < 0)
		return err_set(err, ERR_USAGE, "'%s' is not the number of a flood", word);
	*ret = (uint32_t)id;
	return 0;
}

/* Releases, as `release` does, what the incident's rule and the order door held. The daemon has
 * removed the rule. */
static int release_held(struct session *s, uint32_t id, struct err *err)
{
	bool is_name;
	int code = postfix_read(s->settings.postfix_config_directory, &s->postfix, err);

	s->postfix.stop = &interrupt_stop;
	s->options.flood = id;
	strbuf_printf(&s->options.selected, "--flood=%u", (unsigned)id); /* for the account */
	code = code ?: verb_choose("release", &s->verb, &is_name, err);
	return code < 0 ? code : verb_act(s, err);
}

static int put_marked(const struct session *s, uint32_t id, const struct json *i, const char *as)
{
	const struct field fields[] = {
	    {"id", NULL, FIELD_NUMBER, .n = id},
	    {"kind", NULL, FIELD_TEXT, .text = json_text(i, "kind")},
	    {"key", NULL, FIELD_TEXT, .text = json_text(i, "key")},
	    {"mark", NULL, FIELD_TEXT, .text = as},
	    {"result", NULL, FIELD_TEXT, .text = s->options.dry_run ? "would-mark" : "marked"},
	};
	struct json *o = json_new();

	fields_put(o, fields, COUNT_OF(fields));
	return json_line(stdout, o);
}

static void say_marked(const struct session *s, uint32_t id, bool normal)
{
	if (s->options.quiet)
		return;
	if (s->options.dry_run)
		say(stdout, "Flood %u would be marked as %s.\n", (unsigned)id,
		    normal ? "normal" : "bad");
	else if (normal)
		say(stdout, "Flood %u was normal: it is over, and its count is learned.\n",
		    (unsigned)id);
	else
		say(stdout, "Flood %u was bad: nothing of it is learned.\n", (unsigned)id);
}

/* Selects the mail to be released before the daemon is told anything. */
static int mark(struct session *s, const char *as, struct err *err)
{
	bool normal = strcmp(as, "normal") == 0, none;
	AUTO(json_release) struct json *answer = NULL;
	uint32_t id = normal ? s->options.normal : s->options.bad;
	int code = floods_ask(s, id, true, &answer, err), selected = 0;

	if (code < 0)
		return code;
	const struct json *i = json_at(answer, "floods", 0);
	const char *key = json_text(i, "key");
	/* an incident of many senders has no rule, so it held nothing */
	none = !normal || !key || strcmp(key, FLOOD_NEW_SENDERS) == 0;
	if (!none)
		selected = floods_select_of(s, i, err);
	if (!s->options.dry_run)
		code = floods_mark(s, id, as, err);
	if (code < 0)
		return code;
	if (s->options.json)
		code = session_written(put_marked(s, id, i, as), err);
	else
		say_marked(s, id, normal);
	if (code < 0)
		return code;
	if (selected < 0)
		return selected;
	return none ? EXIT_DONE : release_held(s, id, err);
}

static int look(struct session *s, uint32_t id, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	int code = floods_ask(s, id, s->options.selector.all, &answer, err);

	if (code < 0)
		return code;
	if (id && !s->options.json)
		floods_show(stdout, s, json_at(answer, "floods", 0));
	else
		code = floods_list(s, answer);
	return code < 0 ? err_set(err, code, "failed to write the floods") : EXIT_DONE;
}

int verb_floods(struct session *s, struct err *err)
{
	const struct options *o = &s->options;
	uint32_t id = 0;
	int code = 0;

	if (o->try_logs || o->learn)
		return floods_try(s, err);
	if (o->word_count > 1 || (o->word_count && (o->normal || o->bad)))
		return err_set(err, ERR_USAGE, "one flood at a time");
	if (o->normal || o->bad)
		return mark(s, o->normal ? "normal" : "bad", err);
	if (o->word_count)
		code = parse_id(o->words[0], &id, err);
	return code < 0 ? code : look(s, id, err);
}
