/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_order.h"

#include "purge/fleet/fleet_spec.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"

#define LOOK_MS     200
#define PLACE_TRIES 5

static void put_hosts(const struct fleet_site *site, struct json *request)
{
	struct strlist list = strlist_of(&site->hosts);

	if (list.count)
		json_put_list(request, "hosts", &list);
}

static void put_rules(struct json *request, const struct fleet_order *o)
{
	struct json *list = json_new_array();

	for (size_t n = 0; n < o->rules->count; n++) {
		const struct rule *r = &o->rules->list[n];
		struct json *one = json_new();

		json_put_text(one, "subject", r->subject);
		json_put_text(one, "action", rule_action_word(r->action));
		json_put_text(one, "text", r->text);
		json_append(list, one);
	}
	json_put(request, "rules", list);
	if (o->rules_for)
		json_put_int(request, "rules_for_s", o->rules_for);
}

static struct json *place_request(const struct fleet *f, const struct fleet_site *site,
    const struct fleet_order *o, const char *token)
{
	struct json *request = json_request("place");

	json_put_text(request, "token", token);
	json_put_text(request, "verb", o->verb);
	json_put_bool(request, "dry_run", o->dry_run);
	json_put(request, "spec", json_duplicate(o->spec));
	json_put_text(request, "reason", f->s->options.reason);
	json_put_int(request, "expire_s", o->expire);
	put_hosts(site, request);
	if (o->rules && o->rules->count && !o->dry_run)
		put_rules(request, o);
	return request;
}

/* The database commits an order before it answers, so without the answer nobody knows the
 * result. */
static int no_answer(const struct fleet_site *site, int code, struct err *err)
{
	static const int unknown[] = {ERR_TIMEOUT, ERR_STOPPED, ERR_CHILD};
	bool lost = code == ERR_CONFIG && site->link.lost;

	for (size_t n = 0; n < COUNT_OF(unknown); n++)
		lost |= code == unknown[n];
	if (!lost)
		return err_within(err, code, "the order was not placed");
	return err_within(err, code == ERR_CONFIG ? ERR_TIMEOUT : code,
	    "it is unknown whether the order was placed ('pqpurge-idx fleet orders%s%s' tells)",
	    site->name ? " --fleet=" : "", site->name ? site->name : "");
}

static int place_at(struct fleet *f, size_t n, struct fleet_order *o, struct err *err)
{
	struct fleet_site *site = &f->sites[n];
	AUTO(json_release) struct json *answer = NULL;
	char token[FLEET_TOKEN_SIZE];
	int code = fleet_token(token, err);

	for (int tries = 0; code == 0 && tries < PLACE_TRIES; tries++) {
		code = fleet_link_ask(&site->link, place_request(f, site, o, token), &answer, err);
		if (code != ERR_CONFIG || !site->link.lost || interrupt_stop)
			break;
		code = tries + 1 < PLACE_TRIES ? 0 : code;
		poll(NULL, 0, LOOK_MS);
	}
	if (code < 0)
		return no_answer(site, code, err);
	if (json_count(answer, "hosts") == 0)
		code =
		    err_set(err, ERR_USAGE, "the fleet%s%s has no hosts ('pqpurge-idx fleet add')",
			site->name ? " " : "", site->name ? site->name : "");
	else
		o->at[n].number = json_int(answer, "order", 0);
	o->at[n].rule_version = json_int(answer, "rule_version", 0);
	return code;
}

int fleet_place(struct fleet *f, struct fleet_order *o, struct err *err)
{
	size_t end = f->count;

	o->fleet = f;
	while (end > 0 && f->sites[end - 1].left_out)
		end--;
	for (size_t n = 0; n < end; n++) {
		int code = f->sites[n].left_out ? 0 : place_at(f, n, o, err);

		if (code < 0 && (!o->splits || f->count == 1 || code == ERR_STOPPED))
			return code;
		if (code < 0 && n + 1 == end && !fleet_is_placed(o))
			return code;
		if (code < 0)
			complain("%s", err->text);
		o->not_placed += code < 0;
	}
	return 0;
}

bool fleet_is_placed(const struct fleet_order *o)
{
	bool placed = false;

	for (size_t n = 0; n < FLEET_SITES_MAX; n++)
		placed |= o->at[n].number != 0;
	return placed;
}

void fleet_order_release(struct fleet_order *o)
{
	for (size_t n = 0; n < FLEET_SITES_MAX; n++) {
		json_free(o->at[n].results);
		o->at[n].results = NULL;
	}
}

static void count_host(struct fleet_known *k, const struct json *host, int64_t version)
{
	const char *state = json_words(host, "state");
	const bool knows = json_int(host, "rules", 0) >= version;

	if (strcmp(state, "retired") == 0)
		return;
	k->hosts++;
	k->known += knows;
	k->behind += strcmp(state, "present") == 0 && !knows;
}

int fleet_rules_known(struct fleet *f, const int64_t versions[FLEET_SITES_MAX],
    struct fleet_known *ret, struct err *err)
{
	int code = 0;

	*ret = (struct fleet_known){0};
	for (size_t site = 0; code == 0 && site < f->count; site++) {
		AUTO(json_release) struct json *answer = NULL;

		if (versions[site] < 0)
			continue;
		code = fleet_link_ask(&f->sites[site].link, json_request("hosts"), &answer, err);
		for (size_t n = 0; code == 0 && n < json_count(answer, "hosts"); n++)
			count_host(ret, json_at(answer, "hosts", n), versions[site]);
	}
	return code;
}
