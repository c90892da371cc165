/* SPDX-License-Identifier: ISC */
/*
 * A policy client's input: requests are found as bytes come in, read, and answered by the front
 * with rules, a flood watch and a real index. The first byte says how many bytes come at a time. A
 * second, simple reading of the bytes says where each request ends, and what its values are.
 */
#include <ftw.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/settings/settings_table.h"
#include "milter/policy/front.h"
#include "tests/fuzz/fuzz.h"

static char home[] = "/dev/shm/pqpurge-fuzz.XXXXXX";
static struct settings settings;
static struct glue_config config;
static struct front *front;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	(void)nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_path(char *to, size_t size, const char *name)
{
	fuzz_require((size_t)snprintf(to, size, "%s/%s", home, name) < size);
}

static void write_rules(const char *path)
{
	FILE *file = fopen(path, "w");

	fuzz_require(file != NULL);
	fputs("bad.example REJECT no\nslow.example DEFER\nhold.example HOLD\nsink.example DISCARD\n"
	      "login:mallory REJECT\nclient:192.0.2.0/24 DEFER\n<> WARN\n/evil/ REJECT 100% no\n",
	    file);
	fclose(file);
}

static void start(void)
{
	static char index[64], rules[64];
	struct err err;

	log_open("fuzz", LOG_TO_SYSLOG, false);
	fuzz_require(mkdtemp(home) != NULL);
	atexit(clean_up);
	put_path(index, sizeof(index), "index");
	put_path(rules, sizeof(rules), "rules");
	write_rules(rules);
	fuzz_require(mkdir(index, 0700) == 0);
	settings = (struct settings){
	    .rules_file = rules, .state_directory = home, .flood_watch = FLOOD_WATCH_WARN};
	settings_flood_init(&settings);
	fuzz_require(rulekeeper_open(&settings, &config.rules, &err) == 0);
	fuzz_require(floodkeeper_open(&settings, config.rules, &config.floods, &err) == 0);
	config.index = indexkeeper_new(index, INT64_C(4) << 20);
	fuzz_require(config.index != NULL);
	indexkeeper_start(config.index, 0);
	config.session = (struct session_config){.origin = "o.example", .max_recipients = 5};
	front = front_new(&config);
	fuzz_require(front != NULL);
}

/* The value of an attribute in its last line; NULL: absent. */
static const char *value_of(const char *text, size_t len, const char *name, size_t *ret_len)
{
	size_t name_len = strlen(name);
	const char *found = NULL;

	for (const char *line = text, *end; line < text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			break;
		if ((size_t)(end - line) <= name_len || memcmp(line, name, name_len) != 0 ||
		    line[name_len] != '=')
			continue;
		found = line + name_len + 1;
		*ret_len = (size_t)(end - found);
	}
	return found;
}

static void check_value(const char *text, size_t len, const char *name, const char *got)
{
	size_t value_len = 0;
	const char *value = value_of(text, len, name, &value_len);

	fuzz_require(strlen(got) == value_len);
	fuzz_require(value_len == 0 || memcmp(got, value, value_len) == 0);
}

static void check_request(const char *text, size_t len, const struct policy_request *r)
{
	check_value(text, len, "sender", r->sender);
	check_value(text, len, "recipient", r->recipient);
	check_value(text, len, "sasl_username", r->login);
	check_value(text, len, "queue_id", r->queue_id);
	check_value(text, len, "instance", r->instance);
	check_value(text, len, "client_address", r->client);
	check_value(text, len, "client_port", r->client_port);
}

/* One line with an action that smtpd(8) knows, then an empty line. */
static void check_answer(const char *text, const struct policy_request *r)
{
	static const char *const actions[] = {"DUNNO\n", "550 ", "451 ", "HOLD ", "DISCARD "};
	size_t len = strlen(text), known = 0;

	fuzz_require(len > 9 && len < FRONT_ANSWER_SIZE - 1);
	fuzz_require(memcmp(text, "action=", 7) == 0 && strcmp(text + len - 2, "\n\n") == 0);
	for (size_t i = 0; i < len - 2; i++)
		fuzz_require((unsigned char)text[i] >= ' ' && (unsigned char)text[i] < 127);
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		known += strncmp(text + 7, actions[i], strlen(actions[i])) == 0;
	fuzz_require(known == 1);
	bool whole = text[7] == 'H' || (text[7] == 'D' && text[8] == 'I');
	fuzz_require(!whole || (r->stage == POLICY_END && r->queue_id[0]));
	fuzz_require(r->stage != POLICY_OTHER || strcmp(text, "action=DUNNO\n\n") == 0);
}

/* Takes the first request of len bytes. Returns its length, or 0: the peer is hung up on. */
static size_t take(char *at, size_t len)
{
	struct policy_request r;
	struct err err = {{0}};
	char text[FRONT_ANSWER_SIZE];
	char *before = malloc(len);

	fuzz_require(before != NULL);
	memcpy(before, at, len);
	bool read = policy_request_read(at, len, &r, &err) == 0;
	fuzz_require(read != (err.text[0] != '\0'));
	if (read) {
		check_request(before, len, &r);
		front_answer(front, &r, text);
		check_answer(text, &r);
	}
	free(before);
	return read ? len : 0;
}

/* The end of the first request by the simple reading; 0: incomplete. */
static size_t plain_end(const char *at, size_t len)
{
	const char *end = len && at[0] == '\n' ? at - 1 : memmem(at, len, "\n\n", 2);

	return end ? (size_t)(end - at) + 2 : 0;
}

/* Finds the first request as it comes in steps. 0: incomplete, or refused. */
static size_t find(const char *at, size_t len, size_t step)
{
	struct policy_scan scan = {0};
	struct err err = {{0}};
	size_t found = 0;
	int code = 0;

	for (size_t have = 0; code == 0 && have < len;) {
		have = len - have < step ? len : have + step;
		code = policy_request_find(at, have, &scan, &found, &err);
	}
	fuzz_require((code < 0) == (err.text[0] != '\0'));
	if (code == 1) {
		fuzz_require(found == plain_end(at, len));
		fuzz_require(found <= POLICY_REQUEST_MAX && !memchr(at, '\0', found));
	} else if (code == 0) {
		fuzz_require(plain_end(at, len) == 0);
		fuzz_require(len < POLICY_REQUEST_MAX);
	}
	return code == 1 ? found : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;

	if (!started)
		start();
	started = true;
	if (size < 1)
		return 0;
	size_t step = data[0] ? data[0] : 4096, len = size - 1, used = 0;
	char *copy = malloc(len + 1); /* ends with the input, so that reading past it is caught */

	fuzz_require(copy != NULL);
	memcpy(copy, data + 1, len);
	for (;;) {
		size_t found = find(copy + used, len - used, step);

		if (!found || !take(copy + used, found))
			break;
		used += found;
	}
	free(copy);
	(void)policy_instance_time(home);
	return 0;
}
