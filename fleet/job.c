/* SPDX-License-Identifier: ISC */
/* The child writes frames of base/io.h into a pipe: a u8 kind (enum door_answer_kind) and its
 * bytes. The last frame is JOB_ENDED: an i64 code, a blob with struct door_end, a text. */
#include "fleet/job.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"

#define JOB_ENDED  255
#define FRAME_MAX  (DOOR_FRAME_MAX + 1024)
#define GIVE_TIME  (60 * USEC_PER_SEC) /* for the agent to read a frame */
#define READ_CHUNK 65536u

static volatile sig_atomic_t stopped;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static int pass_on(void *arg, enum door_answer_kind kind, struct span bytes)
{
	return door_answer_write(*(int *)arg, kind, bytes, clock_steady() + GIVE_TIME);
}

static void tell_end(int fd, int code, const struct door_end *end, const struct err *err)
{
	AUTO(bytes_release) struct bytes out = {0};

	bytes_put_u8(&out, JOB_ENDED);
	bytes_put_i64(&out, code);
	bytes_put_blob(&out, end, sizeof(*end));
	bytes_put_text(&out, err->text);
	if (!out.failed)
		(void)!io_frame_write(fd, bytes_span(&out), clock_steady() + GIVE_TIME);
}

static _Noreturn void child(const struct job_call *call, int fd, pid_t parent)
{
	struct door_talk talk = {.says = pass_on, .arg = &fd, .stop = &stopped};
	struct door_end end = {0};
	struct err err = {{0}};

	signal(SIGTERM, on_stop);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (call->not_for_it >= 0)
		close(call->not_for_it);
	int code = door_call(call->directory, DOOR_DAEMON_SOCKET, call->orders, call->count, &talk,
	    clock_steady() + call->time, &end, &err);
	tell_end(fd, code, &end, &err);
	_exit(0);
}

int job_start(struct job *j, const struct job_call *call, struct err *err)
{
	pid_t parent = getpid();
	int pair[2];

	*j = (struct job){.fd = -1};
	stopped = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(err, errno, "failed to make a socket pair");
	j->pid = fork();
	if (j->pid == 0) {
		close(pair[0]);
		child(call, pair[1], parent);
	}
	close(pair[1]);
	if (j->pid < 0) {
		j->pid = 0;
		close(pair[0]);
		return err_sys(err, errno, "failed to start a process");
	}
	j->fd = pair[0];
	return 0;
}

static void take_end(struct job *j, struct reader *r)
{
	j->code = (int)reader_i64(r);
	struct span end = reader_blob(r);
	str_scrub(j->err.text, sizeof(j->err.text), reader_text(r));
	if (!reader_done(r) || end.len != sizeof(j->end))
		return;
	memcpy(&j->end, end.at, end.len);
	j->ended = true;
}

static void take_frame(struct job *j, struct span frame, const struct job_ear *ear)
{
	struct reader r = reader_of(frame.at, frame.len);
	unsigned kind = reader_u8(&r);

	if (kind == JOB_ENDED)
		take_end(j, &r);
	else if (ear)
		ear->says(ear->arg, (enum door_answer_kind)kind,
		    (struct span){r.at, (size_t)(r.end - r.at)});
}

/* False: the child broke the format. */
static bool take_frames(struct job *j, const struct job_ear *ear)
{
	size_t at = 0;

	while (j->in.len - at >= 4 && !j->ended) {
		struct reader r = reader_of(j->in.at + at, j->in.len - at);
		uint32_t len = reader_u32(&r);

		if (len > FRAME_MAX)
			return false;
		if (j->in.len - at - 4 < len)
			break;
		take_frame(j, (struct span){j->in.at + at + 4, len}, ear);
		at += 4 + len;
	}
	memmove(j->in.at, j->in.at + at, j->in.len - at);
	j->in.len -= at;
	return true;
}

bool job_read(struct job *j, const struct job_ear *ear)
{
	unsigned char chunk[READ_CHUNK];
	ssize_t got = recv(j->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	bool good = true;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got > 0) {
		bytes_put(&j->in, chunk, (size_t)got);
		good = !j->in.failed && take_frames(j, ear);
	}
	if (j->ended)
		return true;
	if (got > 0 && good)
		return false;
	j->code = err_set(&j->err, ERR_CHILD, "the process that spoke to root ended");
	return j->ended = true;
}

void job_stop(struct job *j)
{
	if (j->pid > 0)
		kill(j->pid, SIGTERM);
}

void job_end(struct job *j)
{
	if (j->pid > 0) {
		kill(j->pid, SIGKILL);
		while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
			;
		io_close(&j->fd);
	}
	bytes_release(&j->in);
	*j = (struct job){.fd = -1};
}
