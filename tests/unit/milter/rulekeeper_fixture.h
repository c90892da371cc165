/* SPDX-License-Identifier: ISC */
/* For tests of the rule keeper: a rules file, a state directory, requests as text. */
#ifndef PQPURGE_TESTS_RULEKEEPER_FIXTURE_H
#define PQPURGE_TESTS_RULEKEEPER_FIXTURE_H

#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/rules/rulekeeper.h"

struct fixture {
	char directory[64], file[80], state[80], stored[96], hits[96];
	struct settings settings;
	struct rulekeeper *keeper;
};

static inline void write_file(const char *path, const char *text)
{
	char fresh[128];

	/* A new inode each time, so that a change within one tick of the file system's clock is
	 * seen. */
	snprintf(fresh, sizeof(fresh), "%s.fresh", path);
	FILE *to = fopen(fresh, "w");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(rename(fresh, path), 0);
}

static inline void write_rules(const struct fixture *f, const char *text)
{
	write_file(f->file, text);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-rules.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->file, sizeof(f->file), "%s/rules", f->directory);
	snprintf(f->state, sizeof(f->state), "%s/state", f->directory);
	snprintf(f->stored, sizeof(f->stored), "%s/rules", f->state);
	snprintf(f->hits, sizeof(f->hits), "%s/hits", f->state);
	assert_int_equal(mkdir(f->state, 0700), 0);
	f->settings.rules_file = f->file;
	f->settings.state_directory = f->state;
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	clock_inject(NULL, NULL);
	rulekeeper_close(f->keeper);
	unlink(f->file);
	unlink(f->stored);
	unlink(f->hits);
	rmdir(f->state);
	rmdir(f->directory);
	free(f);
	return 0;
}

static inline void open_keeper(struct fixture *f)
{
	struct err err;

	assert_int_equal(rulekeeper_open(&f->settings, &f->keeper, &err), 0);
	rulekeeper_begin(f->keeper);
}

/* As a daemon that stops and starts again. */
static inline void open_again(struct fixture *f)
{
	rulekeeper_stop(f->keeper);
	rulekeeper_close(f->keeper);
	open_keeper(f);
}

/* Whether the set in force refuses the sender; counts a hit if asked. */
static inline bool refuses(const struct fixture *f, const char *sender, bool count)
{
	struct ruleset *set = rulekeeper_get(f->keeper);
	struct address address;

	address_envelope(sender, NULL, &address);
	const struct ruleset_query query = {.address = &address, .wall = clock_wall()};
	struct ruleset_hit hit = ruleset_find(set, &query);
	bool found = hit.rule && hit.rule->action == RULE_REJECT;
	if (found && count)
		rule_hit(hit.rule);
	ruleset_unref(set);
	return found;
}

/* Free the answer. NULL: refused. */
static inline struct json *ask(const struct fixture *f, const char *request)
{
	struct json *question = NULL, *reply = json_new(), *back = NULL;
	struct strbuf text = {0};
	struct err err = {{0}};

	assert_int_equal(json_parse(request, strlen(request), &question, &err), 0);
	int code = rulekeeper_answer(f->keeper, question, NULL, reply, &err);
	json_free(question);
	if (code) {
		assert_true(err.text[0]);
		json_free(reply);
		return NULL;
	}
	assert_int_equal(json_write(&text, reply), 0);
	assert_int_equal(json_parse(text.text, text.len, &back, NULL), 0);
	strbuf_release(&text);
	return back;
}

static inline struct json *status(const struct fixture *f)
{
	struct json *o = json_new(), *back = NULL;
	struct strbuf text = {0};

	rulekeeper_status(f->keeper, o);
	assert_int_equal(json_write(&text, o), 0);
	assert_int_equal(json_parse(text.text, text.len, &back, NULL), 0);
	strbuf_release(&text);
	return back;
}

static inline int64_t status_int(const struct fixture *f, const char *key)
{
	struct json *o = status(f);
	int64_t value = json_int(o, key, -1);

	json_free(o);
	return value;
}

static inline bool is_saved(const struct fixture *f)
{
	struct json *o = status(f);
	bool saved = json_bool(o, "rules_saved", false);

	json_free(o);
	return saved;
}

/* Sets or removes; the answer's `was_there` and `saved`. */
struct done {
	bool was_there, saved;
};
static inline struct done change(const struct fixture *f, const char *request)
{
	struct json *reply = ask(f, request);

	if (!reply)
		case_fail(request, "it was refused");
	struct done done = {json_bool(reply, "was_there", false), json_bool(reply, "saved", false)};
	case_assert(request, done.saved == !json_text(reply, "why"));
	json_free(reply);
	return done;
}

static inline struct done set_rule(const struct fixture *f, const char *subject)
{
	char request[200];

	snprintf(request, sizeof(request),
	    "{\"do\":\"rule-set\",\"pattern\":\"%s\",\"action\":\"REJECT\"}", subject);
	return change(f, request);
}

static inline struct done unset_rule(const struct fixture *f, const char *subject)
{
	char request[200];

	snprintf(request, sizeof(request), "{\"do\":\"rule-unset\",\"pattern\":\"%s\"}", subject);
	return change(f, request);
}

/* A rule's hits in the answer to "rules"; -1: no such rule. */
static inline int64_t hits_of(const struct fixture *f, const char *subject)
{
	struct json *reply = ask(f, "{\"do\":\"rules\"}");
	int64_t hits = -1;

	for (size_t i = 0; i < json_count(reply, "rules"); i++)
		if (strcmp(json_text(json_at(reply, "rules", i), "pattern"), subject) == 0)
			hits = json_int(json_at(reply, "rules", i), "hits", -1);
	json_free(reply);
	return hits;
}

static inline char *text_of(const char *path)
{
	static char text[4096];
	FILE *from = fopen(path, "r");

	if (!from)
		return NULL;
	size_t len = fread(text, 1, sizeof(text) - 1, from);
	fclose(from);
	text[len] = '\0';
	return text;
}

/* The daemon's files cannot grow past this many bytes, as on a full disk. */
static inline void let_grow(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
