/* SPDX-License-Identifier: ISC */

#include "base/clock.h"
#include "purge/fleet/fleet_order.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"

#define LOOK_MS   200
#define LOST_TIME (60 * USEC_PER_SEC) /* patience with a database that is away */
#define ROWS_LIVE 20

bool fleet_next(const struct fleet_order *o, struct fleet_result *r)
{
	while (
	    r->site < FLEET_SITES_MAX && r->next >= json_count(o->at[r->site].results, "results")) {
		r->site++;
		r->next = 0;
	}
	if (r->site == FLEET_SITES_MAX)
		return false;
	r->json = json_at(o->at[r->site].results, "results", r->next++);
	r->host = json_words(r->json, "host");
	const bool several = o->fleet && o->fleet->count > 1;
	snprintf(r->shown, sizeof(r->shown), "%.64s%s%.80s",
	    several ? o->fleet->sites[r->site].name : "", several ? "/" : "", r->host);
	return true;
}

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

static void count(struct fleet_counts *c, const struct json *result)
{
	size_t *const counts[] = {[FLEET_DONE] = &c->done,
	    [FLEET_FAILED] = &c->failed,
	    [FLEET_ABSENT] = &c->absent,
	    [FLEET_OPEN] = &c->open};

	++*counts[fleet_state_of(result)];
	c->hosts++;
}

struct fleet_counts fleet_count(const struct fleet_order *o)
{
	struct fleet_counts c = {0};

	fleet_each (r, o)
		count(&c, r.json);
	return c;
}

int64_t fleet_sum(const struct fleet_order *o, const char *key, size_t *ret_hosts)
{
	int64_t sum = 0;
	size_t hosts = 0;

	fleet_each (r, o) {
		int64_t one = json_int(json_child(r.json, "summary"), key, 0);

		if (one < 0 || one > INT64_MAX / 2 - sum)
			continue;
		sum += one;
		hosts += one > 0;
	}
	if (ret_hosts)
		*ret_hosts = hosts;
	return sum;
}

int fleet_exit(const struct fleet_order *o)
{
	struct fleet_counts c = fleet_count(o);

	if (c.failed || o->not_placed)
		return EXIT_SOME_FAILED;
	return c.absent || c.open ? EXIT_SOME_ABSENT : EXIT_DONE;
}

struct waiting {
	struct fleet *f;
	struct fleet_order *o;
	int64_t absent_until; /* steady */
	bool live;
	size_t rows; /* on the terminal */
};

static int look_at(struct waiting *w, size_t n, struct err *err)
{
	struct json *request = json_request("results"), *answer = NULL;
	struct fleet_placed *at = &w->o->at[n];
	struct fleet_link *link = &w->f->sites[n].link;
	int64_t now = clock_steady();

	json_put_int(request, "order", at->number);
	int code = fleet_link_ask(link, request, &answer, err);
	if (code == 0) {
		json_free(at->results);
		at->results = answer;
		at->lost_since = 0;
		return 0;
	}
	/* a standby may soon take over */
	if (!link->lost || (at->lost_since && now - at->lost_since > LOST_TIME))
		return code;
	if (!at->lost_since)
		at->lost_since = now;
	return 0;
}

static int look(struct waiting *w, struct err *err)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < w->f->count; n++)
		if (w->o->at[n].number)
			code = look_at(w, n, err);
	return code;
}

static bool is_over_at(const struct waiting *w, const struct fleet_placed *at)
{
	struct fleet_counts c = {0};

	if (!at->number)
		return true;
	if (!at->results || at->lost_since)
		return false;
	for (size_t n = 0; n < json_count(at->results, "results"); n++)
		count(&c, json_at(at->results, "results", n));
	bool closed =
	    json_bool(at->results, "expired", false) || json_bool(at->results, "cancelled", false);
	return c.open == 0 && (c.absent == 0 || closed || clock_steady() >= w->absent_until);
}

static bool is_over(const struct waiting *w)
{
	for (size_t n = 0; n < w->f->count; n++)
		if (!is_over_at(w, &w->o->at[n]))
			return false;
	return true;
}

static void wipe(struct waiting *w)
{
	if (w->rows)
		fprintf(stderr, "\033[%zuA\033[J", w->rows);
	w->rows = 0;
}

static void draw(struct waiting *w)
{
	if (!w->live || fleet_count(w->o).hosts == 0)
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

void fleet_tell_standing(const struct fleet_order *o)
{
	for (size_t n = 0; o->fleet && n < o->fleet->count; n++) {
		const char *name = o->fleet->sites[n].name;
		long long number = o->at[n].number;
		char of[80] = "";

		if (name)
			snprintf(of, sizeof(of), " --fleet=%s", name);
		if (number)
			complain(
			    "order %lld%s%s stands; 'pqpurge-idx fleet cancel %lld%s' ends it, "
			    "'pqpurge-idx fleet order %lld%s' tells of it",
			    number, name ? " of " : "", name ? name : "", number, of, number, of);
	}
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
