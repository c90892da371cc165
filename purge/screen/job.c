/* SPDX-License-Identifier: ISC */
#include "purge/screen/job.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "purge/command.h"
#include "purge/interrupt.h"
#include "purge/session.h"

#define WORDS_MOST 64

static void begin_child(void)
{
	static const int numbers[] = {
	    SIGHUP, SIGTSTP, SIGWINCH, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		signal(numbers[i], SIG_DFL);
	interrupt_stop = 0;
	interrupt_begin();
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static void end_child(int status)
{
	fflush(NULL);
	_exit(status & 0xff);
}

static void redirect(int out, int complaints)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(complaints, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT);
}

int job_start(struct job *job, job_work *work, void *arg)
{
	int ends[2], complaints = memfd_create("complaints", MFD_CLOEXEC);

	if (complaints < 0)
		return -errno;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		io_close(&complaints);
		return -errno;
	}
	pid_t pid = fork();
	if (pid == 0) {
		begin_child();
		redirect(ends[1], complaints);
		end_child(work(arg));
	}
	io_close(&ends[1]);
	*job = (struct job){
	    .pid = pid, .fd = ends[0], .complaints = complaints, .began = clock_steady()};
	if (pid > 0)
		return 0;
	job->pid = 0;
	io_close(&job->fd);
	io_close(&job->complaints);
	return -EAGAIN;
}

int job_read(struct job *job)
{
	char part[65536];
	ssize_t got = read(job->fd, part, sizeof(part));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (got <= 0)
		return 0;
	if ((size_t)got > JOB_OUTPUT_MAX - job->out.len) {
		got = (ssize_t)(JOB_OUTPUT_MAX - job->out.len);
		job->cut = true;
	}
	strbuf_add(&job->out, part, (size_t)got);
	return 1;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int job_finish(struct job *job, char *complaint, size_t size)
{
	ssize_t got = pread(job->complaints, complaint, size - 1, 0);
	int status = wait_for(job->pid);

	complaint[got > 0 ? got : 0] = '\0';
	complaint[strcspn(complaint, "\n")] = '\0';
	job->pid = 0;
	io_close(&job->fd);
	io_close(&job->complaints);
	return status;
}

void job_release(struct job *job)
{
	char ignored[2];

	/* the job may act, as a catch-up does for a standing order, so it may end its account */
	if (job->pid > 0) {
		io_close(&job->fd);
		kill(job->pid, SIGTERM);
		(void)job_finish(job, ignored, sizeof(ignored));
	}
	strbuf_release(&job->out);
}

int job_act(job_work *work, void *arg)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, plain = {.sa_handler = SIG_DFL};
	struct sigaction interrupts, stops;
	int status;

	/* ^C goes to both processes, but only the child handles it. A ^Z stops both. */
	sigaction(SIGINT, &ignore, &interrupts);
	sigaction(SIGTSTP, &plain, &stops);
	pid_t pid = fork();
	if (pid == 0) {
		begin_child();
		end_child(work(arg));
	}
	status = pid > 0 ? wait_for(pid) : -1;
	sigaction(SIGINT, &interrupts, NULL);
	sigaction(SIGTSTP, &stops, NULL);
	return status;
}

int job_command(const struct strbuf *words)
{
	struct strlist list = strlist_of(words);
	char *argv[WORDS_MOST + 1];
	int argc = 0;

	if (words->failed || list.count > WORDS_MOST)
		return EXIT_CANNOT;
	strlist_each (word, &list)
		argv[argc++] = (char *)(uintptr_t)word;
	argv[argc] = NULL;
	return command_run(argc, argv, NULL);
}
