/* SPDX-License-Identifier: ISC */
#include "order/account/writer.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"

#define POLL_MS 50                 /* between two looks at the stop flag */
#define ROOM    (1 << 20)          /* bytes; the kernel gives less, some 400 kB */
#define HURRIED (3 * USEC_PER_SEC) /* patience once the command is to end */

struct writer {
	struct role_child child;
	const char *directory;
	int socket; /* the child's end of the pair */
	int ours;
	uint64_t batch;
	uint32_t part;
	const volatile sig_atomic_t *stop;
	bool silent;        /* an answer did not come in time */
	bool ended;         /* the last line is on disk: killing the child loses nothing */
	struct bytes frame; /* the last answer */
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct writer *w = arg;

	(void)out;
	return writer_serve(w->socket, w->directory, err);
}

static int start(struct writer *w, struct err *err)
{
	struct role owner;
	int ends[2], code = role_of_owner(w->directory, &owner, err);

	if (code < 0)
		return code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "failed to make a socket");
	/* Room for the lines of all lanes, so that a stopped child does not block a send. */
	(void)!setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &(int){ROOM}, sizeof(int));
	w->ours = ends[0];
	w->socket = ends[1];
	w->child.keep = w->socket;
	code = role_start(&w->child, &owner, work, w, err);
	io_close(&w->socket);
	return code;
}

static int send_lines(struct writer *w, uint32_t part, const struct strbuf *lines, struct err *err)
{
	AUTO(bytes_release) struct bytes frame = {.failed = lines->failed};

	bytes_put_u32(&frame, part);
	bytes_put_text(&frame, strbuf_text(lines));
	int code = frame.failed ? -ENOMEM
				: io_frame_write(w->ours, bytes_span(&frame),
				      clock_steady() + ACCOUNT_PATIENCE);
	return code < 0 ? err_set(err, code, "failed to write the account (%s)", err_word(code))
			: 0;
}

/* Returns 1 if an answer was read, up to its words. */
static int receive(struct writer *w, int64_t deadline, struct reader *r, uint32_t *ret_part,
    int *ret_code, struct err *err)
{
	int got = io_frame_read(w->ours, &w->frame, WRITER_FRAME_MAX, deadline);

	if (got != 1)
		return err_set(err, got < 0 ? got : ERR_CHILD, "failed to write the account (%s)",
		    err_word(got < 0 ? got : ERR_CHILD));
	*r = reader_of(w->frame.at, w->frame.len);
	*ret_part = reader_u32(r);
	*ret_code = (int)reader_u32(r);
	const char *words = reader_text(r);
	if (r->failed || *ret_code > 0)
		return err_set(err, ERR_CHILD, "the account's writer ended early");
	if (*ret_code < 0)
		err_set(err, *ret_code, "%s", words);
	return 1;
}

static bool is_readable(const struct writer *w, int wait_ms)
{
	struct pollfd waiting = {w->ours, POLLIN, 0};

	return poll(&waiting, 1, wait_ms) == 1;
}

/* A stopped writer must not delay ^C. */
static bool is_over(const struct writer *w, int64_t began)
{
	return clock_steady() > began + (w->stop && *w->stop ? HURRIED : ACCOUNT_PATIENCE);
}

static int await(struct writer *w, uint32_t wanted, struct reader *r, struct err *err)
{
	int64_t began = clock_steady();
	int answered = 0, code = 0;
	uint32_t part = 0;

	while (answered == 0 || (answered == 1 && part != wanted)) {
		if (wanted == WRITER_BEGIN && w->stop && *w->stop)
			return err_set(err, ERR_STOPPED, "interrupted");
		if (is_over(w, began)) {
			w->silent = true;
			return err_set(err, ERR_TIMEOUT,
			    "the account in '%s' is locked, or its disk does not answer",
			    w->directory);
		}
		if (is_readable(w, POLL_MS))
			answered = receive(w, began + ACCOUNT_PATIENCE, r, &part, &code, err);
	}
	return answered < 0 ? answered : code;
}

/* Makes the line without its first member, the number. */
static int make_first(const struct order *order, struct strbuf *ret)
{
	const struct {
		const char *key, *text;
	} texts[] = {{"verb", order->verb}, {"command", order->command_line},
	    {"reason", order->reason}, {"selector", order->selector_text}, {"token", order->token}};
	struct json *o = json_new();
	char uid[32];

	snprintf(uid, sizeof(uid), "uid %u", (unsigned)order->uid);
	json_put_int(o, "time", clock_wall());
	json_put_int(o, "uid", order->uid);
	json_put_text(o, "user", order->user ? order->user : uid);
	for (size_t n = 0; n < COUNT_OF(texts); n++)
		json_put_text(o, texts[n].key, texts[n].text ? texts[n].text : "");
	if (order->undo_count > 0)
		json_put_ints(o, "undoes", order->undo, order->undo_count);
	return json_write(ret, o);
}

static int begin(struct writer *w, const struct order *order, struct err *err)
{
	AUTO(strbuf_release) struct strbuf line = {0};
	int code = make_first(order, &line);

	if (code < 0)
		err_sys(err, ENOMEM, "failed to begin the account");
	else
		code = send_lines(w, WRITER_BEGIN, &line, err);
	return code;
}

static int take_begun(struct writer *w, struct reader *r, uint64_t *ret_done,
    struct account_entries *ret_doubt, struct err *err)
{
	w->batch = reader_u64(r);
	*ret_done = reader_u64(r);
	w->part = reader_u32(r);
	int code = account_entries_parse(reader_text(r), ret_doubt);
	if (code == -ENOMEM)
		return err_sys(err, ENOMEM, "failed to begin the account");
	if (code < 0 || !reader_done(r) || w->batch == 0 || w->part > INT32_MAX)
		return err_set(err, ERR_CHILD, "the account's writer ended early");
	return 0;
}

int writer_open(const struct order *order, struct writer **ret, uint64_t *ret_done,
    struct account_entries *ret_doubt, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	struct reader r;

	if (!w)
		return err_sys(err, ENOMEM, "failed to begin the account");
	*w = (struct writer){.directory = order->settings->state_directory,
	    .ours = -1,
	    .socket = -1,
	    .stop = order->stop};
	int code = start(w, err);
	code = code ?: begin(w, order, err);
	code = code ?: await(w, WRITER_BEGIN, &r, err);
	code = code ?: take_begun(w, &r, ret_done, ret_doubt, err);
	if (code == 0) {
		*ret = w;
	} else {
		writer_close(w);
		account_entries_release(ret_doubt);
	}
	return code;
}

void writer_close(struct writer *w)
{
	struct blob ignored = {0};
	/* A child that has not begun may wait for a lock forever, so it is killed at once. */
	bool waits = w && w->batch > 0 && !w->silent;
	int64_t patience = w && w->ended ? ACCOUNT_COMPACT : ACCOUNT_PATIENCE;
	int64_t deadline = waits ? clock_steady() + patience : 0;

	if (!w)
		return;
	io_close(&w->ours);
	w->child.stop = w->ended ? w->stop : NULL;
	if (w->child.pid > 0 && role_finish(&w->child, deadline, &ignored, NULL) == 0)
		blob_release(&ignored);
	bytes_release(&w->frame);
	free(w);
}

uint64_t writer_batch(const struct writer *w)
{
	return w->batch;
}

/* Queue IDs and numbers need no escapes. */
static void make_line(struct strbuf *line, const char *kind, const struct writer *w, uint32_t part,
    const struct account_entry *list, size_t count)
{
	AUTO(strbuf_release) struct strbuf ids = {0};

	for (size_t n = 0; list && n < count; n++)
		account_entry_put(&ids, &list[n]);
	strbuf_printf(
	    line, "{\"%s\":%llu,\"part\":%u", kind, (unsigned long long)w->batch, (unsigned)part);
	if (list)
		strbuf_printf(line, ",\"ids\":\"%s\"", strbuf_text(&ids));
	strbuf_puts(line, "}\n");
	line->failed |= ids.failed;
}

int writer_chunk(struct writer *w, const struct account_entry *list, size_t count,
    uint32_t *ret_part, struct err *err)
{
	AUTO(strbuf_release) struct strbuf line = {0};

	make_line(&line, "chunk", w, w->part + 1, list, count);
	int code = send_lines(w, w->part + 1, &line, err);
	if (code == 0)
		*ret_part = ++w->part;
	return code;
}

int writer_fd(const struct writer *w)
{
	return w->ours;
}

int writer_next(struct writer *w, uint32_t *ret_part, int *ret_code, struct err *err)
{
	struct reader r;

	if (!is_readable(w, 0))
		return 0;
	return receive(w, clock_steady() + ACCOUNT_PATIENCE, &r, ret_part, ret_code, err);
}

void writer_done(struct writer *w, uint32_t part, const struct account_entry *list, size_t count)
{
	AUTO(strbuf_release) struct strbuf line = {0};

	make_line(&line, "done", w, part, list, count);
	(void)!send_lines(w, WRITER_NOTE, &line, NULL);
}

int writer_end(struct writer *w, const struct strbuf *lines, struct err *err)
{
	struct reader r;
	int code = send_lines(w, WRITER_END, lines, err);

	code = code ?: await(w, WRITER_END, &r, err);
	w->ended = code == 0;
	return code;
}

int account_refusal(const struct settings *s, const struct refusal *refusal, struct err *err)
{
	const struct order order = {.settings = s,
	    .verb = refusal->verb,
	    .command_line = refusal->command,
	    .reason = refusal->why,
	    .user = refusal->user,
	    .uid = refusal->uid};
	AUTO(account_entries_release) struct account_entries doubt = {0};
	struct writer *w = NULL;
	uint64_t done;
	AUTO(strbuf_release) struct strbuf end = {0};
	int code = writer_open(&order, &w, &done, &doubt, err);

	if (code < 0 || !w)
		return code;
	strbuf_printf(&end, "{\"end\":%llu,\"refused\":true}\n", (unsigned long long)w->batch);
	code = writer_end(w, &end, err);
	writer_close(w);
	return code;
}

static int reserve(void *arg, struct bytes *out, struct err *err)
{
	struct account_log log;
	int code = account_log_open(&log, arg, true, err);

	(void)out;
	if (code == 0) {
		account_log_reserve(&log);
		account_log_close(&log);
	}
	return code;
}

void writer_prepare(const struct settings *settings, const volatile sig_atomic_t *stop)
{
	char *directory = settings->state_directory;
	AUTO(blob_release) struct blob ignored = {0};
	struct role owner;

	if (role_of_owner(directory, &owner, NULL) == 0)
		(void)!role_ask(&owner, stop, ROLE_TIME, reserve, directory, &ignored, NULL);
}
