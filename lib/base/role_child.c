/* SPDX-License-Identifier: ISC */
/* The bytes that the child read may have taken it over. So its output is sealed before it is
 * mapped, and the trailer is checked. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/role.h"
#include "base/str.h"

/* Written last: u32 magic, i32 code, u64 length of the output, err text. Output that was cut short
 * has none. */
#define TRAILER_MAGIC 0x524f4c45u
#define TRAILER_TEXT  16
#define TRAILER_SIZE  (TRAILER_TEXT + sizeof(((struct err *)0)->text))
#define OUTPUT_MAX    (UINT64_C(4) << 30)
#define STOP_LOOK     (50 * INT64_C(1000)) /* microseconds between two looks at the stop flag */

/* An old seccomp filter may refuse close_range(2). */
static void close_between(int first, int last)
{
	if (close_range((unsigned)first, (unsigned)last, 0) < 0)
		for (int fd = first; fd <= last; fd++)
			close(fd);
}

static void close_all_but(const int *keep, size_t count)
{
	int next = 3, kept;

	/* syslog() would use its old descriptor number, which may be another file by then. */
	closelog();
	do {
		kept = INT_MAX;
		for (size_t i = 0; i < count; i++)
			if (keep[i] >= next && keep[i] < kept)
				kept = keep[i];
		if (kept > next && kept < INT_MAX)
			close_between(next, kept - 1);
		if (kept < INT_MAX)
			next = kept + 1;
	} while (kept < INT_MAX);
	closefrom(next);
}

/* A child that was taken over must neither type into root's terminal (TIOCSTI) nor write to it. */
static void leave_terminal(void)
{
	AUTO(io_close) int null = -1;

	setsid();
	for (int fd = 0; fd <= 2; fd++) {
		if (!isatty(fd))
			continue;
		if (null < 0)
			null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (null < 0 || dup2(null, fd) < 0)
			_exit(1);
	}
}

/* systemd sends SIGTERM to the whole control group, but the parent decides when to end and needs
 * its children for an orderly end. All signals are blocked until here. */
static void reset_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* fails for SIGKILL and SIGSTOP, which have no handler */
	for (size_t n = 0; n < COUNT_OF(ignored); n++)
		signal(ignored[n], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Must follow the change of ids, which clears the parent-death signal. */
static void tie_to_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_DUMPABLE, 0); /* its memory is a copy of the parent's */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Bytes that this process has mapped; 0 if unknown. */
static uint64_t mapped(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t got = fd < 0 ? -1 : io_read_all(fd, text, sizeof(text) - 1);
	uint64_t pages = 0;

	io_close(&fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	text[strcspn(text, " ")] = '\0';
	if (str_parse_u64(text, 1, UINT64_MAX >> 20, &pages) < 0)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int lower(int resource, uint64_t soft, uint64_t hard)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	if (limit.rlim_max > hard)
		limit.rlim_max = hard;
	if (limit.rlim_cur > soft)
		limit.rlim_cur = soft;
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

/* memory is in addition to what is mapped now. The hard CPU limit is 1 s higher, in case SIGXCPU
 * was ignored. */
static int bound(uint64_t memory, unsigned cpu, struct err *err)
{
	uint64_t before = mapped();
	int code = before == 0 ? -ENOENT : lower(RLIMIT_CORE, 0, 0);

	code = code ?: lower(RLIMIT_AS, before + memory, before + memory);
	code = code ?: lower(RLIMIT_CPU, cpu, (uint64_t)cpu + 1);
	return code < 0 ? err_sys(err, -code, "failed to limit a child") : 0;
}

static int finish_output(int fd, struct bytes *out, int code, const struct err *why)
{
	size_t len;

	if (code < 0)
		bytes_clear(out);
	len = out->len;
	bytes_put_u32(out, TRAILER_MAGIC);
	bytes_put_u32(out, (uint32_t)code);
	bytes_put_u64(out, len);
	bytes_put(out, why->text, sizeof(why->text));
	return out->failed ? -ENOMEM : io_write_all(fd, out->at, out->len);
}

struct plan {
	const struct role *role;
	role_work *work;
	void *arg;
	const struct role_child *child;
	int output, done; /* descriptors */
	pid_t parent;
};

static void __attribute__((noreturn)) run_child(const struct plan *plan)
{
	const struct role_child *child = plan->child;
	const int keep[] = {plan->output, plan->done, child->keep};
	struct bytes out = {0};
	struct err why = {{0}};

	leave_terminal();
	reset_signals();
	close_all_but(keep, COUNT_OF(keep));
	int code = bound(
	    child->memory ? child->memory : ROLE_MEMORY, child->cpu ? child->cpu : ROLE_CPU, &why);
	code = code ?: role_assume(plan->role, false, &why);
	tie_to_parent(plan->parent);
	code = code ?: plan->work(plan->arg, &out, &why);
	if (code >= 0 && out.failed)
		code = err_sys(&why, ENOMEM, "failed to hand over a result");
	_exit(finish_output(plan->output, &out, code, &why) == 0 ? 0 : 1);
}

static void close_child(struct role_child *child)
{
	io_close(&child->output);
	io_close(&child->done);
	*child = (struct role_child){0};
}

/* With signals blocked, no handler of the parent runs in the child. */
static pid_t fork_child(const struct plan *plan)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		run_child(plan);
	int errnum = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = errnum;
	return pid;
}

int role_start(
    struct role_child *child, const struct role *role, role_work *work, void *arg, struct err *err)
{
	struct role_child started = {.output = -1, .done = -1, .stop = child->stop};
	struct plan plan = {
	    .role = role, .work = work, .arg = arg, .child = child, .parent = getpid()};
	int ends[2] = {-1, -1};
	int code = io_guard_stdio();

	if (code < 0)
		return err_sys(err, -code, "failed to open /dev/null");
	if (geteuid() != 0 && geteuid() != role->uid)
		return err_sys(err, EPERM, "failed to become %s", role->name);
	started.output = memfd_create("pqpurge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (started.output < 0)
		return err_sys(err, errno, "failed to make memory for a child");
	if (pipe2(ends, O_CLOEXEC) < 0) {
		code = err_sys(err, errno, "failed to make a pipe");
		goto out;
	}
	started.done = ends[0];
	plan.output = started.output;
	plan.done = ends[1];
	started.pid = fork_child(&plan);
	if (started.pid < 0)
		code = err_sys(err, errno, "failed to start a child");
	io_close(&ends[1]);
out:
	if (code < 0)
		close_child(&started);
	else
		*child = started;
	return code;
}

static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Waits in slices, because the stop flag may be set just before a wait. */
static int wait_done(const struct role_child *child, int64_t deadline, struct err *err)
{
	for (;;) {
		int64_t slice = child->stop ? clock_steady() + STOP_LOOK : deadline;
		int ready = io_wait(child->done, POLLIN, slice < deadline ? slice : deadline);

		if (ready < 0)
			return err_sys(err, -ready, "failed to wait for a child");
		if (ready > 0)
			return 0;
		if (child->stop && *child->stop)
			return err_set(err, ERR_STOPPED, "stopped by a signal");
		if (clock_steady() >= deadline)
			return err_set(err, ERR_TIMEOUT, "a child took too long and was killed");
	}
}

/* Kills in any case: a child that closed its end and lives on would block us forever. An exiting
 * child is not harmed, and output counts only with its trailer. */
static int end_child(const struct role_child *child, int64_t deadline, struct err *err)
{
	int ended = wait_done(child, deadline, err);
	int status = 0, code;

	kill(child->pid, SIGKILL);
	code = wait_for(child->pid, &status);
	if (ended < 0)
		return ended;
	if (code < 0)
		return err_sys(err, -code, "failed to wait for a child");
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		return err_set(err, ERR_CHILD, "a child died of signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return err_set(err, ERR_CHILD, "a child ended with status %d", WEXITSTATUS(status));
	return 0;
}

/* Sealed output can no longer be changed by any process. */
static int map_output(int fd, struct blob *ret, struct err *err)
{
	struct stat st;
	void *map;

	if (fcntl(fd, F_ADD_SEALS, IO_SEALS) < 0)
		return err_set(
		    err, ERR_CHILD, "failed to seal a child's output (%s)", err_word(-errno));
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "failed to look at a child's output");
	if ((uint64_t)st.st_size < TRAILER_SIZE)
		return err_set(err, ERR_CHILD, "a child ended without a result");
	if ((uint64_t)st.st_size > OUTPUT_MAX || (uint64_t)st.st_size > SIZE_MAX)
		return err_set(err, ERR_CHILD, "a child's result is too long");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "failed to map a child's output");
	*ret = (struct blob){NULL, 0, map, (size_t)st.st_size};
	return 0;
}

/* Points blob at the bytes before the trailer. Returns the child's code. */
static int read_trailer(struct blob *blob, struct err *err)
{
	const unsigned char *first = blob->map;
	size_t before = blob->map_len - TRAILER_SIZE;
	struct reader r = reader_of(first + before, TRAILER_SIZE);
	uint32_t magic = reader_u32(&r);
	int32_t code = (int32_t)reader_u32(&r);
	uint64_t len = reader_u64(&r);
	const char *text = reader_take(&r, TRAILER_SIZE - TRAILER_TEXT);

	if (magic != TRAILER_MAGIC)
		return err_set(err, ERR_CHILD, "a child ended without a result");
	if (len != before || !text || !memchr(text, '\0', TRAILER_SIZE - TRAILER_TEXT))
		return err_set(err, ERR_CHILD, "a child ended without a valid result");
	if (code < 0)
		return err_set(err, code, "%s", text[0] ? text : err_word(code));
	blob->at = first;
	blob->len = before;
	return code;
}

int role_finish(struct role_child *child, int64_t deadline, struct blob *ret, struct err *err)
{
	struct blob blob = {0};

	if (child->pid <= 0)
		return err_set(err, ERR_CHILD, "no child was started");
	int code = end_child(child, deadline, err);
	code = code ?: map_output(child->output, &blob, err);
	code = code ?: read_trailer(&blob, err);
	if (code < 0)
		blob_release(&blob);
	else
		*ret = blob;
	close_child(child);
	return code;
}

int role_ask(const struct role *role, const volatile sig_atomic_t *stop, int64_t patience,
    role_work *work, void *arg, struct blob *ret, struct err *err)
{
	struct role_child child = {.stop = stop};
	int code = role_start(&child, role, work, arg, err);

	return code < 0 ? code : role_finish(&child, clock_steady() + patience, ret, err);
}

void blob_release(struct blob *blob)
{
	if (blob->map)
		munmap(blob->map, blob->map_len);
	*blob = (struct blob){0};
}
