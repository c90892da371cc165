/* SPDX-License-Identifier: ISC */
/* Reading many queue files as messages. A child hands over u64 unreadable, then what take put out.
 */
#include "postfix/spool/spool_read.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define SPLIT_COUNT 2000 /* from here on a second child pays */
#define LOOKS       3    /* passes over the queues before a file counts as gone */

/* What a child does. */
struct share {
	const struct postfix *p;
	const struct queue_id *ids;
	size_t begin, end, max_recipients;
	spool_read_take *take;
	void *arg;
	struct role_child child;
};

static int open_in(
    const struct postfix *p, int queue_dir, enum queue_name queue, const struct queue_id *id)
{
	char path[QUEUE_PATH_MAX];

	queue_path(p, queue, id, path);
	return queue_open(queue_dir, path);
}

/* The file of that name, tried in *hint first, then in flow order; -ENOENT. */
static int open_id(
    const struct postfix *p, int queue_dir, const struct queue_id *id, enum queue_name *hint)
{
	int fd = open_in(p, queue_dir, *hint, id);

	for (unsigned n = 0; n < LOOKS * QUEUE_COUNT && (fd == -ENOENT || fd == -ENOTDIR); n++) {
		enum queue_name queue = queue_at(n % QUEUE_COUNT);

		fd = open_in(p, queue_dir, queue, id);
		if (fd >= 0)
			*hint = queue;
	}
	return fd == -ENOTDIR ? -ENOENT : fd;
}

/* Only what Postfix has finished writing, as postsuper(1) sees it. */
static bool is_complete(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && queue_is_complete(&st);
}

static int read_share(void *arg, struct bytes *out, struct err *err)
{
	const struct share *share = arg;
	struct queue_message m = {.user = -1};
	enum queue_name hint = QUEUE_DEFERRED;
	uint64_t unreadable = 0;
	int code = 0;
	int queue_dir = queue_directory_open(share->p, err);

	if (queue_dir < 0)
		return queue_dir;
	bytes_put_u64(out, 0);
	for (size_t n = share->begin; n < share->end && code != -ENOMEM; n++) {
		int fd = open_id(share->p, queue_dir, &share->ids[n], &hint);

		code = fd;
		if (fd >= 0 && is_complete(fd))
			code = queue_message_read(fd, &share->ids[n], share->max_recipients, &m);
		else if (fd >= 0)
			code = -ENOENT;
		io_close(&fd);
		if (code == 0)
			share->take(share->arg, n, &m, out);
		else
			unreadable += code != -ENOENT;
	}
	bytes_set_u64(out, 0, unreadable);
	queue_message_release(&m);
	io_close(&queue_dir);
	if (code == -ENOMEM || out->failed)
		return err_sys(err, ENOMEM, "failed to read queue files");
	return 0;
}

static int take_over(struct share *share, struct spool_reading *ret, struct err *err)
{
	struct blob *blob = &ret->blobs[ret->used];
	int code = role_finish(&share->child, INT64_MAX, blob, err);
	struct reader r;

	if (code != 0)
		return code;
	r = reader_of(blob->at, blob->len);
	ret->unreadable += reader_u64(&r);
	if (r.failed)
		code = err_set(err, ERR_CHILD, "the reader of queue files broke off");
	ret->parts[ret->used++] =
	    (struct span){.at = r.at, .len = r.failed ? 0 : (size_t)(r.end - r.at)};
	return code;
}

int spool_read(const struct postfix *p, const struct queue_id *ids, size_t count,
    size_t max_recipients, spool_read_take *take, void *arg, struct spool_reading *ret,
    struct err *err)
{
	struct share shares[SPOOL_READ_PARTS];
	unsigned used = count > SPLIT_COUNT ? SPOOL_READ_PARTS : 1, started = 0;
	int code = 0;

	*ret = (struct spool_reading){0};
	if (count == 0)
		return 0;
	for (unsigned n = 0; n < used && code == 0; n++) {
		shares[n] = (struct share){.p = p,
		    .ids = ids,
		    .begin = count * n / used,
		    .end = count * (n + 1) / used,
		    .max_recipients = max_recipients,
		    .take = take,
		    .arg = arg};
		code = role_start(&shares[n].child, &p->owner, read_share, &shares[n], err);
		started += code == 0;
	}
	for (unsigned n = 0; n < started; n++) {
		int one = take_over(&shares[n], ret, code == 0 ? err : NULL);

		code = code == 0 ? one : code;
	}
	if (code != 0)
		spool_reading_release(ret);
	return code;
}

void spool_reading_release(struct spool_reading *r)
{
	for (unsigned n = 0; n < SPOOL_READ_PARTS; n++)
		blob_release(&r->blobs[n]);
	*r = (struct spool_reading){0};
}
