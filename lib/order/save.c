/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/io.h"
#include "order/order_private.h"
#include "postfix/file/content.h"

#define PART_MAX   2000                /* messages between two looks at the stop flag */
#define WAIT_MS    20                  /* between two looks at messages that are still arriving */
#define WAIT_TOTAL (2 * USEC_PER_SEC)  /* for all these looks together */
#define NAME_SIZE  (QUEUE_ID_MAX + 64) /* of a file name */

struct saving {
	const struct order *order;
	struct outcome *outcome;
	struct chosen left;
	size_t saved, total;
	const size_t *at; /* of a part; points into left */
	size_t count;
};

struct one {
	struct message message;
	int64_t arrival; /* of its file */
	int code;
	char temporary[NAME_SIZE];
};

/* Replaces a file of an interrupted run. */
static int create(int directory, const char *name)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(directory, name, flags, 0600);

	if (fd < 0 && errno == EEXIST && unlinkat(directory, name, 0) == 0)
		fd = openat(directory, name, flags, 0600);
	return fd < 0 ? -errno : fd;
}

static int write_content(const struct one *one, int directory, int from)
{
	const struct timespec time = {
	    one->arrival / USEC_PER_SEC, one->arrival % USEC_PER_SEC * 1000};
	int to = create(directory, one->temporary), code;

	if (to < 0)
		return to;
	code = content_write(from, to);
	if (code == 0 && futimens(to, (const struct timespec[]){time, time}) < 0)
		code = -errno;
	if (close(to) < 0 && code == 0)
		code = -errno;
	if (code < 0)
		unlinkat(directory, one->temporary, 0);
	return code;
}

/* Under its temporary name. Returns a code only if it ends everything. */
static int write_one(struct one *one, int directory, const struct queue *queue)
{
	int from;

	one->code = content_open(queue, &one->message, &from, &one->arrival);
	if (one->code < 0)
		return 0;
	one->code = write_content(one, directory, from);
	io_close(&from);
	return one->code == ERR_SYNTAX ? 0 : one->code;
}

/* Whether this message was saved before: the file's time is the arrival. */
static bool is_saved(int directory, const char *name, int64_t arrival)
{
	struct stat st;

	return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_mtim.tv_sec == arrival / USEC_PER_SEC &&
	       st.st_mtim.tv_nsec == arrival % USEC_PER_SEC * 1000;
}

/* Does not overwrite another message with the same queue ID. */
static int name_one(const struct one *one, int directory)
{
	const char *id = one->message.queue_id.text;
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s.eml", id);
	if (faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !is_saved(directory, name, one->arrival))
		snprintf(name, sizeof(name), "%s-%lld.%06lld.eml", id,
		    (long long)(one->arrival / USEC_PER_SEC),
		    (long long)(one->arrival % USEC_PER_SEC));
	return renameat(directory, one->temporary, directory, name) < 0 ? -errno : 0;
}

/* Writes all contents, syncs once, gives all names. Returns a code only if it ends everything. */
static int save_all(struct one *list, size_t count, int directory, const struct queue *queue)
{
	int code = 0;

	for (size_t n = 0; n < count && code == 0; n++)
		code = write_one(&list[n], directory, queue);
	if (code == 0 && syncfs(directory) < 0)
		code = -errno;
	for (size_t n = 0; n < count && code == 0; n++)
		if (list[n].code == 0)
			code = name_one(&list[n], directory);
	if (code == 0 && fsync(directory) < 0)
		code = -errno;
	for (size_t n = 0; n < count && code < 0; n++)
		unlinkat(directory, list[n].temporary, 0);
	return code;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct saving *s = arg;
	AUTO(queue_close) struct queue queue;
	int code = queue_open(s->order->postfix, &queue, err);

	if (code < 0)
		return code;
	struct one *list = calloc(s->count, sizeof(*list));
	if (!list)
		return err_sys(err, ENOMEM, "failed to save %zu messages", s->count);
	for (size_t n = 0; n < s->count; n++) {
		list[n].message = candidate_message(s->outcome->items[s->at[n]].candidate);
		snprintf(list[n].temporary, NAME_SIZE, ".%s.part", list[n].message.queue_id.text);
	}
	bytes_put_i64(out, save_all(list, s->count, s->order->save->directory, &queue));
	for (size_t n = 0; n < s->count; n++)
		bytes_put_i64(out, list[n].code);
	free(list);
	return 0;
}

static void fail_one(struct saving *s, size_t at, int code)
{
	struct item *item = &s->outcome->items[at];
	struct err words;

	err_set(&words, 0, "could not be saved (%s)",
	    code == -EAGAIN      ? "it is still being received"
	    : code == ERR_SYNTAX ? "its queue file is damaged"
				 : err_word(code));
	if (code == -ENOENT)
		item->result = RESULT_GONE;
	else if (code == ERR_STALE)
		item->result = RESULT_CHANGED;
	else
		order_fail(s->outcome, item, words.text);
}

/* So nothing is deleted. */
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

/* Returns 0, or a code that ends everything. */
static int take_part(struct saving *s, const struct blob *blob, size_t *waiting)
{
	struct reader r = reader_of(blob->at, blob->len);
	int stopped = (int)reader_i64(&r);

	for (size_t n = 0; n < s->count && stopped == 0; n++) {
		int code = (int)reader_i64(&r);

		if (r.failed)
			return ERR_CHILD;
		if (code == -EAGAIN)
			s->left.at[(*waiting)++] = s->at[n];
		else if (code < 0)
			fail_one(s, s->at[n], code);
		else
			s->saved++;
	}
	return stopped == 0 && reader_done(&r) ? 0 : stopped < 0 ? stopped : ERR_CHILD;
}

/* Returns 1 if nothing more is to be saved. */
static int run_part(struct saving *s, size_t *waiting, struct err *err)
{
	const struct order *order = s->order;
	struct role_child child = {.stop = order->stop, .keep = order->save->directory};
	AUTO(blob_release) struct blob blob = {0};
	int code = role_start(&child, &order->postfix->owner, work, s, err);

	code = code ?: role_finish(&child, INT64_MAX, &blob, err);
	if (code < 0)
		return code;
	code = take_part(s, &blob, waiting);
	if (code < 0)
		fail_all(s, code);
	order_show(order, "saving", s->saved, s->total);
	return code < 0 ? 1 : 0;
}

static int run_round(struct saving *s, struct err *err)
{
	size_t waiting = 0;
	int code = 0;

	for (size_t n = 0; n < s->left.count && code == 0 && !order_stopped(s->order);
	     n += s->count) {
		s->at = s->left.at + n;
		s->count = s->left.count - n < PART_MAX ? s->left.count - n : PART_MAX;
		code = run_part(s, &waiting, err);
	}
	s->left.count = waiting;
	return code;
}

int order_save(struct run *run, struct err *err)
{
	struct saving s = {.order = run->order, .outcome = run->outcome};
	int64_t deadline = clock_steady() + WAIT_TOTAL;
	int code = order_choose(s.outcome, IS_READY, NULL, &s.left, err);

	s.total = s.left.count;
	while (s.left.count > 0 && code == 0 && !order_stopped(s.order)) {
		code = run_round(&s, err);
		if (clock_steady() > deadline)
			break;
		if (s.left.count > 0 && code == 0)
			poll(NULL, 0, WAIT_MS);
	}
	for (size_t n = 0; n < s.left.count && code == 0; n++)
		fail_one(&s, s.left.at[n], -EAGAIN);
	chosen_release(&s.left);
	return code < 0 ? code : 0;
}
