/* SPDX-License-Identifier: ISC */
/* Messages written to files, in a child that is mail_owner. */
#include "order/save.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "order/inside.h"
#include "postfix/file/content.h"

#define PART_MAX   2000                /* messages between two looks at the stop flag */
#define WAIT_MS    20                  /* between looks at what is still arriving */
#define WAIT_TOTAL (2 * USEC_PER_SEC)  /* for all of it together */
#define NAME_SIZE  (QUEUE_ID_MAX + 64) /* of a file */

struct part {
	const struct order *order;
	const struct outcome *outcome;
	const size_t *at; /* positions of items */
	size_t count;
	int queue_dir; /* in the child */
	struct queue_layout layout;
	int64_t *arrival; /* likewise; of each, from its file */
};

/* ---- in the child */

static struct message message_of(const struct part *part, size_t n)
{
	return candidate_message(part->outcome->items[part->at[n]].candidate);
}

static void name_temporary(const struct queue_id *id, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, ".%s.part", id->text);
}

/* A file of an interrupted run may be in the way; it is nobody's. */
static int create(int directory, const char *name)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(directory, name, flags, 0600);

	if (fd < 0 && errno == EEXIST && unlinkat(directory, name, 0) == 0)
		fd = openat(directory, name, flags, 0600);
	return fd < 0 ? -errno : fd;
}

/* The content under its temporary name: 0, or why not; *ret_full where it is not the message's
 * fault.
 */
static int write_one(struct part *part, size_t n, bool *ret_full)
{
	const struct message m = message_of(part, n);
	int directory = part->order->save->directory;
	char name[NAME_SIZE];
	struct timespec times[2];
	int from, to, code;

	code = content_open(&part->layout, part->queue_dir, &m, &from, &part->arrival[n]);
	if (code < 0)
		return code;
	name_temporary(&m.queue_id, name);
	to = code = create(directory, name);
	if (code >= 0) {
		code = content_write(from, to);
		times[0] = times[1] = (struct timespec){
		    part->arrival[n] / USEC_PER_SEC, part->arrival[n] % USEC_PER_SEC * 1000};
		if (code == 0 && futimens(to, times) < 0)
			code = -errno;
		if (close(to) < 0 && code == 0)
			code = -errno;
		if (code < 0)
			unlinkat(directory, name, 0);
	}
	io_close(&from);
	*ret_full = code < 0 && code != ERR_SYNTAX;
	return code < 0 ? code : 0;
}

/* Whether a file of that name is this message, saved before: its time is the arrival. */
static bool is_saved(int directory, const char *name, int64_t arrival)
{
	struct stat st;

	return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_mtim.tv_sec == arrival / USEC_PER_SEC &&
	       st.st_mtim.tv_nsec == arrival % USEC_PER_SEC * 1000;
}

/* Queue IDs are used again: another message's file is not written over. */
static int name_one(const struct part *part, size_t n)
{
	const struct queue_id id = message_of(part, n).queue_id;
	int directory = part->order->save->directory;
	char temporary[NAME_SIZE], name[NAME_SIZE];
	int64_t arrival = part->arrival[n];

	name_temporary(&id, temporary);
	snprintf(name, sizeof(name), "%s.eml", id.text);
	if (faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !is_saved(directory, name, arrival))
		snprintf(name, sizeof(name), "%s-%lld.%06lld.eml", id.text,
		    (long long)(arrival / USEC_PER_SEC), (long long)(arrival % USEC_PER_SEC));
	return renameat(directory, temporary, directory, name) < 0 ? -errno : 0;
}

static void remove_temporaries(const struct part *part)
{
	char name[NAME_SIZE];

	for (size_t n = 0; n < part->count; n++) {
		const struct queue_id id = message_of(part, n).queue_id;

		name_temporary(&id, name);
		unlinkat(part->order->save->directory, name, 0);
	}
}

/* All contents, one sync, all names. codes gets what became of each; returns what stops it all. */
static int save_part(struct part *part, int *codes)
{
	int directory = part->order->save->directory, code = 0;

	for (size_t n = 0; n < part->count && code == 0; n++) {
		bool full = false;

		codes[n] = write_one(part, n, &full);
		if (full)
			code = codes[n];
	}
	if (code == 0 && syncfs(directory) < 0)
		code = -errno;
	for (size_t n = 0; n < part->count && code == 0; n++)
		if (codes[n] == 0)
			code = name_one(part, n);
	if (code == 0 && fsync(directory) < 0)
		code = -errno;
	if (code < 0)
		remove_temporaries(part);
	return code;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct part *part = arg;
	int *codes = calloc(part->count, sizeof(*codes));
	int code = -ENOMEM;

	part->arrival = calloc(part->count, sizeof(*part->arrival));
	part->queue_dir = queue_directory_open(part->order->postfix, err);
	if (!codes || !part->arrival) {
		err_sys(err, ENOMEM, "failed to save %zu messages", part->count);
		goto out;
	}
	if (part->queue_dir < 0) {
		code = part->queue_dir;
		goto out;
	}
	code = 0;
	queue_layout_read(&part->layout, part->queue_dir);
	bytes_put_i64(out, save_part(part, codes));
	for (size_t n = 0; n < part->count; n++)
		bytes_put_i64(out, codes[n]);
out:
	free(codes);
	free(part->arrival);
	return code;
}

/* ---- the command */

/* What is left to do. */
struct saving {
	const struct order *order;
	struct outcome *outcome;
	size_t *at;
	size_t count;   /* of at */
	size_t waiting; /* of these, at the front: still arriving */
	size_t saved, total;
};

static const char *words_of(int code)
{
	if (code == -EAGAIN)
		return "it is still being received";
	if (code == ERR_SYNTAX)
		return "its queue file is damaged";
	return err_word(code);
}

/* The message will not be deleted. */
static void fail_one(struct saving *s, size_t at, int code)
{
	struct item *item = &s->outcome->items[at];
	struct err words;

	if (code == -ENOENT) {
		item->result = RESULT_GONE;
	} else if (code == ERR_STALE) {
		item->result = RESULT_CHANGED;
	} else {
		err_set(&words, 0, "could not be saved (%s)", words_of(code));
		order_fail(s->outcome, item, words.text);
	}
}

/* Nothing more fits in: nothing at all is deleted. */
static void fail_all(struct saving *s, int code)
{
	struct err words;

	err_set(&words, 0, "could not be saved (%s)", err_word(code));
	for (size_t i = 0; i < s->outcome->count; i++)
		if (s->outcome->items[i].result == RESULT_READY)
			order_fail(s->outcome, &s->outcome->items[i], words.text);
	err_set(&words, 0, "failed to save to '%s' (%s); nothing was deleted", s->order->save->name,
	    err_word(code));
	order_trouble(s->outcome, &words);
}

/* Takes what the child says of its part. 0, or the code that stops it all. */
static int take_part(
    struct saving *s, const struct part *part, const struct blob *blob, size_t *waiting)
{
	struct reader r = reader_of(blob->at, blob->len);
	int stopped = (int)reader_i64(&r);

	for (size_t n = 0; n < part->count && stopped == 0; n++) {
		int code = (int)reader_i64(&r);

		if (r.failed)
			break;
		if (code == -EAGAIN)
			s->at[(*waiting)++] = part->at[n];
		else if (code < 0)
			fail_one(s, part->at[n], code);
		else
			s->saved++;
	}
	if (stopped == 0 && !reader_done(&r))
		stopped = ERR_CHILD;
	return stopped < 0 ? stopped : 0;
}

static int run_part(struct saving *s, size_t begin, size_t *waiting, struct err *err)
{
	size_t count = s->count - begin < PART_MAX ? s->count - begin : PART_MAX;
	struct part part = {.order = s->order,
	    .outcome = s->outcome,
	    .at = s->at + begin,
	    .count = count,
	    .queue_dir = -1};
	struct role_child child = {.stop = s->order->stop, .keep = s->order->save->directory};
	struct blob blob = {0};
	int code = role_start(&child, &s->order->postfix->owner, work, &part, err);

	if (code == 0)
		code = role_finish(&child, INT64_MAX, &blob, err);
	if (code < 0)
		return code;
	code = take_part(s, &part, &blob, waiting);
	blob_release(&blob);
	if (code < 0)
		fail_all(s, code);
	if (s->order->progress)
		s->order->progress(s->order->progress_arg, "saving", s->saved, s->total);
	return code < 0 ? 1 : 0;
}

/* One round over all that is left: 1 it is over, 0 go on with what is still arriving. */
static int run_round(struct saving *s, struct err *err)
{
	size_t waiting = 0;
	int code = 0;

	for (size_t n = 0; n < s->count && code == 0 && !order_stopped(s->order); n += PART_MAX)
		code = run_part(s, n, &waiting, err);
	s->count = waiting;
	return code;
}

int order_save(const struct order *order, struct outcome *outcome, struct err *err)
{
	struct saving s = {.order = order, .outcome = outcome};
	int64_t deadline = clock_steady() + WAIT_TOTAL;
	int code = 0;

	s.at = calloc(outcome->count + 1, sizeof(*s.at));
	if (!s.at)
		return err_sys(err, ENOMEM, "failed to save %zu messages", outcome->count);
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_READY)
			s.at[s.count++] = n;
	s.total = s.count;
	while (s.count > 0 && code == 0 && !order_stopped(order)) {
		code = run_round(&s, err);
		if (clock_steady() > deadline)
			break;
		if (s.count > 0 && code == 0)
			poll(NULL, 0, WAIT_MS);
	}
	for (size_t n = 0; n < s.count && code == 0; n++)
		fail_one(&s, s.at[n], -EAGAIN);
	free(s.at);
	return code < 0 ? code : 0;
}
