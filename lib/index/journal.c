/* SPDX-License-Identifier: ISC */
/* The journal: a file of frames, appended to, replayed, begun anew. */
#include "index/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "index/data_file.h"
#include "index/rows/entry.h"

#define META_JOURNAL "journal"  /* number of the last record that the store has, u64 big-endian */
#define FRAME_HASHED 8          /* the checksum covers what follows it */
#define FRAME_HEAD   20         /* before the record */
#define END_SIZE     FRAME_HEAD /* zeros behind the run, so that no stranger's text follows it */

struct journal {
	char *directory;
	int fd; /* -1: nothing can be appended */
	/* The file's contents: up to run they are on disk, the rest waits for journal_commit. */
	struct bytes image;
	size_t run, count;
	uint64_t last;   /* number of the last record on disk, or given up */
	uint64_t staged; /* records that wait */
	int full;        /* sticky until the batch ends: it has no room */
	bool broken;     /* numbers were given up: nothing may follow the run */
};

/* ---- frames */

struct frame {
	uint64_t number;
	/* Empty: the store has everything up to this number, and nothing follows. */
	struct span record;
};

static void put_frame(struct bytes *image, uint64_t number, struct span record)
{
	size_t begin = image->len, hashed = begin + FRAME_HASHED;

	bytes_put_u64(image, 0);
	bytes_put_u64(image, number);
	bytes_put_blob(image, record.at, record.len);
	if (!image->failed)
		bytes_set_u64(image, begin, bytes_hash(image->at + hashed, image->len - hashed));
}

/* The next frame; after is the number of the one before it, 0 = any may come. */
static bool next_frame(struct reader *r, uint64_t after, struct frame *ret)
{
	uint64_t hash = reader_u64(r);
	const unsigned char *hashed = r->at;

	ret->number = reader_u64(r);
	ret->record = reader_blob(r);
	return !r->failed && ret->number > 0 && (after == 0 || ret->number == after + 1) &&
	       bytes_hash(hashed, (size_t)(r->at - hashed)) == hash;
}

static bool next_record(struct reader *r, uint64_t after, struct frame *ret)
{
	return next_frame(r, after, ret) && ret->record.len > 0;
}

/* ---- replaying */

static struct span meta_key(void)
{
	return (struct span){.at = META_JOURNAL, .len = strlen(META_JOURNAL)};
}

static uint64_t number_in(struct txn *txn)
{
	struct span stored;

	return txn_get(txn, STORE_META, meta_key(), &stored) == 1 ? entry_number(stored) : 0;
}

/* Adds what comes after the number `from`. A record that is none is left out, as readers do. */
static void replay(struct txn *txn, struct span image, uint64_t from)
{
	struct reader r = reader_of(image.at, image.len);
	struct record_head head;
	struct frame frame;

	for (uint64_t after = 0; next_record(&r, after, &frame); after = frame.number)
		if (frame.number > from && record_head(frame.record, &head) == 0)
			entry_add(txn, frame.record, NULL);
}

void journal_replay(struct journal *j, struct txn *txn)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	uint64_t from;

	if (!j)
		return;
	from = number_in(txn);
	if (from >= j->last) {
		j->last = from; /* the file was lost, the store was not */
		return;
	}
	replay(txn, (struct span){.at = j->image.at, .len = j->run}, from);
	txn_put(txn, STORE_META, meta_key(), entry_key(j->last, buf), false);
}

/* ---- reading the file */

/* A descriptor, or -errno. */
static int open_file(const char *directory, int flags)
{
	char *path = data_file_path(directory, JOURNAL_FILE);
	struct stat st;
	int fd, code;

	if (!path)
		return -ENOMEM;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	code = fd < 0 || fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	free(path);
	if (code == 0)
		return fd;
	io_close(&fd);
	return code;
}

/* directory's file; none is an empty one. */
static int read_file(void *directory, struct bytes *ret, struct err *err)
{
	unsigned char part[4096];
	int fd = open_file(directory, O_RDONLY);
	ssize_t got = fd < 0 ? fd : 1;

	if (fd == -ENOENT)
		return 0;
	while (got > 0 && ret->len < JOURNAL_BYTES && !ret->failed) {
		got = io_read_all(fd, part, sizeof part);
		if (got > 0)
			bytes_put(ret, part, (size_t)got);
	}
	io_close(&fd);
	if (got >= 0)
		return 0;
	return err_sys(
	    err, (int)-got, "failed to read '%s/%s'", (const char *)directory, JOURNAL_FILE);
}

/* ---- for readers */

static int lay_over(void *arg, struct span image, struct txn *txn)
{
	(void)arg;
	replay(txn, image, number_in(txn));
	return 0;
}

struct overlay_source journal_overlay(const char *directory)
{
	return (struct overlay_source){
	    .read = read_file, .fill = lay_over, .arg = (void *)(uintptr_t)directory};
}

/* ---- the writer's */

/* Takes over the run that is in the file. */
static int load(struct journal *j, struct err *err)
{
	struct bytes image = {0};
	int code = read_file(j->directory, &image, err);
	struct reader r = reader_of(image.at, image.len);
	struct frame frame;

	for (; code == 0 && next_frame(&r, j->last, &frame); j->count++) {
		j->last = frame.number;
		if (frame.record.len == 0)
			break;
		put_frame(&j->image, frame.number, frame.record);
	}
	j->run = j->image.len;
	if (code == 0 && (image.failed || j->image.failed))
		code = err_sys(err, ENOMEM, "failed to take over the journal of the index");
	bytes_release(&image);
	return code;
}

/* Writes all of it; 0 or -errno. */
static int write_at(int fd, const unsigned char *at, size_t len, size_t offset)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

/*
 * Zeros up to JOURNAL_BYTES, behind what is there: written, for blocks that are only allocated cost
 * a commit of the file system's own when they are first used. All or, on a full disk, none.
 */
static int fill(int fd)
{
	static const unsigned char zeros[JOURNAL_BYTES];
	struct stat st;
	int code;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size >= (off_t)JOURNAL_BYTES)
		return 0;
	code = write_at(fd, zeros, sizeof zeros - (size_t)st.st_size, (size_t)st.st_size);
	if (code == 0 && fsync(fd) != 0)
		code = -errno;
	if (code != 0)
		(void)!ftruncate(fd, st.st_size);
	return code;
}

static void sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
	io_close(&fd);
}

static void open_for_appending(struct journal *j)
{
	int fd = open_file(j->directory, O_RDWR | O_CREAT);

	if (fd >= 0 && fill(fd) != 0)
		io_close(&fd);
	if (fd >= 0)
		sync_directory(j->directory);
	j->fd = fd >= 0 ? fd : -1;
}

int journal_open(const char *directory, bool appending, struct journal **ret, struct err *err)
{
	struct journal *j = calloc(1, sizeof *j);
	int code;

	if (j)
		*j = (struct journal){.fd = -1, .directory = strdup(directory)};
	if (!j || !j->directory) {
		journal_close(j);
		return err_sys(err, ENOMEM, "failed to open the journal of the index");
	}
	code = load(j, err);
	if (code != 0) {
		journal_close(j);
		return code;
	}
	if (appending)
		open_for_appending(j);
	*ret = j;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	io_close(&j->fd);
	bytes_release(&j->image);
	free(j->directory);
	free(j);
}

void journal_stage(struct journal *j, struct span record)
{
	if (!j || j->full)
		return;
	if (j->fd < 0 || j->broken || record.len > JOURNAL_BYTES ||
	    j->image.len + FRAME_HEAD + record.len + END_SIZE > JOURNAL_BYTES) {
		j->full = ERR_FULL;
		return;
	}
	put_frame(&j->image, j->last + ++j->staged, record);
	if (j->image.failed)
		j->full = -ENOMEM;
}

/* What the image has behind the run, and its end. */
static int write_image(struct journal *j)
{
	static const unsigned char end[END_SIZE];

	bytes_put(&j->image, end, sizeof end);
	if (j->image.failed)
		return -ENOMEM;
	int code = write_at(j->fd, j->image.at + j->run, j->image.len - j->run, j->run);
	j->image.len -= sizeof end;
	return code;
}

/* Whether readers find what is written to the file: not where it is another by now, and not behind
 * the hole in one that was cut short. 0 or ERR_STALE. */
static int check_file(const struct journal *j)
{
	struct stat st;

	if (fstat(j->fd, &st) != 0 || st.st_size < (off_t)JOURNAL_BYTES)
		return ERR_STALE;
	return data_file_check(j->fd, j->directory, JOURNAL_FILE);
}

/* The batch on disk, in the file that readers find. */
static int write_batch(struct journal *j)
{
	int code = write_image(j);

	if (code == 0 && fdatasync(j->fd) != 0)
		code = -errno;
	return code != 0 ? code : check_file(j);
}

int journal_commit(struct journal *j)
{
	int code = j ? j->full : ERR_FULL;

	if (!j)
		return code;
	if (code == 0 && j->staged > 0) {
		code = write_batch(j);
		/* What failed may lie in the file all the same: its numbers are not used again. */
		j->last += j->staged;
		j->broken = code != 0;
	}
	if (code == 0) {
		j->run = j->image.len;
		j->count += j->staged;
	}
	j->image.len = j->run;
	j->image.failed = false;
	j->staged = 0;
	j->full = 0;
	return code;
}

size_t journal_count(const struct journal *j)
{
	return j ? j->count : 0;
}

void journal_rewind(struct journal *j)
{
	if (!j)
		return;
	bytes_clear(&j->image);
	j->run = 0;
	/* Where this does not get to the disk, META "journal" says the same. */
	if (j->fd >= 0 && (j->count > 0 || j->broken)) {
		put_frame(&j->image, j->last, (struct span){.at = "", .len = 0});
		(void)!write_image(j);
		bytes_clear(&j->image);
	}
	j->count = 0;
	j->broken = false;
}

void journal_tend(struct journal *j)
{
	if (!j || j->count > 0)
		return;
	if (j->fd >= 0 && check_file(j) == 0)
		return;
	io_close(&j->fd);
	open_for_appending(j);
}
