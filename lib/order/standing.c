/* SPDX-License-Identifier: ISC */
#include "order/standing.h"

#include <dirent.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/control/wire.h"
#include "rules/rules_file.h"
#include "rules/stored.h"

#define NAME_MAX_LEN 24

static void standing_release(struct standing *s)
{
	free(s->user);
	free(s->command);
	free(s->reason);
	free(s->state_directory);
	free(s->batches.list);
	selector_release(&s->selector);
	strbuf_release(&s->rules);
	*s = (struct standing){0};
}

void standings_release(struct standings *s)
{
	for (size_t n = 0; n < s->count; n++)
		standing_release(&s->list[n]);
	free(s->list);
	*s = (struct standings){0};
}

const struct standing *standing_find(const struct standings *s, uint64_t number)
{
	for (size_t n = 0; n < s->count; n++)
		if (s->list[n].number == number)
			return &s->list[n];
	return NULL;
}

/* The lock ends when the descriptor is closed. */
static int open_directory(const char *directory, bool make, int *ret, struct err *err)
{
	if (make && mkdir(directory, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "failed to make '%s'", directory);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "failed to open '%s'", directory);
	int code = io_check_roots(directory, err);
	if (code == 0)
		flock(*ret = fd, LOCK_EX);
	else
		close(fd);
	return code;
}

static char *name_of(uint64_t number, char buf[NAME_MAX_LEN])
{
	snprintf(buf, NAME_MAX_LEN, "%" PRIu64, number);
	return buf;
}

static enum action action_of(const char *verb)
{
	if (verb && strcmp(verb, "purge") == 0)
		return ACTION_DELETE;
	return verb && strcmp(verb, "hold") == 0 ? ACTION_HOLD : ACTION_COUNT;
}

static int copy(char **into, const struct json *o, const char *key)
{
	*into = strdup(json_words(o, key));
	return *into ? 0 : -ENOMEM;
}

static int read_lists(const struct json *o, struct standing *s)
{
	int code = 0;

	json_list(o, "rules", SIZE_MAX, &s->rules);
	for (size_t n = 0; code == 0 && n < json_count(o, "batches"); n++)
		code =
		    array_add(&s->batches, (uint64_t)json_int(json_at(o, "batches", n), NULL, 0));
	return s->rules.failed ? -ENOMEM : code;
}

static int read_members(const struct json *o, struct standing *s, struct err *err)
{
	const struct json *selector = json_child(o, "selector");
	int code = copy(&s->user, o, "user");

	s->action = action_of(json_text(o, "verb"));
	s->until = json_int(o, "until", 0);
	s->uid = (uid_t)json_int(o, "uid", 0);
	if (s->action == ACTION_COUNT || s->until <= 0 || !selector)
		return ERR_SYNTAX;
	code = code ?: copy(&s->command, o, "command");
	code = code ?: copy(&s->reason, o, "reason");
	code = code ?: copy(&s->state_directory, o, "state_directory");
	code = code ?: read_lists(o, s);
	code = code ?: wire_selector_read(selector, &s->selector, err);
	/* It would mean all mail. */
	return code == 0 && selector_is_empty(&s->selector) ? ERR_SYNTAX : code;
}

static int read_file(const char *directory, const char *name, struct standing *ret, struct err *err)
{
	struct standing s = {0};
	AUTO(strbuf_release) struct strbuf path = {0}, text = {0};
	AUTO(json_release) struct json *o = NULL;
	int code = str_parse_u64(name, 1, INT64_MAX, &s.number);

	strbuf_printf(&path, "%s/%s", directory, name);
	if (code == 0)
		code = rules_file_text(strbuf_text(&path), &text, err) == 1 ? 0 : ERR_SYNTAX;
	code = code ?: json_parse(strbuf_text(&text), text.len, &o, err);
	code = code ?: read_members(o, &s, err);
	if (code == 0)
		*ret = s;
	else
		standing_release(&s);
	return code;
}

static int by_number(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int take(const struct settings *s, int dir, const char *name, int64_t now,
    struct standings *into, struct err *ret_trouble)
{
	struct standing standing = {0};
	int code = read_file(s->standing_directory, name, &standing, NULL);

	if (code == -ENOMEM)
		return code;
	if (code < 0) {
		err_set(ret_trouble, code, "the standing order '%s/%s' is invalid",
		    s->standing_directory, name);
		return 0;
	}
	if (!standing.state_directory ||
	    strcmp(standing.state_directory, s->state_directory) != 0) {
		standing_release(&standing);
		return 0;
	}
	if (standing.until <= now || into->count >= STANDING_MAX) {
		if (standing.until <= now)
			unlinkat(dir, name, 0);
		standing_release(&standing);
		return 0;
	}
	code = array_add(into, standing);
	if (code < 0)
		standing_release(&standing);
	return code;
}

int standing_list(const struct settings *s, int64_t now, struct standings *ret,
    struct err *ret_trouble, struct err *err)
{
	struct standings all = {0};
	const struct dirent *entry;
	DIR *dir = NULL; /* owns fd once open */
	int fd = -1;
	int code = open_directory(s->standing_directory, false, &fd, err);

	*ret = (struct standings){0};
	if (code == 0 && !(dir = fdopendir(fd)))
		code = err_sys(err, errno, "failed to read '%s'", s->standing_directory);
	while (dir && code == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    !strchr(entry->d_name, '.'))
			code = take(s, fd, entry->d_name, now, &all, ret_trouble);
	if (code == -ENOMEM)
		err_set(err, code, "out of memory");
	if (dir)
		closedir(dir);
	else
		io_close(&fd);
	if (code < 0) {
		standings_release(&all);
		return code == -ENOENT ? 0 : code;
	}
	array_sort(&all, by_number);
	*ret = all;
	return 0;
}

static int write_file(const struct settings *s, const struct standing *standing, struct err *err)
{
	struct strlist rules = strlist_of(&standing->rules);
	struct json *o = json_new();
	AUTO(strbuf_release) struct strbuf text = {0};
	char name[NAME_MAX_LEN];
	size_t count = standing->batches.count;
	size_t first = count > STANDING_BATCHES_MAX ? count - STANDING_BATCHES_MAX : 0;

	json_put_text(o, "verb", standing->action == ACTION_HOLD ? "hold" : "purge");
	json_put_int(o, "until", standing->until);
	json_put_int(o, "uid", standing->uid);
	json_put_text(o, "user", standing->user);
	json_put_text(o, "command", standing->command);
	json_put_text(o, "reason", standing->reason);
	json_put_text(o, "state_directory", s->state_directory);
	json_put(o, "selector", wire_selector(&standing->selector));
	json_put_list(o, "rules", &rules);
	json_put_ints(o, "batches", standing->batches.list + first, count - first);
	if (json_write(&text, o) < 0)
		text.failed = true;
	return stored_replace(
	    s->standing_directory, name_of(standing->number, name), &text, true, err);
}

int standing_begin(const struct settings *s, const struct standing *standing, struct err *err)
{
	char name[NAME_MAX_LEN];
	AUTO(io_close) int dir = -1;
	int code = open_directory(s->standing_directory, true, &dir, err);

	if (code < 0)
		return code;
	name_of(standing->number, name);
	if (faccessat(dir, name, F_OK, 0) == 0)
		code = err_set(err, ERR_LOCKED, "a standing order of number %s is in force", name);
	else if (io_count_names(dir, STANDING_MAX) >= STANDING_MAX)
		code =
		    err_set(err, ERR_LIMIT, "there are %d standing orders already", STANDING_MAX);
	else
		code = write_file(s, standing, err);
	return code;
}

int standing_end(const struct settings *s, uint64_t number, struct err *err)
{
	char name[NAME_MAX_LEN];
	AUTO(io_close) int dir = -1;
	int code = open_directory(s->standing_directory, false, &dir, err);

	if (code < 0)
		return code == -ENOENT ? 0 : code;
	if (unlinkat(dir, name_of(number, name), 0) == 0)
		code = fsync(dir) == 0 ? 1 : -errno;
	else
		code = errno == ENOENT ? 0 : -errno;
	return code < 0 ? err_sys(err, -code, "failed to end standing order %s", name) : code;
}

/* An order that was ended meanwhile stays ended. */
static int keep_batch(
    const struct settings *s, struct standing *standing, uint64_t batch, struct err *err)
{
	char name[NAME_MAX_LEN];
	AUTO(io_close) int dir = -1;
	int code;

	if (array_add(&standing->batches, batch) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	code = open_directory(s->standing_directory, false, &dir, err);
	if (code == 0 && faccessat(dir, name_of(standing->number, name), F_OK, 0) == 0)
		code = write_file(s, standing, err);
	return code;
}

/* Looks at the directory at most ten times a second. */
struct watch {
	const char *directory;
	char name[NAME_MAX_LEN];
	int64_t next; /* steady clock */
	bool ended;
};

static bool is_ended(void *arg)
{
	struct watch *w = arg;
	AUTO(strbuf_release) struct strbuf path = {0};
	int64_t now = clock_steady();

	if (w->ended || now < w->next)
		return w->ended;
	strbuf_printf(&path, "%s/%s", w->directory, w->name);
	w->ended = !path.failed && access(path.text, F_OK) < 0 && errno == ENOENT;
	w->next = now + USEC_PER_SEC / 10;
	return w->ended;
}

/* To stop is right, because somebody ended the order. The undo that ended it did not know this
 * batch yet. */
static void report_ended(struct outcome *ret, const struct standing *standing, bool stopped)
{
	ret->interrupted = stopped;
	if (ret->tally.batch && standing->action == ACTION_HOLD)
		err_set(&ret->trouble, ERR_STOPPED,
		    "it was ended while it was carried out again; 'pqpurge-idx undo %" PRIu64
		    "' releases what was held",
		    ret->tally.batch);
}

int standing_run(const struct settings *s, const struct postfix *postfix, struct standing *standing,
    const volatile sig_atomic_t *stop, struct outcome *ret, struct err *err)
{
	char token[NAME_MAX_LEN + 16];
	struct watch watch = {.directory = s->standing_directory};
	struct order order = {.settings = s,
	    .postfix = postfix,
	    .selector = &standing->selector,
	    .action = standing->action,
	    .verb = standing->action == ACTION_HOLD ? "hold" : "purge",
	    .command_line = standing->command,
	    .reason = standing->reason,
	    .user = standing->user,
	    .uid = standing->uid,
	    .token = token,
	    .stop = stop,
	    .taken_back = is_ended,
	    .taken_back_arg = &watch};

	name_of(standing->number, watch.name);
	snprintf(token, sizeof(token), "standing:%" PRIu64, standing->number);
	if (selector_set_login_case(&standing->selector, s->login_exact) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	int code = order_run(&order, ret, err);
	if (code == 0 && watch.ended)
		report_ended(ret, standing, stop && *stop);
	else if (code == 0 && ret->tally.batch && standing->action == ACTION_HOLD &&
		 keep_batch(s, standing, ret->tally.batch, err) < 0 && !ret->trouble.text[0])
		ret->trouble = *err;
	return code;
}
