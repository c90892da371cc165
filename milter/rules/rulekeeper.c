/* SPDX-License-Identifier: ISC */
#include "milter/rules/rulekeeper.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "index/control/status.h"
#include "milter/rules/rulekeeper_private.h"
#include "rules/fleet_rules.h"
#include "rules/rules_json.h"

#define HITS_EVERY   (10 * USEC_PER_SEC)
#define EXPIRY_EVERY (60 * USEC_PER_SEC)

struct file_mark file_mark_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct file_mark){.error = errno};
	return (struct file_mark){
	    .dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_ctim};
}

bool file_mark_same(const struct file_mark *a, const struct file_mark *b)
{
	return a->error == b->error && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void tell_limit_errors(void *keeper, const struct rule *r, uint64_t errors)
{
	struct rulekeeper *k = keeper;
	AUTO(strbuf_release) struct strbuf where = {0};

	UNDER(&k->swap, k->limit_errors += errors);
	if (r->line)
		strbuf_printf(&where, "%s:%u", k->settings->rules_file, r->line);
	else
		strbuf_printf(&where, "rule of the %s", rule_origin_word(rule_origin(r)));
	log_warning("%s: expression '%s' hit its match limit %" PRIu64
		    " times, which counts as no match",
	    strbuf_text(&where), r->subject, errors);
}

int rulekeeper_swap(struct rulekeeper *k, struct ruleset *fresh)
{
	if (!fresh)
		return -ENOMEM;
	pthread_mutex_lock(&k->swap);
	struct ruleset *old = k->set;
	k->set = fresh;
	pthread_mutex_unlock(&k->swap);
	ruleset_unref(old);
	return 0;
}

/* A wrong file stays wrong until it changes; other errors are retried. */
static bool is_wrong(int code)
{
	return code == ERR_SYNTAX || code == ERR_LIMIT;
}

static int read_file(struct rulekeeper *k, struct err *err)
{
	static const struct file_mark none = {.error = -1};
	const char *file = k->settings->rules_file;
	struct rule_list rules = {0};
	size_t count;

	k->file_mark = file_mark_of(file); /* before reading, so that later changes are seen */
	int code = rules_file_read(file, &rules, err);
	count = rules.count;
	if (!code) {
		code = rulekeeper_swap(k, ruleset_with(k->set, RULE_OF_FILE, &rules));
		if (code)
			err_set(err, code, "failed to build the rules of '%s' (%s)", file,
			    err_word(code));
	}
	if (code && !is_wrong(code))
		k->file_mark = none;
	if (!code)
		k->file_count = count;
	return code;
}

static int fill(struct rulekeeper *k, struct err *err)
{
	struct strbuf path = {0};

	k->set = ruleset_new(NULL, NULL, k->settings->login_exact);
	strbuf_printf(&path, "%s/" STORED_FILE, k->settings->state_directory);
	k->stored_path = path.text;
	if (!k->set || path.failed)
		return err_set(err, -ENOMEM, "failed to read the rules (out of memory)");
	return read_file(k, err);
}

int rulekeeper_open(const struct settings *settings, struct rulekeeper **ret, struct err *err)
{
	struct rulekeeper *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "failed to read the rules (out of memory)");
	pthread_mutex_init(&k->change, NULL);
	pthread_mutex_init(&k->swap, NULL);
	k->settings = settings;
	int code = fill(k, err);
	if (code) {
		rulekeeper_close(k);
		return code;
	}
	*ret = k;
	return 0;
}

static void publish_and_unlock(struct rulekeeper *k)
{
	pthread_mutex_lock(&k->swap);
	k->trouble = (struct keeper_trouble){.unsaved = k->unsaved,
	    .damaged = k->stored.damaged,
	    .stored = k->stored_error,
	    .file = k->file_error};
	pthread_mutex_unlock(&k->swap);
	pthread_mutex_unlock(&k->change);
}

void rulekeeper_begin(struct rulekeeper *k)
{
	pthread_mutex_lock(&k->change);
	k->begun = true;
	keeper_fleet_read(k); /* before the hits, which name fleet rules, too */
	keeper_look(k, true);
	publish_and_unlock(k);
}

void rulekeeper_stop(struct rulekeeper *k)
{
	if (!k)
		return;
	pthread_mutex_lock(&k->change);
	if (k->begun) {
		(void)!keeper_save(k);
		(void)!keeper_fleet_save(k);
		keeper_save_hits(k);
	}
	publish_and_unlock(k);
}

void rulekeeper_close(struct rulekeeper *k)
{
	if (!k)
		return;
	ruleset_unref(k->set);
	strbuf_release(&k->pending);
	stored_release(&k->stored);
	pthread_mutex_destroy(&k->swap);
	pthread_mutex_destroy(&k->change);
	free(k->stored_path);
	free(k);
}

struct ruleset *rulekeeper_get(struct rulekeeper *k)
{
	LOCKED(&k->swap);
	return ruleset_ref(k->set);
}

/* Call it with `change` held. */
static void look(struct rulekeeper *k, bool force)
{
	struct file_mark now = file_mark_of(k->settings->rules_file);
	struct err err = {{0}};

	if (!force && file_mark_same(&now, &k->file_mark))
		return;
	int code = read_file(k, &err);
	if (code && (force || strcmp(k->file_error.text, err.text) != 0))
		log_error("%s; the previous rules stay in force", err.text);
	k->file_error = err;
	if (!code)
		log_info("rules reloaded from '%s': %zu", k->settings->rules_file, k->file_count);
}

void rulekeeper_reload(struct rulekeeper *k)
{
	pthread_mutex_lock(&k->change);
	look(k, true);
	if (k->begun)
		keeper_look(k, true);
	publish_and_unlock(k);
}

static void keep_stored(struct rulekeeper *k, int64_t now)
{
	keeper_look(k, false);
	if (now >= k->next_expiry) {
		k->next_expiry = now + EXPIRY_EVERY;
		keeper_expire(k);
		keeper_fleet_expire(k);
	}
	(void)!keeper_save(k);
	(void)!keeper_fleet_save(k);
	if (now >= k->next_hits) {
		k->next_hits = now + HITS_EVERY;
		keeper_save_hits(k);
	}
}

void rulekeeper_each_second(struct rulekeeper *k)
{
	pthread_mutex_lock(&k->change);
	look(k, false);
	if (k->begun)
		keep_stored(k, clock_steady());
	publish_and_unlock(k);

	struct ruleset *set = rulekeeper_get(k);
	ruleset_limit_errors(set, tell_limit_errors, k);
	ruleset_unref(set);
}

static void put_errors(const struct err *file, const struct err *stored, struct json *reply)
{
	json_put_words(reply, STATUS_RULES_ERROR, file->text);
	json_put_words(reply, STATUS_RULES_STORED_ERROR, stored->text);
}

static int answer_rules(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	struct rules_view view = {.rules_file = k->settings->rules_file,
	    .login_exact = k->settings->login_exact,
	    .wall = clock_wall()};

	look(k, false);
	keeper_look(k, false);
	view.set = k->set;
	view.stored = &k->stored;
	put_errors(&k->file_error, &k->stored_error, reply);
	return rules_answer(&view, request, reply, NULL, err);
}

/* r NULL: takes back the rule of subject. */
static int answer_change(
    struct rulekeeper *k, const char *subject, struct rule *r, struct json *reply, struct err *err)
{
	int there = keeper_change(k, subject, r, err);

	if (there < 0)
		return there;
	int saved = keeper_save(k);
	json_put_bool(reply, "was_there", there == 1);
	json_put_bool(reply, "saved", saved == 0);
	if (saved != 0)
		json_put_text(reply, "why", k->stored_error.text);
	return 0;
}

static int answer_set(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	struct rule r;
	int code = rule_of_request(request, &r, err);

	if (code)
		return code;
	code = answer_change(k, r.subject, &r, reply, err);
	rule_release(&r);
	return code;
}

/* rule_make brings the pattern into normal form. */
static int answer_unset(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	struct rule r;
	int code = rule_make(json_words(request, "pattern"), RULE_OK, NULL, &r, err);

	if (code)
		return code;
	code = answer_change(k, r.subject, NULL, reply, err);
	rule_release(&r);
	return code;
}

static int answer_fleet(struct rulekeeper *k, const struct json *request, const struct json *body,
    struct json *reply, struct err *err)
{
	struct fleet_change change = {.rules = body ? body : request,
	    .replace = json_bool(request, "replace", false),
	    .allow = k->settings->fleet_allow,
	    .wall = clock_wall()};
	int code = keeper_fleet_change(k, &change, err);

	if (code < 0)
		return code;
	json_put_int(reply, "rules", (int64_t)ruleset_rules(k->set, RULE_OF_FLEET)->count);
	json_put_int(reply, "refused", (int64_t)change.refused);
	if (change.refused)
		json_put_text(reply, "why", change.why.text);
	json_put_bool(reply, "saved", keeper_fleet_save(k) == 0);
	return 0;
}

int rulekeeper_answer(struct rulekeeper *k, const struct json *request, const struct json *body,
    struct json *reply, struct err *err)
{
	static const struct {
		const char *word;
		int (*answer)(struct rulekeeper *k, const struct json *request, struct json *reply,
		    struct err *err);
	} table[] = {
	    {"rules", answer_rules}, {"rule-set", answer_set}, {"rule-unset", answer_unset}};
	const char *word = json_text(request, "do");
	const bool fleet = word && strcmp(word, "rule-fleet") == 0;
	size_t n = 0;

	while (n < COUNT_OF(table) && !(word && strcmp(word, table[n].word) == 0))
		n++;
	if (n == COUNT_OF(table) && !fleet)
		return err_set(err, ERR_SYNTAX, "this is not a request about rules");
	pthread_mutex_lock(&k->change);
	int code = fleet ? answer_fleet(k, request, body, reply, err)
			 : table[n].answer(k, request, reply, err);
	publish_and_unlock(k);
	return code;
}

static int change(struct rulekeeper *k, const char *subject, struct rule *r, struct err *err)
{
	pthread_mutex_lock(&k->change);
	int there = keeper_change(k, subject, r, err);
	if (there >= 0)
		(void)keeper_save(k);
	publish_and_unlock(k);
	return there;
}

int rulekeeper_set(struct rulekeeper *k, struct rule *r, struct err *err)
{
	int there = change(k, r->subject, r, err);

	rule_release(r);
	return there;
}

int rulekeeper_unset(struct rulekeeper *k, const char *subject, struct err *err)
{
	return change(k, subject, NULL, err);
}

/* Waits for no file, so it does not show a change that is still in progress. */
void rulekeeper_status(struct rulekeeper *k, struct json *reply)
{
	int64_t wall = clock_wall();
	size_t count = 0;

	pthread_mutex_lock(&k->swap);
	struct ruleset *set = ruleset_ref(k->set);
	struct keeper_trouble trouble = k->trouble;
	uint64_t limit_errors = k->limit_errors + ruleset_limit_errors(set, NULL, NULL);
	pthread_mutex_unlock(&k->swap);
	for (size_t i = 0; i < ruleset_count(set); i++)
		count += !rule_expired(ruleset_at(set, i), wall);
	ruleset_unref(set);
	json_put_int(reply, STATUS_RULES, (int64_t)count);
	json_put_int(reply, STATUS_MATCH_LIMIT_ERRORS, (int64_t)limit_errors);
	json_put_bool(reply, STATUS_RULES_SAVED, !trouble.unsaved);
	json_put_int(reply, STATUS_RULES_DAMAGED, (int64_t)trouble.damaged);
	put_errors(&trouble.file, &trouble.stored, reply);
}
