/* SPDX-License-Identifier: ISC */
/* All rules: the file's and the index's, and what the child says about them. */
#include "purge/rules/rulebox.h"

#include <errno.h>

#include "index/rows/select.h"
#include "index/rulebook.h"

/* A rule by its place: the command's first, then the file's. */
#define NO_PLACE UINT64_MAX

/* What is found out about the rules; places only, so that it can be handed over. */
struct findings {
	uint64_t decides, warned;
	uint64_t outranking_count;
	struct {
		uint64_t passing, blocked;
	} outranking[RULEBOX_OUTRANKING_MAX];
};

/* What the child works on. */
struct collecting {
	int64_t wall;
	const struct rulebox_question *question;
	struct rule_list file; /* the child's copy, which it uses up */
};

static void note_outranking(struct findings *f, uint64_t passing, uint64_t blocked)
{
	uint64_t n = f->outranking_count++;

	if (n >= RULEBOX_OUTRANKING_MAX)
		return;
	f->outranking[n].passing = passing;
	f->outranking[n].blocked = blocked;
}

static void find_outranking(const struct rule_list *rules, uint64_t first_place, int64_t wall,
    const struct rule_list *blocked, struct findings *f)
{
	for (size_t b = 0; b < blocked->count; b++)
		for (size_t i = 0; blocked->list[b].action != RULE_OK && i < rules->count; i++)
			if (!rule_expired(&rules->list[i], wall) &&
			    rulebox_outranks(&rules->list[i], &blocked->list[b]))
				note_outranking(f, first_place + i, b);
}

/* Uses up both lists. */
static int find_deciding(struct rule_list *command, struct rule_list *file,
    const struct ruleset_query *query, struct findings *f)
{
	struct ruleset *set = ruleset_new(file, command, NULL);
	struct ruleset_hit hit;

	if (!set)
		return -ENOMEM;
	hit = ruleset_find(set, query);
	if (hit.rule)
		f->decides = hit.index;
	if (hit.warned)
		f->warned = hit.warned_index;
	ruleset_unref(set);
	return 0;
}

/* Uses up both lists. */
static int find_out(struct rule_list *command, struct rule_list *file, int64_t wall,
    const struct rulebox_question *question, struct findings *ret)
{
	*ret = (struct findings){.decides = NO_PLACE, .warned = NO_PLACE};
	if (question && question->blocked) {
		find_outranking(command, 0, wall, question->blocked, ret);
		find_outranking(file, command->count, wall, question->blocked, ret);
	}
	return question && question->query ? find_deciding(command, file, question->query, ret) : 0;
}

/* ---- in the child */

static void put_rules(const struct rule_list *rules, struct bytes *out)
{
	struct bytes one = {0};

	bytes_put_u64(out, rules->count);
	for (size_t i = 0; i < rules->count; i++) {
		bytes_clear(&one);
		rule_encode(&rules->list[i], &one);
		bytes_put_blob(out, one.at, one.len);
		if (one.failed)
			out->failed = true;
	}
	bytes_release(&one);
}

/* Every rule in its stored form, and how many could not be read; the hits of the file's rules; then
 * what was to be found out. */
static int collect_rules(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct collecting *c = arg;
	struct rule_list rules = {0};
	struct findings findings;
	struct txn txn;
	uint64_t damaged = 0;
	int code;

	/* A failed transaction makes the load fail. */
	(void)txn_begin(store, false, &txn);
	code = rulebook_load(&txn, c->wall, &rules, &damaged, NULL);
	if (code < 0) {
		txn_abort(&txn);
		return err_set(
		    err, code, "failed to read the rules of the index (%s)", err_word(code));
	}
	bytes_put_u64(out, damaged);
	put_rules(&rules, out);
	for (size_t i = 0; i < c->file.count; i++)
		bytes_put_u64(out, rulebook_file_hits(&txn, c->file.list[i].subject));
	txn_abort(&txn);
	code = find_out(&rules, &c->file, c->wall, c->question, &findings);
	bytes_put(out, &findings, sizeof(findings));
	rule_list_release(&rules);
	return code < 0 ? err_set(err, code, "out of memory") : 0;
}

/* ---- what it handed over */

static int take_rules(struct reader *r, struct rulebox *box, struct err *err)
{
	uint64_t count = reader_u64(r);

	for (uint64_t i = 0; i < count && !r->failed; i++) {
		struct rule rule;
		int code = rule_decode_words(reader_blob(r), &rule, err);

		if (code == 0)
			code = rule_list_add(&box->command, &rule);
		else if (code != -ENOMEM)
			return code;
		if (code < 0)
			return err_set(err, code, "out of memory");
	}
	return 0;
}

static const struct rule *rule_at(const struct rulebox *box, uint64_t place)
{
	const struct rule_list *command = &box->command, *file = &box->file;

	if (place < command->count)
		return &command->list[place];
	place -= command->count;
	return place < file->count ? &file->list[place] : NULL;
}

static void take_findings(
    const struct findings *f, const struct rulebox_question *question, struct rulebox *box)
{
	const struct rule_list *blocked = question ? question->blocked : NULL;
	uint64_t shown = f->outranking_count < RULEBOX_OUTRANKING_MAX ? f->outranking_count
								      : RULEBOX_OUTRANKING_MAX;

	box->decides = f->decides == NO_PLACE ? NULL : rule_at(box, f->decides);
	box->warned = f->warned == NO_PLACE ? NULL : rule_at(box, f->warned);
	for (uint64_t i = 0; blocked && i < shown; i++) {
		const struct rule *passing = rule_at(box, f->outranking[i].passing);

		if (!passing || f->outranking[i].blocked >= blocked->count)
			return;
		box->outranking[i] =
		    (struct rulebox_outranking){passing, &blocked->list[f->outranking[i].blocked]};
		box->outranking_count = i + 1;
	}
	if (blocked)
		box->outranking_count = f->outranking_count;
}

static int take_over(const struct blob *blob, const struct rulebox_question *question,
    struct rulebox *box, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	struct findings findings;
	const void *found;
	int code;

	box->damaged = reader_u64(&r);
	code = take_rules(&r, box, err);
	if (code < 0)
		return code;
	for (size_t i = 0; i < box->file.count; i++)
		box->file.list[i].hits = reader_u64(&r);
	found = reader_take(&r, sizeof(findings));
	if (!found || !reader_done(&r))
		return err_set(err, ERR_DAMAGED, "the rules of the index make no sense");
	memcpy(&findings, found, sizeof(findings));
	take_findings(&findings, question, box);
	return 0;
}

/* ---- both */

/* Without an index there is nothing but the file, which is the admin's own; its rules are read once
 * more to be used up. */
static int ask_file(const struct settings *settings, int64_t wall,
    const struct rulebox_question *question, struct rulebox *box, struct err *err)
{
	struct rule_list none = {0}, file = {0};
	struct findings findings;
	int code;

	if (!box->broken.text[0] && rules_file_read(settings->rules_file, &file, &box->broken) < 0)
		rule_list_release(&file);
	code = find_out(&none, &file, wall, question, &findings);
	rule_list_release(&file);
	if (code < 0)
		return err_set(err, code, "out of memory");
	take_findings(&findings, question, box);
	return 0;
}

int rulebox_read(const struct settings *settings, int64_t wall,
    const struct rulebox_question *question, struct rulebox *ret, struct err *err)
{
	struct collecting collecting = {.wall = wall, .question = question};
	struct blob blob = {0};
	int code;

	*ret = (struct rulebox){0};
	if (rules_file_read(settings->rules_file, &ret->file, &ret->broken) < 0)
		rule_list_release(&ret->file);
	collecting.file = ret->file;
	code = index_read(settings->index_directory, collect_rules, &collecting, &blob, err);
	if (code == ERR_NO_INDEX) {
		ret->no_index = true;
		return ask_file(settings, wall, question, ret, err);
	}
	if (code == 0)
		code = take_over(&blob, question, ret, err);
	blob_release(&blob);
	return code < 0 ? code : 0;
}

void rulebox_release(struct rulebox *box)
{
	rule_list_release(&box->file);
	rule_list_release(&box->command);
}

/* From the most to the least specific, as the rule set searches: login, client, address, domain,
 * parents, expressions. */
static int rank_of(const struct rule *r, const struct pattern *p)
{
	if (r->kind == RULE_LOGIN)
		return 0;
	if (r->kind == RULE_CLIENT)
		return 1;
	switch (p->kind) {
	case PATTERN_ADDRESS:
	case PATTERN_NULL:
		return 2;
	case PATTERN_DOMAIN:
		return 3;
	case PATTERN_SUBDOMAINS:
	case PATTERN_WITHIN:
		return 4;
	case PATTERN_REGEX:
		break;
	}
	return 5;
}

/* Whether narrow, the more specific one, is about mail that wide is about, too. Of expressions
 * nobody can tell: yes. */
static bool overlaps(const struct pattern *narrow, const struct pattern *wide)
{
	const struct domain *d = &narrow->address.domain, *parent = &wide->address.domain;

	if (wide->kind == PATTERN_REGEX && narrow->kind == PATTERN_REGEX)
		return true;
	if (wide->kind == PATTERN_REGEX &&
	    (narrow->kind == PATTERN_ADDRESS || narrow->kind == PATTERN_NULL))
		return pattern_match(wide, &narrow->address) == 1;
	if (wide->kind == PATTERN_REGEX)
		return true;
	if (narrow->kind == PATTERN_NULL || wide->kind == PATTERN_NULL)
		return false;
	if (wide->kind == PATTERN_DOMAIN)
		return narrow->kind == PATTERN_ADDRESS && domain_equal(d, parent);
	if (wide->kind == PATTERN_SUBDOMAINS)
		return domain_below(d, parent);
	return false;
}

/* Of two networks the longer mask is looked up first. */
static bool network_outranks(const struct rule *passing, const struct rule *blocked)
{
	return passing->block.bits > blocked->block.bits &&
	       net_contains(&blocked->block, &passing->block.base);
}

bool rulebox_outranks(const struct rule *passing, const struct rule *blocked)
{
	struct pattern narrow = {0}, wide = {0};
	bool outranks = false;

	if (passing->action != RULE_OK || blocked->kind == RULE_LOGIN)
		return false;
	if (passing->kind == RULE_LOGIN)
		return true;
	if (blocked->kind == RULE_CLIENT)
		return passing->kind == RULE_CLIENT && network_outranks(passing, blocked);
	if (passing->kind == RULE_CLIENT)
		return true;
	if (pattern_parse(passing->subject, &narrow, NULL) == 0 &&
	    pattern_parse(blocked->subject, &wide, NULL) == 0)
		outranks = strcmp(passing->subject, blocked->subject) != 0 &&
			   rank_of(passing, &narrow) <= rank_of(blocked, &wide) &&
			   overlaps(&narrow, &wide);
	pattern_release(&narrow);
	pattern_release(&wide);
	return outranks;
}

char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size)
{
	if (r->line)
		snprintf(buf, size, "%s:%u", settings->rules_file, r->line);
	else
		snprintf(buf, size, "command");
	return buf;
}
