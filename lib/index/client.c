/* SPDX-License-Identifier: ISC */
/*
 * The command's way to the writer. The child is the index's owner: what it may reach is what the
 * owner may reach, and what the daemon answers is read by a process that has nothing to lose.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/client.h"
#include "index/data_file.h"
#include "index/home.h"
#include "index/owner.h"

#define LOCK_PATIENCE (2 * USEC_PER_SEC) /* another command's requests take milliseconds */
#define LOCK_RETRY    (20 * INT64_C(1000))
#define CHILD_GRACE                                                                                \
	(2 * USEC_PER_SEC) /* the child keeps the deadline itself; then the parent does */
#define REPLY_MAX ((size_t)1 << 20)

struct sending {
	const char *directory;
	const struct span *requests;
	size_t count;
	int64_t deadline;
};

void client_answer_release(struct client_answer *answer)
{
	strbuf_release(&answer->text);
	strbuf_release(&answer->status);
	*answer = (struct client_answer){0};
}

/* ---- what the child hands over: u8 by_daemon, then a reply */

static void hand_over(struct bytes *out, bool by_daemon, const struct reply *reply)
{
	struct bytes encoded = {0};

	reply_encode(reply, &encoded);
	out->failed |= encoded.failed;
	bytes_put_u8(out, by_daemon);
	bytes_put(out, encoded.at, encoded.len);
	bytes_release(&encoded);
}

/* ---- over the socket */

/*
 * Waits for room in the daemon's backlog no longer than the deadline. 0, -errno, or ERR_TIMEOUT.
 * That nobody listens is told past the deadline too, for it costs no wait.
 */
static int connect_by(int fd, const struct sockaddr_un *address, int64_t deadline)
{
	int64_t now = clock_steady();
	int64_t left = deadline > now ? deadline - now : 1; /* 0 would be no limit */
	struct timeval tv = {.tv_sec = left / USEC_PER_SEC, .tv_usec = left % USEC_PER_SEC};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) != 0)
		return -errno;
	while (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
		if (errno == EAGAIN || errno == EINPROGRESS)
			return ERR_TIMEOUT;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* The daemon's socket; -ENOENT or -ECONNREFUSED where no daemon listens. */
static int reach(const struct sending *s, int *ret_fd, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char *path = data_file_path(s->directory, HOME_CONTROL_SOCKET);
	int fd = -1, code;

	if (!path)
		return err_sys(err, ENOMEM, "failed to reach the daemon");
	if (strlen(path) >= sizeof address.sun_path) {
		code =
		    err_set(err, -ENAMETOOLONG, "the name of '%s' is too long for a socket", path);
		goto out;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	code = fd < 0 ? -errno : connect_by(fd, &address, s->deadline);
	if (code == ERR_TIMEOUT)
		code = err_set(err, code, "the daemon does not answer (on '%s')", path);
	else if (code != 0)
		code = err_sys(err, -code, "failed to reach the daemon on '%s'", path);
	if (code == 0)
		*ret_fd = fd;
	else
		io_close(&fd);
out:
	free(path);
	return code;
}

static int exchange(
    int fd, struct span request, int64_t deadline, struct bytes *frame, struct err *err)
{
	int code = io_frame_write(fd, request, deadline);

	/* A daemon that refuses may answer and close before it has read all. */
	if (code == 0 || code == -EPIPE || code == -ECONNRESET)
		code = io_frame_read(fd, frame, REPLY_MAX, deadline);
	if (code == 1)
		return 0;
	if (code == ERR_TIMEOUT)
		return err_set(err, code, "the daemon does not answer");
	if (code == 0 || code == -ECONNRESET)
		return err_set(
		    err, ERR_REFUSED, "the daemon closed the connection without an answer");
	return err_set(err, code, "failed to talk to the daemon (%s)", err_word(code));
}

static int send_all(const struct sending *s, int fd, struct bytes *out, struct err *err)
{
	struct reply reply = {.text = "", .status = "", .saved = true};
	struct bytes frame = {0};
	bool saved = true;
	int code = 0;

	for (size_t i = 0; i < s->count && reply.code == 0 && code == 0; i++) {
		code = exchange(fd, s->requests[i], s->deadline, &frame, err);
		if (code != 0)
			break;
		code = reply_decode(bytes_span(&frame), &reply);
		if (code == ERR_VERSION)
			err_set(err, code,
			    "the daemon is of a newer version: restart it or this command");
		else if (code != 0)
			err_set(err, code, "the daemon's answer makes no sense");
		saved = saved && reply.saved;
	}
	reply.saved = saved;
	if (code == 0)
		hand_over(out, true, &reply);
	bytes_release(&frame);
	return code;
}

/* ---- with no daemon */

/* One transaction for each request, as the daemon would: what was answered before a failure stays.
 */
static int apply_all(
    const struct sending *s, struct home *home, struct reply *reply, struct err *words)
{
	for (size_t i = 0; i < s->count && reply->code == 0; i++) {
		struct txn txn;

		(void)txn_begin(home->store, true, &txn);
		reply->code = request_apply(&txn, s->requests[i], &reply->value, words);
		if (reply->code == 0)
			reply->code = txn_commit(&txn, words);
		else
			txn_abort(&txn);
	}
	reply->text = reply->code != 0 ? words->text : "";
	reply->saved = reply->code == 0;
	return 0;
}

static bool needs_daemon(const struct sending *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (request_needs_daemon(request_kind_of(s->requests[i])))
			return true;
	return false;
}

static bool wants(const struct sending *s, enum request_kind kind)
{
	for (size_t i = 0; i < s->count; i++)
		if (request_kind_of(s->requests[i]) == (int)kind)
			return true;
	return false;
}

static int no_daemon(struct bytes *out)
{
	struct reply reply = {.code = ERR_NO_INDEX, .text = "no daemon is running", .status = ""};

	hand_over(out, false, &reply);
	return 0;
}

/* Without a daemon no mail is in flight that anybody would record. */
static int settled(struct bytes *out)
{
	struct reply reply = {.text = "", .status = "", .saved = true};

	hand_over(out, false, &reply);
	return 0;
}

static int apply_directly(const struct sending *s, struct bytes *out, struct err *err)
{
	struct reply reply = {.text = "", .status = ""};
	struct err words = {0};
	struct home home;
	int code = home_open(s->directory, 0, false, &home, err);

	if (code != 0)
		return code;
	code = apply_all(s, &home, &reply, &words);
	home_close(&home);
	hand_over(out, false, &reply);
	return code;
}

/* ---- both */

static int send_in_child(void *arg, struct bytes *out, struct err *err)
{
	const struct sending *s = arg;
	int64_t patience = clock_steady() + LOCK_PATIENCE;

	/* The child of a role has default handlers; a daemon that hangs up is an error, not a
	 * death. */
	(void)signal(SIGPIPE, SIG_IGN);

	if (patience > s->deadline)
		patience = s->deadline;
	for (;;) {
		int fd = -1, code = reach(s, &fd, err);

		if (code == 0) {
			code = send_all(s, fd, out, err);
			io_close(&fd);
			return code;
		}
		if (code != -ENOENT && code != -ECONNREFUSED)
			return code;
		if (needs_daemon(s))
			return no_daemon(out);
		if (wants(s, REQUEST_SETTLE))
			return settled(out);
		code = apply_directly(s, out, err);
		/* A daemon on its way up has the lock before the socket; another command lets go
		 * soon. */
		if (code != ERR_LOCKED || clock_steady() + LOCK_RETRY >= patience)
			return code;
		(void)poll(NULL, 0, LOCK_RETRY / 1000);
	}
}

static int take_over(const struct blob *memory, struct client_answer *ret)
{
	struct client_answer answer = {0};
	struct reply reply;

	if (memory->len < 1 ||
	    reply_decode((struct span){.at = memory->at + 1, .len = memory->len - 1}, &reply) != 0)
		return ERR_CHILD;
	answer.by_daemon = memory->at[0] != 0;
	answer.code = reply.code;
	answer.value = reply.value;
	answer.saved = reply.saved;
	strbuf_puts(&answer.text, reply.text);
	strbuf_puts(&answer.status, reply.status);
	if (answer.text.failed || answer.status.failed) {
		client_answer_release(&answer);
		return -ENOMEM;
	}
	*ret = answer;
	return 0;
}

int client_send(const char *directory, const struct span *requests, size_t count, int64_t timeout,
    struct client_answer *ret, struct err *err)
{
	struct sending sending = {.directory = directory, .requests = requests, .count = count};
	struct role_child child = {0};
	struct blob memory = {0};
	struct role role;
	int code = owner_find(directory, "write", false, &role, err);

	if (code != 0)
		return code;
	sending.deadline = clock_steady() + timeout;
	code = role_start(&child, &role, send_in_child, &sending, err);
	if (code != 0)
		return code;
	code = role_finish(&child, sending.deadline + CHILD_GRACE, &memory, err);
	if (code != 0)
		return code;
	code = take_over(&memory, ret);
	blob_release(&memory);
	if (code != 0)
		return err_set(
		    err, code, "failed to take over the writer's answer (%s)", err_word(code));
	return 0;
}
