/* SPDX-License-Identifier: ISC */
#include "rules/stored.h"

#include <sys/file.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/lines.h"

#define LOCK_STEP (10 * 1000) /* microseconds */

#define SECONDS_MAX UINT64_C(253402300799) /* the end of the year 9999 */

static const char heading[] =
    "# Set by pqpurge-idx block; see pqpurge-rules(5), STORED RULES. A change is seen at once.\n";

enum { AT, UNTIL, BY, REASON, ATTRIBUTES };
static const char *const names[ATTRIBUTES] = {"at=", "until=", "by=", "reason="};

/* Cuts the line at its last separator. Returns the text after it, or "". */
static char *cut_attributes(char *rest)
{
	for (size_t i = strlen(rest); i-- > 0;) {
		if (rest[i] != ';' || (i > 0 && !str_is_blank(rest[i - 1])) ||
		    (rest[i + 1] && !str_is_blank(rest[i + 1])))
			continue;
		char *behind = &rest[i + 1];

		while (i > 0 && str_is_blank(rest[i - 1]))
			i--;
		rest[i] = '\0';
		return behind;
	}
	return rest + strlen(rest);
}

/* Takes a value up to a blank (or the end), unescaped in place. */
static int take_value(char **at, bool to_end, const char **ret, struct err *err)
{
	char *from = *at, *to = *at;

	*ret = to;
	for (; *from && (to_end || !str_is_blank(*from)); from++) {
		if (*from == '\\') {
			from++;
			if (*from != '\\' && *from != ';' && *from != ' ')
				return err_set(err, ERR_SYNTAX,
				    "a backslash before neither '\\', ';' nor a blank");
		}
		*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return 0;
}

/* value: NULL if the attribute is missing. */
static int take_seconds(const char *value, int64_t *ret, struct err *err)
{
	uint64_t seconds = 0;

	if (value && str_parse_u64(value, 0, SECONDS_MAX, &seconds) != 0)
		return err_set(
		    err, ERR_SYNTAX, "'%s' is not a number of seconds since the epoch", value);
	*ret = (int64_t)seconds * USEC_PER_SEC;
	return 0;
}

static int take_attributes(char *at, const char *values[ATTRIBUTES], struct err *err)
{
	int rc = 0;

	for (at += strspn(at, " \t"); rc == 0 && *at; at += strspn(at, " \t")) {
		size_t n = 0;

		while (n < ATTRIBUTES && !str_starts(at, names[n]))
			n++;
		if (n == ATTRIBUTES)
			return err_set(err, ERR_SYNTAX,
			    "'%s' is not at=, until=, by= or reason= (behind the last ' ; ')", at);
		if (values[n])
			return err_set(err, ERR_SYNTAX, "%s is given twice", names[n]);
		at += strlen(names[n]);
		rc = take_value(&at, n == REASON, &values[n], err);
	}
	return rc;
}

static int parse_line(char *line, struct rule *ret, struct err *err)
{
	const char *values[ATTRIBUTES] = {0};
	const char *subject;
	enum rule_action action;
	char *text;
	int rc = rule_split(line, &subject, &action, &text, err);

	rc = rc ?: take_attributes(cut_attributes(text), values, err);
	rc = rc ?: rule_make(subject, action, text, ret, err);
	rc = rc ?: take_seconds(values[AT], &ret->set_time, err);
	rc = rc ?: take_seconds(values[UNTIL], &ret->expires, err);
	rc = rc ?: rule_set_note(ret, values[REASON], values[BY], err);
	return rc == ERR_LIMIT ? ERR_SYNTAX : rc;
}

static int keep_line(struct stored *s, const struct strbuf *line)
{
	if (line->len == sizeof(heading) - 2 && memcmp(line->text, heading, line->len) == 0)
		return 0;
	if (s->kept.len + line->len > STORED_KEPT_MAX)
		return 0;
	strbuf_add(&s->kept, line->text, line->len);
	strbuf_putc(&s->kept, '\n');
	return s->kept.failed ? -ENOMEM : 0;
}

static int keep_damaged(
    struct stored *s, const char *name, const struct lines *lines, const struct err *why)
{
	AUTO(strbuf_release) struct strbuf told = {0};

	if (s->damaged++ < STORED_TOLD_MAX) {
		strbuf_printf(&told, "%s:%u: %s", name, lines->number, why->text);
		strlist_push(&s->told, strbuf_text(&told), told.len);
	}
	if (s->told.failed)
		return -ENOMEM;
	return lines->cut ? 0 : keep_line(s, &lines->line);
}

static int take_line(struct stored *s, const char *name, const struct lines *lines)
{
	const struct strbuf *line = &lines->line;
	size_t blanks = strspn(line->text, " \t");
	struct err why = {{0}};
	AUTO(rule_release) struct rule r = {0};

	if (blanks == line->len && !lines->cut)
		return 0;
	if (lines->cut) {
		err_set(&why, ERR_SYNTAX, "longer than %d bytes", LINES_MAX);
		return keep_damaged(s, name, lines, &why);
	}
	if (line->text[blanks] == '#')
		return keep_line(s, line);
	char *pieces = strdup(line->text);
	if (!pieces)
		return -ENOMEM;
	int rc = memchr(line->text, '\0', line->len) ? err_set(&why, ERR_SYNTAX, "a NUL byte")
						     : parse_line(pieces, &r, &why);
	free(pieces);
	if (rc == 0)
		rc = s->rules.count == RULES_MAX ? ERR_LIMIT : rule_list_add(&s->rules, &r);
	return rc == ERR_SYNTAX ? keep_damaged(s, name, lines, &why) : rc;
}

int stored_parse(
    const char *name, const char *text, size_t len, struct stored *ret, struct err *err)
{
	struct lines lines = LINES_IN(text, len);
	struct stored s = {0};
	int rc;

	while ((rc = lines_next(&lines)) == 1) {
		rc = take_line(&s, name, &lines);
		if (rc != 0)
			break;
	}
	lines_release(&lines);
	if (rc == 0) {
		*ret = s;
		return 0;
	}
	stored_release(&s);
	if (rc == ERR_LIMIT)
		return err_set(err, rc, "%s:%u: more than %d rules", name, lines.number, RULES_MAX);
	return err_set(err, rc, "failed to keep the rules of '%s' (%s)", name, err_word(rc));
}

void stored_release(struct stored *s)
{
	rule_list_release(&s->rules);
	strbuf_release(&s->kept);
	strbuf_release(&s->told);
	memset(s, 0, sizeof(*s));
}

void stored_begin(struct strbuf *out, const struct strbuf *kept)
{
	strbuf_puts(out, heading);
	strbuf_add(out, strbuf_text(kept), kept->len);
}

static void put_value(struct strbuf *out, const char *name, const char *value, const char *special)
{
	if (!*value)
		return;
	strbuf_puts(out, name);
	for (; *value; value++) {
		if (strchr(special, *value))
			strbuf_putc(out, '\\');
		strbuf_putc(out, *value);
	}
}

static void put(struct strbuf *out, const struct rule *r)
{
	strbuf_printf(out, "%s %s", r->subject, rule_action_word(r->action));
	if (*r->status)
		strbuf_printf(out, " %s", r->status);
	if (*r->text)
		strbuf_printf(out, " %s", r->text);
	strbuf_printf(out, " ; at=%lld", (long long)(r->set_time / USEC_PER_SEC));
	if (r->expires)
		strbuf_printf(out, " until=%lld", (long long)(r->expires / USEC_PER_SEC));
	put_value(out, " by=", r->author, "\\; ");
	put_value(out, " reason=", r->reason, "\\;");
	strbuf_putc(out, '\n');
}

void stored_put(struct strbuf *out, const struct rule_list *rules, int64_t wall)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!rule_expired(&rules->list[i], wall))
			put(out, &rules->list[i]);
}

int stored_read(const char *directory, const char *name, struct stored *ret, struct err *err)
{
	AUTO(strbuf_release) struct strbuf path = {0}, text = {0};

	strbuf_printf(&path, "%s/%s", directory, name);
	int rc = path.failed ? err_set(err, -ENOMEM, "out of memory")
			     : rules_file_text(path.text, &text, err);
	if (rc == 0)
		*ret = (struct stored){0};
	if (rc == 1)
		rc = stored_parse(path.text, strbuf_text(&text), text.len, ret, err);
	return rc;
}

static int write_file(int dir, const char *name, const struct strbuf *text, bool durable)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int rc = io_write_all(fd, strbuf_text(text), text->len);
	if (rc == 0 && durable && fsync(fd) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

static int replace(int dir, const char *name, const struct strbuf *text, bool durable)
{
	char beside[64];

	snprintf(beside, sizeof(beside), "%s.new", name);
	int rc = write_file(dir, beside, text, durable);
	if (rc == 0 && renameat(dir, beside, dir, name) != 0)
		rc = -errno;
	if (rc != 0)
		unlinkat(dir, beside, 0);
	else if (durable && fsync(dir) != 0)
		rc = -errno;
	return rc;
}

int stored_replace(const char *directory, const char *name, const struct strbuf *text, bool durable,
    struct err *err)
{
	if (text->failed)
		return err_set(
		    err, -ENOMEM, "failed to write '%s/%s' (out of memory)", directory, name);
	AUTO(io_close) int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir < 0 ? -errno : replace(dir, name, text, durable);
	if (rc < 0)
		err_sys(err, -rc, "failed to write '%s/%s'", directory, name);
	return rc == -ENOSPC || rc == -EDQUOT ? ERR_FULL : rc;
}

static int locked_by_another(int fd, const char *path, struct err *err)
{
	char text[16] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	text[len > 0 ? strspn(text, "0123456789") : 0] = '\0';
	return err_set(
	    err, ERR_LOCKED, "'%s' is locked by process %s", path, text[0] ? text : "unknown");
}

int stored_lock(const char *directory, int64_t deadline, int *ret_fd, struct err *err)
{
	AUTO(strbuf_release) struct strbuf path = {0};
	int fd, rc = 0;

	strbuf_printf(&path, "%s/" STORED_LOCK, directory);
	if (path.failed)
		return err_set(err, -ENOMEM, "out of memory");
	fd = open(path.text, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = err_sys(err, errno, "failed to open '%s'", path.text);
	while (rc == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			rc = err_sys(err, errno, "failed to lock '%s'", path.text);
		else if (clock_steady() >= deadline)
			rc = locked_by_another(fd, path.text, err);
		else
			nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP * 1000}, NULL);
	}
	if (rc == 0)
		*ret_fd = fd;
	else
		io_close(&fd);
	return rc;
}

int stored_drop(struct rule_list *rules, const char *subject, int64_t wall, bool login_exact)
{
	size_t left = 0;
	int there = 0;

	for (size_t i = 0; i < rules->count; i++) {
		struct rule *r = &rules->list[i];

		if (!rule_same_subject(r->subject, subject, login_exact)) {
			rules->list[left++] = *r;
			continue;
		}
		there |= !rule_expired(r, wall);
		rule_release(r);
	}
	rules->count = left;
	return there;
}

static int write_all(const char *directory, const struct stored *s, const struct rule *added,
    int64_t wall, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	stored_begin(&text, &s->kept);
	stored_put(&text, &s->rules, wall);
	if (added)
		put(&text, added);
	return stored_replace(directory, STORED_FILE, &text, true, err);
}

int stored_change(const char *directory, const char *subject, const struct rule *added,
    int64_t wall, bool login_exact, struct err *err)
{
	AUTO(stored_release) struct stored s = {0};
	int lock = -1, there = 0;
	int rc = stored_lock(directory, clock_steady() + 2 * USEC_PER_SEC, &lock, err);

	rc = rc ?: stored_read(directory, STORED_FILE, &s, err);
	if (rc == 0)
		there = stored_drop(&s.rules, subject, wall, login_exact);
	if (rc == 0 && added && s.rules.count >= RULES_MAX)
		rc = err_set(err, ERR_LIMIT, "there are %d rules already", RULES_MAX);
	if (rc == 0 && (added || there))
		rc = write_all(directory, &s, added, wall, err);
	io_close(&lock);
	return rc == 0 ? there : rc;
}
