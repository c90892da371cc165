/* SPDX-License-Identifier: ISC */
/* Placing an order of the fleet, and waiting for its hosts. */
#include "purge/fleet/fleet_order.h"

#include "base/clock.h"
#include "purge/fleet/fleet_spec.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"

#define LOOK_MS     200
#define LOST_TIME   (60 * USEC_PER_SEC) /* that the database may be away while we wait */
#define PLACE_TRIES 5
#define ROWS_LIVE   20

/* ---- hosts */

static int add_tag(struct fleet *f, const char *tag, struct err *err)
{
	struct json *request = fleet_request("tags"), *answer = NULL;
	struct strbuf packed = {0};

	strlist_push(&packed, tag, strlen(tag));
	json_put_packed(request, "tags", &packed);
	int code = fleet_link_ask(&f->link, request, &answer, err);
	if (code == 0 && json_count(answer, "hosts") == 0)
		code = err_set(err, ERR_USAGE, "no host has the tag '%s'", tag);
	for (size_t n = 0; code == 0 && n < json_count(answer, "hosts"); n++) {
		const char *name = json_text(json_at(answer, "hosts", n), NULL);

		if (name)
			strlist_push(&f->hosts, name, strlen(name));
	}
	json_free(answer);
	return code;
}

static int read_hosts(struct fleet *f, const char *list, struct err *err)
{
	int code = 0;

	for (; code == 0 && *list; list += *list == ',') {
		size_t len = strcspn(list, ",");
		char name[128];

		if (len >= sizeof(name))
			return err_set(err, ERR_USAGE, "'%s' is no host's name", list);
		memcpy(name, list, len);
		name[len] = '\0';
		list += len;
		if (name[0] == '@')
			code = add_tag(f, name + 1, err);
		else if (len)
			strlist_push(&f->hosts, name, len);
	}
	if (code == 0 && !f->hosts.len)
		code = err_set(err, ERR_USAGE, "'--host' names no host");
	return code;
}

int fleet_open(struct fleet *f, struct session *s, struct err *err)
{
	*f = (struct fleet){.s = s};
	int code = fleet_link_open(&f->link, s->settings.fleet, err);
	return code == 0 && s->options.hosts ? read_hosts(f, s->options.hosts, err) : code;
}

void fleet_close(struct fleet *f)
{
	fleet_link_close(&f->link);
	strbuf_release(&f->hosts);
}

/* The hosts that --host named; none: all. */
static void put_hosts(const struct fleet *f, struct json *request)
{
	struct strlist list = strlist_of(&f->hosts);

	if (list.count)
		json_put_list(request, "hosts", &list);
}

/* ---- placing */

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

static struct json *place_request(
    const struct fleet *f, const struct fleet_order *o, const char *token)
{
	struct json *request = fleet_request("place");

	json_put_text(request, "token", token);
	json_put_text(request, "verb", o->verb);
	json_put_bool(request, "dry_run", o->dry_run);
	json_put(request, "spec", json_duplicate(o->spec));
	json_put_text(request, "reason", f->s->options.reason);
	json_put_int(request, "expire_s", o->expire);
	put_hosts(f, request);
	if (o->rules && o->rules->count && !o->dry_run)
		put_rules(request, o);
	return request;
}

int fleet_place(struct fleet *f, struct fleet_order *o, struct err *err)
{
	char token[FLEET_TOKEN_SIZE];
	int code = fleet_token(token, err);

	if (code < 0)
		return code;
	for (int tries = 0; tries < PLACE_TRIES; tries++) {
		code = fleet_link_ask(&f->link, place_request(f, o, token), &o->placed, err);
		if (code != ERR_CONFIG || !f->link.lost || interrupt_stop)
			break;
		poll(NULL, 0, LOOK_MS);
	}
	if (code < 0)
		return err_within(err, code, "the order was not placed");
	if (json_count(o->placed, "hosts") == 0)
		return err_set(err, ERR_USAGE, "the fleet has no hosts ('pqpurge-idx fleet add')");
	o->number = json_int(o->placed, "order", 0);
	o->rule_version = json_int(o->placed, "rule_version", 0);
	return 0;
}

void fleet_order_release(struct fleet_order *o)
{
	json_free(o->placed);
	json_free(o->results);
	o->placed = o->results = NULL;
}

/* ---- results */

static bool is_present(const struct json *result)
{
	int64_t seen = json_int(result, "seen_us", -1);

	return seen >= 0 && seen <= FLEET_PRESENT;
}

enum fleet_state fleet_state_of(const struct json *result)
{
	const char *state = json_text(result, "state");

	if (state && strcmp(state, "done") == 0)
		return FLEET_DONE;
	if (!state || (strcmp(state, "pending") != 0 && strcmp(state, "running") != 0))
		return FLEET_FAILED;
	return is_present(result) ? FLEET_OPEN : FLEET_ABSENT;
}

const char *fleet_state_word(const struct json *result)
{
	const char *state = json_text(result, "state");

	return fleet_state_of(result) == FLEET_ABSENT ? "absent" : state ? state : "unknown";
}

struct fleet_counts fleet_count(const struct json *results)
{
	struct fleet_counts c = {.hosts = json_count(results, "results")};
	size_t *const counts[] = {[FLEET_DONE] = &c.done,
	    [FLEET_FAILED] = &c.failed,
	    [FLEET_ABSENT] = &c.absent,
	    [FLEET_OPEN] = &c.open};

	for (size_t n = 0; n < c.hosts; n++)
		++*counts[fleet_state_of(json_at(results, "results", n))];
	return c;
}

int64_t fleet_sum(const struct json *results, const char *key, size_t *ret_hosts)
{
	int64_t sum = 0;
	size_t hosts = 0;

	for (size_t n = 0; n < json_count(results, "results"); n++) {
		const struct json *s = json_child(json_at(results, "results", n), "summary");
		int64_t one = s ? json_int(s, key, 0) : 0;

		if (one < 0 || one > INT64_MAX / 2 - sum)
			continue;
		sum += one;
		hosts += one > 0;
	}
	if (ret_hosts)
		*ret_hosts = hosts;
	return sum;
}

int fleet_exit(const struct json *results)
{
	struct fleet_counts c = fleet_count(results);

	if (c.failed)
		return EXIT_SOME_FAILED;
	return c.absent || c.open ? EXIT_SOME_ABSENT : EXIT_DONE;
}

/* ---- waiting */

struct waiting {
	struct fleet *f;
	struct fleet_order *o;
	int64_t absent_until; /* steady */
	int64_t lost_since;   /* steady; 0: not lost */
	bool live;
	size_t rows; /* on the terminal */
};

static int look(struct waiting *w, struct err *err)
{
	struct json *request = fleet_request("results"), *answer = NULL;
	int64_t now = clock_steady();

	json_put_int(request, "order", w->o->number);
	int code = fleet_link_ask(&w->f->link, request, &answer, err);
	if (code == 0) {
		json_free(w->o->results);
		w->o->results = answer;
		w->lost_since = 0;
		return 0;
	}
	/* A standby may be taking over. */
	if (!w->f->link.lost || (w->lost_since && now - w->lost_since > LOST_TIME))
		return code;
	if (!w->lost_since)
		w->lost_since = now;
	return 0;
}

static bool is_over(const struct waiting *w)
{
	if (!w->o->results || w->lost_since)
		return false;
	struct fleet_counts c = fleet_count(w->o->results);
	if (c.open == 0 && c.absent == 0)
		return true;
	if (json_bool(w->o->results, "expired", false) ||
	    json_bool(w->o->results, "cancelled", false))
		return c.open == 0;
	return c.open == 0 && clock_steady() >= w->absent_until;
}

static void wipe(struct waiting *w)
{
	if (w->rows)
		fprintf(stderr, "\033[%zuA\033[J", w->rows);
	w->rows = 0;
}

static void draw(struct waiting *w)
{
	if (!w->live || !w->o->results)
		return;
	wipe(w);
	fleet_tell_hosts(stderr, w->o, ROWS_LIVE, &w->rows);
	fflush(stderr);
}

int fleet_await(struct fleet *f, struct fleet_order *o, struct err *err)
{
	struct waiting w = {.f = f,
	    .o = o,
	    .absent_until = clock_steady() + f->s->options.wait,
	    .live = isatty(STDERR_FILENO) && !f->s->options.quiet};
	int code = look(&w, err);

	while (code == 0 && !is_over(&w)) {
		draw(&w);
		poll(NULL, 0, LOOK_MS);
		code = interrupt_stop ? err_set(err, ERR_STOPPED, "interrupted") : look(&w, err);
	}
	wipe(&w);
	return code;
}

/* ---- rules */

int fleet_rules_known(
    struct fleet *f, int64_t version, size_t *ret_known, size_t *ret_hosts, struct err *err)
{
	struct json *answer = NULL;
	int code = fleet_link_ask(&f->link, fleet_request("hosts"), &answer, err);
	size_t known = 0, hosts = 0;

	for (size_t n = 0; code == 0 && n < json_count(answer, "hosts"); n++) {
		const struct json *host = json_at(answer, "hosts", n);
		const char *state = json_text(host, "state");

		if (state && strcmp(state, "retired") == 0)
			continue;
		hosts++;
		known += json_int(host, "rules", 0) >= version;
	}
	json_free(answer);
	*ret_known = known;
	*ret_hosts = hosts;
	return code;
}

void fleet_tell_standing(const struct fleet_order *o)
{
	if (o->number)
		complain("order %lld stands; 'pqpurge-idx fleet cancel %lld' ends it, "
			 "'pqpurge-idx fleet order %lld' tells of it",
		    (long long)o->number, (long long)o->number, (long long)o->number);
}

char *fleet_seen_text(int64_t seen_us, char *buf, size_t size)
{
	char span[CLOCK_TEXT_SIZE];

	if (seen_us < 0)
		snprintf(buf, size, "never seen");
	else
		snprintf(
		    buf, size, "last seen %s ago", clock_span_text(seen_us, span, sizeof(span)));
	return buf;
}
