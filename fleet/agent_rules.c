/* SPDX-License-Identifier: ISC */
/* Hands the fleet's rules to root, and asks root for this host's health. */
#include "base/array.h"
#include "base/json.h"
#include "base/log.h"
#include "fleet/agent_private.h"

#define FRAME_BYTES  (48u << 10)                       /* of rule texts in one frame */
#define ALL_BYTES    (DOOR_RULES_BYTES - (256u << 10)) /* frames have heads */
#define RULES_TIME   (60 * USEC_PER_SEC)
#define RETRY        (5 * USEC_PER_SEC)
#define REFUSED_WAIT (60 * USEC_PER_SEC)
#define HEALTH_TIME  (5 * USEC_PER_SEC)
#define HEALTH_MAX   4000u

enum { VERSION, SUBJECT, ACTION, TEXT, REASON, SET_BY, LEFT }; /* columns of fleet_rules */

struct frames {
	ARRAY_OF(struct door_order) orders;
	struct door_rule *rules; /* room for all rows */
	size_t count;
	size_t bytes; /* of the last frame */
	size_t all;   /* of all frames */
	size_t left_out;
};

/* The texts point into the answer, which lives until the next question; the job forks before
 * that. */
static struct door_rule rule_of(struct agent *a, size_t row)
{
	struct door_rule rule = {.subject = pg_text(a->pg, row, SUBJECT),
	    .action = pg_text(a->pg, row, ACTION),
	    .text = pg_scrubbed(a->pg, row, TEXT),
	    .reason = pg_scrubbed(a->pg, row, REASON),
	    .set_by = pg_scrubbed(a->pg, row, SET_BY)};

	if (*rule.action && pg_value(a->pg, row, LEFT))
		rule.left = pg_number(a->pg, row, LEFT) > 0 ? pg_number(a->pg, row, LEFT) : 1;
	return rule;
}

/* Bytes of the rule in a frame. 0: root would refuse it, so it is left out and the others are
 * set. */
static size_t size_of(struct agent *a, struct door_rule *rule, size_t *left_out)
{
	struct door_order order = {.kind = DOOR_RULES, .rules = {.rules = rule, .count = 1}};
	AUTO(bytes_release) struct bytes frame = {0};
	struct err err = {{0}};
	size_t size = door_encode(&order, &frame, &err) == 0 ? frame.len : 0;

	if (size == 0 && ++*left_out == 1)
		agent_log(a, warning, "fleet: a rule is left out: %s", err.text);
	return size;
}

static int begin_frame_if_full(struct frames *f, size_t size, bool replace)
{
	struct door_order order = {
	    .kind = DOOR_RULES, .rules = {.replace = replace, .rules = f->rules + f->count}};

	f->bytes += size;
	if (f->orders.count > 0 && f->bytes <= FRAME_BYTES)
		return 0;
	if (f->orders.count > 0)
		f->orders.list[f->orders.count - 1].rules.more = true;
	f->bytes = size;
	return array_add(&f->orders, order);
}

/* If there are more than DOOR_RULES_BYTES, root takes none. */
static bool has_room(struct agent *a, struct frames *f, size_t size)
{
	bool room = f->all + size <= ALL_BYTES;

	if (room)
		f->all += size;
	else if (++f->left_out == 1)
		agent_log(a, warning,
		    "fleet: there are more than %u bytes of rules; the newest are left out",
		    ALL_BYTES);
	return room;
}

static int add_rule(struct agent *a, struct frames *f, size_t row)
{
	struct door_rule rule = rule_of(a, row);
	size_t size = size_of(a, &rule, &f->left_out);
	int code;

	if (size == 0 || !has_room(a, f, size))
		return 0;
	code = begin_frame_if_full(f, size, a->rules.asked_full);
	if (code < 0)
		return code;
	f->rules[f->count++] = rule;
	f->orders.list[f->orders.count - 1].rules.count++;
	return 0;
}

static int collect(struct agent *a, struct frames *f)
{
	size_t rows = pg_rows(a->pg);

	if (rows > DOOR_RULES_MAX)
		agent_log(a, warning,
		    "fleet: there are more than %u rules; the newest are left out", DOOR_RULES_MAX);
	rows = rows > DOOR_RULES_MAX ? DOOR_RULES_MAX : rows;
	f->rules = calloc(rows + 1, sizeof(*f->rules));
	int code = f->rules ? begin_frame_if_full(f, 0, a->rules.asked_full) : -ENOMEM;
	a->rules.coming = a->fleet_rules > a->rules.have ? a->fleet_rules : a->rules.have;
	for (size_t row = 0; row < rows && code == 0; row++) {
		int64_t version = pg_number(a->pg, row, VERSION);

		a->rules.coming = version > a->rules.coming ? version : a->rules.coming;
		code = add_rule(a, f, row);
	}
	if (f->left_out > 1)
		agent_log(a, warning, "fleet: and %zu more", f->left_out - 1);
	return code;
}

static void in_force(struct agent *a)
{
	a->rules.have = a->rules.coming;
	a->rules.refused = false;
	/* since version 0 the database lists no rules that were taken back, so only a beat tells */
	if (!a->rules.have && !a->rules.asked_full)
		a->beat_at = clock_steady();
	order_go_on(a);
}

void rules_got(struct agent *a)
{
	struct frames f = {0};
	struct err err = {{0}};
	struct job_call call = {a->settings->order_directory, NULL, 0, RULES_TIME, pg_fd(a->pg)};
	int code = collect(a, &f);

	call.orders = f.orders.list;
	call.count = f.orders.count;
	if (code == 0 && f.count == 0 && !a->rules.asked_full)
		in_force(a);
	else if (code == 0)
		code = job_start(&a->rules.job, &call, &err);
	if (code < 0) {
		agent_log(a, warning, "fleet: rules: %s", err.text[0] ? err.text : err_word(code));
		a->rules.wanted = true;
		a->rules.full |= a->rules.asked_full;
		a->rules.retry_at = clock_steady() + RETRY;
	}
	free(f.orders.list);
	free(f.rules);
}

/* After a failure the set in force is unknown, so all rules are fetched again. */
static void rules_failed(struct agent *a)
{
	struct agent_rules *r = &a->rules;

	if (!r->refused || r->job.code < 0)
		agent_log(a, warning, "fleet: rules are not in force: %s",
		    r->job.code < 0 ? r->job.err.text : r->job.end.words);
	r->refused = r->job.code == 0 && r->job.end.refused;
	r->wanted = r->full = true;
	r->retry_at = clock_steady() + (r->refused ? REFUSED_WAIT : RETRY);
	order_go_on(a);
}

void rules_hear(struct agent *a)
{
	struct agent_rules *r = &a->rules;

	if (!job_read(&r->job, NULL))
		return;
	if (r->job.code == 0 && r->job.end.status == 0)
		in_force(a);
	else
		rules_failed(a);
	job_end(&r->job);
}

void health_begin(struct agent *a)
{
	struct door_order order = {.kind = DOOR_FLEET,
	    .fleet = {.token = "00000000-0000-0000-0000-000000000000",
		.attempt = 1,
		.verb = "health",
		.placed_by = "agent",
		.reason = ""}};
	struct job_call call = {
	    a->settings->order_directory, &order, 1, HEALTH_TIME, a->pg ? pg_fd(a->pg) : -1};

	strbuf_clear(&a->health.coming);
	(void)!job_start(&a->health.job, &call, NULL);
}

static void health_says(void *arg, enum door_answer_kind kind, struct span bytes)
{
	struct agent *a = arg;

	if (kind == DOOR_SAYS && a->health.coming.len <= HEALTH_MAX)
		strbuf_add(&a->health.coming, bytes.at, bytes.len);
}

static void report_error_as_health(struct agent *a)
{
	const struct job *job = &a->health.job;
	struct json *o = json_new();

	strbuf_clear(&a->health.text);
	json_put_text(o, "version", PQPURGE_VERSION);
	json_put_text(o, "trouble", job->code < 0 ? job->err.text : job->end.words);
	(void)!json_write(&a->health.text, o);
}

void health_hear(struct agent *a)
{
	struct agent_health *h = &a->health;
	struct job_ear ear = {health_says, a};
	AUTO(json_release) struct json *o = NULL;

	if (!job_read(&h->job, &ear))
		return;
	if (h->job.code == 0 && h->job.end.status == 0 && h->coming.len <= HEALTH_MAX &&
	    json_parse(strbuf_text(&h->coming), h->coming.len, &o, NULL) == 0) {
		strbuf_clear(&h->text);
		(void)!json_member_text(o, NULL, &h->text);
	} else {
		report_error_as_health(a);
	}
	job_end(&h->job);
	h->fresh = true;
}
