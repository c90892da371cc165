/* SPDX-License-Identifier: ISC */
/* The command's rules as a file: reading, replacing, the lock, one change by a command. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "rules/stored.h"

#define LOCK_STEP (10 * 1000) /* microseconds between tries */

int stored_read(const char *directory, struct stored *ret, struct err *err)
{
	struct strbuf path = {0}, text = {0};
	int rc;

	strbuf_printf(&path, "%s/" STORED_FILE, directory);
	rc = path.failed ? err_set(err, -ENOMEM, "out of memory")
			 : rules_file_text(path.text, &text, err);
	if (rc == 0)
		*ret = (struct stored){0};
	if (rc == 1)
		rc = stored_parse(path.text, strbuf_text(&text), text.len, ret, err);
	strbuf_release(&text);
	strbuf_release(&path);
	return rc;
}

/* ---- writing */

static int write_file(int dir, const char *name, const struct strbuf *text, bool durable)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = io_write_all(fd, strbuf_text(text), text->len);
	if (rc == 0 && durable && fsync(fd) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

static int replace(int dir, const char *name, const struct strbuf *text, bool durable)
{
	char beside[64];
	int rc;

	snprintf(beside, sizeof(beside), "%s.new", name);
	rc = write_file(dir, beside, text, durable);
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
	int dir, rc;

	if (text->failed)
		return err_set(
		    err, -ENOMEM, "failed to write '%s/%s' (out of memory)", directory, name);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dir < 0 ? -errno : replace(dir, name, text, durable);
	io_close(&dir);
	if (rc < 0)
		err_sys(err, -rc, "failed to write '%s/%s'", directory, name);
	return rc == -ENOSPC || rc == -EDQUOT ? ERR_FULL : rc;
}

/* ---- the lock */

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
	struct strbuf path = {0};
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
	strbuf_release(&path);
	return rc;
}

/* ---- one change by a command */

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
	struct strbuf text = {0};
	int rc;

	stored_begin(&text, &s->kept);
	for (size_t i = 0; i < s->rules.count; i++)
		if (!rule_expired(&s->rules.list[i], wall))
			stored_put(&text, &s->rules.list[i]);
	if (added)
		stored_put(&text, added);
	rc = stored_replace(directory, STORED_FILE, &text, true, err);
	strbuf_release(&text);
	return rc;
}

int stored_change(const char *directory, const char *subject, const struct rule *added,
    int64_t wall, bool login_exact, struct err *err)
{
	struct stored s = {0};
	int lock = -1, there = 0;
	int rc = stored_lock(directory, clock_steady() + 2 * USEC_PER_SEC, &lock, err);

	if (rc == 0)
		rc = stored_read(directory, &s, err);
	if (rc == 0)
		there = stored_drop(&s.rules, subject, wall, login_exact);
	if (rc == 0 && added && s.rules.count >= RULES_MAX)
		rc = err_set(err, ERR_LIMIT, "there are %d rules already", RULES_MAX);
	if (rc == 0 && (added || there))
		rc = write_all(directory, &s, added, wall, err);
	stored_release(&s);
	io_close(&lock);
	return rc == 0 ? there : rc;
}
