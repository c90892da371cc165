/* SPDX-License-Identifier: ISC */
/* The agent asks the first question of a table that is due. */
#include "base/log.h"
#include "fleet/agent_private.h"
#include "fleet/statements.h"

#define LOOK_TIME USEC_PER_SEC
#define STEP_TIME (USEC_PER_SEC / 5) /* between two messages about progress */

struct params {
	const char *list[PG_PARAMS_MAX];
	char digits[PG_PARAMS_MAX][24];
	int count;
};

static void add_text(struct params *p, const char *text)
{
	p->list[p->count++] = text;
}

static void add_number(struct params *p, int64_t number)
{
	snprintf(p->digits[p->count], sizeof(p->digits[0]), "%" PRId64, number);
	add_text(p, p->digits[p->count]);
}

struct question {
	const char *sql;
	bool (*due)(const struct agent *a, int64_t now);
	void (*fill)(struct agent *a, struct params *p);
	void (*take)(struct agent *a); /* takes an answer without error; NULL: nothing to do */
	/* An error of the data (SQLSTATE classes 22 and 23) or of the order's state (FL003, FL004).
	 * NULL: the agent connects anew. */
	void (*fail)(struct agent *a);
};

static bool listen_due(const struct agent *a, int64_t now)
{
	(void)now;
	return !a->listening;
}

static void listen_take(struct agent *a)
{
	a->listening = true;
}

/* An agent that lost its name waits until the other one has been silent for AGENT_ABSENT. */
static bool fence_due(const struct agent *a, int64_t now)
{
	return a->fenced && now >= a->fence_at;
}

static void fence_fill(struct agent *a, struct params *p)
{
	(void)p;
	a->fence_at = clock_steady() + AGENT_FENCE;
}

static void fence_take(struct agent *a)
{
	if (pg_rows(a->pg) > 0 && pg_number(a->pg, 0, 0) < AGENT_ABSENT)
		return;
	agent_log(a, info, "fleet: the other agent is silent; taking the name %s again", a->name);
	a->fenced = false;
}

static bool hello_due(const struct agent *a, int64_t now)
{
	(void)now;
	return !a->greeted && !a->fenced;
}

static void hello_fill(struct agent *a, struct params *p)
{
	(void)a;
	add_text(p, "pqpurge-link " PQPURGE_VERSION);
}

/* After a failover the same version may name other rules, so all are fetched and replaced. */
static void hello_take(struct agent *a)
{
	a->epoch = pg_number(a->pg, 0, 2);
	a->fleet_rules = pg_number(a->pg, 0, 3);
	a->greeted = a->look = true;
	a->warm = false;
	a->rules.wanted = a->rules.full = true;
	a->rules.retry_at = 0;
	a->rules.have = a->rules.told = 0;
	a->beat_at = clock_steady();
	a->pause = AGENT_PAUSE;
	agent_log(a, info, "fleet: joined as %s (epoch %" PRId64 ")", a->name, a->epoch);
	a->trouble[0] = '\0';
}

static bool is_joined(const struct agent *a)
{
	return a->greeted && !a->fenced;
}

static bool rules_due(const struct agent *a, int64_t now)
{
	const struct agent_rules *r = &a->rules;

	return is_joined(a) && r->wanted && r->job.pid == 0 && now >= r->retry_at && !a->stopping;
}

static void rules_fill(struct agent *a, struct params *p)
{
	a->rules.asked_full = a->rules.full;
	a->rules.wanted = a->rules.full = false;
	add_number(p, a->rules.asked_full ? 0 : a->rules.have);
}

static bool beat_due(const struct agent *a, int64_t now)
{
	bool ripe = now >= a->beat_at && a->health.job.pid == 0;

	return is_joined(a) && (ripe || a->health.fresh || a->rules.have != a->rules.told);
}

static void beat_fill(struct agent *a, struct params *p)
{
	int64_t spread = AGENT_BEAT * 2 / 5;

	a->rules.told = a->rules.have;
	a->health.fresh = false;
	a->beat_at = clock_steady() + AGENT_BEAT - spread / 2 + random() % spread;
	add_number(p, a->epoch);
	add_number(p, a->rules.have);
	add_text(p, a->health.text.len ? a->health.text.text : NULL);
}

/* The answer makes up for lost notifications. */
static void beat_take(struct agent *a)
{
	int64_t newest = pg_number(a->pg, 0, 0);

	a->rules.wanted |= newest != a->rules.have && a->rules.job.pid == 0;
	a->rules.full |= newest < a->rules.have;
	a->fleet_rules = newest;
	a->look |= pg_number(a->pg, 0, 1) > 0;
}

static void beat_fail(struct agent *a)
{
	agent_log(
	    a, warning, "fleet: the database refuses the health of this host: %s", pg_words(a->pg));
	strbuf_clear(&a->health.text);
}

static bool progress_due(const struct agent *a, int64_t now)
{
	const struct agent_order *o = &a->order;
	int64_t at = o->progress_at - (o->done != o->done_told ? LOOK_TIME - STEP_TIME : 0);

	return is_joined(a) && o->state == ORDER_RUNNING && now >= at;
}

static void progress_fill(struct agent *a, struct params *p)
{
	struct agent_order *o = &a->order;

	o->done_told = o->done;
	o->progress_at = clock_steady() + LOOK_TIME;
	add_number(p, a->epoch);
	add_number(p, o->number);
	add_number(p, o->attempt);
	add_number(p, (int64_t)o->done);
	add_number(p, (int64_t)o->total);
}

static void progress_take(struct agent *a)
{
	if (!pg_truth(a->pg, 0, 0))
		return;
	agent_log(a, info, "fleet: order %" PRId64 " was cancelled", a->order.number);
	job_stop(&a->order.job);
}

/* Root goes on; this host's account has the result. */
static void progress_fail(struct agent *a)
{
	agent_log(a, warning, "fleet: progress: %s", pg_words(a->pg));
}

static bool is_ended(const struct agent *a)
{
	return is_joined(a) && a->order.state == ORDER_ENDED;
}

static bool part_due(const struct agent *a, int64_t now)
{
	(void)now;
	return is_ended(a) && a->order.parts_told < a->order.outcome.part_count;
}

static void part_fill(struct agent *a, struct params *p)
{
	struct agent_order *o = &a->order;

	add_number(p, a->epoch);
	add_number(p, o->number);
	add_number(p, o->attempt);
	add_number(p, (int64_t)o->parts_told);
	add_text(p, strbuf_text(&o->outcome.parts[o->parts_told]));
}

static void part_take(struct agent *a)
{
	a->order.parts_told++;
}

static bool report_due(const struct agent *a, int64_t now)
{
	(void)now;
	return is_ended(a) && a->order.parts_told >= a->order.outcome.part_count;
}

static void report_fill(struct agent *a, struct params *p)
{
	struct agent_order *o = &a->order;

	add_number(p, a->epoch);
	add_number(p, o->number);
	add_number(p, o->attempt);
	add_text(p, o->outcome.state);
	add_number(p, o->outcome.exit_status);
	add_number(p, (int64_t)o->outcome.batch);
	add_text(p, o->outcome.summary.len ? o->outcome.summary.text : NULL);
	add_text(p, strbuf_text(&o->outcome.words));
}

static void report_take(struct agent *a)
{
	order_forget(a);
}

/* The summary may be at fault, so the report is sent once more without it. Otherwise the order is
 * in another state in the database, and the agent gives up. */
static void report_fail(struct agent *a)
{
	agent_log(
	    a, warning, "fleet: report of order %" PRId64 ": %s", a->order.number, pg_words(a->pg));
	if (a->order.outcome.summary.len > 0 && pg_sqlstate(a->pg)[0] == '2')
		strbuf_clear(&a->order.outcome.summary);
	else
		order_forget(a);
}

static bool claim_due(const struct agent *a, int64_t now)
{
	(void)now;
	return is_joined(a) && a->look && a->order.state == ORDER_NONE && !a->stopping;
}

static void claim_fill(struct agent *a, struct params *p)
{
	a->look = false;
	add_number(p, a->epoch);
}

static void claim_take(struct agent *a)
{
	if (pg_rows(a->pg) > 0)
		order_claimed(a);
}

/* A session plans a statement when it first runs it. This report of no order moves that cost from
 * the first order to the hello; hello, rules and claim run then anyway. */
static bool warm_due(const struct agent *a, int64_t now)
{
	(void)now;
	return is_joined(a) && !a->warm;
}

static void warm_fill(struct agent *a, struct params *p)
{
	a->warm = true;
	add_number(p, a->epoch);
	add_number(p, 0); /* no order has this number */
	add_number(p, 0);
	add_text(p, "done");
	for (int n = p->count; n < FLEET_REPORT_PARAMS; n++)
		add_text(p, NULL);
}

static void warm_fail(struct agent *a)
{
	(void)a; /* a schema without order 0 */
}

static const struct question questions[] = {
    {FLEET_LISTEN, listen_due, NULL, listen_take, NULL},
    {"SELECT (extract(epoch FROM clock_timestamp() - seen_at) * 1000000)::bigint "
     "FROM pqpurge.fleet_host WHERE name = session_user",
	fence_due, fence_fill, fence_take, NULL},
    {FLEET_HELLO, hello_due, hello_fill, hello_take, NULL},
    {"SELECT pqpurge.fleet_add_part($1, $2, $3, $4, $5)", part_due, part_fill, part_take,
	part_take},
    {FLEET_REPORT, report_due, report_fill, report_take, report_fail},
    {FLEET_RULES, rules_due, rules_fill, rules_got, NULL},
    {FLEET_CLAIM, claim_due, claim_fill, claim_take, NULL},
    {FLEET_REPORT, warm_due, warm_fill, NULL, warm_fail},
    {"SELECT * FROM pqpurge.fleet_beat($1, $2, $3)", beat_due, beat_fill, beat_take, beat_fail},
    {"SELECT pqpurge.fleet_progress($1, $2, $3, $4, $5)", progress_due, progress_fill,
	progress_take, progress_fail},
};

int agent_ask(struct agent *a, int64_t now, struct err *err)
{
	for (size_t n = 0; n < COUNT_OF(questions); n++) {
		const struct question *q = &questions[n];
		struct params params = {.count = 0};

		/* by priority: the session listens first, and rules and orders wait for the
		 * hello */
		if (!q->due(a, now))
			continue;
		if (q->fill)
			q->fill(a, &params);
		a->asked = (int)n;
		return pg_ask(a->pg, q->sql, params.list, params.count, err);
	}
	return 0;
}

static void lost_name(struct agent *a)
{
	agent_log(a, warning,
	    "fleet: another agent has taken the name %s; waiting until it is silent", a->name);
	a->fenced = true;
	a->greeted = false;
	a->fence_at = clock_steady() + AGENT_FENCE;
}

int agent_take(struct agent *a, struct err *err)
{
	const struct question *q = &questions[a->asked];
	const char *state = pg_sqlstate(a->pg);
	bool is_data = str_starts(state, "22") || str_starts(state, "23") ||
		       strcmp(state, "FL003") == 0 || strcmp(state, "FL004") == 0;

	a->asked = -1;
	if (strcmp(state, "FL002") == 0)
		lost_name(a);
	else if (!*state && q->take)
		q->take(a);
	else if (is_data && q->fail)
		q->fail(a);
	else if (*state)
		return err_set(
		    err, ERR_REFUSED, "the database refuses: %s (%s)", pg_words(a->pg), state);
	return 0;
}

static int64_t earlier(bool counts, int64_t at, int64_t than)
{
	return counts && at < than ? at : than;
}

int64_t agent_next(const struct agent *a)
{
	const struct agent_order *o = &a->order;
	int64_t next = INT64_MAX;

	next = earlier(a->fenced, a->fence_at, next);
	next = earlier(is_joined(a) && a->health.job.pid == 0, a->beat_at, next);
	next = earlier(is_joined(a) && a->rules.wanted && a->rules.job.pid == 0 && !a->stopping,
	    a->rules.retry_at, next);
	return earlier(is_joined(a) && o->state == ORDER_RUNNING,
	    o->done != o->done_told ? o->progress_at - LOOK_TIME + STEP_TIME : o->progress_at,
	    next);
}

/* "r7", "o17" or "o17 mx1 mx2". It is only a hint; the agent asks the database. */
void agent_hint(struct agent *a, const char *payload)
{
	const char *names = strchr(payload, ' ');
	size_t len = strlen(a->name);

	if (*payload == 'r')
		a->rules.wanted = true;
	if (*payload == 'o' && !names)
		a->look = true;
	for (; *payload == 'o' && names; names = strchr(names + 1, ' '))
		a->look |= strncmp(names + 1, a->name, len) == 0 &&
			   (names[1 + len] == ' ' || names[1 + len] == '\0');
}
