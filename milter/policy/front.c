/* SPDX-License-Identifier: ISC */
#include "milter/policy/front.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "index/control/status.h"
#include "milter/judge.h"
#include "milter/policy/overlap.h"
#include "milter/policy/transactions.h"
#include "milter/tally.h"

#define ARRIVAL_DRIFT (24 * 3600 * USEC_PER_SEC) /* an instance further off is not a time */

struct front {
	const struct glue_config *config;
	struct transactions *transactions;
	atomic_ullong passed;
};

struct front *front_new(const struct glue_config *config)
{
	struct front *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->config = config;
	f->transactions = transactions_new();
	if (!f->transactions) {
		free(f);
		return NULL;
	}
	return f;
}

void front_free(struct front *f)
{
	if (!f)
		return;
	transactions_free(f->transactions);
	free(f);
}

static void put(char ret[FRONT_ANSWER_SIZE], const char *action)
{
	snprintf(ret, FRONT_ANSWER_SIZE, "action=%s\n\n", action);
}

/* The bare words REJECT and DEFER would mean 554 and 450. */
static void put_reply(char ret[FRONT_ANSWER_SIZE], const struct verdict *v)
{
	const struct rule_reply reply = rule_reply_of(v->hit.rule);

	snprintf(ret, FRONT_ANSWER_SIZE, "action=%s %s %s\n\n", v->code, v->status, reply.text);
}

static bool refuses(const struct verdict *v)
{
	return v->action == VERDICT_REJECT || v->action == VERDICT_TEMPFAIL;
}

/* A message refused for each of its recipients counts once. */
static void note_verdict(
    struct transaction *t, const char *id, const char *stage, const struct verdict *v)
{
	if (refuses(v) && t->refused)
		return;
	t->refused |= refuses(v);
	if (refuses(v))
		tally_add(v->action);
	judge_note(id, stage, t->session, v);
}

static uint16_t port_of(const char *text)
{
	uint64_t port;

	return str_parse_u64(text, 0, UINT16_MAX, &port) == 0 ? (uint16_t)port : 0;
}

static struct net_address client_of(const struct policy_request *r)
{
	struct net_address client;

	return net_parse(r->client, &client) == 0 ? client : (struct net_address){.family = 0};
}

static bool is_with_the_milter(const struct policy_request *r)
{
	struct overlap_key key = {.client = client_of(r), .client_port = port_of(r->client_port)};

	overlap_set_server(&key, r->server, r->server_port);
	return overlap_has(&key);
}

static int64_t arrival_of(const struct policy_request *r)
{
	int64_t arrival = policy_instance_time(r->instance);

	return llabs(clock_wall() - arrival) < ARRIVAL_DRIFT ? arrival : 0;
}

static bool begin_message(
    const struct front *f, struct transaction *t, const struct policy_request *r)
{
	struct net_address client = client_of(r);

	if (t->session)
		return true;
	t->session = session_new(&f->config->session);
	if (!t->session)
		return false;
	t->ended[0] = '\0';
	t->refused = false;
	session_connect(t->session, &client, port_of(r->client_port), false);
	session_mail_before(t->session, r->sender, r->login, arrival_of(r));
	return true;
}

static void end(struct transaction *t, const char *queue_id)
{
	session_free(t->session);
	t->session = NULL;
	snprintf(t->ended, sizeof(t->ended), "%s", queue_id);
}

/* Called at MAIL, RCPT and DATA. */
static void on_envelope(struct front *f, struct transaction *t, const struct policy_request *r,
    char ret[FRONT_ANSWER_SIZE])
{
	static const char *const stages[] = {
	    [POLICY_MAIL] = "MAIL", [POLICY_RCPT] = "RCPT", [POLICY_DATA] = "DATA"};
	struct verdict v;

	if (!begin_message(f, t, r))
		return;
	struct ruleset *set = rulekeeper_get(f->config->rules);
	judge_envelope(set, t->session, clock_wall(), &v);
	note_verdict(t, "NOQUEUE", stages[r->stage], &v);
	if (refuses(&v))
		put_reply(ret, &v);
	else if (r->stage == POLICY_RCPT)
		session_rcpt_unquoted(t->session, r->recipient, r->queue_id);
	ruleset_unref(set);
}

static void record(struct front *f, const struct message *m, bool hold)
{
	struct message kept = *m;

	if (hold)
		kept.flags |= MESSAGE_HELD;
	if (indexkeeper_record(f->config->index, &kept))
		log_debug("%s: recorded by the policy front; sender=<%s> nrcpt=%u",
		    kept.queue_id.text, kept.sender, (unsigned)kept.recipient_count);
	floodkeeper_feed(f->config->floods, &kept);
}

static const char *loggable_id(const struct policy_request *r)
{
	struct queue_id id;

	return queue_id_parse(r->queue_id, strlen(r->queue_id), &id) == 0 ? r->queue_id : "NOQUEUE";
}

/* Lets the message pass without a row. In front of a proxy filter that is intended. */
static void lose(const struct front *f, const struct policy_request *r, const char *reason)
{
	if (r->stage == POLICY_END && r->queue_id[0])
		indexkeeper_lose(f->config->index, loggable_id(r), reason);
}

static void judge(struct front *f, struct transaction *t, const struct policy_request *r,
    char ret[FRONT_ANSWER_SIZE])
{
	static const struct judge_more none;
	const struct message *m = NULL;
	struct verdict v;

	session_settle_recipients(t->session, r->queue_id, r->recipient_count, r->recipient);
	int known = session_end(t->session, r->queue_id, r->login, &m);
	struct ruleset *set = rulekeeper_get(f->config->rules);
	judge_message(set, t->session, &none, clock_wall(), &v);
	note_verdict(t, loggable_id(r), "end of message", &v);
	if (refuses(&v))
		put_reply(ret, &v);
	ruleset_unref(set);
	if (!refuses(&v))
		tally_add(v.action);
	if (v.action == VERDICT_HOLD)
		put(ret, "HOLD held by pqpurge");
	else if (v.action == VERDICT_DISCARD)
		put(ret, "DISCARD discarded by pqpurge");
	if (v.action != VERDICT_CONTINUE && v.action != VERDICT_HOLD)
		return;
	if (known == 1)
		record(f, m, v.action == VERDICT_HOLD);
	else
		lose(f, r, known ? "out of memory" : "its queue ID is invalid");
}

/* A restriction list may name us twice; the message counts once. */
static void on_end(struct front *f, struct transaction *t, const struct policy_request *r,
    char ret[FRONT_ANSWER_SIZE])
{
	bool again = t->ended[0] && strcmp(t->ended, r->queue_id) == 0;

	if (!again && r->queue_id[0]) {
		if (begin_message(f, t, r))
			judge(f, t, r, ret);
		else
			lose(f, r, "out of memory");
	}
	end(t, r->queue_id);
}

void front_answer(struct front *f, const struct policy_request *r, char ret[FRONT_ANSWER_SIZE])
{
	put(ret, "DUNNO");
	if (r->stage == POLICY_OTHER)
		return;
	if (is_with_the_milter(r)) {
		atomic_fetch_add(&f->passed, 1);
		return;
	}
	/* At MAIL (smtpd_delay_reject = no) the instance is still that of the previous message. */
	struct transaction *t =
	    transactions_take(f->transactions, r->stage == POLICY_MAIL ? "" : r->instance);
	if (!t) {
		lose(f, r, "out of memory");
		return;
	}
	if (r->stage == POLICY_END)
		on_end(f, t, r, ret);
	else
		on_envelope(f, t, r, ret);
	transactions_put(f->transactions, t);
}

void front_status(struct front *f, struct json *out)
{
	json_put_int(out, STATUS_POLICY_MESSAGES, transactions_count(f->transactions));
	json_put_int(out, STATUS_POLICY_PASSED, (int64_t)atomic_load(&f->passed));
}
