/* SPDX-License-Identifier: ISC */
/* Fork, setuid, exec, no shell. */
#include "purge/door/hook.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/role.h"
#include "purge/door/turn.h"

/* For the child, made before the fork. */
struct hook {
	char path[PATH_MAX];
	char event[16];
	char *argv[3];
	char *environment[DOOR_FIELDS_MAX + 4];
	struct strbuf texts; /* packed: the environment */
	struct role role;
	int input, errors[2], lock;
};

/* The program gets the daemon's words, so only root may choose it. */
static int judge(const char *program, char path[PATH_MAX], struct err *err)
{
	struct stat st;

	if (!realpath(program, path) || stat(path, &st) < 0)
		return err_sys(err, errno, "failed to look at flood_hook '%s'", program);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXOTH))
		return err_set(err, ERR_CONFIG,
		    "flood_hook '%s' is not a program that hook_user can run", program);
	if (!io_is_roots(path))
		return err_set(err, ERR_CONFIG,
		    "flood_hook '%s' and the directories above it must belong to root, and others "
		    "must not be able to write to them",
		    program);
	return 0;
}

/* "PQPURGE_FLOOD_NAME=value" */
static void put_variable(struct strbuf *texts, const struct door_field *f)
{
	struct strlist list = strlist_of(&f->list);
	AUTO(strbuf_release) struct strbuf line = {0};

	strbuf_puts(&line, "PQPURGE_FLOOD_");
	for (const char *at = f->name; *at; at++)
		strbuf_putc(&line, *at == '_' ? '_' : (char)(*at - 'a' + 'A'));
	strbuf_putc(&line, '=');
	if (f->kind == DOOR_NUMBER)
		strbuf_printf(&line, "%lld", (long long)f->number);
	if (f->kind == DOOR_TEXT)
		strbuf_puts(&line, f->text);
	strlist_each (each, &list)
		strbuf_printf(&line, "%s%s", each == list.first ? "" : " ", each);
	texts->failed |= line.failed;
	strlist_push(texts, strbuf_text(&line), line.len);
}

static void put_member(struct json *o, const struct door_field *f)
{
	struct strlist list = strlist_of(&f->list);

	if (f->kind == DOOR_NUMBER)
		json_put_int(o, f->name, f->number);
	else if (f->kind == DOOR_TEXT)
		json_put_text(o, f->name, f->text);
	else
		json_put_list(o, f->name, &list);
}

/* The child's stdin: JSON in a memfd. */
static int make_input(const struct door_hook *fields, struct err *err)
{
	struct json *o = json_new();
	AUTO(strbuf_release) struct strbuf text = {0};
	int fd = memfd_create("flood", MFD_CLOEXEC), code = fd < 0 ? -errno : 0;

	for (size_t n = 0; n < fields->count; n++)
		put_member(o, &fields->fields[n]);
	if (json_write(&text, o) < 0)
		code = -ENOMEM;
	code = code ?: io_write_all(fd, strbuf_text(&text), text.len);
	if (code == 0 && lseek(fd, 0, SEEK_SET) < 0)
		code = -errno;
	if (code == 0)
		return fd;
	io_close(&fd);
	return err_sys(err, -code, "failed to write the hook's input");
}

static int make_environment(struct hook *h, const struct door_hook *fields, struct err *err)
{
	static const char *const fixed[] = {
	    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		strlist_push(&h->texts, fixed[i], strlen(fixed[i]));
	for (size_t i = 0; i < fields->count; i++)
		put_variable(&h->texts, &fields->fields[i]);
	if (h->texts.failed)
		return err_set(err, -ENOMEM, "out of memory");
	struct strlist list = strlist_of(&h->texts);
	for (char *at = h->texts.text; n < list.count; at += strlen(at) + 1)
		h->environment[n++] = at;
	return 0;
}

static int prepare(struct hook *h, const struct settings *s, const char *program,
    const struct door_hook *fields, struct err *err)
{
	int code = judge(program, h->path, err);

	code = code ?: role_of_user(s->hook_user, &h->role, err);
	if (code == 0 && h->role.uid == 0)
		code = err_set(err, ERR_CONFIG, "hook_user must not be root");
	code = code ?: make_environment(h, fields, err);
	if (code == 0)
		code = h->input = make_input(fields, err);
	if (code >= 0 && pipe2(h->errors, O_CLOEXEC) < 0)
		code = err_sys(err, errno, "failed to make a pipe");
	h->argv[0] = h->path;
	h->argv[1] = h->event;
	snprintf(h->event, sizeof(h->event), "%s", door_event_word(fields->event));
	return code < 0 ? code : 0;
}

_Noreturn static void become(const struct hook *h)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct err why;

	setsid();
	for (size_t n = 0; n < COUNT_OF(signals); n++)
		signal(signals[n], SIG_DFL);
	umask(077);
	if (null < 0 || dup2(h->input, 0) < 0 || dup2(null, 1) < 0 || dup2(h->errors[1], 2) < 0 ||
	    chdir("/") < 0)
		_exit(127);
	close_range(3, ~0u, 0);
	if (role_assume(&h->role, true, &why) < 0)
		_exit(127);
	execve(h->path, h->argv, h->environment);
	dprintf(2, "%s\n", strerror(errno));
	_exit(127);
}

#define STEP_MS 20 /* between checks whether it has ended */

/* Reads stderr until the end or the deadline, and keeps the last line. */
static bool listen_to(int fd, int64_t deadline, struct strbuf *ret)
{
	char chunk[4096];

	while (clock_steady() < deadline && io_wait(fd, POLLIN, deadline) == 1) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		if (ret->len + (size_t)got > sizeof(chunk))
			strbuf_clear(ret);
		strbuf_add(ret, chunk, (size_t)got);
	}
	return false;
}

/* Waits for the exit, too: a program may close its stderr long before. */
static bool await_end(pid_t child, int64_t deadline, int *ret_status)
{
	pid_t got;

	while ((got = waitpid(child, ret_status, WNOHANG)) != child) {
		if (clock_steady() >= deadline || (got < 0 && errno != EINTR))
			return false;
		poll(NULL, 0, STEP_MS);
	}
	return true;
}

static void kill_session(pid_t child)
{
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

int hook_wait(const char *path, pid_t child, int errors, int64_t deadline, struct err *err)
{
	AUTO(strbuf_release) struct strbuf said = {0};
	int status = 0, code = 0;

	bool ended = listen_to(errors, deadline, &said) && await_end(child, deadline, &status);
	if (!ended) {
		kill_session(child);
		code = err_set(err, ERR_TIMEOUT, "flood_hook '%s' was ended after %d s", path,
		    (int)(HOOK_TIME / USEC_PER_SEC));
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		code = err_set(err, ERR_CHILD, "flood_hook '%s' failed (%s %d)%s%s", path,
		    WIFEXITED(status) ? "status" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		    said.len ? ": " : "", strbuf_text(&said));
	}
	return code;
}

int hook_run(const struct settings *settings, const char *program, const struct door_hook *hook,
    struct err *err)
{
	struct hook h = {.input = -1, .errors = {-1, -1}, .lock = -1};
	int code = prepare(&h, settings, program, hook, err);
	pid_t child = -1;

	code = code ?: turn_take(settings->order_directory, "hook.lock", HOOK_WAIT, &h.lock, err);
	if (code == 0 && (child = fork()) < 0)
		code = err_sys(err, errno, "failed to start flood_hook '%s'", h.path);
	if (child == 0)
		become(&h);
	io_close(&h.errors[1]);
	code = code ?: hook_wait(h.path, child, h.errors[0], clock_steady() + HOOK_TIME, err);
	io_close(&h.errors[0]);
	io_close(&h.input);
	io_close(&h.lock);
	strbuf_release(&h.texts);
	return code;
}
