/* SPDX-License-Identifier: ISC */
/* Root's side of the order door: one order. */
#include "purge/door/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "order/account.h"
#include "purge/door/hold.h"
#include "purge/door/hook.h"
#include "purge/door/relay.h"

#define ANSWER_TIME  (20 * USEC_PER_SEC)
#define REFUSAL_TIME 1 /* second that a refusal takes, so that they do not fill the account */
#define LINE_MAX     4096u

/* One order. */
struct serving {
	struct session *s;
	int fd;
	struct peer peer;
	struct door_order order;
	struct strbuf line; /* the order as the account has it */
};

/* ---- refusals */

static const char *word_of(const struct door_order *order)
{
	static const char *const words[DOOR_KINDS] = {
	    [DOOR_HOLD] = "hold", [DOOR_HOOK] = "hook", [DOOR_FLEET] = "fleet"};

	return order->kind == DOOR_VERB ? order->verb.words[0] : words[order->kind];
}

static void make_line(struct serving *g)
{
	const struct door_verb *verb = &g->order.verb;

	strbuf_puts(&g->line, "pqpurge-idx");
	if (g->order.kind != DOOR_VERB)
		strbuf_printf(&g->line, " order: %s", word_of(&g->order));
	for (size_t n = 0; n < verb->count && g->line.len < LINE_MAX; n++)
		strbuf_printf(&g->line, " %s", verb->words[n]);
}

/* One after the other, each for a second. */
static void slow_down(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		sleep(REFUSAL_TIME);
	io_close(&fd);
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
		log_warning("order: a refusal could not be accounted for: %s", err.text);
}

/* ---- the kinds of orders */

/* Root's own configuration says whether the flood watch acts, whatever the daemon's account says.
 */
static int run_hold(struct serving *g, struct door_end *ret, struct err *err)
{
	if (g->s->settings.flood_watch != FLOOD_WATCH_ACT)
		return err_set(err, ERR_REFUSED, "flood_watch is not 'act': nothing is held");
	return hold_run(g->s, &g->peer, &g->order.hold, ret, err);
}

static int run_hook(struct serving *g, struct door_end *ret, struct err *err)
{
	const struct settings *s = &g->s->settings;

	(void)ret;
	if (!s->flood_hook[0])
		return err_set(err, ERR_REFUSED, "there is no flood_hook");
	return hook_run(s, s->flood_hook, &g->order.hook, err);
}

/* A verb that its options forbid is refused by the child, which alone parses them. */
static int run_verb(struct serving *g, struct door_end *ret, struct err *err)
{
	const struct settings *s = &g->s->settings;
	struct behalf behalf = {.uid = g->peer.uid,
	    .user = g->peer.user,
	    .config = session_config(g->s),
	    .allow = g->peer.kind == PEER_ROOT ? NULL : s->operator_allow,
	    .answered = g->order.verb.answered};

	return relay_verb(g->fd, &g->order.verb, &behalf, ret, err);
}

static int run_fleet(struct serving *g, struct door_end *ret, struct err *err)
{
	(void)g;
	(void)ret;
	return err_set(err, ERR_REFUSED, "this host is in no fleet");
}

static int carry_out(struct serving *g, struct door_end *ret, struct err *err)
{
	static int (*const run[DOOR_KINDS])(struct serving *, struct door_end *, struct err *) = {
	    [DOOR_HOLD] = run_hold,
	    [DOOR_HOOK] = run_hook,
	    [DOOR_VERB] = run_verb,
	    [DOOR_FLEET] = run_fleet};

	if (!peer_may(&g->peer, g->order.kind))
		return err_set(err, ERR_REFUSED, "%s (%s) may not order this", g->peer.user,
		    peer_word(g->peer.kind));
	return run[g->order.kind](g, ret, err);
}

/* ---- one connection */

static int read_order(struct serving *g, struct bytes *frame, struct err *err)
{
	int code = peer_of(g->fd, &g->s->settings, &g->peer, err), got;

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

int serve_order(struct session *s, int fd)
{
	struct serving g = {.s = s, .fd = fd};
	struct door_end end = {.status = EXIT_DONE};
	struct bytes frame = {0};
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
	if (code == ERR_REFUSED)
		account_for(&g, end.words);
	log_order(&g, code, &end);
	(void)!door_end_write(fd, &end, clock_steady() + ANSWER_TIME);
	shutdown(fd, SHUT_RDWR);
	if (code == ERR_REFUSED)
		slow_down(s->settings.order_directory);
	door_order_release(&g.order);
	bytes_release(&frame);
	strbuf_release(&g.line);
	return EXIT_DONE;
}
