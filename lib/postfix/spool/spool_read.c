/* SPDX-License-Identifier: ISC */
/* A child hands over a struct report, the output of take, and a packed list of unreadable files. */
#include "postfix/spool/spool_read.h"

#include "base/clock.h"
#include "base/io.h"

#define CHILDREN    2
#define CHUNK       4000 /* files of one child, at most */
#define CHUNK_LEAST 500  /* a second child does not pay for fewer files */
#define TEXT_MAX    256

struct report {
	uint64_t done; /* files, counted from begin */
	uint64_t read, arriving, maildrop, unreadable;
	uint64_t output, named; /* bytes of take's output; names of unreadable files */
};

struct share {
	const struct postfix *p;
	const struct spool_reading *reading;
	size_t begin, end;
	struct role_child child;
	int64_t deadline;
	bool at_work;
};

struct worker {
	const struct share *share;
	struct queue queue;
	unsigned hint;
	struct queue_host host;
	struct queue_message message;
	struct report report;
	struct strbuf unreadable;
	uint32_t missing[CHUNK]; /* positions, from begin on, of names that were not found */
	size_t missing_count;
};

static void pass_over(struct worker *w, const struct queue_id *id, int code)
{
	const struct queue_spot *spot = &w->queue.spots[w->hint];
	char path[QUEUE_PATH_MAX], text[TEXT_MAX];

	if (w->share->reading->unreadable + w->report.unreadable++ >= SPOOL_READ_NAMED)
		return;
	queue_path(queue_word(spot->queue), spot->depth, id, path);
	snprintf(text, sizeof(text), "%s: %s", path, err_word(code));
	strlist_push(&w->unreadable, text, strlen(text));
	w->report.named++;
}

/* ERR_STALE if the file is not to be read. */
static int read_open(struct worker *w, int fd, const struct queue_id *id)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return ERR_STALE;
	if (queue_is_stuck(&st, (enum queue_name)w->queue.spots[w->hint].queue))
		return ERR_MODE;
	if (!queue_is_complete(&st)) {
		w->report.arriving++;
		return ERR_STALE;
	}
	if (w->queue.spots[w->hint].queue == QUEUE_MAILDROP) {
		w->report.maildrop++;
		return ERR_STALE;
	}
	return queue_message_read(fd, id, &w->host, w->share->reading->max_recipients, &w->message);
}

/* -ENOENT: the name is nowhere. In maildrop a file may be readable only by its submitter. */
static int read_one(struct worker *w, size_t n, struct bytes *out)
{
	const struct spool_reading *r = w->share->reading;
	const struct queue_id *id = r->get(r->arg, n);
	int fd = queue_open_file(&w->queue, id, &w->hint);
	int code = fd;

	if (fd == -ENOENT)
		return fd;
	if (fd >= 0)
		code = read_open(w, fd, id);
	io_close(&fd);
	if (code == -EACCES && w->queue.spots[w->hint].queue == QUEUE_MAILDROP)
		w->report.maildrop++;
	else if (code == 0)
		r->take(r->arg, n, &w->message, out);
	else if (code != ERR_STALE && code != -ENOMEM)
		pass_over(w, id, code);
	w->report.read += code == 0;
	return code == -ENOMEM || out->failed ? -ENOMEM : 0;
}

/* A name that was not found may lie at a new depth. */
static int read_missing(struct worker *w, struct bytes *out)
{
	struct queue before = w->queue;
	int code = 0;

	queue_look(&w->queue);
	if (memcmp(before.spots, w->queue.spots, sizeof(before.spots)) == 0)
		return 0;
	for (size_t n = 0; n < w->missing_count && code != -ENOMEM; n++)
		code = read_one(w, w->share->begin + w->missing[n], out);
	return code == -ENOMEM ? code : 0;
}

static int read_all(struct worker *w, struct bytes *out)
{
	size_t begin = w->share->begin, count = w->share->end - begin;

	for (size_t n = 0; n < count && out->len < SPOOL_READ_PART; n++) {
		int code = read_one(w, begin + n, out);

		if (code == -ENOENT)
			w->missing[w->missing_count++] = (uint32_t)n;
		else if (code < 0)
			return code;
		w->report.done++;
	}
	return w->missing_count > 0 ? read_missing(w, out) : 0;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct worker w = {.share = arg};

	w.host = (struct queue_host){
	    .hostname = w.share->p->myhostname,
	    .service_names = strlist_of(&w.share->p->service_names),
	    .mail_owner = w.share->p->owner.uid,
	    .networks = w.share->reading->networks,
	    .network_count = w.share->reading->network_count,
	};
	w.message.mailboxes.selector = w.share->reading->selector;
	int code = queue_open(w.share->p, &w.queue, err);
	if (code < 0)
		return code;
	bytes_put(out, &w.report, sizeof(w.report));
	code = read_all(&w, out);
	w.report.output = out->len - sizeof(w.report);
	bytes_put(out, strbuf_text(&w.unreadable), w.unreadable.len);
	if (code == 0 && !out->failed)
		memcpy(out->at, &w.report, sizeof(w.report));
	queue_message_release(&w.message);
	strbuf_release(&w.unreadable);
	queue_close(&w.queue);
	return code < 0 ? err_sys(err, ENOMEM, "failed to read queue files") : 0;
}

static bool take_report(struct share *share, struct spool_reading *r, const struct report *report)
{
	size_t asked = share->end - share->begin;

	if (report->done == 0 || report->done > asked || report->read > asked ||
	    report->arriving > asked || report->maildrop > asked || report->unreadable > asked)
		return false;
	share->begin += report->done;
	r->read += report->read;
	r->arriving += report->arriving;
	r->maildrop += report->maildrop;
	r->unreadable += report->unreadable;
	return true;
}

static int take_parts(
    struct share *share, struct spool_reading *r, const struct blob *blob, struct err *err)
{
	struct reader in = reader_of(blob->at, blob->len);
	const struct report *report = reader_take(&in, sizeof(*report));
	struct strlist names;

	if (!report || report->named > SPOOL_READ_NAMED)
		return err_set(err, ERR_CHILD, "the reader of queue files ended early");
	struct span part = {reader_take(&in, report->output), report->output};
	if (in.failed || !take_report(share, r, report) ||
	    strlist_view(
		(const char *)in.at, (size_t)(in.end - in.at), (uint32_t)report->named, &names) < 0)
		return err_set(err, ERR_CHILD, "the reader of queue files ended early");
	strlist_each (name, &names)
		if (strlist_of(&r->unreadable_names).count < SPOOL_READ_NAMED)
			strlist_push(&r->unreadable_names, name, strlen(name));
	return part.len > 0 ? r->give(r->arg, part, err) : 0;
}

static int take_over(struct share *share, struct spool_reading *r, struct err *err)
{
	AUTO(blob_release) struct blob blob = {0};
	int code = role_finish(&share->child, share->deadline, &blob, err);

	share->at_work = false;
	return code ?: take_parts(share, r, &blob, err);
}

static size_t left_of(const struct share *share)
{
	return share->end - share->begin;
}

/* Starts a child on the rest of the share, or on a new share that begins at *next. */
static int go_on(struct share *share, size_t *next, struct err *err)
{
	size_t left = share->reading->count - *next, chunk = (left + 1) / CHILDREN;

	if (left_of(share) == 0) {
		chunk = chunk < CHUNK_LEAST ? CHUNK_LEAST : chunk > CHUNK ? CHUNK : chunk;
		share->begin = *next;
		*next += chunk < left ? chunk : left;
		share->end = *next;
	}
	if (left_of(share) == 0)
		return 0;
	share->deadline = clock_steady() + queue_patience(left_of(share));
	share->child = (struct role_child){.stop = share->p->stop};
	int code = role_start(&share->child, &share->p->owner, work, share, err);
	share->at_work = code == 0;
	return code;
}

int spool_read(const struct postfix *p, struct spool_reading *r, struct err *err)
{
	struct share shares[CHILDREN] = {{.p = p, .reading = r}, {.p = p, .reading = r}};
	struct blob unused = {0};
	size_t next = 0;
	int code = 0;

	for (unsigned n = 0; n < CHILDREN && code == 0; n++)
		code = go_on(&shares[n], &next, err);
	for (unsigned n = 0; code == 0 && (shares[0].at_work || shares[1].at_work); n++) {
		struct share *share = &shares[n % CHILDREN];

		if (!share->at_work)
			continue;
		code = take_over(share, r, err);
		if (code == 0 && r->progress)
			r->progress(r->arg, next - left_of(&shares[0]) - left_of(&shares[1]));
		code = code ?: go_on(share, &next, err);
	}
	for (unsigned n = 0; n < CHILDREN; n++)
		if (shares[n].at_work && role_finish(&shares[n].child, 0, &unused, NULL) == 0)
			blob_release(&unused);
	return code;
}

void spool_reading_release(struct spool_reading *r)
{
	strbuf_release(&r->unreadable_names);
}
