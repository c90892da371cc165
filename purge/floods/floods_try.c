/* SPDX-License-Identifier: ISC */
/* floods --try, --learn. Root opens the logs; a child that runs as nobody reads them, and its
 * output is scrubbed line by line. */
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/role.h"
#include "purge/floods/backtest.h"
#include "purge/floods/floods.h"
#include "purge/interrupt.h"
#include "purge/tell/progress.h"
#include "purge/tell/say.h"

#define READER     "nobody"
#define FILES_MAX  1000
#define MEMORY_MAX ((rlim_t)1 << 30)
#define CHUNK      (40u << 10) /* of learned lines in one request */
#define LINE       (16u << 10) /* far longer than any line of the child */

static int open_logs(const struct session *s, struct backtest *b, struct err *err)
{
	const struct options *o = &s->options;

	if (o->word_count == 0 || o->word_count > FILES_MAX)
		return err_set(
		    err, ERR_USAGE, "name at least one and at most %d mail logs", FILES_MAX);
	b->files = calloc(o->word_count, sizeof(*b->files));
	if (!b->files)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t n = 0; n < o->word_count; n++) {
		struct stat st;
		int fd = open(o->words[n], O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			return err_sys(err, errno, "failed to open '%s'", o->words[n]);
		b->files[b->count++] = (struct backtest_file){.name = o->words[n], .fd = fd};
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			return err_set(err, ERR_USAGE, "'%s' is not a file", o->words[n]);
		b->files[b->count - 1].mtime = st.st_mtim.tv_sec;
		b->files[b->count - 1].size = st.st_size;
	}
	return 0;
}

/* Gives up everything that root has, except the open logs. */
static int become_reader(struct err *err)
{
	const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, none = {0, 0};
	struct role role;
	int code = role_of_user(READER, &role, err);

	setrlimit(RLIMIT_CORE, &none);
	if (setrlimit(RLIMIT_AS, &memory) != 0)
		return err_sys(err, errno, "failed to limit memory");
	setsid();
	code = code ?: role_assume(&role, false, err);
	/* after the change of ids, which clears them; the child's memory is a copy of root's */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return code;
}

static noreturn void child(struct backtest *b, int out)
{
	struct err err = {{0}};
	FILE *to = fdopen(out, "w");
	int code = to ? become_reader(&err) : -errno;

	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	code = code ?: backtest_run(b, to, &err);
	if (code != 0 && to)
		fprintf(to, "\x01%s\n", err.text[0] ? err.text : err_word(code));
	if (!to || fflush(to) != 0)
		code = -EIO;
	_exit(code ? 1 : 0);
}

/* Lines from the child. */
struct taking {
	const struct session *s;
	struct strbuf learned;
	uint64_t taken;
	struct err *err;
	struct progress progress;
};

static int send_learned(struct taking *t)
{
	AUTO(json_release) struct json *answer = NULL;

	if (t->learned.len == 0)
		return 0;
	struct json *request = json_request("flood-learn");
	json_put_text(request, "lines", strbuf_text(&t->learned));
	int code = client_ask(&t->s->client, request, WIRE_ANSWER_TIME, &answer, t->err);
	if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX)
		err_set(t->err, code, "the daemon does not run; nothing can be learned");
	t->taken += code == 0 ? (uint64_t)json_int(answer, "learned", 0) : 0;
	strbuf_clear(&t->learned);
	return code;
}

/* "DONE OF" in bytes, shown in MB. */
static void take_progress(struct taking *t, const char *text)
{
	uint64_t done, of;
	const char *rest = str_digits(text, &done);

	if (rest && *rest == ' ' && str_digits(rest + 1, &of))
		progress_show(
		    &t->progress, "reading the logs, MB", (size_t)(done >> 20), (size_t)(of >> 20));
}

/* \1: an error; \2: a line to learn; \3: progress; any other: for the user. */
static int take_line(struct taking *t, const char *line)
{
	if (line[0] == '\x01')
		return err_set(t->err, ERR_SYNTAX, "%s", line + 1);
	if (line[0] == '\x03') {
		take_progress(t, line + 1);
		return 0;
	}
	if (line[0] != '\x02') {
		say(stdout, "%s\n", line);
		return 0;
	}
	if (t->s->options.dry_run) {
		t->taken++;
		return 0;
	}
	if (t->learned.len + strlen(line) > CHUNK) {
		int code = send_learned(t);

		if (code < 0)
			return code;
	}
	strbuf_printf(&t->learned, "%s\n", line + 1);
	return t->learned.failed ? -ENOMEM : 0;
}

static int take_all(struct taking *t, int in)
{
	FILE *from = fdopen(in, "r");
	char line[LINE];
	int code = from ? 0 : -errno;

	while (code == 0 && !interrupt_stop && fgets(line, sizeof(line), from)) {
		line[strcspn(line, "\n")] = '\0';
		code = take_line(t, line);
	}
	if (from)
		fclose(from);
	return code ? code : interrupt_stop ? ERR_STOPPED : send_learned(t);
}

static int run(struct session *s, struct backtest *b, struct err *err)
{
	struct taking t = {.s = s, .err = err};
	int ends[2], status = 0;

	progress_init(&t.progress, !s->options.quiet);

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, errno, "failed to make a pipe");
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child(b, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_sys(err, errno, "failed to start the reader");
	}
	progress_show(&t.progress, "reading the logs", 0, 0);
	int code = take_all(&t, ends[0]);
	progress_end(&t.progress);
	if (code < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	strbuf_release(&t.learned);
	if (code == 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return err_set(
		    err, ERR_CHILD, "the reader of the logs ended early (status %d)", status);
	if (code == 0 && s->options.learn && !s->options.json && !s->options.quiet)
		say(stdout, "%s of %llu %s.\n", s->options.dry_run ? "Would learn" : "Learned",
		    (unsigned long long)t.taken, PLURAL(t.taken, "key"));
	return code;
}

int floods_try(struct session *s, struct err *err)
{
	struct backtest b = {
	    .settings = &s->settings, .json = s->options.json, .learn = s->options.learn};
	int code = open_logs(s, &b, err);

	code = code ?: run(s, &b, err);
	for (size_t n = 0; n < b.count; n++)
		io_close(&b.files[n].fd);
	free(b.files);
	return code;
}
