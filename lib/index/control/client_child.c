/* SPDX-License-Identifier: ISC */
#include "index/control/client_child.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/io.h"

#define LOCK_RETRY_MS 20
#define LENGTH_MAX    ((size_t)16 << 20) /* of an answer that is not from the index */
#define FORGET_EVERY  ((size_t)4 << 20)

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int take_error(const struct json *line, bool daemon_only, struct err *err)
{
	const char *word = json_text(line, "error"), *text = json_text(line, "text");
	int code = daemon_only ? ERR_REFUSED : ERR_NO_INDEX;

	if (!word)
		return err_set(err, ERR_CHILD, "the daemon's answer is invalid");
	if (strcmp(word, "timeout") == 0)
		code = ERR_TIMEOUT;
	return err_set(err, code, "%s", text && text[0] ? text : word);
}

/* A captured daemon may slip in rows that do not match. */
static bool put_meant(const struct selector *selector, struct reader *r, struct bytes *out)
{
	uint64_t sequence = reader_u64(r);
	struct span record;
	struct message message;
	uint32_t matched;

	(void)reader_u32(r);
	record = reader_blob(r);
	if (r->failed || record_peek(record, &message) != 0)
		return false;
	matched = selector_nominate_row(selector, &message, NULL);
	if (matched == 0)
		return false;
	bytes_put_u64(out, sequence);
	bytes_put_u32(out, matched);
	bytes_put_blob(out, record.at, record.len);
	return true;
}

/* Gives pages up that were read: the answer of a captured daemon may be all rows that do not match.
 * Returns where the next pages begin. */
static const unsigned char *forget(const unsigned char *from, const unsigned char *at)
{
	if ((size_t)(at - from) < FORGET_EVERY)
		return from;
	(void)madvise((void *)(uintptr_t)from, FORGET_EVERY, MADV_DONTNEED);
	return from + FORGET_EVERY;
}

static int put_selection(const struct selector *selector, struct span body, struct bytes *out)
{
	struct reader r = reader_of(body.at, body.len);
	const unsigned char *from = body.at;
	size_t start = out->len;
	uint64_t count = reader_u64(&r), damaged = reader_u64(&r), kept = 0;

	bytes_put_u64(out, 0);
	bytes_put_u64(out, 0);
	bytes_put_u64(out, reader_u64(&r));
	bytes_put_u64(out, reader_u64(&r));
	for (uint64_t n = 0; n < count && !r.failed; n++) {
		bool meant = put_meant(selector, &r, out);

		kept += meant;
		damaged += !meant;
		from = forget(from, r.at);
	}
	bytes_set_u64(out, start, kept);
	bytes_set_u64(out, start + 8, damaged);
	return reader_done(&r) ? 0 : ERR_CHILD;
}

int client_take(
    const struct client_call *call, const struct json *line, struct span body, struct bytes *out)
{
	struct served served;
	int code = 0;

	serve_read(line, &served);
	if (call->selector)
		code = put_selection(call->selector, body, out);
	else
		bytes_put(out, body.at, body.len);
	bytes_put(out, &served, sizeof served);
	return code;
}

/* Rows are a part of the index. A name takes 16 bytes, and its row in the index more than 128. */
static bool is_too_long(const struct client_call *call, size_t len)
{
	uint64_t most = (uint64_t)call->settings->index_map_size;

	return len > LENGTH_MAX && len > (call->selector ? most : most / 8);
}

static int take_answer(const struct client_call *call, const struct wire *wire,
    const struct json *line, int fd, struct bytes *out, struct err *err)
{
	int64_t bytes = json_int(line, "bytes", 0);
	AUTO(blob_release) struct blob blob = {0};
	struct span body;
	int code = 0;

	if (!json_bool(line, "ok", false))
		return take_error(line, call->daemon_only, err);
	if (fd >= 0)
		code = wire_map(fd, &blob, err);
	if (code != 0)
		return code;
	body = (struct span){.at = blob.at, .len = blob.len};
	if (is_too_long(call, blob.len))
		code = err_set(err, ERR_CHILD, "the daemon's answer is larger than its index");
	else if (bytes < 0 || (uint64_t)bytes != blob.len)
		code =
		    err_set(err, ERR_CHILD, "the daemon's answer has another length than it says");
	else if (call->daemon_only && body.len == 0)
		bytes_put(out, wire->line.text, wire->line.len);
	else if (call->daemon_only)
		bytes_put(out, body.at, body.len);
	else if (client_take(call, line, body, out) != 0)
		code = err_set(err, ERR_CHILD, "the daemon's answer is invalid");
	return code;
}

/* Waits for room in the daemon's backlog until the deadline. Even past it, says that nobody
 * listens, because that takes no wait. Returns 0, -errno or ERR_TIMEOUT. */
static int connect_by(int fd, const struct sockaddr_un *address, int64_t deadline)
{
	int64_t now = clock_steady();
	int64_t left = deadline > now ? deadline - now : 1; /* 0 would mean no limit */
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

/* Returns -ENOENT or -ECONNREFUSED if no daemon listens. */
static int reach(const struct client_call *call, int64_t deadline, int *ret_fd, struct err *err)
{
	const char *directory = call->settings->index_directory;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len =
	    snprintf(address.sun_path, sizeof address.sun_path, "%s/" INDEX_SOCKET, directory);
	int fd, code;

	if (len < 0 || (size_t)len >= sizeof address.sun_path)
		return err_set(err, -ENAMETOOLONG,
		    "the name '%s' is too long for the directory of a socket", directory);
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

/* A daemon that refuses may answer and close before it has read everything. */
static int send_request(const struct client_call *call, int fd, int64_t deadline, struct err *err)
{
	int body = -1, code = 0;

	if (call->body.len > 0) {
		body = io_sealed(call->body.at, call->body.len);
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
		    err, -ECONNRESET, "the daemon closed the connection without an answer");
	return code;
}

static int ask_daemon(
    const struct client_call *call, int fd, int64_t patience, struct bytes *out, struct err *err)
{
	AUTO(json_release) struct json *line = NULL;
	AUTO(wire_release) struct wire wire;
	AUTO(io_close) int memory = -1;
	int code = send_request(call, fd, patience, err);

	wire_init(&wire, fd);
	code = code ?: receive(&wire, &line, &memory, patience, err);
	if (code == 0 && json_bool(line, "working", false)) {
		/* If both lines came together, the first one brought the descriptor. */
		int late = -1;

		json_free(line);
		line = NULL;
		code = receive(&wire, &line, &late, call->deadline, err);
		if (late >= 0) {
			io_close(&memory);
			memory = late;
		}
	}
	return code ?: take_answer(call, &wire, line, memory, out, err);
}

/* Holds the index's lock until the request is answered. */
static int open_and_serve(const struct client_call *call, const struct json *request,
    struct bytes *out, struct served *ret, struct err *err)
{
	const struct settings *s = call->settings;
	struct index *ix = NULL;
	int code = index_open(s->index_directory, s->index_map_size, &ix, NULL, err);

	if (code == 0)
		code =
		    serve_here(ix, request, bytes_span(&call->body), call->deadline, out, ret, err);
	index_close(ix);
	return code;
}

/* A damaged index is set aside when it is closed, so the second try finds an empty one. */
static int ask_index(const struct client_call *call, struct bytes *out, struct err *err)
{
	AUTO(json_release) struct json *request = NULL;
	struct served served;
	int code = json_parse(call->request.text, call->request.len, &request, err);

	if (code != 0)
		return code;
	code = open_and_serve(call, request, out, &served, err);
	if (code == ERR_DAMAGED) {
		bytes_clear(out);
		code = open_and_serve(call, request, out, &served, err);
	}
	if (code == 0)
		bytes_put(out, &served, sizeof served);
	else
		bytes_clear(out);
	return code;
}

/* The lock may be held while no socket listens: a starting daemon locks first, and another command
 * soon unlocks. A stopping daemon hangs up, and then nobody listens. */
static int ask(const struct client_call *call, struct bytes *out, struct err *err)
{
	int64_t patience = earlier(clock_steady() + WIRE_ANSWER_TIME, call->deadline);
	bool hung_up = false;

	/* A daemon that hangs up must be an error, not this child's death. */
	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		AUTO(io_close) int fd = -1;
		int code = reach(call, patience, &fd, err);

		if (code == 0) {
			code = ask_daemon(
			    call, fd, call->served ? patience : call->deadline, out, err);
			if (code != -ECONNRESET || call->daemon_only || hung_up)
				return code;
			hung_up = true;
			bytes_clear(out);
		} else if (code != -ENOENT && code != -ECONNREFUSED) {
			return code;
		} else if (call->daemon_only) {
			return err_set(err, ERR_NO_DAEMON, "no daemon is running");
		} else {
			code = ask_index(call, out, err);
			if (code != ERR_LOCKED || clock_steady() >= patience)
				return code;
		}
		(void)poll(NULL, 0, LOCK_RETRY_MS);
	}
}

/* The parent takes ERR_CHILD to mean that the child died. */
int client_child(void *arg, struct bytes *out, struct err *err)
{
	int code = ask(arg, out, err);

	return code == ERR_CHILD || code == -ECONNRESET ? ERR_REFUSED : code;
}

int client_view(struct blob *memory, struct served *ret)
{
	struct index_counts *counts = &ret->counts;

	if (memory->len < sizeof *ret)
		return ERR_CHILD;
	memory->len -= sizeof *ret;
	memcpy(ret, memory->at + memory->len, sizeof *ret);
	counts->queue_directory[sizeof counts->queue_directory - 1] = '\0';
	counts->hostname[sizeof counts->hostname - 1] = '\0';
	return 0;
}

int client_view_names(struct client_names *n)
{
	struct reader r = reader_of(n->memory.at, n->memory.len);
	uint64_t count;

	n->place.device = reader_u64(&r);
	n->place.inode = reader_u64(&r);
	count = reader_u64(&r);
	if (count > n->memory.len / sizeof *n->list)
		return ERR_CHILD;
	n->count = (size_t)count;
	/* The list is aligned: it begins 24 bytes after the start of a page. */
	n->list = reader_take(&r, n->count * sizeof *n->list);
	return reader_done(&r) ? 0 : ERR_CHILD;
}
