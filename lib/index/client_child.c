/* SPDX-License-Identifier: ISC */
/*
 * The child's side of a call. It is the owner of index_directory: what it may reach is what the
 * owner may reach, and what the daemon answers is read by a process that has nothing to lose.
 */
#include "index/client_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define LOCK_RETRY 20 /* milliseconds until the lock is tried again: others hold it briefly */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- answers, wherever they come from */

static int take_error(const struct json *line, bool daemon_only, struct err *err)
{
	const char *word = json_text(line, "error"), *text = json_text(line, "text");
	int code = daemon_only ? ERR_REFUSED : ERR_NO_INDEX;

	if (!word)
		return err_set(err, ERR_CHILD, "the daemon's answer makes no sense");
	if (strcmp(word, "timeout") == 0)
		code = ERR_TIMEOUT;
	return err_set(err, code, "%s", text && text[0] ? text : word);
}

static int take_answer(const struct client_call *call, struct client_answer answer, int fd,
    struct bytes *out, struct err *err)
{
	const struct json *line = answer.line;
	int64_t bytes = json_int(line, "bytes", 0);
	struct blob blob = {0};
	int code = 0;

	if (!json_bool(line, "ok", false))
		return take_error(line, call->daemon_only, err);
	if (fd >= 0)
		code = wire_map(fd, &blob, err);
	if (code == 0 && (bytes < 0 || (uint64_t)bytes != blob.len))
		code = err_set(err, ERR_CHILD, "the daemon's answer is not as long as it says");
	answer.selector = call->selector;
	answer.body = (struct span){.at = blob.at ? (const void *)blob.at : "", .len = blob.len};
	if (code == 0) {
		code = call->take(&answer, out);
		if (code != 0)
			(void)err_set(err, code, "the daemon's answer makes no sense");
	}
	blob_release(&blob);
	return code;
}

/* ---- the daemon */

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
static int reach(const struct client_call *call, int64_t deadline, int *ret_fd, struct err *err)
{
	const char *directory = call->settings->index_directory;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len =
	    snprintf(address.sun_path, sizeof address.sun_path, "%s/" INDEX_SOCKET, directory);
	int fd, code;

	if (len < 0 || (size_t)len >= sizeof address.sun_path)
		return err_set(err, -ENAMETOOLONG,
		    "'%s' is too long a name for a socket's directory", directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	code = fd < 0 ? -errno : connect_by(fd, &address, deadline);
	if (code == 0) {
		*ret_fd = fd;
		return 0;
	}
	io_close(&fd);
	if (code == ERR_TIMEOUT)
		return err_set(err, code, "the daemon does not answer");
	return err_sys(err, -code, "failed to reach the daemon on '%s'", address.sun_path);
}

/* Sends the request. A daemon that refuses may answer and close before it has read all. */
static int send_request(const struct client_call *call, int fd, int64_t deadline, struct err *err)
{
	int body = -1, code = 0;

	if (call->body.len > 0) {
		body = wire_seal(bytes_span(&call->body));
		if (body < 0)
			return err_sys(err, -body, "failed to make memory for a request");
	}
	code = wire_send_text(fd, &call->request, body, deadline);
	io_close(&body);
	if (code == 0 || code == -EPIPE || code == -ECONNRESET)
		return 0;
	if (code == ERR_TIMEOUT)
		return err_set(err, code, "the daemon does not answer");
	return err_set(err, code, "failed to ask the daemon (%s)", err_word(code));
}

static int receive(
    struct wire *wire, struct json **ret, int *ret_fd, int64_t deadline, struct err *err)
{
	int code = wire_receive(wire, ret, ret_fd, deadline, err);

	if (code == 1)
		return 0;
	if (code == ERR_TIMEOUT)
		return err_set(err, code, "the daemon does not answer");
	if (code == 0 || code == -ECONNRESET)
		return err_set(
		    err, ERR_REFUSED, "the daemon closed the connection without an answer");
	return code;
}

static int ask_daemon(
    const struct client_call *call, int fd, int64_t patience, struct bytes *out, struct err *err)
{
	struct json *line = NULL;
	struct wire wire;
	int memory = -1, early = -1;
	int code = send_request(call, fd, patience, err);

	wire_init(&wire, fd);
	if (code == 0)
		code = receive(&wire, &line, &memory, patience, err);
	if (code == 0 && json_bool(line, "working", false)) {
		json_free(line);
		line = NULL;
		/* Where both lines came together, so did the answer's memory file. */
		early = memory;
		memory = -1;
		code = receive(&wire, &line, &memory, call->deadline, err);
		if (memory < 0) {
			memory = early;
			early = -1;
		}
	}
	if (code == 0)
		code = take_answer(call,
		    (struct client_answer){.line = line, .text = &wire.line, .by_daemon = true},
		    memory, out, err);
	json_free(line);
	io_close(&memory);
	io_close(&early);
	wire_release(&wire);
	return code;
}

/* ---- no daemon */

/* The lock is held for as long as this takes. */
static int serve_here(
    const struct client_call *call, struct json **ret_answer, int *ret_fd, struct err *err)
{
	const struct settings *s = call->settings;
	struct json *request = NULL;
	struct index *ix = NULL;
	int body = -1, code;

	code = json_parse(call->request.text, call->request.len, &request, err);
	if (code == 0 && call->body.len > 0)
		body = wire_seal(bytes_span(&call->body));
	if (body < -1)
		code = err_sys(err, -body, "failed to make memory for a request");
	if (code == 0)
		code = index_open(s->index_directory, s->index_map_size, &ix, NULL, err);
	if (code == 0)
		serve(ix, request, body, call->deadline, ret_answer, ret_fd);
	index_close(ix);
	json_free(request);
	io_close(&body);
	return code;
}

static int take_served(const struct client_call *call, struct json *built, int memory,
    bool *ret_damaged, struct bytes *out, struct err *err)
{
	struct strbuf text = {0};
	struct json *line = NULL;
	const char *word;
	/* What was built is for writing, what is parsed for reading. */
	int code = json_write(&text, built);

	if (code == 0)
		code = json_parse(text.text, text.len, &line, err);
	if (code == 0) {
		word = json_text(line, "error");
		*ret_damaged = word && strcmp(word, "damaged") == 0;
		code = take_answer(
		    call, (struct client_answer){.line = line, .text = &text}, memory, out, err);
	}
	json_free(line);
	strbuf_release(&text);
	return code;
}

/* One that turns out damaged was set aside when it was closed: the next try finds an empty one. */
static int ask_index(const struct client_call *call, struct bytes *out, struct err *err)
{
	bool damaged = true;
	int code = 0;

	for (int tries = 0; damaged && tries < 2; tries++) {
		struct json *built = NULL;
		int memory = -1;

		damaged = false;
		code = serve_here(call, &built, &memory, err);
		if (code == 0)
			code = take_served(call, built, memory, &damaged, out, err);
		io_close(&memory);
	}
	return code;
}

/* ---- both */

/* A daemon on its way up has the lock before the socket; another command lets go soon. */
static int ask(const struct client_call *call, struct bytes *out, struct err *err)
{
	int64_t patience = earlier(clock_steady() + WIRE_ANSWER_TIME, call->deadline);

	/* A daemon that hangs up is an error, not a death. */
	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = -1, code = reach(call, patience, &fd, err);

		if (code == 0) {
			code = ask_daemon(
			    call, fd, call->daemon_only ? call->deadline : patience, out, err);
			io_close(&fd);
			return code;
		}
		if (code != -ENOENT && code != -ECONNREFUSED)
			return code;
		if (call->daemon_only)
			return err_set(err, ERR_NO_DAEMON, "no daemon is running");
		code = ask_index(call, out, err);
		if (code != ERR_LOCKED || clock_steady() >= patience)
			return code;
		(void)poll(NULL, 0, LOCK_RETRY);
	}
}

/* To the parent ERR_CHILD is a child that died. */
int client_child(void *arg, struct bytes *out, struct err *err)
{
	int code = ask(arg, out, err);

	return code == ERR_CHILD ? ERR_REFUSED : code;
}
