/* SPDX-License-Identifier: ISC */
/* The rule set in force and what it is built of. */
#include "milter/rulekeeper.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/log.h"

/* Rules that are gone and whose hits are not collected yet. They can be that many only while the
 * index fails; then further ones are not counted. */
#define LEFT_MAX 10000

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

	pthread_mutex_t reading; /* guards these two; held while the file is read, however long */
	struct file_mark mark;
	size_t file_count;

	pthread_mutex_t build; /* one new set at a time, from the one in force */

	pthread_mutex_t swap;  /* guards what follows; held for moments only */
	struct ruleset *set;   /* replaced with `build` held, too */
	struct rule_list left; /* hits of rules that are gone: subject, line and hits alone */
	uint64_t limit_errors; /* taken from their rules */
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

/* ---- what is counted */

/* Hits of a rule that is gone, for rulekeeper_collect_hits. Called by whoever let go of it. */
static void inherit_hits(void *keeper, const struct rule *r, uint64_t hits)
{
	struct rulekeeper *k = keeper;
	struct rule note = {.subject = strdup(r->subject), .line = r->line, .hits = hits};

	pthread_mutex_lock(&k->swap);
	bool kept = note.subject && k->left.count < LEFT_MAX && rule_list_add(&k->left, &note) == 0;
	pthread_mutex_unlock(&k->swap);
	if (!kept)
		free(note.subject);
}

static void tell_limit_errors(void *keeper, const struct rule *r, uint64_t errors)
{
	struct rulekeeper *k = keeper;
	struct strbuf where = {0};

	pthread_mutex_lock(&k->swap);
	k->limit_errors += errors;
	pthread_mutex_unlock(&k->swap);
	if (r->line)
		strbuf_printf(&where, "%s:%u", k->file, r->line);
	else
		strbuf_puts(&where, "rule of the command");
	log_warning("%s: expression '%s' ran into its match limit %" PRIu64
		    " times, which counts as no match",
	    strbuf_text(&where), r->subject, errors);
	strbuf_release(&where);
}

/* ---- the set in force */

/* Puts fresh in force (NULL: there was no memory for it). The old one lives on in the sessions that
 * hold it. */
static int swap_in(struct rulekeeper *k, struct ruleset *fresh)
{
	struct ruleset *old;

	if (!fresh)
		return -ENOMEM;
	pthread_mutex_lock(&k->swap);
	old = k->set;
	k->set = fresh;
	pthread_mutex_unlock(&k->swap);
	ruleset_unref(old);
	return 0;
}

/* A file that is wrong stays wrong until it changes; what only could not be read now is tried
 * again. */
static bool is_wrong(int code)
{
	return code == ERR_SYNTAX || code == ERR_LIMIT;
}

/* With `reading` held, and no other lock: a file system that hangs keeps no block from being set.
 */
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
	size_t count = rules.count;
	pthread_mutex_lock(&k->build);
	code = swap_in(k, ruleset_with_file(k->set, &rules));
	pthread_mutex_unlock(&k->build);
	if (code)
		k->mark = none;
	if (code)
		return err_set(
		    err, code, "failed to build the rules of '%s' (%s)", k->file, err_word(code));
	k->file_count = count;
	return 0;
}

int rulekeeper_open(const char *file, struct rulekeeper **ret, struct err *err)
{
	struct rulekeeper *k = calloc(1, sizeof(*k));
	int code;

	if (!k)
		return err_set(err, -ENOMEM, "failed to read '%s' (out of memory)", file);
	pthread_mutex_init(&k->reading, NULL);
	pthread_mutex_init(&k->build, NULL);
	pthread_mutex_init(&k->swap, NULL);
	const struct ruleset_heir heir = {inherit_hits, tell_limit_errors, k};
	k->file = strdup(file);
	k->set = ruleset_new(NULL, NULL, &heir);
	code = k->file && k->set
		   ? read_file(k, err)
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
	ruleset_unref(k->set);
	rule_list_release(&k->left);
	pthread_mutex_destroy(&k->swap);
	pthread_mutex_destroy(&k->build);
	pthread_mutex_destroy(&k->reading);
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
	int code = swap_in(k, ruleset_with_command(k->set, rules));
	pthread_mutex_unlock(&k->build);
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

	pthread_mutex_lock(&k->reading);
	struct file_mark now = mark_of(k->file);
	if (!force && same_mark(&now, &k->mark)) {
		pthread_mutex_unlock(&k->reading);
		return;
	}
	int code = read_file(k, &err);
	size_t count = k->file_count;
	pthread_mutex_unlock(&k->reading);

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

	pthread_mutex_lock(&k->swap);
	struct ruleset *set = ruleset_ref(k->set);
	struct rule_list left = k->left;
	k->left = (struct rule_list){0};
	pthread_mutex_unlock(&k->swap);
	for (size_t i = 0; i < left.count; i++)
		save(to, &left.list[i], left.list[i].hits);
	rule_list_release(&left);
	ruleset_take_hits(set, save, to);
	ruleset_unref(set);
}

void rulekeeper_tell_limits(struct rulekeeper *k)
{
	struct ruleset *set = rulekeeper_get(k);

	ruleset_take_limit_errors(set, tell_limit_errors, k);
	ruleset_unref(set);
}

void rulekeeper_status(struct rulekeeper *k, struct strbuf *out)
{
	pthread_mutex_lock(&k->swap);
	struct ruleset *set = ruleset_ref(k->set);
	struct err error = k->file_error;
	uint64_t limit_errors = k->limit_errors + ruleset_limit_errors(set);
	pthread_mutex_unlock(&k->swap);

	strbuf_printf(out, "rules=%zu\n", ruleset_count(set));
	strbuf_printf(out, "match_limit_errors=%" PRIu64 "\n", limit_errors);
	if (error.text[0])
		strbuf_printf(out, "rules_error=%s\n", error.text);
	ruleset_unref(set);
}
