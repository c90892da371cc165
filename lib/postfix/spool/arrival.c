/* SPDX-License-Identifier: ISC */
/* Arrival times out of queue files. */
#include "postfix/spool/arrival.h"

#include <errno.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/file/queue_file.h"
#include "postfix/spool/queue.h"

struct reading {
	const struct postfix *p;
	const struct queue_id *ids;
	size_t count;
	int64_t deadline;
};

static int open_queued(const struct postfix *p, int queue_dir, const struct queue_id *id)
{
	char path[QUEUE_PATH_MAX];
	int fd = -1;

	for (unsigned n = 0; n < QUEUE_COUNT && fd < 0; n++) {
		queue_path(p, queue_at(n), id, path);
		fd = queue_open(queue_dir, path);
	}
	return fd;
}

/* Whether a client brought it under this queue ID: mail that Postfix gave another one keeps its
 * client, and the first ID. */
static bool is_from_client(const struct identity *found, const struct queue_id *id)
{
	bool renamed = found->log_ident[0] && strcmp(found->log_ident, id->text) != 0 &&
		       net_equal(&found->client, &found->log_client);

	return found->client.family != 0 && !renamed;
}

static struct arrival read_one(const struct postfix *p, int queue_dir, const struct queue_id *id)
{
	struct arrival arrival = {.time = -1};
	int fd = open_queued(p, queue_dir, id);
	struct identity identity;

	if (fd >= 0 && queue_file_identity(fd, &identity) == 0) {
		arrival.time = identity.arrival_time;
		arrival.null_sender = identity.has_sender && identity.sender[0] == '\0';
		arrival.from_client = is_from_client(&identity, id);
	}
	io_close(&fd);
	return arrival;
}

static int read_in_child(void *arg, struct bytes *out, struct err *err)
{
	const struct reading *r = arg;
	int queue_dir = queue_directory_open(r->p, err);

	if (queue_dir < 0)
		return queue_dir;
	for (size_t n = 0; n < r->count; n++) {
		struct arrival arrival = {.time = -1};

		if (clock_steady() < r->deadline)
			arrival = read_one(r->p, queue_dir, &r->ids[n]);
		bytes_put_i64(out, arrival.time);
		bytes_put_u8(out, arrival.null_sender);
		bytes_put_u8(out, arrival.from_client);
	}
	io_close(&queue_dir);
	return 0;
}

int arrival_read(const struct postfix *p, const struct queue_id *ids, size_t count,
    int64_t deadline, struct arrival **ret, struct err *err)
{
	struct reading reading = {.p = p, .ids = ids, .count = count, .deadline = deadline};
	struct arrival *arrivals = calloc(count ? count : 1, sizeof(*arrivals));
	struct blob blob = {0};
	struct reader r;
	int code;

	if (!arrivals)
		return err_sys(err, ENOMEM, "failed to look at %zu messages", count);
	code = role_collect(&p->owner, read_in_child, &reading, &blob, err);
	r = reader_of(blob.at, blob.len);
	for (size_t n = 0; code == 0 && n < count; n++) {
		arrivals[n].time = reader_i64(&r);
		arrivals[n].null_sender = reader_u8(&r) != 0;
		arrivals[n].from_client = reader_u8(&r) != 0;
	}
	if (code == 0 && !reader_done(&r))
		code = err_set(err, ERR_CHILD, "the reader of queue files broke off");
	blob_release(&blob);
	if (code < 0)
		free(arrivals);
	else
		*ret = arrivals;
	return code;
}
