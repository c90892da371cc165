/* SPDX-License-Identifier: ISC */
/* A batch being written: the command's side. */
#include "order/account_write.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "order/account_log.h"

#define POLL_MS  50                 /* between two looks at the stop flag */
#define HURRIED  (3 * USEC_PER_SEC) /* what a line may take once the command is to end */
#define PART_END UINT32_MAX

struct account {
	struct role_child child;
	char *directory;
	int socket; /* the child's end, in the child */
	int ours;
	uint64_t number;
	uint32_t part;
	const volatile sig_atomic_t *stop;
	bool silent;        /* an answer did not come in time */
	struct bytes frame; /* the last answer */
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct account *a = arg;

	(void)out;
	return account_serve(a->socket, a->directory, err);
}

static int start(struct account *a, const struct settings *settings, struct err *err)
{
	struct role owner;
	int ends[2], code = role_of_owner(settings->state_directory, &owner, err);

	if (code < 0)
		return code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "failed to make a socket");
	a->directory = settings->state_directory;
	a->ours = ends[0];
	a->socket = ends[1];
	code = role_start_keeping(&a->child, &owner, a->socket, work, a, err);
	io_close(&a->socket);
	return code;
}

static int send_frame(
    struct account *a, uint8_t kind, uint32_t part, const char *const *texts, struct err *err)
{
	struct bytes frame = {0};
	int code;

	bytes_put_u8(&frame, kind);
	bytes_put_u32(&frame, part);
	for (; *texts; texts++)
		bytes_put_text(&frame, *texts);
	code = frame.failed
		   ? -ENOMEM
		   : io_frame_write(a->ours, bytes_span(&frame), clock_steady() + ACCOUNT_PATIENCE);
	bytes_release(&frame);
	return code < 0 ? err_set(err, code, "failed to write the account (%s)", err_word(code))
			: 0;
}

static int send_line(
    struct account *a, uint8_t kind, uint32_t part, const char *line, struct err *err)
{
	return send_frame(a, kind, part, (const char *const[]){line, NULL}, err);
}

/* ---- answers */

/* 1: an answer stands in a->frame, read up to its words; 0: none so far. */
static int receive(struct account *a, int64_t deadline, struct reader *r, uint32_t *ret_part,
    int *ret_code, struct err *err)
{
	int got = io_frame_read(a->ours, &a->frame, ACCOUNT_FRAME_MAX, deadline);
	const char *words;

	if (got != 1)
		return err_set(err, got < 0 ? got : ERR_CHILD, "failed to write the account (%s)",
		    err_word(got < 0 ? got : ERR_CHILD));
	*r = reader_of(a->frame.at, a->frame.len);
	*ret_part = reader_u32(r);
	*ret_code = (int)reader_u32(r);
	words = reader_text(r);
	if (r->failed || *ret_code > 0)
		return err_set(err, ERR_CHILD, "the account's writer broke off");
	if (*ret_code < 0)
		err_set(err, *ret_code, "%s", words);
	return 1;
}

static bool is_readable(const struct account *a, int wait_ms)
{
	struct pollfd waiting = {a->ours, POLLIN, 0};

	return poll(&waiting, 1, wait_ms) == 1;
}

/* Whether a wait since then has lasted long enough: a writer that somebody stopped holds no ^C up.
 */
static bool is_over(const struct account *a, int64_t began)
{
	int64_t patience = a->stop && *a->stop ? HURRIED : ACCOUNT_PATIENCE;

	return clock_steady() > began + patience;
}

/* Waits for the answer to this part; others that come before it are of no use any more. */
static int await(
    struct account *a, uint32_t wanted, bool stoppable, struct reader *r, struct err *err)
{
	int64_t began = clock_steady();
	int answered = 0, code = 0;
	uint32_t part = wanted;

	while (answered == 0) {
		if (stoppable && a->stop && *a->stop)
			return err_set(err, ERR_STOPPED, "interrupted");
		if (is_over(a, began)) {
			a->silent = true;
			return err_set(err, ERR_TIMEOUT,
			    "the account in '%s' is locked, or its disk does not answer",
			    a->directory);
		}
		if (!is_readable(a, POLL_MS))
			continue;
		answered = receive(a, began + ACCOUNT_PATIENCE, r, &part, &code, err);
		if (answered == 1 && part != wanted)
			answered = 0;
	}
	return answered < 0 ? answered : code;
}

/* ---- begin */

static void put(struct json *o, const char *key, const char *text)
{
	json_put_text(o, key, text ? text : "");
}

/* All of the line but its first member, which has the number. */
static int make_members(const struct order *order, struct strbuf *ret)
{
	struct json *o = json_new();
	char uid[32];
	int code;

	snprintf(uid, sizeof(uid), "uid %u", (unsigned)order->uid);
	json_put_int(o, "time", clock_wall());
	json_put_int(o, "uid", order->uid);
	put(o, "user", order->user ? order->user : uid);
	put(o, "verb", order->verb);
	put(o, "command", order->command_line);
	put(o, "reason", order->reason);
	put(o, "selector", order->selector_text);
	put(o, "token", order->token);
	if (order->undo_count > 0)
		json_put_ints(o, "undoes", order->undo, order->undo_count);
	code = json_write(ret, o);
	while (ret->len > 0 && ret->text[ret->len - 1] == '\n')
		ret->text[--ret->len] = '\0';
	return code;
}

static int take_begun(
    struct account *a, struct reader *r, struct account_before *ret, struct err *err)
{
	int code;

	a->number = reader_u64(r);
	ret->adopted = reader_u8(r) != 0;
	ret->done = reader_u64(r);
	a->part = reader_u32(r);
	code = account_entries_parse(reader_text(r), &ret->doubt);
	if (code == -ENOMEM)
		return err_sys(err, ENOMEM, "failed to begin the account");
	if (code < 0 || !reader_done(r) || a->number == 0)
		return err_set(err, ERR_CHILD, "the account's writer broke off");
	return 0;
}

static int begin(
    struct account *a, const struct order *order, struct account_before *before, struct err *err)
{
	struct strbuf members = {0};
	const char *selector = order->selector_text ? order->selector_text : "";
	struct reader r;
	int code = make_members(order, &members);

	if (code < 0)
		err_sys(err, ENOMEM, "failed to begin the account");
	/* "{" stands in front of the first member. */
	if (code == 0)
		code = send_frame(a, FRAME_BEGIN, 0,
		    (const char *const[]){
			order->verb ? order->verb : "", selector, strbuf_text(&members) + 1, NULL},
		    err);
	strbuf_release(&members);
	if (code == 0)
		code = await(a, 0, true, &r, err);
	return code < 0 ? code : take_begun(a, &r, before, err);
}

int account_begin(const struct order *order, struct account **ret,
    struct account_before *ret_before, struct err *err)
{
	struct account *a = calloc(1, sizeof(*a));
	int code;

	*ret_before = (struct account_before){0};
	if (!a)
		return err_sys(err, ENOMEM, "failed to begin the account");
	a->ours = a->socket = -1;
	a->stop = order->stop;
	code = start(a, order->settings, err);
	if (code == 0)
		code = begin(a, order, ret_before, err);
	if (code == 0) {
		*ret = a;
		return 0;
	}
	account_close(a);
	account_entries_release(&ret_before->doubt);
	*ret_before = (struct account_before){0};
	return code;
}

void account_close(struct account *a)
{
	struct blob ignored = {0};
	/* One that could not begin waits for somebody's lock, perhaps for ever. */
	bool waits = a && a->number > 0 && !a->silent;
	int64_t deadline = waits ? clock_steady() + ACCOUNT_PATIENCE : 0;

	if (!a)
		return;
	io_close(&a->ours);
	if (a->child.pid > 0 && role_finish(&a->child, deadline, &ignored, NULL) == 0)
		blob_release(&ignored);
	bytes_release(&a->frame);
	free(a);
}

uint64_t account_number(const struct account *a)
{
	return a->number;
}

/* ---- chunks */

static int put_list(struct strbuf *line, const struct account_entry *list, size_t count)
{
	struct strbuf ids = {0};

	for (size_t n = 0; n < count; n++)
		account_entry_put(&ids, &list[n]);
	/* Queue IDs and numbers need no escapes. */
	strbuf_printf(line, ",\"ids\":\"%s\"}", strbuf_text(&ids));
	line->failed |= ids.failed;
	strbuf_release(&ids);
	return line->failed ? -ENOMEM : 0;
}

int account_chunk(struct account *a, const struct account_entry *list, size_t count,
    uint32_t *ret_part, struct err *err)
{
	struct strbuf line = {0};
	int code;

	strbuf_printf(&line, "{\"chunk\":%llu,\"part\":%u", (unsigned long long)a->number,
	    (unsigned)a->part + 1);
	code = put_list(&line, list, count);
	if (code < 0)
		err_sys(err, ENOMEM, "failed to write the account");
	else
		code = send_line(a, FRAME_CHUNK, a->part + 1, line.text, err);
	strbuf_release(&line);
	if (code == 0)
		*ret_part = ++a->part;
	return code;
}

int account_fd(const struct account *a)
{
	return a->ours;
}

int account_next(struct account *a, uint32_t *ret_part, int *ret_code, struct err *err)
{
	struct reader r;

	if (!is_readable(a, 0))
		return 0;
	return receive(a, clock_steady() + ACCOUNT_PATIENCE, &r, ret_part, ret_code, err);
}

void account_done(struct account *a, uint32_t part, const struct account_entry *list, size_t count)
{
	struct strbuf line = {0};
	int code = 0;

	strbuf_printf(
	    &line, "{\"done\":%llu,\"part\":%u", (unsigned long long)a->number, (unsigned)part);
	if (list)
		code = put_list(&line, list, count);
	else
		strbuf_putc(&line, '}');
	/* Where it is lost, the batch's end says how many. */
	if (code == 0 && !line.failed)
		(void)!send_line(a, FRAME_NOTE, part, line.text, NULL);
	strbuf_release(&line);
}

int account_end(struct account *a, const char *facts, const char *end, struct err *err)
{
	struct reader r;
	int code = facts ? send_line(a, FRAME_NOTE, 0, facts, err) : 0;

	if (code == 0)
		code = send_line(a, FRAME_END, PART_END, end, err);
	return code < 0 ? code : await(a, PART_END, false, &r, err);
}

/* ---- refusals */

int account_refusal(const struct settings *s, const struct refusal *refusal, struct err *err)
{
	const struct order order = {.settings = s,
	    .verb = refusal->verb,
	    .command_line = refusal->command,
	    .reason = refusal->why,
	    .user = refusal->user,
	    .uid = refusal->uid};
	struct account_before before;
	struct account *a = NULL;
	char end[160];
	int code = account_begin(&order, &a, &before, err);

	if (code < 0)
		return code;
	snprintf(end, sizeof(end),
	    "{\"end\":%llu,\"matched\":0,\"done\":0,\"gone\":0,\"changed\":0,\"failed\":0,"
	    "\"rules_set\":0,\"refused\":true}",
	    (unsigned long long)a->number);
	code = account_end(a, NULL, end, err);
	account_entries_release(&before.doubt);
	account_close(a);
	return code;
}

/* ---- the reserve */

static int prepare(void *arg, struct bytes *out, struct err *err)
{
	struct account_log log;
	int code = account_log_open(&log, arg, true, err);

	(void)out;
	if (code < 0)
		return code;
	account_log_reserve(&log);
	account_log_close(&log);
	return 0;
}

void account_prepare(const struct settings *settings)
{
	struct role_child child = {.pid = 0};
	struct role owner;
	struct blob ignored = {0};

	if (role_of_owner(settings->state_directory, &owner, NULL) == 0 &&
	    role_start(&child, &owner, prepare, settings->state_directory, NULL) == 0 &&
	    role_finish(&child, clock_steady() + ACCOUNT_PATIENCE, &ignored, NULL) == 0)
		blob_release(&ignored);
}
