/* SPDX-License-Identifier: ISC */
/* A short form of `status` for the fleet's table of hosts. */
#include "base/clock.h"
#include "base/io.h"
#include "index/control/status.h"
#include "purge/door/fleet.h"
#include "purge/door/relay.h"
#include "purge/door/turn.h"
#include "purge/status/live.h"

#define HEALTH_MAX 4000 /* bytes */
#define FLOODS_MAX 10
#define KEY_MAX    100 /* bytes of a flood's key; longer ones are cut */

static const char *trouble_of(const struct live *live, char *buf, size_t size)
{
	static const char *const states[] = {[LIVE_DOWN] = "pqpurge-milter does not run",
	    [LIVE_SILENT] = "pqpurge-milter does not answer",
	    [LIVE_DEAF] = "pqpurge-milter cannot be reached",
	    [LIVE_UNKNOWN] = "pqpurge-milter could not be asked"};
	static const char *const keys[] = {
	    STATUS_RULES_ERROR, STATUS_RULES_STORED_ERROR, STATUS_LAST_ERROR};

	if (!live->answer)
		return states[live->state];
	for (size_t n = 0; n < COUNT_OF(keys); n++)
		if (json_text(live->answer, keys[n]))
			return str_scrub(buf, size, json_text(live->answer, keys[n]));
	return json_bool(live->answer, STATUS_RECORDING, false) ? NULL : "the index is not open";
}

static void put_flood(struct json *list, const struct json *from)
{
	static const char *const numbers[] = {"id", "since", "recipients"};
	const char *kind = json_text(from, "kind"), *key = json_text(from, "key");
	char text[KEY_MAX];

	if (!kind || !key)
		return;
	struct json *o = json_new();
	json_put_text(o, "kind", str_scrub(text, sizeof(text), kind));
	json_put_text(o, "key", str_scrub(text, sizeof(text), key));
	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		json_put_int(o, numbers[n], json_int(from, numbers[n], 0));
	json_append(list, o);
}

static struct json *make(const struct live *live, size_t floods)
{
	struct json *o = json_new(), *list = json_new_array();
	char words[256];
	const char *trouble = trouble_of(live, words, sizeof(words));

	json_put_text(o, "version", PQPURGE_VERSION);
	json_put_bool(o, "daemon", live->answer != NULL);
	if (live->answer) {
		json_put_int(o, "queued", json_int(live->answer, STATUS_ROWS, 0));
		json_put_int(o, "rules", json_int(live->answer, STATUS_RULES, 0));
	}
	json_put_words(o, "trouble", trouble);
	for (size_t n = 0; live->answer && n < floods; n++)
		if (json_at(live->answer, STATUS_FLOODS, n))
			put_flood(list, json_at(live->answer, STATUS_FLOODS, n));
	json_put(o, "floods", list);
	return o;
}

/* Shows `status`, which never talks to the agent, that an agent asks. */
static void leave_mark(const char *directory)
{
	AUTO(io_close) int fd = -1;

	if (turn_take(directory, DOOR_FLEET_SEEN, USEC_PER_SEC, &fd, NULL) == 0)
		(void)!futimens(fd, NULL);
}

int fleet_health(struct session *s, int fd, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	AUTO(live_release) struct live live = {0};

	leave_mark(s->settings.order_directory);
	live_read(&s->client, &live);
	int code = json_write(&text, make(&live, FLOODS_MAX));
	if (code == 0 && text.len > HEALTH_MAX) {
		strbuf_clear(&text);
		code = json_write(&text, make(&live, 0));
	}
	if (code == 0)
		code = door_answer_write(fd, DOOR_SAYS, (struct span){text.text, text.len},
		    clock_steady() + RELAY_PATIENCE);
	return code < 0 ? err_set(err, code, "failed to report the state of this host") : 0;
}
