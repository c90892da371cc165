/* SPDX-License-Identifier: ISC */
#include "purge/door/fleet.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "order/account/account.h"
#include "purge/door/behalf.h"
#include "purge/door/fleet_words.h"
#include "purge/door/relay.h"
#include "purge/door/turn.h"

#define TURN_WAIT      (120 * USEC_PER_SEC) /* for a stopped executor to end */
#define STATUS_MAX     (48u << 10)          /* bytes of status's line that go into the summary */
#define COMPLAINTS_MAX (64u << 10)
#define SAID_LINE_MAX  (1u << 20) /* bytes */
#define CUT            "more lines than the fleet takes; use a selector or --limit.\n"

/* The verb's output on its way to pqpurge-link. */
struct saying {
	int fd;
	bool acts;
	struct strbuf line;    /* still incomplete */
	struct strbuf summary; /* the verb's last line, if it is a summary */
	struct strbuf status;  /* the output line of status */
	uint64_t lines;
	size_t said, complained;
	bool cut, overlong;
	uint64_t told; /* progress last sent */
};

static int send(const struct saying *y, enum door_answer_kind kind, const char *text, size_t len)
{
	return door_answer_write(
	    y->fd, kind, (struct span){text, len}, clock_steady() + RELAY_PATIENCE);
}

/* For an acting verb only the summary is sent. */
static int take_line(struct saying *y)
{
	int code = 0;

	if (str_starts(strbuf_text(&y->line), "{\"summary\"")) {
		strbuf_clear(&y->summary);
		strbuf_puts(&y->summary, strbuf_text(&y->line));
		return y->summary.failed ? -ENOMEM : 0;
	}
	y->lines++;
	if (str_starts(strbuf_text(&y->line), "{\"status\"") && y->line.len < STATUS_MAX)
		strbuf_puts(&y->status, y->line.text);
	if (y->acts || y->cut)
		return 0;
	y->cut = y->overlong || y->said + y->line.len + 1 > DOOR_LINES_MAX;
	if (y->cut)
		return send(y, DOOR_COMPLAINS, CUT, strlen(CUT));
	strbuf_putc(&y->line, '\n');
	y->said += y->line.len;
	for (size_t at = 0; code == 0 && at < y->line.len; at += DOOR_FRAME_MAX / 2) {
		size_t left = y->line.len - at;

		code = send(y, DOOR_SAYS, y->line.text + at,
		    left < DOOR_FRAME_MAX / 2 ? left : DOOR_FRAME_MAX / 2);
	}
	return code;
}

static int take_lines(struct saying *y, const char *at, size_t len)
{
	int code = 0;

	while (code == 0 && len > 0) {
		const char *end = memchr(at, '\n', len);
		size_t part = end ? (size_t)(end - at) : len;

		if (y->line.len + part <= SAID_LINE_MAX)
			strbuf_add(&y->line, at, part);
		else
			y->overlong = true;
		part += end != NULL;
		at += part;
		len -= part;
		if (!end)
			continue;
		code = y->line.failed ? -ENOMEM : take_line(y);
		strbuf_clear(&y->line);
		y->overlong = false;
	}
	return code;
}

static int take(void *arg, enum door_answer_kind kind, struct span bytes)
{
	struct saying *y = arg;

	if (kind == DOOR_SAYS)
		return take_lines(y, bytes.at, bytes.len);
	y->complained += bytes.len;
	return y->complained > COMPLAINTS_MAX ? 0 : send(y, kind, bytes.at, bytes.len);
}

static int tick(void *arg, uint64_t done, uint64_t of)
{
	struct saying *y = arg;

	if (done == y->told || of == 0)
		return 0;
	y->told = done;
	return door_progress_write(y->fd, done, of, clock_steady() + RELAY_PATIENCE);
}

/* Earlier batches of the token in the account. */
struct before {
	bool known;    /* there is one */
	bool complete; /* the newest batch dealt with all its matches */
	struct batch sum;
	uint64_t *numbers; /* of hold batches, for undo */
	size_t count;
};

static void add_batch(struct before *b, const struct batch *batch)
{
	/* The newest batch comes first. Only its `changed` and `failed` count, because it matched
	 * the same mail of the earlier batches again. */
	if (!b->known) {
		b->sum.number = batch->number;
		b->complete = batch->state != ACCOUNT_UNFINISHED &&
			      batch->done + batch->changed + batch->failed >= batch->matched;
		b->sum.changed = b->complete ? batch->changed : 0;
		b->sum.failed = b->complete ? batch->failed : 0;
	}
	b->known = true;
	b->sum.done += batch->done;
	b->sum.gone += batch->gone;
}

static int look_up(struct session *s, const char *token, struct before *ret, struct err *err)
{
	AUTO(batches_release) struct batches batches = {0};
	uint64_t *numbers;
	int code = account_list(&s->settings, &s->postfix, &batches, err);

	if (code < 0)
		return code;
	numbers = calloc(batches.count + 1, sizeof(*numbers));
	for (size_t n = 0; numbers && n < batches.count; n++) {
		const struct batch *batch = &batches.list[n];

		if (strcmp(batch->token, token) != 0 || batch->state == ACCOUNT_REFUSED)
			continue;
		add_batch(ret, batch);
		if (strcmp(batch->verb, "hold") == 0)
			numbers[ret->count++] = batch->number;
	}
	ret->numbers = numbers;
	ret->sum.matched = ret->sum.done + ret->sum.changed + ret->sum.failed;
	return numbers ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* Frees o. */
static int send_summary(const struct saying *y, struct json *o)
{
	struct json *line = json_new();
	AUTO(strbuf_release) struct strbuf text = {0};

	json_put(line, "summary", o);
	int code = json_write(&text, line);
	return code ?: send(y, DOOR_SAYS, text.text, text.len);
}

static void take_end(const struct json *sum, const char *done, struct door_end *ret)
{
	ret->batch = (uint64_t)json_int(sum, "batch", 0);
	ret->matched = (uint64_t)json_int(sum, "matched", 0);
	ret->done = (uint64_t)json_int(sum, done, 0);
	ret->failed = (uint64_t)(json_int(sum, "failed", 0) + json_int(sum, "unproven", 0));
}

/* Reports it in the form of the verb's own summary. */
static int say_before(
    const struct saying *y, const char *verb, const struct before *b, struct door_end *ret)
{
	struct json *o = json_new();

	json_put_int(o, "matched", (int64_t)b->sum.matched);
	json_put_int(o, verb_action_row(verb)->done, (int64_t)b->sum.done);
	json_put_int(o, "gone", (int64_t)b->sum.gone);
	json_put_int(o, "changed", (int64_t)b->sum.changed);
	json_put_int(o, "failed", (int64_t)b->sum.failed);
	json_put_int(o, "batch", (int64_t)b->sum.number);
	json_put_bool(o, "repeated", true);
	take_end(o, verb_action_row(verb)->done, ret);
	return send_summary(y, o);
}

static int64_t earlier_result(const struct before *b, const char *done, const char *key)
{
	const struct {
		const char *key;
		uint64_t n;
	} rows[] = {{"matched", b->sum.matched}, {done, b->sum.done}, {"gone", b->sum.gone}};

	for (size_t n = 0; n < COUNT_OF(rows); n++)
		if (strcmp(key, rows[n].key) == 0)
			return (int64_t)rows[n].n;
	return 0;
}

static void put_findings(const struct saying *y, struct json *o)
{
	AUTO(json_release) struct json *line = NULL;
	const struct json *status;

	if (json_parse(y->status.text, y->status.len, &line, NULL) < 0)
		return;
	struct json *list = json_new_array();
	status = json_child(line, "status");
	json_put_bool(o, "ok", json_bool(status, "ok", false));
	for (size_t n = 0; n < json_count(status, "findings"); n++)
		json_append(list, json_duplicate(json_at(status, "findings", n)));
	json_put(o, "findings", list);
}

/* The verb's own summary, with the results of earlier attempts. For a verb without summary, the
 * number of lines. */
static int say_summary(const struct saying *y, const char *verb, const struct before *b,
    struct door_end *ret, struct err *err)
{
	const struct json *from, *value;
	AUTO(json_release) struct json *line = NULL;
	struct json *o = json_new();
	const char *key, *done = verb_action_row(verb)->done;
	void *at = NULL;
	int code = json_parse(strbuf_text(&y->summary), y->summary.len, &line, err);

	from = code == 0 ? json_child(line, "summary") : NULL;
	while (json_next(from, &at, &key, &value)) {
		int64_t n = json_int(value, NULL, INT64_MIN);

		if (n == INT64_MIN)
			json_put_text(o, key, json_text(value, NULL));
		else
			json_put_int(o, key, n + earlier_result(b, done, key));
	}
	if (y->status.len)
		put_findings(y, o);
	if (!y->acts)
		json_put_int(o, "lines", (int64_t)y->lines);
	if (y->cut)
		json_put_bool(o, "cut", true);
	if (y->acts)
		take_end(o, done, ret);
	return send_summary(y, o);
}

struct executing {
	struct session *s;
	const struct peer *peer;
	const struct door_fleet *order;
	struct before before;
	struct saying saying;
	int turn; /* 0: none */
	char token[64], user[128];
};

static int run_verb(
    struct executing *x, const struct fleet_words *words, struct door_end *ret, struct err *err)
{
	const struct settings *s = &x->s->settings;
	const struct door_verb verb = {
	    .words = words->list, .count = words->count, .answered = true};
	const struct behalf behalf = {.uid = x->peer->uid,
	    .user = x->user,
	    .config = session_config(x->s),
	    .allow = s->fleet_allow,
	    .allow_key = "fleet_allow",
	    .answered = true,
	    .token = x->token,
	    .command = words->line,
	    .most = (uint64_t)s->fleet_max_messages,
	    .turn = x->turn};
	const struct relay_sink sink = {.take = take, .tick = tick, .arg = &x->saying};
	int code = relay_verb(&sink, x->saying.fd, &verb, &behalf, ret, err);

	if (code == 0 && (x->saying.summary.len || !x->saying.acts))
		code = say_summary(&x->saying, x->order->verb, &x->before, ret, err);
	return code;
}

static int find_holds_to_undo(struct executing *x, struct before *holds, struct err *err)
{
	char token[64];
	int code = 0;

	for (size_t n = 0; code == 0 && n < x->order->count; n++) {
		if (strcmp(x->order->pairs[n].key, "of") != 0)
			continue;
		if (holds->numbers)
			return err_set(err, ERR_REFUSED, "one order is undone at a time");
		snprintf(token, sizeof(token), DOOR_FLEET_PREFIX "%s", x->order->pairs[n].value);
		code = look_up(x->s, token, holds, err);
	}
	return code;
}

static int execute(struct executing *x, struct door_end *ret, struct err *err)
{
	const bool undoes = strcmp(x->order->verb, "undo") == 0;
	struct before holds = {0};
	AUTO(fleet_words_release) struct fleet_words words = {0};
	int code = undoes ? find_holds_to_undo(x, &holds, err) : 0;

	if (code == 0 && undoes && holds.count == 0)
		code = say_before(&x->saying, x->order->verb, &x->before, ret);
	else if (code == 0)
		code = fleet_words_make(x->order, holds.numbers, holds.count, &words, err);
	if (code == 0 && words.count)
		code = run_verb(x, &words, ret, err);
	free(holds.numbers);
	return code;
}

/* The order is complete, or only looked up: cancelled or expired. */
static int tell_before(struct executing *x, struct door_end *ret)
{
	if (!x->before.known) {
		ret->status = EXIT_INTERRUPTED;
		snprintf(ret->words, sizeof(ret->words), "it had not begun here");
		return 0;
	}
	ret->status = !x->before.complete    ? EXIT_INTERRUPTED
		      : x->before.sum.failed ? EXIT_SOME_FAILED
					     : EXIT_DONE;
	return say_before(&x->saying, x->order->verb, &x->before, ret);
}

static int run_once(struct executing *x, struct door_end *ret, struct err *err)
{
	int code, turn = -1;

	if (!x->saying.acts || x->order->dry_run)
		return x->order->lookup ? tell_before(x, ret) : execute(x, ret, err);
	code = postfix_read(x->s->settings.postfix_config_directory, &x->s->postfix, err);
	if (code == 0)
		code =
		    turn_take(x->s->settings.order_directory, "fleet.lock", TURN_WAIT, &turn, err);
	x->turn = turn > 0 ? turn : 0;
	code = code ?: look_up(x->s, x->token, &x->before, err);
	if (code == 0 && (x->order->lookup || x->before.complete))
		code = tell_before(x, ret);
	else if (code == 0)
		code = execute(x, ret, err);
	io_close(&turn);
	return code;
}

int fleet_run(struct session *s, int fd, const struct peer *peer, const struct door_fleet *order,
    struct door_end *ret, struct err *err)
{
	struct executing x = {.s = s,
	    .peer = peer,
	    .order = order,
	    .saying = {.fd = fd, .acts = fleet_verb_acts(order->verb)}};

	/* the child checks again, with the options; a look-up starts no child */
	if (!str_has_word(s->settings.fleet_allow, order->verb))
		return err_set(err, ERR_REFUSED,
		    "the fleet may not %s here: fleet_allow does not list '%s'", order->verb,
		    order->verb);
	snprintf(x.token, sizeof(x.token), DOOR_FLEET_PREFIX "%s", order->token);
	snprintf(x.user, sizeof(x.user), DOOR_FLEET_PREFIX "%s", order->placed_by);
	int code = run_once(&x, ret, err);
	free(x.before.numbers);
	strbuf_release(&x.saying.line);
	strbuf_release(&x.saying.summary);
	strbuf_release(&x.saying.status);
	return code;
}
