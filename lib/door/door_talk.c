/* SPDX-License-Identifier: ISC */
/* The answer, and the client's call. */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/io.h"
#include "door/door.h"

#define ANSWER_MAX  (DOOR_FRAME_MAX + 1)
#define ANSWER_TIME (20 * USEC_PER_SEC) /* microseconds in which a begun frame must be complete */
#define STEP        (USEC_PER_SEC / 5)  /* microseconds between two looks at the stop flag */

int door_answer_write(int fd, enum door_answer_kind kind, struct span bytes, int64_t deadline)
{
	AUTO(bytes_release) struct bytes out = {0};

	bytes_put_u8(&out, (uint8_t)kind);
	bytes_put(&out, bytes.at, bytes.len);
	return out.failed ? -ENOMEM : io_frame_write(fd, bytes_span(&out), deadline);
}

int door_end_write(int fd, const struct door_end *end, int64_t deadline)
{
	AUTO(bytes_release) struct bytes out = {0};

	bytes_put_u8(&out, (uint8_t)end->status);
	bytes_put_u8(&out, end->refused);
	bytes_put_u64(&out, end->batch);
	bytes_put_u64(&out, end->matched);
	bytes_put_u64(&out, end->done);
	bytes_put_u64(&out, end->failed);
	bytes_put_text(&out, end->words);
	return out.failed ? -ENOMEM : door_answer_write(fd, DOOR_ENDS, bytes_span(&out), deadline);
}

int door_progress_write(int fd, uint64_t done, uint64_t total, int64_t deadline)
{
	AUTO(bytes_release) struct bytes out = {0};

	bytes_put_u64(&out, done);
	bytes_put_u64(&out, total);
	return out.failed ? -ENOMEM
			  : door_answer_write(fd, DOOR_PROGRESS, bytes_span(&out), deadline);
}

int door_progress_read(struct span bytes, uint64_t *ret_done, uint64_t *ret_total)
{
	struct reader r = reader_of(bytes.at, bytes.len);
	uint64_t done = reader_u64(&r), total = reader_u64(&r);

	if (!reader_done(&r))
		return ERR_SYNTAX;
	*ret_done = done;
	*ret_total = total;
	return 0;
}

static int take_end(struct reader *r, struct door_end *ret, struct err *err)
{
	struct door_end end = {.status = reader_u8(r)};

	end.refused = reader_u8(r) != 0;
	end.batch = reader_u64(r);
	end.matched = reader_u64(r);
	end.done = reader_u64(r);
	end.failed = reader_u64(r);
	str_scrub(end.words, sizeof(end.words), reader_text(r));
	if (!reader_done(r))
		return err_set(err, ERR_SYNTAX, "the answer is invalid");
	*ret = end;
	return 1;
}

/* Returns 1 if it was the last answer, 0 if more will come, or a negative code. */
static int take_answer(
    const struct bytes *frame, const struct door_talk *talk, struct door_end *ret, struct err *err)
{
	struct reader r = reader_of(frame->at, frame->len);
	enum door_answer_kind kind = (enum door_answer_kind)reader_u8(&r);
	struct span rest = {r.at, (size_t)(r.end - r.at)};

	if (kind == DOOR_ENDS)
		return take_end(&r, ret, err);
	if (r.failed || kind < DOOR_SAYS || kind >= DOOR_ANSWERS)
		return err_set(err, ERR_SYNTAX, "the answer is invalid");
	int code = talk && talk->says ? talk->says(talk->arg, kind, rest) : 0;
	return code < 0 ? err_set(err, code, "failed to write (%s)", err_word(code)) : 0;
}

static int read_answer(int fd, struct bytes *frame, struct err *err)
{
	int got = io_frame_read(fd, frame, ANSWER_MAX, clock_steady() + ANSWER_TIME);

	if (got == 1)
		return 0;
	return err_set(err, got == 0 ? -EPIPE : got,
	    "the order was sent, but its answer ended early; 'pqpurge-idx log' tells what was "
	    "done");
}

/* Closing our sending side makes root stop. */
static void pass_stop(int fd, const struct door_talk *talk, bool *stopped)
{
	if (*stopped || !talk || !talk->stop || !*talk->stop)
		return;
	*stopped = true;
	shutdown(fd, SHUT_WR);
}

static int await_end(
    int fd, const struct door_talk *talk, int64_t deadline, struct door_end *ret, struct err *err)
{
	AUTO(bytes_release) struct bytes frame = {0};
	bool stopped = false;
	int code = 0;

	while (code == 0) {
		int64_t now = clock_steady(), until = now + STEP < deadline ? now + STEP : deadline;
		int ready = io_wait(fd, POLLIN, until);

		pass_stop(fd, talk, &stopped);
		if (ready == 0 && now >= deadline)
			code = err_set(err, ERR_TIMEOUT, "the order was sent, and no answer came");
		if (ready < 0)
			code = err_sys(err, -ready, "failed to wait for the answer");
		if (ready == 1)
			code = read_answer(fd, &frame, err);
		if (ready == 1 && code == 0)
			code = take_answer(&frame, talk, ret, err);
	}
	return code < 0 ? code : 0;
}

/* Nobody but root may get our orders. */
static int check_listener(int fd, const char *path, struct err *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return err_sys(err, errno, "failed to see who listens on '%s'", path);
	if (peer.uid != 0)
		return err_set(err, ERR_REFUSED, "'%s' does not belong to root, but to uid %u",
		    path, (unsigned)peer.uid);
	return 0;
}

static int reach(const char *directory, const char *socket_name, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_TIME / USEC_PER_SEC};
	int len =
	    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, socket_name);
	int fd, code;

	if (len < 0 || (size_t)len >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG,
		    "the name '%s' is too long for the directory of a socket", directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, errno, "failed to make a socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		code =
		    err_sys(err, errno, "failed to reach root's order door '%s'", address.sun_path);
		close(fd);
		return code;
	}
	code = check_listener(fd, address.sun_path, err);
	if (code == 0)
		return fd;
	close(fd);
	return code;
}

static int encode_all(
    const struct door_order *orders, size_t count, struct bytes *ret, struct err *err)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < count; n++) {
		AUTO(bytes_release) struct bytes frame = {0};

		code = door_encode(&orders[n], &frame, err);
		bytes_put_blob(ret, frame.at, frame.len);
	}
	return code == 0 && ret->failed ? err_set(err, -ENOMEM, "out of memory") : code;
}

static int send_all(int fd, const struct bytes *frames, struct err *err)
{
	struct reader r = reader_of(frames->at, frames->len);
	int code = 0;

	while (code == 0 && !reader_done(&r) && !r.failed)
		code = io_frame_write(fd, reader_blob(&r), clock_steady() + ANSWER_TIME);
	/* A door that refuses the connection answers before it reads, so its answer is still there
	 * after -EPIPE. */
	return code < 0 && code != -EPIPE
		   ? err_set(err, code, "failed to send the order (%s)", err_word(code))
		   : 0;
}

int door_call(const char *directory, const char *socket_name, const struct door_order *orders,
    size_t count, const struct door_talk *talk, int64_t deadline, struct door_end *ret,
    struct err *err)
{
	AUTO(bytes_release) struct bytes frames = {0};
	int code = encode_all(orders, count, &frames, err), fd = -1;

	if (code == 0)
		code = fd = reach(directory, socket_name, err);
	if (code >= 0)
		code = send_all(fd, &frames, err);
	if (code >= 0)
		code = await_end(fd, talk, deadline, ret, err);
	io_close(&fd);
	return code;
}
