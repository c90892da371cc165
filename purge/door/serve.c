/* SPDX-License-Identifier: ISC */
#include "purge/door/serve.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "order/account/account.h"
#include "purge/door/fleet.h"
#include "purge/door/hold.h"
#include "purge/door/hook.h"
#include "purge/door/relay.h"
#include "purge/door/turn.h"

#define ANSWER_TIME  (20 * USEC_PER_SEC)
#define REFUSAL_TIME 1 /* seconds for each, which bounds their rate in the account */
#define REFUSAL_WAIT (30 * USEC_PER_SEC)
#define COMMAND_MAX  4096u

struct serving {
	struct session *s;
	int fd;
	struct peer peer;
	struct door_order order;
	struct strbuf line; /* for the account */
	int place;          /* -1: none */
	bool crowded;       /* all places of this user are taken */
};

static const char *word_of(const struct door_order *order)
{
	static const char *const words[DOOR_KINDS] = {[DOOR_HOLD] = "hold",
	    [DOOR_HOOK] = "hook",
	    [DOOR_FLEET] = "fleet",
	    [DOOR_RULES] = "rules"};

	return order->kind == DOOR_VERB ? order->verb.words[0] : words[order->kind];
}

static void make_line(struct serving *g)
{
	const struct door_verb *verb = &g->order.verb;
	const struct door_hold *hold = &g->order.hold;
	const struct door_fleet *fleet = &g->order.fleet;

	strbuf_puts(&g->line, "pqpurge-idx");
	if (g->order.kind != DOOR_VERB)
		strbuf_printf(&g->line, " order: %s", word_of(&g->order));
	if (g->order.kind == DOOR_HOLD)
		strbuf_printf(
		    &g->line, " %s %s for %s", door_key_word(hold->key), hold->value, hold->token);
	if (g->order.kind == DOOR_FLEET)
		strbuf_printf(&g->line, " order %" PRIu64 " of %s: %s", fleet->number,
		    fleet->placed_by, fleet->verb);
	for (size_t n = 0; n < verb->count && g->line.len < COMMAND_MAX; n++)
		strbuf_printf(&g->line, " %s", verb->words[n]);
}

/* Refusals take turns of a second each, normally after the answer. A user with a limited number of
 * places waits before the answer, or several mistakes in a row would take all their places. */
static int refusal_turn(const struct serving *g, int64_t patience)
{
	int turn = -1;

	(void)!turn_take(g->s->settings.order_directory, "refused.lock", patience, &turn, NULL);
	return turn;
}

static void answer(const struct serving *g, const struct door_end *end, bool refused)
{
	AUTO(io_close) int turn = refused ? refusal_turn(g, g->place >= 0 ? REFUSAL_WAIT : 0) : -1;

	(void)!door_end_write(g->fd, end, clock_steady() + ANSWER_TIME);
	shutdown(g->fd, SHUT_RDWR);
	if (refused && turn < 0)
		turn = refusal_turn(g, REFUSAL_WAIT);
	if (turn >= 0)
		sleep(REFUSAL_TIME);
}

static void account_for(const struct serving *g, const char *why)
{
	struct refusal refusal = {.verb = word_of(&g->order),
	    .command = strbuf_text(&g->line),
	    .user = g->peer.user,
	    .uid = g->peer.uid,
	    .why = why};
	struct err err = {{0}};

	if (account_refusal(&g->s->settings, &refusal, &err) < 0)
		log_warning("order: a refusal could not be recorded in the account: %s", err.text);
}

/* Root's configuration decides: a stranger may control the daemon. */
static bool is_held(const struct settings *s, enum door_key key)
{
	const char *word = door_key_word(key);
	bool held = false;

	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++) {
		const char *kind = settings_flood_kinds[k];

		/* a domain is "domain" or "xdomain" */
		if (strcmp(kind, word) == 0 || (key == DOOR_DOMAIN && strcmp(kind, "xdomain") == 0))
			held |= s->flood[k].held;
	}
	return s->flood_watch == FLOOD_WATCH_ACT && held;
}

static int run_hold(struct serving *g, struct door_end *ret, struct err *err)
{
	if (!is_held(&g->s->settings, g->order.hold.key))
		return err_set(err, ERR_REFUSED,
		    "this is not held: flood_watch is not 'act', or 'held' of flood %s is not true",
		    door_key_word(g->order.hold.key));
	return hold_run(g->s, &g->peer, strbuf_text(&g->line), &g->order.hold, ret, err);
}

static int run_hook(struct serving *g, struct door_end *ret, struct err *err)
{
	const struct settings *s = &g->s->settings;

	(void)ret;
	if (!s->flood_hook[0])
		return err_set(err, ERR_REFUSED, "there is no flood_hook");
	return hook_run(s, s->flood_hook, &g->order.hook, err);
}

static int pass(void *arg, enum door_answer_kind kind, struct span bytes)
{
	return door_answer_write(*(const int *)arg, kind, bytes, clock_steady() + RELAY_PATIENCE);
}

/* The child parses the options and refuses those that are not allowed. */
static int run_verb(struct serving *g, struct door_end *ret, struct err *err)
{
	const struct settings *s = &g->s->settings;
	const struct relay_sink sink = {.take = pass, .arg = &g->fd};
	const struct behalf behalf = {.uid = g->peer.uid,
	    .user = g->peer.user,
	    .config = session_config(g->s),
	    .allow = g->peer.kind == PEER_ROOT ? NULL : s->operator_allow,
	    .allow_key = "operator_allow",
	    .answered = g->order.verb.answered};

	return relay_verb(&sink, g->fd, &g->order.verb, &behalf, ret, err);
}

static int run_fleet(struct serving *g, struct door_end *ret, struct err *err)
{
	if (!g->s->settings.fleet[0])
		return err_set(err, ERR_REFUSED, "this host is in no fleet");
	if (strcmp(g->order.fleet.verb, "health") == 0)
		return fleet_health(g->s, g->fd, err);
	return fleet_run(g->s, g->fd, &g->peer, &g->order.fleet, ret, err);
}

static int run_rules(struct serving *g, struct door_end *ret, struct err *err)
{
	if (!g->s->settings.fleet[0])
		return err_set(err, ERR_REFUSED, "this host is in no fleet");
	return fleet_rules(g->s, g->fd, &g->order.rules, ret, err);
}

static int carry_out(struct serving *g, struct door_end *ret, struct err *err)
{
	static int (*const run[DOOR_KINDS])(struct serving *, struct door_end *, struct err *) = {
	    [DOOR_HOLD] = run_hold,
	    [DOOR_HOOK] = run_hook,
	    [DOOR_VERB] = run_verb,
	    [DOOR_FLEET] = run_fleet,
	    [DOOR_RULES] = run_rules};

	if (!peer_may(&g->peer, g->order.kind))
		return err_set(err, ERR_REFUSED, "%s (%s) may not order this", g->peer.user,
		    peer_word(g->peer.kind));
	return run[g->order.kind](g, ret, err);
}

/* The fleet's agent has at most three orders, and a predecessor may have as many that are ending.
 * daemon.sock takes 16 in all, and must have room for the daemon. */
static int take_place(struct serving *g, struct err *err)
{
	static const unsigned places[PEER_KINDS] = {
	    [PEER_STRANGER] = 4, [PEER_OPERATOR] = 4, [PEER_FLEET] = TURN_PLACES_MAX};
	const unsigned most = places[g->peer.kind];
	int code = 0;

	if (most)
		code =
		    turn_place(g->s->settings.order_directory, g->peer.uid, most, &g->place, err);
	g->crowded = code == ERR_LIMIT;
	return code;
}

static int read_order(struct serving *g, struct bytes *frame, struct err *err)
{
	int code = peer_of(g->fd, &g->s->settings, &g->peer, err), got;

	code = code ?: take_place(g, err);
	if (code < 0)
		return code;
	got = io_frame_read(g->fd, frame, DOOR_FRAME_MAX, clock_steady() + DOOR_FRAME_TIME);
	if (got != 1)
		return err_set(err, got == 0 ? ERR_SYNTAX : got, "no order came (%s)",
		    got == 0 ? "the connection was closed" : err_word(got));
	return door_decode(bytes_span(frame), &g->order, err);
}

static void log_order(const struct serving *g, int code, const struct door_end *end)
{
	log_info("order: %s (%s, uid %u): %s: %s%s%s", g->peer.user, peer_word(g->peer.kind),
	    (unsigned)g->peer.uid, g->line.len ? g->line.text : "no order",
	    code == ERR_REFUSED ? "refused"
	    : code < 0          ? "failed"
				: "done",
	    code < 0 ? ": " : "", code < 0 ? end->words : "");
}

/* Programs send such orders many times an hour. */
static bool is_routine(const struct serving *g)
{
	return g->order.kind == DOOR_FLEET && strcmp(g->order.fleet.verb, "health") == 0;
}

int serve_order(struct session *s, int fd)
{
	struct serving g = {.s = s, .fd = fd, .place = -1};
	struct door_end end = {.status = EXIT_DONE};
	AUTO(bytes_release) struct bytes frame = {0};
	struct err err = {{0}};
	int code = read_order(&g, &frame, &err);

	if (code == 0) {
		make_line(&g);
		code = carry_out(&g, &end, &err);
	}
	if (code < 0) {
		end.status = code == ERR_REFUSED ? EXIT_CANNOT : session_exit_of(code);
		snprintf(
		    end.words, sizeof(end.words), "%s", err.text[0] ? err.text : err_word(code));
	}
	end.refused = code == ERR_REFUSED || code == ERR_SYNTAX;
	if (code == ERR_REFUSED)
		account_for(&g, end.words);
	if (g.crowded) /* such refusals must not fill the log */
		log_debug("order: all places of uid %u are taken", (unsigned)g.peer.uid);
	else if (code < 0 || !is_routine(&g))
		log_order(&g, code, &end);
	answer(&g, &end, code == ERR_REFUSED);
	io_close(&g.place);
	door_order_release(&g.order);
	strbuf_release(&g.line);
	return EXIT_DONE;
}
