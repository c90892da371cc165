/* SPDX-License-Identifier: ISC */
/* All rules: the file's and the index's. */
#include "purge/rulebox.h"

#include "index/rulebook.h"
#include "index/select.h"

/* What the child works on. */
struct collecting {
	int64_t wall;
	const struct rule_list *file;
};

/*
 * In the child: every rule in its stored form, and how many could not be read; then the hits of the
 * file's rules.
 */
static int collect_rules(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	const struct collecting *c = arg;
	struct rule_list rules = {0};
	struct bytes one = {0};
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
	bytes_put_u64(out, rules.count);
	for (size_t i = 0; i < rules.count; i++) {
		bytes_clear(&one);
		rule_encode(&rules.list[i], &one);
		bytes_put_blob(out, one.at, one.len);
		if (one.failed)
			out->failed = true;
	}
	for (size_t i = 0; i < c->file->count; i++)
		bytes_put_u64(out, rulebook_file_hits(&txn, c->file->list[i].subject));
	txn_abort(&txn);
	bytes_release(&one);
	rule_list_release(&rules);
	return 0;
}

static int decode_rules(const struct blob *blob, struct rulebox *box, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	uint64_t count;

	box->damaged = reader_u64(&r);
	count = reader_u64(&r);
	for (uint64_t i = 0; i < count && !r.failed; i++) {
		struct span stored = reader_blob(&r);
		struct rule rule = {0};
		int code;

		if (rule_decode(stored, &rule, NULL) < 0) {
			box->damaged++;
			continue;
		}
		code = rule_list_add(&box->command, &rule);
		if (code < 0) {
			rule_release(&rule);
			return err_set(err, code, "out of memory");
		}
	}
	for (size_t i = 0; i < box->file.count; i++)
		box->file.list[i].hits = reader_u64(&r);
	return r.failed ? err_set(err, ERR_DAMAGED, "the rules of the index make no sense") : 0;
}

int rulebox_read(
    const struct settings *settings, int64_t wall, struct rulebox *ret, struct err *err)
{
	struct collecting collecting = {wall, &ret->file};
	struct blob blob = {0};
	int code;

	*ret = (struct rulebox){0};
	if (rules_file_read(settings->rules_file, &ret->file, &ret->broken) < 0)
		rule_list_release(&ret->file);
	code = index_read(settings->index_directory, collect_rules, &collecting, &blob, err);
	if (code == ERR_NO_INDEX) {
		ret->no_index = true;
		return 0;
	}
	if (code == 0)
		code = decode_rules(&blob, ret, err);
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
