/* SPDX-License-Identifier: ISC */
/* The child hands over a struct report, the packed IDs to read (with KNOWN or not), the positions
 * of IDs not found, and the packed list of unreadable directories. */
#include "postfix/spool/walk.h"

#include <dirent.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "postfix/spool/names.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define BUFFER          (64u << 10)
#define BATCH           64 /* looked up together, to hide cache misses */
#define TEXT_MAX        256
#define WALK_TIME       (600 * USEC_PER_SEC) /* somebody may have stopped the child with a signal */
#define ROUNDS          2
#define KNOWN           PACKED_ID_FLAG_A
#define GRAIN           USEC_PER_SEC /* the coarsest resolution of file times */

struct task {
	const struct postfix *p;
	const struct packed_id *known;
	size_t known_count;
	bool reread;
};

struct report {
	uint64_t device, inode, names, known_there;
	uint64_t to_read, nameless, unreadable;
};

struct visit {
	uint64_t device, inode;
	struct timespec changed;
	bool settled; /* changed so long ago that a later change has another time */
	uint32_t levels;
};

struct walker {
	bool reread;
	unsigned round;
	struct {
		struct visit *list;
		size_t count, cap;
	} visits;
	size_t next_visit;
	struct names names;
	struct report report;
	struct strbuf unreadable;
	struct queue queue;
	unsigned at; /* the number of the queue */
	struct {
		struct packed_id id;
		uint64_t inode;
	} batch[BATCH]; /* names not looked up yet */
	size_t batched;
	uint64_t buffer[BUFFER / sizeof(uint64_t)];
};

static void pass_over(struct walker *w, const char *path, const char *words)
{
	char text[TEXT_MAX];

	if (w->round > 0 || w->report.unreadable++ >= WALK_NAMED)
		return;
	snprintf(text, sizeof(text), "%s: %s", path, words);
	strlist_push(&w->unreadable, text, strlen(text));
}

/* A message that moves may be seen twice; only the first time counts. */
static int take_name(struct walker *w, const struct packed_id *id, uint64_t inode)
{
	struct names *names = &w->names;
	size_t at = 0;
	int code = names_find(names, id, &at);

	if (code < 0 || names->marks[at] & NAMES_QUEUE)
		return code;
	names->marks[at] = (uint8_t)queue_at(w->at);
	const struct packed_id *key = &names->keys[at];
	if (at >= names->known || w->reread || !(key->time & WALK_READ) ||
	    (!(key->time & WALK_MOVED) && key->inode != inode)) {
		names->marks[at] |= NAMES_READ;
		w->report.to_read++;
	}
	w->report.known_there += at < names->known;
	w->report.names++;
	return 0;
}

static int take_batch(struct walker *w)
{
	int code = 0;

	for (size_t n = 0; n < w->batched; n++)
		names_prefetch_key(&w->names, &w->batch[n].id);
	for (size_t n = 0; code == 0 && n < w->batched; n++)
		code = take_name(w, &w->batch[n].id, w->batch[n].inode);
	w->batched = 0;
	return code;
}

/* The level of hashing as a bit; 0 if no such directory has this name. */
static uint32_t level_of(char name)
{
	const char *at = name ? strchr(QUEUE_LEVELS, name) : NULL;

	return at ? UINT32_C(1) << (at - QUEUE_LEVELS) : 0;
}

/* Whether Postfix and postsuper look for that name in the directory `path`. */
static bool is_in_place(const char *path, const char *name)
{
	const char *levels = strchr(path, '/');
	char right[QUEUE_PATH_MAX];
	struct queue_id id;

	if (!levels || queue_id_parse(name, strlen(name), &id) < 0)
		return true;
	queue_path("", (unsigned)strlen(levels) / 2, &id, right);
	return strncmp(right, levels, strlen(levels)) == 0;
}

static void misplaced(struct walker *w, const char *path, const char *name)
{
	char at[TEXT_MAX / 2];

	snprintf(at, sizeof(at), "%.48s/%.64s", path, name);
	pass_over(w, at, "in the wrong directory");
}

static int take_entry(
    struct walker *w, const struct dirent64 *entry, const char *path, uint32_t *levels)
{
	struct packed_id *id = &w->batch[w->batched].id;

	if (entry->d_name[1] == '\0')
		*levels |= level_of(entry->d_name[0]);
	if ((entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) ||
	    queue_id_pack_text(entry->d_name, strlen(entry->d_name), id) < 0)
		return 0;
	if (!is_in_place(path, entry->d_name)) {
		misplaced(w, path, entry->d_name);
		return 0;
	}
	w->batch[w->batched].inode = entry->d_ino;
	names_prefetch(&w->names, id);
	return ++w->batched == BATCH ? take_batch(w) : 0;
}

/* Notes an unreadable directory and returns 0. Returns a code only if we cannot go on. */
static int read_directory(struct walker *w, int fd, const char *path, uint32_t *levels)
{
	char *buffer = (char *)w->buffer;
	ssize_t len;
	int code = 0;

	while (code == 0 && (len = getdents64(fd, buffer, BUFFER)) != 0) {
		if (len < 0 && errno == ENOENT)
			break; /* the directory was removed */
		if (len < 0) {
			pass_over(w, path, err_word(-errno));
			break;
		}
		for (ssize_t at = 0; code == 0 && at < len;) {
			const struct dirent64 *entry = (const void *)(buffer + at);

			code = take_entry(w, entry, path, levels);
			at += entry->d_reclen;
		}
	}
	return code == 0 ? take_batch(w) : code;
}

/* Usually each round comes to the same directories in the same order. */
static struct visit *find_visit(struct walker *w, const struct visit *now)
{
	for (size_t n = 0; n < w->visits.count; n++) {
		size_t at = (w->next_visit + n) % w->visits.count;
		struct visit *had = &w->visits.list[at];

		if (had->inode != now->inode || had->device != now->device)
			continue;
		w->next_visit = at + 1;
		return had;
	}
	return NULL;
}

static struct visit visit_of(const struct stat *st)
{
	int64_t changed = st->st_mtim.tv_sec * USEC_PER_SEC + st->st_mtim.tv_nsec / 1000;

	return (struct visit){.device = st->st_dev,
	    .inode = st->st_ino,
	    .changed = st->st_mtim,
	    .settled = clock_wall() - changed > GRAIN};
}

/* A message that moves back in the flow while we walk, as from deferred to active, may move from
 * where we have not been to where we have. That changes both directories, so we read again those
 * that changed since we read them. */
static int visit_directory(struct walker *w, int fd, const char *path, uint32_t *levels)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	struct visit now = visit_of(&st), *had = w->round > 0 ? find_visit(w, &now) : NULL;
	if (had && had->settled && had->changed.tv_sec == now.changed.tv_sec &&
	    had->changed.tv_nsec == now.changed.tv_nsec) {
		*levels = had->levels;
		return 0;
	}
	int code = read_directory(w, fd, path, levels);
	now.levels = *levels;
	if (code == 0 && w->round == 0)
		code = array_add(&w->visits, now);
	return code;
}

/* A level that vanished or is not a directory counts as empty. A queue may be a link, because only
 * root could put one there. */
static int walk_directory(
    struct walker *w, int parent, char path[QUEUE_PATH_MAX], size_t from, unsigned depth)
{
	int fd = openat(parent, path + from, DIRECTORY_FLAGS | (depth > 0 ? O_NOFOLLOW : 0));
	size_t len = strlen(path);
	uint32_t levels = 0;
	int code = 0;

	if (fd < 0) {
		if (depth == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ELOOP))
			pass_over(w, path, err_word(-errno));
		return 0;
	}
	if (faccessat(fd, ".", X_OK, 0) == 0)
		code = visit_directory(w, fd, path, &levels);
	else
		pass_over(w, path, err_word(-errno)); /* names alone are useless */
	for (unsigned n = 0; code == 0 && depth < HASH_DEPTH_MAX && levels >> n; n++) {
		if (!(levels >> n & 1))
			continue;
		path[len] = '/';
		path[len + 1] = QUEUE_LEVELS[n];
		path[len + 2] = '\0';
		code = walk_directory(w, fd, path, len + 1, depth + 1);
	}
	path[len] = '\0';
	io_close(&fd);
	return code;
}

static int walk_queues(struct walker *w)
{
	int code = 0;

	for (w->at = 0; w->at < QUEUE_COUNT && code == 0; w->at++) {
		char path[QUEUE_PATH_MAX];

		snprintf(path, sizeof(path), "%s", queue_word(queue_at(w->at)));
		code = walk_directory(w, w->queue.dir, path, 0, 0);
	}
	return code;
}

static void put_to_read(const struct walker *w, struct bytes *out)
{
	const struct names *names = &w->names;

	for (unsigned n = 0; n < QUEUE_COUNT && w->report.to_read > 0; n++)
		for (size_t at = 0; at < names->count; at++) {
			struct packed_id id = names->keys[at];

			if (names->marks[at] != (NAMES_READ | queue_at(n)))
				continue;
			id.time = (id.time & ~PACKED_ID_FLAGS) | (at < names->known ? KNOWN : 0);
			bytes_put(out, &id, sizeof(id));
		}
}

static void put_nameless(struct walker *w, struct bytes *out)
{
	for (size_t at = 0; at < w->names.known; at++)
		if (!(w->names.marks[at] & (NAMES_QUEUE | NAMES_DOUBLE))) {
			bytes_put(out, &(uint32_t){(uint32_t)at}, sizeof(uint32_t));
			w->report.nameless++;
		}
}

static int walk_and_put(const struct task *task, struct walker *w, struct bytes *out)
{
	int code = names_init(&w->names, task->known, task->known_count);

	w->reread = task->reread;
	queue_place(&w->queue, &w->report.device, &w->report.inode);
	for (; code == 0 && w->round < ROUNDS; w->round++)
		code = walk_queues(w);
	if (code < 0)
		return code;
	bytes_put(out, &w->report, sizeof(w->report));
	put_to_read(w, out);
	put_nameless(w, out);
	bytes_put(out, strbuf_text(&w->unreadable), w->unreadable.len);
	if (out->failed || w->unreadable.failed)
		return -ENOMEM;
	memcpy(out->at, &w->report, sizeof(w->report));
	return 0;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct task *task = arg;
	struct walker *w = calloc(1, sizeof(*w));
	int code;

	if (!w)
		return err_sys(err, ENOMEM, "failed to walk the queue");
	code = queue_open(task->p, &w->queue, err);
	if (code == 0) {
		code = walk_and_put(task, w, out);
		if (code < 0)
			err_set(err, code, "failed to walk the queue (%s)", err_word(code));
	}
	queue_close(&w->queue);
	names_release(&w->names);
	strbuf_release(&w->unreadable);
	free(w->visits.list);
	free(w);
	return code;
}

static int take_to_read(struct walked *w, const struct packed_id *ids, size_t count)
{
	w->to_read = calloc(count + 1, sizeof(*w->to_read));
	if (!w->to_read)
		return -ENOMEM;
	for (size_t n = 0; n < count; n++) {
		w->to_read[n].known = ids[n].time & KNOWN;
		if (queue_id_unpack(&ids[n], &w->to_read[n].queue_id) < 0)
			return ERR_CHILD;
	}
	w->to_read_count = count;
	return 0;
}

static bool are_positions(const uint32_t *list, size_t count, size_t below)
{
	for (size_t n = 0; n < count; n++)
		if (list[n] >= below || (n > 0 && list[n] <= list[n - 1]))
			return false;
	return true;
}

/* The child is not trusted. */
static int take_report(struct walked *w, size_t known_count)
{
	struct reader in = reader_of(w->memory.at, w->memory.len);
	const struct report *r = reader_take(&in, sizeof(*r));
	const struct packed_id *ids;
	struct strlist list;

	if (!r || r->to_read > WALK_NAMES_MAX + known_count || r->nameless > known_count ||
	    r->known_there > known_count - r->nameless)
		return ERR_CHILD;
	ids = reader_take(&in, r->to_read * sizeof(*ids));
	w->nameless = reader_take(&in, r->nameless * sizeof(*w->nameless));
	w->nameless_count = r->nameless;
	if (in.failed || !are_positions(w->nameless, r->nameless, known_count) ||
	    strlist_view((const char *)in.at, (size_t)(in.end - in.at),
		(uint32_t)(r->unreadable < WALK_NAMED ? r->unreadable : WALK_NAMED), &list) < 0)
		return ERR_CHILD;
	w->device = r->device;
	w->inode = r->inode;
	w->names = r->names;
	w->known_there = r->known_there;
	w->unreadable_count = r->unreadable;
	strbuf_add(&w->unreadable, list.first, list.bytes);
	return w->unreadable.failed ? -ENOMEM : take_to_read(w, ids, r->to_read);
}

int walked_parse(struct walked *ret, const struct blob *memory, size_t known_count)
{
	struct walked w = {.memory = *memory};
	int code = take_report(&w, known_count);

	if (code < 0)
		walked_release(&w);
	else
		*ret = w;
	return code;
}

int spool_walk(const struct postfix *p, const struct packed_id *known, size_t known_count,
    bool reread, struct walked *ret, struct err *err)
{
	struct task task = {p, known, known_count, reread};
	struct blob memory = {0};
	int code = role_ask(&p->owner, p->stop, WALK_TIME, work, &task, &memory, err);

	if (code < 0)
		return code;
	code = walked_parse(ret, &memory, known_count);
	if (code < 0)
		err_set(err, code, "the walk over the queue ended early (%s)", err_word(code));
	return code;
}

void walked_release(struct walked *w)
{
	free(w->to_read);
	strbuf_release(&w->unreadable);
	blob_release(&w->memory);
	*w = (struct walked){0};
}
