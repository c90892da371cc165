/* SPDX-License-Identifier: ISC */
/* One order at a time. */
#include "base/log.h"
#include "fleet/agent_private.h"

#define ORDER_TIME (3600 * USEC_PER_SEC)
#define LOOK_TIME  USEC_PER_SEC    /* between two questions whether the order was cancelled */
#define AGE_MAX    (INT64_MAX / 2) /* far more than root accepts */

/* columns of fleet_claim */
enum { NUMBER, ATTEMPT, VERB, DRY_RUN, SPEC, REASON, PLACED_BY, VERSION, AGE, LEFT, TOKEN };

void order_forget(struct agent *a)
{
	job_end(&a->order.job);
	spec_release(&a->order.spec);
	outcome_release(&a->order.outcome);
	a->order = (struct agent_order){0};
	a->look = true;
}

/* Reports a refusal without handing the order to root. */
static void refuse(struct agent *a, const char *words)
{
	struct agent_order *o = &a->order;
	struct door_end end = {.status = 1, .refused = true};

	agent_log(a, warning, "fleet: order %" PRId64 " is refused: %s", o->number, words);
	snprintf(end.words, sizeof(end.words), "%s", words);
	outcome_end(&o->outcome, 0, &end, "");
	o->state = ORDER_ENDED;
}

static void copy(struct agent *a, int column, char *to, size_t size)
{
	str_scrub(to, size, pg_text(a->pg, 0, column));
}

void order_claimed(struct agent *a)
{
	struct agent_order *o = &a->order;
	struct err err = {{0}};

	*o = (struct agent_order){.state = ORDER_CLAIMED,
	    .number = pg_number(a->pg, 0, NUMBER),
	    .attempt = (int)pg_number(a->pg, 0, ATTEMPT),
	    .dry_run = pg_truth(a->pg, 0, DRY_RUN),
	    .rule_version = pg_number(a->pg, 0, VERSION),
	    .age = pg_number(a->pg, 0, AGE),
	    .lookup = pg_number(a->pg, 0, LEFT) <= 0,
	    .claimed_at = clock_steady()};
	o->age = o->age < 0 ? 0 : o->age < AGE_MAX ? o->age : AGE_MAX;
	copy(a, VERB, o->verb, sizeof(o->verb));
	copy(a, TOKEN, o->token, sizeof(o->token));
	copy(a, REASON, o->reason, sizeof(o->reason));
	copy(a, PLACED_BY, o->placed_by, sizeof(o->placed_by));
	o->outcome.keeps_lines = outcome_has_lines(o->verb);
	agent_log(a, info, "fleet: order %" PRId64 ": %s%s by %s, attempt %d", o->number, o->verb,
	    o->dry_run ? " (dry run)" : "", o->placed_by, o->attempt);
	if (spec_read(pg_text(a->pg, 0, SPEC), &o->spec, &err) < 0)
		refuse(a, err.text);
	if (o->rule_version > a->rules.have)
		a->rules.wanted = true;
	order_go_on(a);
}

static struct door_order order_of(const struct agent_order *o)
{
	return (struct door_order){.kind = DOOR_FLEET,
	    .fleet = {.number = (uint64_t)o->number,
		.token = o->token,
		.attempt = (uint32_t)o->attempt + o->asked_again,
		.lookup = o->lookup,
		.dry_run = o->dry_run,
		.verb = o->verb,
		.age = o->age + clock_steady() - o->claimed_at,
		.placed_by = o->placed_by,
		.reason = o->reason,
		.pairs = o->spec.list,
		.count = o->spec.count}};
}

static void begin(struct agent *a)
{
	struct agent_order *o = &a->order;
	struct door_order order = order_of(o);
	struct job_call call = {
	    a->settings->order_directory, &order, 1, ORDER_TIME, a->pg ? pg_fd(a->pg) : -1};
	AUTO(bytes_release) struct bytes frame = {0};
	struct err err = {{0}};
	int code = door_encode(&order, &frame, &err);

	code = code ?: job_start(&o->job, &call, &err);
	if (code < 0) {
		refuse(a, err.text);
		return;
	}
	o->state = ORDER_RUNNING;
	o->progress_at = clock_steady() + LOOK_TIME;
}

void order_go_on(struct agent *a)
{
	struct agent_order *o = &a->order;

	if (o->state != ORDER_CLAIMED)
		return;
	if (o->lookup || o->rule_version <= a->rules.have)
		begin(a);
	else if (a->rules.refused)
		refuse(a,
		    "the order needs rules, which this host refuses: fleet_allow has no 'block'");
}

static void says(void *arg, enum door_answer_kind kind, struct span bytes)
{
	struct agent_order *o = arg;

	if (kind == DOOR_SAYS)
		outcome_says(&o->outcome, bytes.at, bytes.len);
	else if (kind == DOOR_COMPLAINS)
		outcome_complains(&o->outcome, bytes.at, bytes.len);
	else if (kind == DOOR_PROGRESS)
		(void)!door_progress_read(bytes, &o->done, &o->total);
}

/* Root's process died or its answer was lost. Asking once more is safe, since the account knows
 * what was done. */
static bool ask_again(struct agent *a)
{
	static const int unknown[] = {-EPIPE, -ECONNRESET, ERR_TIMEOUT, ERR_CHILD, ERR_SYNTAX};
	struct agent_order *o = &a->order;
	bool is_unknown = false;

	for (size_t n = 0; n < COUNT_OF(unknown); n++)
		is_unknown |= o->job.code == unknown[n];
	if (!is_unknown || o->asked_again || a->stopping)
		return false;
	agent_log(a, warning, "fleet: order %" PRId64 ": %s; asking what became of it", o->number,
	    o->job.err.text);
	o->asked_again = true;
	job_end(&o->job);
	outcome_release(&o->outcome);
	o->outcome.keeps_lines = outcome_has_lines(o->verb);
	begin(a);
	return true;
}

void order_hear(struct agent *a)
{
	struct agent_order *o = &a->order;
	struct job_ear ear = {says, o};

	if (!job_read(&o->job, &ear) || ask_again(a))
		return;
	outcome_end(&o->outcome, o->job.code, &o->job.end, o->job.err.text);
	agent_log(a, info, "fleet: order %" PRId64 ": %s%s%s", o->number, o->outcome.state,
	    o->outcome.words.len ? ": " : "", strbuf_text(&o->outcome.words));
	job_end(&o->job);
	o->state = ORDER_ENDED;
}
