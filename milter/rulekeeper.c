/* SPDX-License-Identifier: ISC */
/* The rule set in force and what it is built of. */
#include "milter/rulekeeper.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/log.h"
#include "milter/rulepack.h"

#define RETIRED_MAX 8 /* sets that were swapped out and whose hits are not collected yet */

/* What tells one state of the file from another. */
struct file_mark {
	bool present;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

struct rulekeeper {
	char *file;

	pthread_mutex_t build; /* one rebuild at a time; held while files are read, never by get */
	struct file_mark mark;
	struct rulepack from_file, from_command;
	size_t file_count;

	pthread_mutex_t swap; /* guards what follows; held for moments only */
	struct ruleset *set;
	struct ruleset *retired[RETIRED_MAX];
	size_t retired_count;
	struct err file_error; /* "" = the file is fine */
};

static struct file_mark mark_of(const char *file)
{
	struct file_mark mark = {0};
	struct stat st;

	if (stat(file, &st) != 0)
		return mark;
	mark.present = true;
	mark.dev = st.st_dev;
	mark.ino = st.st_ino;
	mark.size = st.st_size;
	mark.modified = st.st_mtim;
	mark.changed = st.st_ctim;
	return mark;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
	return a->present == b->present && a->dev == b->dev && a->ino == b->ino &&
	       a->size == b->size && same_time(&a->modified, &b->modified) &&
	       same_time(&a->changed, &b->changed);
}

/* Puts fresh in force. The old set stays for sessions that hold it, and until its hits are
 * collected. */
static void swap_in(struct rulekeeper *k, struct ruleset *fresh)
{
	struct ruleset *drop = NULL;

	pthread_mutex_lock(&k->swap);
	if (k->set) {
		if (k->retired_count == RETIRED_MAX) {
			drop = k->retired[0];
			for (size_t i = 1; i < RETIRED_MAX; i++)
				k->retired[i - 1] = k->retired[i];
			k->retired_count--;
		}
		k->retired[k->retired_count++] = k->set;
	}
	k->set = fresh;
	pthread_mutex_unlock(&k->swap);
	ruleset_unref(drop);
}

/* Builds the set anew from both packs. */
static int rebuild(struct rulekeeper *k)
{
	struct rule_list file = {0};
	struct rule_list command = {0};
	int code = rulepack_read(&k->from_file, &file);

	if (!code)
		code = rulepack_read(&k->from_command, &command);
	if (!code) {
		struct ruleset *fresh = ruleset_new(&file, &command);

		if (fresh)
			swap_in(k, fresh);
		else
			code = -ENOMEM;
	}
	if (code) {
		rule_list_release(&file);
		rule_list_release(&command);
	}
	return code;
}

/* A file that is wrong stays wrong until it changes; what only could not be read now is tried
 * again. */
static bool is_wrong(int code)
{
	return code == ERR_SYNTAX || code == ERR_LIMIT;
}

static int read_file(struct rulekeeper *k, struct err *err)
{
	static const struct file_mark none = {.size = -1};
	struct rule_list rules = {0};
	int code;

	k->mark =
	    mark_of(k->file); /* before reading: a change in between is seen at the next look */
	code = rules_file_read(k->file, &rules, err);
	if (code && !is_wrong(code))
		k->mark = none;
	if (code)
		return code;
	code = rulepack_fill(&k->from_file, &rules);
	if (!code)
		k->file_count = rules.count;
	rule_list_release(&rules);
	if (!code)
		code = rebuild(k);
	if (code)
		return err_set(
		    err, code, "failed to build the rules of '%s' (%s)", k->file, err_word(code));
	return 0;
}

int rulekeeper_open(const char *file, struct rulekeeper **ret, struct err *err)
{
	struct rulekeeper *k = calloc(1, sizeof(*k));
	int code;

	if (!k)
		return err_set(err, -ENOMEM, "failed to read '%s' (out of memory)", file);
	pthread_mutex_init(&k->build, NULL);
	pthread_mutex_init(&k->swap, NULL);
	k->file = strdup(file);
	code = k->file ? read_file(k, err)
		       : err_set(err, -ENOMEM, "failed to read '%s' (out of memory)", file);
	if (code) {
		rulekeeper_close(k);
		return code;
	}
	*ret = k;
	return 0;
}

void rulekeeper_close(struct rulekeeper *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->retired_count; i++)
		ruleset_unref(k->retired[i]);
	ruleset_unref(k->set);
	rulepack_release(&k->from_file);
	rulepack_release(&k->from_command);
	pthread_mutex_destroy(&k->swap);
	pthread_mutex_destroy(&k->build);
	free(k->file);
	free(k);
}

struct ruleset *rulekeeper_get(struct rulekeeper *k)
{
	pthread_mutex_lock(&k->swap);
	struct ruleset *set = ruleset_ref(k->set);
	pthread_mutex_unlock(&k->swap);
	return set;
}

void rulekeeper_set_command(void *keeper, struct rule_list *rules)
{
	struct rulekeeper *k = keeper;

	pthread_mutex_lock(&k->build);
	int code = rulepack_fill(&k->from_command, rules);
	if (!code)
		code = rebuild(k);
	pthread_mutex_unlock(&k->build);
	rule_list_release(rules);
	if (code)
		log_error("failed to put the command's rules in force (%s)", err_word(code));
}

/* Keeps the words for status; "" = the file is fine. True if they are news. */
static bool note_file_error(struct rulekeeper *k, const char *text)
{
	pthread_mutex_lock(&k->swap);
	bool news = strcmp(k->file_error.text, text) != 0;
	snprintf(k->file_error.text, sizeof(k->file_error.text), "%s", text);
	pthread_mutex_unlock(&k->swap);
	return news;
}

void rulekeeper_reload(struct rulekeeper *k, bool force)
{
	struct err err = {{0}};

	pthread_mutex_lock(&k->build);
	struct file_mark now = mark_of(k->file);
	if (!force && same_mark(&now, &k->mark)) {
		pthread_mutex_unlock(&k->build);
		return;
	}
	int code = read_file(k, &err);
	size_t count = k->file_count;
	pthread_mutex_unlock(&k->build);

	bool news = note_file_error(k, code ? err.text : "");
	if (code && (news || force))
		log_error("%s; the rules from before stay in force", err.text);
	if (!code)
		log_info("rules reloaded from '%s': %zu", k->file, count);
}

void rulekeeper_collect_hits(
    void *keeper, void (*save)(void *to, const struct rule *r, uint64_t hits), void *to)
{
	struct rulekeeper *k = keeper;
	struct ruleset *sets[RETIRED_MAX + 1];
	size_t count = 0;

	pthread_mutex_lock(&k->swap);
	while (k->retired_count > 0)
		sets[count++] = k->retired[--k->retired_count];
	sets[count++] = ruleset_ref(k->set);
	pthread_mutex_unlock(&k->swap);
	for (size_t i = 0; i < count; i++) {
		ruleset_take_hits(sets[i], save, to);
		ruleset_unref(sets[i]);
	}
}

void rulekeeper_status(struct rulekeeper *k, struct strbuf *out)
{
	pthread_mutex_lock(&k->swap);
	struct ruleset *set = ruleset_ref(k->set);
	struct err error = k->file_error;
	pthread_mutex_unlock(&k->swap);

	strbuf_printf(out, "rules=%zu\n", ruleset_count(set));
	strbuf_printf(out, "match_limit_errors=%" PRIu64 "\n", ruleset_limit_errors(set));
	if (error.text[0])
		strbuf_printf(out, "rules_error=%s\n", error.text);
	ruleset_unref(set);
}
