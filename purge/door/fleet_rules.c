/* SPDX-License-Identifier: ISC */
/* Passes the fleet's rules from pqpurge-link to the daemon. Root does not interpret them. */

#include "rules/fleet_rules.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/role.h"
#include "purge/door/fleet.h"
#include "purge/door/turn.h"
#include "rules/stored.h"

#define ANSWER_TIME (10 * USEC_PER_SEC)
#define GATHER_TIME (30 * USEC_PER_SEC) /* for all frames together */
#define RULES_TURN  "rules.lock"
#define RULES_PAUSE USEC_PER_SEC

static void put_rule(struct json *list, const struct door_rule *rule)
{
	struct json *o = json_new();

	json_put_text(o, "subject", rule->subject);
	json_put_text(o, "action", *rule->action ? rule->action : NULL);
	json_put_text(o, "text", rule->text);
	json_put_text(o, "reason", rule->reason);
	json_put_text(o, "set_by", rule->set_by);
	if (rule->left)
		json_put_int(o, "left_us", rule->left);
	json_append(list, o);
}

static int put_frame(
    struct json *list, const struct door_rules *rules, size_t *count, struct err *err)
{
	*count += rules->count;
	if (*count > DOOR_RULES_MAX)
		return err_set(err, ERR_LIMIT, "more than %u rules", DOOR_RULES_MAX);
	for (size_t n = 0; n < rules->count; n++)
		put_rule(list, &rules->rules[n]);
	return 0;
}

static int read_more(
    int fd, int64_t until, struct bytes *frame, struct door_order *ret, struct err *err)
{
	int64_t deadline = clock_steady() + DOOR_FRAME_TIME;
	int got = io_frame_read(fd, frame, DOOR_FRAME_MAX, deadline < until ? deadline : until);

	if (got != 1)
		return err_set(err, got == 0 ? ERR_SYNTAX : got, "the rules ended early");
	if (door_decode(bytes_span(frame), ret, err) < 0)
		return ERR_SYNTAX;
	return ret->kind == DOOR_RULES ? 0 : err_set(err, ERR_SYNTAX, "rules were to follow");
}

static int gather(int fd, const struct door_rules *first, struct json *list, struct err *err)
{
	const int64_t until = clock_steady() + GATHER_TIME;
	size_t bytes = 0;
	AUTO(bytes_release) struct bytes frame = {0};
	size_t count = 0;
	bool more = first->more;
	int code = put_frame(list, first, &count, err);

	while (code == 0 && more) {
		AUTO(door_order_release) struct door_order next = {0};

		bytes_clear(&frame);
		code = read_more(fd, until, &frame, &next, err);
		bytes += frame.len;
		if (code == 0 && bytes > DOOR_RULES_BYTES)
			code = err_set(
			    err, ERR_LIMIT, "more than %u bytes of rules", DOOR_RULES_BYTES);
		code = code ?: put_frame(list, &next.rules, &count, err);
		more = next.rules.more;
	}
	return code;
}

struct handing {
	const struct settings *settings;
	bool replace;
	struct strbuf text; /* {"rules":[...]} */
};

static int tell_refused(int64_t refused, const char *why, struct door_end *ret)
{
	if (refused > 0)
		snprintf(ret->words, sizeof(ret->words),
		    "%lld rules were left out; the first: %.400s", (long long)refused,
		    why ? why : "");
	return 0;
}

static int ask_daemon(const struct index_client *client, const struct handing *h,
    struct door_end *ret, struct err *err)
{
	AUTO(json_release) struct json *reply = NULL;
	struct bytes body = {0};
	int code = client_daemon(client, err);

	if (code == ERR_TIMEOUT)
		return code;
	struct json *request = json_request("rule-fleet");
	json_put_bool(request, "replace", h->replace);
	bytes_put(&body, h->text.text, h->text.len);
	code = client_ask_with(client, request, &body, ANSWER_TIME, &reply, err);
	return code ?: tell_refused(json_int(reply, "refused", 0), json_text(reply, "why"), ret);
}

static int change_locked(const struct handing *h, struct bytes *out, struct err *err)
{
	const char *directory = h->settings->state_directory;
	struct fleet_change change = {
	    .replace = h->replace, .allow = h->settings->fleet_allow, .wall = clock_wall()};
	AUTO(rule_list_release) struct rule_list rules = {0}, old = {0};
	AUTO(json_release) struct json *body = NULL;
	int code = json_parse(h->text.text, h->text.len, &body, err);

	change.rules = body;
	code = code ?: fleet_rules_read(directory, &old, err);
	code = code ?: fleet_rules_read(directory, &rules, err);
	code = code ?: fleet_rules_change(&rules, &change, err);
	if (code == 0 && !fleet_rules_same(&old, &rules))
		code = fleet_rules_save(directory, &rules, change.wall, err);
	bytes_put_u64(out, change.refused);
	bytes_put_text(out, change.why.text);
	return code;
}

/* Runs in a child that is the directory's owner. */
static int change_file(void *arg, struct bytes *out, struct err *err)
{
	const struct handing *h = arg;
	AUTO(io_close) int lock = -1;
	int code = stored_lock(
	    h->settings->state_directory, clock_steady() + 2 * USEC_PER_SEC, &lock, err);
	return code ?: change_locked(h, out, err);
}

static int change_in_child(
    const struct index_client *client, struct handing *h, struct door_end *ret, struct err *err)
{
	AUTO(blob_release) struct blob blob = {0};
	struct role owner;
	char why[512];
	int code = role_of_owner(h->settings->state_directory, &owner, err);

	code = code ?: role_ask(&owner, client->stop, ANSWER_TIME, change_file, h, &blob, err);
	if (code == 0) {
		struct reader r = reader_of(blob.at, blob.len);
		uint64_t refused = reader_u64(&r);

		str_scrub(why, sizeof(why), reader_text(&r));
		code = tell_refused((int64_t)refused, why, ret);
	}
	return code;
}

/* A starting daemon has the lock before its socket, so ask once more. */
static int hand_over(
    const struct index_client *client, struct handing *h, struct door_end *ret, struct err *err)
{
	int code = ask_daemon(client, h, ret, err);

	if (code != ERR_NO_DAEMON && code != ERR_NO_INDEX)
		return code;
	code = change_in_child(client, h, ret, err);
	return code == ERR_LOCKED ? ask_daemon(client, h, ret, err) : code;
}

/* Also waits until a second after the last set of rules: the database and the agent's account may
 * send rules without end, and each set costs reading, compiling and a write to disk. */
static int await_turn(const char *directory, int *ret, struct err *err)
{
	struct stat at = {0};
	int64_t left = 0;
	int code = turn_take(directory, RULES_TURN, ANSWER_TIME, ret, err);

	if (code == 0 && fstat(*ret, &at) == 0 && at.st_size > 0)
		left = (int64_t)at.st_mtim.tv_sec * USEC_PER_SEC + at.st_mtim.tv_nsec / 1000 +
		       RULES_PAUSE - clock_wall();
	if (code == 0 && left > 0)
		usleep((useconds_t)(left < RULES_PAUSE ? left : RULES_PAUSE));
	return code;
}

/* The file's mtime is the time of the last rules; an empty file means none. */
static void end_turn(int *turn)
{
	if (*turn >= 0) {
		(void)!ftruncate(*turn, 1);
		(void)!futimens(*turn, NULL);
	}
	io_close(turn);
}

int fleet_rules(struct session *s, int fd, const struct door_rules *first, struct door_end *ret,
    struct err *err)
{
	struct handing h = {.settings = &s->settings, .replace = first->replace};
	struct json *body = json_new(), *list = json_new_array();
	AUTO(end_turn) int turn = -1;
	int code = gather(fd, first, list, err);

	json_put(body, "rules", list);
	if (json_write(&h.text, body) < 0 && code == 0)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code == 0 && !str_has_word(s->settings.fleet_allow, "block"))
		code = err_set(err, ERR_REFUSED,
		    "the fleet may set no rules here: fleet_allow does not list 'block'");
	code = code ?: await_turn(s->settings.order_directory, &turn, err);
	code = code ?: hand_over(&s->client, &h, ret, err);
	strbuf_release(&h.text);
	return code;
}
