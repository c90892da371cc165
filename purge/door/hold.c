/* SPDX-License-Identifier: ISC */
#include "purge/door/hold.h"

#include "order/order.h"
#include "purge/interrupt.h"

/* door_decode checked the value: it is in normal form, and a login does not look like an
 * expression. */
static int make_selector(const struct door_hold *hold, struct selector *s, struct err *err)
{
	int code;

	if (hold->key == DOOR_LOGIN)
		code = selector_add_login(s, hold->value);
	else if (hold->key == DOOR_CLIENT)
		code = selector_add_client(s, hold->value, err);
	else
		code = pattern_set_parse(&s->sender, hold->value, err);
	s->arrived_after = hold->since;
	s->arrived_before = hold->until;
	selector_seal(s);
	return code;
}

static void take_result(const struct outcome *o, struct door_end *ret)
{
	const uint64_t *results = o->tally.results;

	ret->batch = o->tally.batch;
	ret->matched = o->tally.matched;
	ret->done = results[RESULT_DONE];
	ret->failed = results[RESULT_FAILED] + results[RESULT_UNPROVEN];
	ret->status = EXIT_DONE;
	if (ret->failed || o->tally.unreadable || o->trouble.text[0])
		ret->status = EXIT_SOME_FAILED;
	if (o->interrupted)
		ret->status = EXIT_INTERRUPTED;
	snprintf(ret->words, sizeof(ret->words), "%s", o->trouble.text);
}

int hold_run(struct session *s, const struct peer *peer, const char *command,
    const struct door_hold *hold, struct door_end *ret, struct err *err)
{
	AUTO(selector_release) struct selector selector = {0};
	AUTO(outcome_release) struct outcome outcome = {0};
	struct order order = {.settings = &s->settings,
	    .postfix = &s->postfix,
	    .selector = &selector,
	    .action = ACTION_HOLD,
	    .limit = hold->most,
	    .verb = "hold",
	    .command_line = command,
	    .reason = hold->reason,
	    .user = peer->user,
	    .uid = peer->uid,
	    .token = hold->token,
	    .rules_set = 1, /* the daemon's rule: wait for mail judged before it */
	    .stop = &interrupt_stop};

	selector_init(&selector);
	selector.login_exact = s->settings.login_exact;
	int code = make_selector(hold, &selector, err);
	code = code ?: postfix_read(s->settings.postfix_config_directory, &s->postfix, err);
	s->postfix.stop = &interrupt_stop;
	code = code ?: order_run(&order, &outcome, err);
	if (code == 0)
		take_result(&outcome, ret);
	return code;
}
