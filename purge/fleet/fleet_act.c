/* SPDX-License-Identifier: ISC */
/* purge, hold, release and undo on the fleet: a dry run, a question, the order, its results. */

#include "base/clock.h"
#include "purge/fleet/fleet_order.h"
#include "purge/fleet/fleet_spec.h"
#include "purge/interrupt.h"
#include "purge/rules/blocking.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"

struct acting {
	struct fleet *f;
	const struct options *o;
	const char *verb;
	struct json *spec;
	struct rule_list plan; /* --block */
	struct fleet_order preview, order;
};

static int add_rules(struct acting *a, struct err *err)
{
	const struct block_terms terms = block_terms_of(a->f->s, RULE_REJECT, a->o->block_for);

	if (!a->o->block)
		return 0;
	int code = block_plan_selector(&a->plan, &a->o->selector, &terms, err);
	if (code == 0)
		code = block_doubts(a->f->s, &a->plan, err);
	return code < 0 ? code : 0;
}

static int take_token(struct acting *a, const struct json *order, uint64_t number, struct err *err)
{
	const char *token = json_text(order, "token"), *verb = json_text(order, "verb");
	struct strbuf packed = {0};

	if (!token || !verb)
		return err_set(err, ERR_USAGE, "there is no order %" PRIu64, number);
	if (strcmp(verb, "hold") != 0)
		return err_set(
		    err, ERR_USAGE, "order %" PRIu64 " is not a hold, but '%s'", number, verb);
	strlist_push(&packed, token, strlen(token));
	json_put_packed(a->spec, "of", &packed);
	return 0;
}

static bool has_begun_or_may(const struct json *result)
{
	return !str_has_word("refused cancelled expired", json_words(result, "state"));
}

/* Without --host, undo asks the order's hosts. Another one may be absent or refuse, and has nothing
 * to undo. */
static int name_hosts(struct fleet_site *site, const struct json *order, struct err *err)
{
	size_t retired = 0;
	int code = 0;

	for (size_t n = 0; code >= 0 && n < json_count(order, "results"); n++) {
		const struct json *result = json_at(order, "results", n);
		const char *name = json_words(result, "host");

		if (!has_begun_or_may(result))
			continue;
		code = fleet_site_has(site, name, err);
		retired += code == 0;
		if (code > 0)
			strlist_push(&site->hosts, name, strlen(name));
	}
	if (code < 0 || site->hosts.len)
		return code < 0 ? code : 0;
	return err_set(err, ERR_USAGE,
	    retired ? "the hosts of the order are retired; what it held there is released by "
		      "'pqpurge-idx undo' on the host itself, or after 'fleet add'"
		    : "the order held nothing on any host");
}

/* An undo releases, on each host, what the order with this token held. */
static int find_token(struct acting *a, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	struct fleet_site *site;
	uint64_t number = 0;
	int code = fleet_only(a->f, "undo --fleet", &site, err);

	if (code < 0)
		return code;
	if (a->o->word_count != 1 || str_parse_u64(a->o->words[0], 1, INT64_MAX, &number) < 0)
		return err_set(err, ERR_USAGE,
		    "'undo --fleet' takes the number of one order; 'pqpurge-idx fleet orders' "
		    "lists them");
	struct json *request = json_request("order");
	json_put_int(request, "order", (int64_t)number);
	code = fleet_link_ask(&site->link, request, &answer, err);
	code = code ?: take_token(a, answer, number, err);
	return code || a->o->hosts ? code : name_hosts(site, answer, err);
}

static int prepare(struct acting *a, struct err *err)
{
	int code = fleet_spec(a->o, &a->spec, err);

	code = code ?: session_check_all(a->f->s, err);
	if (code == 0 && strcmp(a->verb, "undo") == 0)
		code = find_token(a, err);
	return code == 0 ? add_rules(a, err) : code;
}

static void say_absent(const struct fleet_order *o)
{
	struct fleet_counts c = fleet_count(o);
	char seen[64];
	size_t told = 0;

	say(stderr, "%zu %s", c.hosts, PLURAL(c.hosts, "host"));
	fleet_each (r, o)
		if (fleet_state_of(r.json) == FLEET_ABSENT && told++ < 10)
			say(stderr, "; %s was %s", r.shown,
			    fleet_seen_text(json_int(r.json, "seen_us", -1), seen, sizeof(seen)));
	if (told > 10)
		say(stderr, "; and %zu more are absent", told - 10);
	say(stderr, ".\n");
}

static void say_found(const struct acting *a, const char *key)
{
	size_t hosts = 0, told = 0;
	int64_t sum = fleet_sum(&a->preview, key, &hosts);
	AUTO(strbuf_release) struct strbuf line = {0};

	strbuf_printf(&line, "%" PRId64 " %s on %zu %s", sum, PLURAL(sum, "message"), hosts,
	    PLURAL(hosts, "host"));
	fleet_each (r, &a->preview) {
		int64_t one = json_int(json_child(r.json, "summary"), key, 0);

		if (one > 0 && told++ < 20)
			strbuf_printf(&line, "%s %s %" PRId64, told == 1 ? ":" : ",", r.shown, one);
	}
	say(stderr, "%s.\n", strbuf_text(&line));
	for (size_t n = 0; n < a->plan.count; n++)
		say(stderr, "To be refused on all hosts: %s.\n", a->plan.list[n].subject);
}

/* "mx3", "mx3 and mx4", "3 absent hosts" */
static char *absent_names(const struct fleet_order *o, char *buf, size_t size)
{
	struct fleet_counts c = fleet_count(o);
	AUTO(strbuf_release) struct strbuf names = {0};

	fleet_each (r, o)
		if (c.absent <= 2 && fleet_state_of(r.json) == FLEET_ABSENT)
			strbuf_printf(&names, "%s%.80s", names.len ? " and " : "", r.shown);
	if (c.absent > 2)
		snprintf(buf, size, "%zu absent hosts", c.absent);
	else
		snprintf(buf, size, "%s", strbuf_text(&names));
	return buf;
}

static bool is_wanted(const struct acting *a)
{
	struct fleet_counts c = fleet_count(&a->preview);
	const char *verb = strcmp(a->verb, "purge") == 0 ? "delete" : a->verb;
	char question[400], names[200], also[240] = "";

	if (c.absent)
		snprintf(also, sizeof(also), ", and on %s what came before now",
		    absent_names(&a->preview, names, sizeof(names)));
	snprintf(question, sizeof(question), "%s%c%s these%s?", a->plan.count ? "Block and " : "",
	    a->plan.count ? verb[0] : verb[0] - 'a' + 'A', verb + 1, also);
	return ask_number(STDIN_FILENO, stderr, question, " of hosts", c.hosts) == ANSWER_YES;
}

static int place(struct acting *a, struct fleet_order *o, bool dry_run, struct err *err)
{
	int64_t expire = a->o->expire ? a->o->expire / USEC_PER_SEC : FLEET_EXPIRE;

	*o = (struct fleet_order){.verb = a->verb,
	    .dry_run = dry_run,
	    .splits = !dry_run,
	    .spec = a->spec,
	    .expire = dry_run      ? FLEET_LOOK
		      : expire > 0 ? expire
				   : 1,
	    .rules = &a->plan,
	    .rules_for = (a->o->block_for + USEC_PER_SEC - 1) / USEC_PER_SEC};
	return fleet_place(a->f, o, err);
}

/* Programs get the last line, whatever the user answered. */
static int tell_preview(const struct acting *a, int status, struct err *err)
{
	int code = a->o->json ? session_written(fleet_tell_json(&a->preview), err) : 0;

	return code < 0 ? code : status;
}

/* 0 and *ret_end false: go on. Otherwise an exit status or a code. */
static int ask(struct acting *a, bool *ret_end, struct err *err)
{
	const char *key = fleet_done_key(a->verb, true);
	int code = place(a, &a->preview, true, err);

	*ret_end = true;
	code = code ?: fleet_await(a->f, &a->preview, err);
	if (code < 0)
		return code;
	struct fleet_counts c = fleet_count(&a->preview);
	say_absent(&a->preview);
	say_found(a, key);
	if (c.failed)
		(void)!fleet_tell_hosts(stderr, &a->preview, 0, NULL);
	if (fleet_sum(&a->preview, key, NULL) == 0 && !c.absent && !a->plan.count)
		return tell_preview(a, fleet_exit(&a->preview), err);
	*ret_end = !is_wanted(a);
	if (!*ret_end)
		return 0;
	say(stderr, "Nothing was touched.\n");
	return tell_preview(a, EXIT_INTERRUPTED, err);
}

static void say_waits_at(const struct acting *a, size_t site)
{
	const char *fleet = a->f->sites[site].name;
	char until[CLOCK_TEXT_SIZE];
	AUTO(strbuf_release) struct strbuf names = {0};

	fleet_each (r, &a->order) {
		enum fleet_state state = fleet_state_of(r.json);

		if (r.site == site && (state == FLEET_ABSENT || state == FLEET_OPEN) &&
		    names.len < 300)
			strbuf_printf(&names, "%s%s", names.len ? ", " : "", r.shown);
	}
	if (names.len)
		say(stdout, " Order %" PRId64 "%s%s waits for %s until %s.",
		    a->order.at[site].number, fleet ? " of " : "", fleet ? fleet : "", names.text,
		    clock_text(
			clock_wall() + a->order.expire * USEC_PER_SEC, until, sizeof(until)));
}

static void say_rules(const struct acting *a)
{
	char until[CLOCK_TEXT_SIZE];
	int64_t versions[FLEET_SITES_MAX];
	struct fleet_known k;

	for (size_t n = 0; n < FLEET_SITES_MAX; n++)
		versions[n] = a->order.at[n].number ? a->order.at[n].rule_version : -1;
	if (!a->plan.count || fleet_rules_known(a->f, versions, &k, NULL) < 0)
		return;
	for (size_t n = 0; n < a->plan.count; n++)
		say(stdout, "%s: REJECT until %s, in force on %zu of %zu %s.\n",
		    a->plan.list[n].subject, block_until(&a->plan.list[n], until, sizeof(until)),
		    k.known, k.hosts, PLURAL(k.hosts, "host"));
}

static int tell(const struct acting *a, const struct fleet_order *o, struct err *err)
{
	const char *key = fleet_done_key(a->verb, o->dry_run);
	struct fleet_counts c = fleet_count(o);
	size_t hosts = 0;
	int64_t sum = fleet_sum(o, key, &hosts);
	char word[32];
	int code;

	if (a->o->json)
		code = fleet_tell_json(o);
	else if (a->o->quiet)
		code = 0;
	else
		code = fleet_tell_hosts(stdout, o, 0, NULL);
	if (!a->o->json && !a->o->quiet) {
		fleet_done_text(a->verb, o->dry_run, word, sizeof(word));
		word[0] = (char)(word[0] - 'a' + 'A');
		say(stdout, "%s %" PRId64 " %s on %zu of %zu %s.%s", word, sum,
		    PLURAL(sum, "message"), hosts, c.hosts, PLURAL(c.hosts, "host"),
		    o->dry_run ? " Nothing was touched." : "");
		for (size_t n = 0; !o->dry_run && n < a->f->count; n++)
			say_waits_at(a, n);
		say(stdout, "\n");
		if (!o->dry_run)
			say_rules(a);
	}
	code = session_written(code, err);
	return code < 0 ? code : fleet_exit(o);
}

static int tell_interrupted(const struct acting *a)
{
	bool known = fleet_count(&a->order).hosts > 0;
	int code = 0;

	if (known && a->o->json)
		code = fleet_tell_json(&a->order);
	else if (known && !a->o->quiet)
		code = fleet_tell_hosts(stdout, &a->order, 0, NULL);
	return code < 0 ? EXIT_SOME_FAILED : EXIT_INTERRUPTED;
}

static int run(struct acting *a, struct err *err)
{
	bool end = false;
	int code = prepare(a, err);

	if (code == 0 && !a->o->dry_run && session_can_ask(a->f->s))
		code = ask(a, &end, err);
	if (code < 0 || end)
		return code;
	code = place(a, &a->order, a->o->dry_run, err);
	code = code ?: fleet_await(a->f, &a->order, err);
	if (code < 0 && fleet_is_placed(&a->order) && !a->o->dry_run) {
		fleet_tell_standing(&a->order);
		if (code == ERR_STOPPED)
			return tell_interrupted(a);
	}
	return code < 0 ? code : tell(a, &a->order, err);
}

int fleet_act(struct fleet *f, struct err *err)
{
	struct acting a = {.f = f, .o = &f->s->options, .verb = f->s->verb->name};
	int code = run(&a, err);

	json_free(a.spec);
	rule_list_release(&a.plan);
	fleet_order_release(&a.preview);
	fleet_order_release(&a.order);
	return code;
}
