/* SPDX-License-Identifier: ISC */
#include <sys/file.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/spool/queue.h"
#include "postfix/tool/child.h"
#include "postfix/tool/postsuper.h"

#define LINE_MAX_BYTES 4096 /* longer lines are ignored */
#define OUTPUT_BASE    (256 * 1024)
#define OUTPUT_PER_ID  1024
#define FRUITLESS_MAX  3  /* children in a row that die without doing any ID */
#define ORPHAN_MS      20 /* between two tries for the lock */

static const struct {
	const char *option, *words; /* words: what postsuper prints after "ID: " */
} actions[] = {
    [POSTSUPER_DELETE] = {"-d", "removed"},
    [POSTSUPER_HOLD] = {"-h", "placed on hold"},
    [POSTSUPER_RELEASE] = {"-H", "released from hold"},
    [POSTSUPER_REQUEUE] = {"-r", "requeued"},
};

/* postsuper can read a sealed file to its end even if we are gone. */
static int write_ids(const struct postsuper_job *job, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	for (size_t n = job->first; n < job->count; n++)
		if (!job->skipped[n])
			strbuf_printf(&text, "%s\n", job->ids[n].text);
	int fd = text.failed ? -ENOMEM : io_sealed(strbuf_text(&text), text.len);
	return fd < 0 ? err_sys(err, -fd, "failed to hand over %zu queue IDs", job->count) : fd;
}

/* Only root and mail_owner can open private, so nobody else can hold this lock. -1: it is
 * missing. */
static int open_lock(const struct postfix *p)
{
	AUTO(strbuf_release) struct strbuf path = {0};

	strbuf_printf(&path, "%s/private", p->queue_directory);
	return path.failed ? -1 : open(path.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int postsuper_await_orphans(const struct postfix *p, struct err *err)
{
	int64_t deadline = clock_steady() + POSTSUPER_ORPHAN;
	int fd = open_lock(p), code = 0;

	while (fd >= 0 && code == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (p->stop && *p->stop)
			code = err_set(err, ERR_STOPPED, "interrupted");
		else if (clock_steady() > deadline)
			code = err_set(err, ERR_TIMEOUT, "another postsuper is still holding mail");
		else
			poll(NULL, 0, ORPHAN_MS);
	}
	io_close(&fd);
	return code;
}

static int spawn(struct postsuper_job *job, int ids, int errors, struct err *err)
{
	AUTO(strbuf_release) struct strbuf program = {0};
	int lock = job->action == POSTSUPER_HOLD ? open_lock(job->p) : -1, code;

	if (lock >= 0)
		(void)!flock(lock, LOCK_SH | LOCK_NB);
	strbuf_printf(&program, "%s/postsuper", job->p->command_directory);
	const char *argv[] = {strbuf_text(&program), "-c", job->p->config_directory,
	    actions[job->action].option, "-", job->queue ? queue_word(job->queue) : NULL, NULL};
	code = program.failed ? err_sys(err, ENOMEM, "failed to start postsuper")
			      : child_spawn(argv, (int[]){ids, -1, errors}, lock, &job->pid, err);
	io_close(&lock);
	return code;
}

static int begin(struct postsuper_job *job, struct err *err)
{
	int pipes[2] = {-1, -1};
	int fd = write_ids(job, err), code;

	if (fd < 0)
		return fd;
	if (pipe2(pipes, O_CLOEXEC) < 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) < 0)
		code = err_sys(err, errno, "failed to make a pipe");
	else
		code = spawn(job, fd, pipes[1], err);
	if (code == 0) {
		job->end = child_watch(job->pid);
		job->output = pipes[0];
		job->expected = job->first;
		job->has_done = false;
		job->deadline = clock_steady() + POSTSUPER_SILENCE;
		pipes[0] = -1;
	}
	io_close(&fd);
	io_close(&pipes[0]);
	io_close(&pipes[1]);
	return code;
}

int postsuper_start(struct postsuper_job *job, const struct postfix *p,
    enum postsuper_action action, enum queue_name queue, const struct queue_id *ids, size_t count,
    struct err *err)
{
	*job = (struct postsuper_job){.pid = -1,
	    .end = -1,
	    .action = action,
	    .queue = queue,
	    .ids = ids,
	    .count = count,
	    .p = p,
	    .output = -1};
	job->said = calloc(count + 1, sizeof(*job->said));
	job->skipped = calloc(count + 1, sizeof(*job->skipped));
	job->started = clock_steady();
	int code = job->said && job->skipped ? begin(job, err)
					     : err_sys(err, ENOMEM, "failed to start postsuper");
	if (code < 0)
		postsuper_release(job);
	return code;
}

/* postsuper reports IDs in order, so the expected one is nearly always right. */
static bool mark_said(struct postsuper_job *job, const char *id, size_t len)
{
	for (size_t n = 0; n < job->count; n++) {
		size_t at = (job->expected + n) % job->count;

		if (strlen(job->ids[at].text) != len || memcmp(job->ids[at].text, id, len) != 0)
			continue;
		job->said[at] = true;
		job->expected = at + 1;
		return true;
	}
	return false;
}

static void complain(struct postsuper_job *job, const char *words)
{
	char scrubbed[256];

	strbuf_clear(&job->complaint);
	strbuf_puts(&job->complaint, str_scrub(scrubbed, sizeof(scrubbed), words));
}

/* "postsuper: ID: removed", "postsuper: warning: words", "postsuper: Deleted: 2 messages". */
static void take_line(struct postsuper_job *job, const char *line)
{
	const char *words = strrchr(line, ':');
	const char *tag = strstr(line, ": ");
	const char *id = tag ? tag + 2 : line;

	if (words && words > id && strncmp(words, ": ", 2) == 0 &&
	    strcmp(words + 2, actions[job->action].words) == 0 &&
	    mark_said(job, id, (size_t)(words - id))) {
		job->deadline = clock_steady() + POSTSUPER_SILENCE;
		job->has_done = true;
		return;
	}
	if (str_starts(id, "warning: ") || str_starts(id, "fatal: ") || str_starts(id, "error: ") ||
	    str_starts(id, "panic: "))
		complain(job, id);
}

static void take_text(struct postsuper_job *job, const char *text, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t part = newline ? (size_t)(newline - text) : len;

		if (job->line.len + part <= LINE_MAX_BYTES)
			strbuf_add(&job->line, text, part);
		else
			job->overlong = true;
		if (!newline)
			return;
		if (!job->overlong && !job->line.failed)
			take_line(job, strbuf_text(&job->line));
		job->overlong = false;
		strbuf_clear(&job->line);
		text += part + 1;
		len -= part + 1;
	}
}

static bool wrote_too_much(const struct postsuper_job *job)
{
	return job->heard > OUTPUT_BASE + job->count * OUTPUT_PER_ID;
}

static void take_output(struct postsuper_job *job)
{
	char chunk[16384];
	ssize_t n;

	while (!wrote_too_much(job)) {
		n = read(job->output, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		job->heard += (size_t)n;
		take_text(job, chunk, (size_t)n);
	}
}

/* The position of the ID at which the child died, by its last words; count if they name none. Only
 * IDs after the last one that it did are searched: a second child must not get the others, whose
 * names may belong to other messages by now. */
static size_t find_culprit(const struct postsuper_job *job)
{
	const char *words = strbuf_text(&job->complaint);
	size_t n = job->expected;

	if (job->exit_status <= 0 || !str_starts(words, "fatal: "))
		return job->count;
	while (n < job->count && !strstr(words, job->ids[n].text))
		n++;
	return n;
}

/* Also skips the IDs whose logs lie in the same directory: they would kill the next child, too. */
static void skip_beside(struct postsuper_job *job, size_t culprit)
{
	const char *words = strbuf_text(&job->complaint),
		   *end = strstr(words, job->ids[culprit].text);
	const char *at = memrchr(words, ' ', (size_t)(end - words));
	char word[16], path[QUEUE_PATH_MAX];
	unsigned depth = 0;

	at = at ? at + 1 : words;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, "/"), at);
	for (const char *slash = at; slash < end; slash++)
		depth += *slash == '/';
	for (size_t n = culprit + 1; depth > 1 && n < job->count; n++) {
		queue_path(word, depth - 1, &job->ids[n], path);
		job->skipped[n] |= strncmp(path, at, (size_t)(end - at)) == 0;
	}
}

static bool go_on(struct postsuper_job *job)
{
	size_t culprit = find_culprit(job);

	job->fruitless = job->has_done ? 0 : job->fruitless + 1;
	if (culprit + 1 >= job->count || job->fruitless >= FRUITLESS_MAX)
		return false;
	skip_beside(job, culprit);
	job->first = culprit + 1;
	return begin(job, NULL) == 0;
}

/* Returns 1 if the child ended, 0 if it still runs. at_once: kills it and waits. */
static int reap(struct postsuper_job *job, bool at_once)
{
	int status = 0;
	pid_t pid;

	if (at_once)
		kill(-job->pid, SIGKILL);
	do
		pid = waitpid(job->pid, &status, at_once ? 0 : WNOHANG);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return 0;
	job->exit_status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	job->pid = -1;
	take_output(job);
	io_close(&job->output);
	io_close(&job->end);
	if (job->complaint.len == 0 && job->exit_status < 0) {
		char words[64];
		snprintf(words, sizeof(words), "postsuper died of signal %d", -job->exit_status);
		complain(job, words);
	}
	return 1;
}

int postsuper_advance(struct postsuper_job *job)
{
	int64_t now = clock_steady();

	if (job->pid < 0)
		return 1;
	if (reap(job, false) == 1)
		return !go_on(job);
	take_output(job);
	if (wrote_too_much(job)) {
		complain(job, "postsuper wrote too much and was ended");
		return reap(job, true);
	}
	if (now > job->deadline || now > job->started + POSTSUPER_LONGEST) {
		complain(job, "postsuper was silent for too long and was ended");
		return reap(job, true);
	}
	return 0;
}

void postsuper_release(struct postsuper_job *job)
{
	free(job->said);
	free(job->skipped);
	strbuf_release(&job->line);
	strbuf_release(&job->complaint);
	io_close(&job->output);
	io_close(&job->end);
	*job = (struct postsuper_job){.pid = -1, .end = -1, .output = -1};
}
