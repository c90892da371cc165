/* SPDX-License-Identifier: ISC */
#include "order/catchup/catchup_work.h"

#include "base/clock.h"
#include "base/io.h"

/* If the index does not answer, all files are read. */
static void ask_names(struct catchup_work *w)
{
	w->index_answers =
	    w->task->indexed && client_names(&w->index, &w->names, &w->index_why) == 0;
	w->telling = w->index_answers && !w->task->dry_run;
	w->counts.indexed = w->index_answers;
	w->counts.rows = w->names.count;
	w->counts.changes = w->names.changes;
}

static int walk(
    struct catchup_work *w, const struct packed_id *known, size_t count, struct err *err)
{
	walked_release(&w->walked);
	int code = spool_walk(w->task->postfix, known, count, w->task->distrusted, &w->walked, err);
	w->counts.place = w->update.place = (struct queue_place){w->walked.device, w->walked.inode};
	return code;
}

static bool any_was_seen(const struct catchup_work *w)
{
	for (size_t n = 0; n < w->names.count; n++)
		if (w->names.list[n].time & INDEX_NAME_READ)
			return true;
	return false;
}

/* Whether master(8) ever ran here: it leaves files that no package makes. */
static bool was_used(const struct postfix *p)
{
	static const char *const traces[] = {"pid/master.pid", "public/qmgr", "public/cleanup"};
	AUTO(io_close) int dir = open(p->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool used = false;
	struct stat st;

	for (size_t n = 0; dir >= 0 && n < COUNT_OF(traces); n++)
		used |= fstatat(dir, traces[n], &st, AT_SYMLINK_NOFOLLOW) == 0;
	return used;
}

static int fail_unmounted(const struct catchup_work *w, const char *why, struct err *err)
{
	return err_set(err, ERR_INSTANCE,
	    "of the %zu messages in the index none lies in '%s', %s: is a file system not "
	    "mounted? Nothing was touched. If the queue really was replaced, remove '%s/%s'",
	    w->names.count, w->task->postfix->queue_directory, why,
	    w->task->settings->index_directory, INDEX_FILE);
}

/* The index belongs to another instance that shares the daemon: reads all files, tells nobody. */
static int use_queue_alone(struct catchup_work *w, struct err *err)
{
	w->index_answers = w->telling = w->counts.certain = false;
	w->counts.elsewhere = true;
	return walk(w, NULL, 0, err);
}

/* Sets `certain`, and the place in the update. */
static int judge_place(struct catchup_work *w, struct err *err)
{
	const struct queue_place *place = &w->names.place;
	const char *path = w->names.queue_directory;
	bool some_there = w->walked.known_there > 0 || w->task->proven_there;
	bool none_there = w->names.count > 0 && !some_there;
	bool known = place->device != 0 || place->inode != 0;

	w->counts.certain = true;
	if (w->index_answers && known && place->device == w->walked.device &&
	    place->inode == w->walked.inode)
		return 0;
	if (w->task->held && !some_there && !was_used(w->task->postfix))
		return err_set(err, ERR_INSTANCE,
		    "mail was held in '%s', where Postfix never ran: is a file system not mounted? "
		    "Nothing was touched",
		    w->task->postfix->queue_directory);
	if (!w->index_answers)
		return 0;
	if (path[0] && strcmp(path, w->task->postfix->queue_directory) != 0)
		return use_queue_alone(w, err);
	if (none_there && !was_used(w->task->postfix))
		return fail_unmounted(w, "where Postfix never ran", err);
	if (!known) {
		w->update.adopt = w->counts.adopted = true;
		return 0;
	}
	if (none_there && any_was_seen(w))
		return fail_unmounted(w, "which is another directory than they were seen in", err);
	w->counts.certain = none_there;
	w->update.adopt = w->counts.adopted = w->task->adopt || none_there;
	return 0;
}

static int read_files(struct catchup_work *w, struct err *err)
{
	bool told = w->telling;
	int code = catchup_read(w, err);

	if (code == 0 && told && !w->telling) {
		w->counts.read = w->counts.arriving = w->counts.maildrop = w->counts.unreadable = 0;
		strbuf_clear(&w->unreadable);
		w->index_answers = w->counts.indexed = false;
		code = catchup_read(w, err);
	}
	return code;
}

static void count_directories(struct catchup_work *w)
{
	const struct strbuf *names = &w->walked.unreadable;

	w->counts.queued = w->walked.names;
	w->counts.unreadable += w->walked.unreadable_count;
	strbuf_add(&w->unreadable, strbuf_text(names), names->len);
}

/* The daemon may have made up IDs. */
static size_t take_nameless(struct catchup_work *w, struct queue_id *ids)
{
	size_t count = 0;

	for (size_t n = 0; n < w->walked.nameless_count; n++) {
		const struct packed_id *id = &w->names.list[w->walked.nameless[n]];

		if (queue_id_unpack(id, &ids[count]) == 0)
			w->left[count++] = *id;
	}
	return count;
}

static int find_left(struct catchup_work *w, struct err *err)
{
	size_t count = w->counts.certain && w->index_answers ? w->walked.nameless_count : 0;
	struct queue_id *ids;
	AUTO(free_local) struct proof *states = NULL;

	if (count == 0)
		return 0;
	ids = calloc(count, sizeof(*ids));
	w->left = calloc(count, sizeof(*w->left));
	if (!ids || !w->left) {
		free(ids);
		return err_sys(err, ENOMEM, "failed to look for %zu messages", count);
	}
	count = take_nameless(w, ids);
	int code = spool_states(w->task->postfix, ids, count, &states, err);
	for (size_t n = 0; code == 0 && n < count; n++)
		if (states[n].state == PROOF_GONE)
			w->left[w->left_count++] = w->left[n];
	free(ids);
	return code;
}

/* The last update: which messages have left, and that the queue was read completely. */
static void tell_end(struct catchup_work *w)
{
	struct index_updated updated = {0};
	struct update update = w->update;

	update.whole = w->counts.unreadable == 0 ? w->update.began : 0;
	update.left = w->left;
	update.left_count = (uint32_t)w->left_count;
	w->counts.indexed =
	    client_update(&w->index, &update, NULL, NULL, &updated, &w->index_why) == 0;
	w->counts.dropped += updated.dropped;
}

static void put_counts(struct catchup_work *w, struct bytes *out)
{
	struct strlist names = strlist_of(&w->unreadable);
	size_t start = out->len;

	bytes_put(out, &w->counts, sizeof(w->counts));
	bytes_put_u32(out, names.count);
	strlist_each (name, &names)
		bytes_put_text(out, name);
	bytes_put_text(out, w->index_why.text);
	bytes_put_u32(out, (uint32_t)(out->len - start));
	out->failed |= w->unreadable.failed;
}

static void count_dry(struct catchup_work *w)
{
	uint64_t unknown = 0;

	for (size_t n = 0; n < w->walked.to_read_count; n++)
		unknown += !w->walked.to_read[n].known;
	w->counts.added = unknown < w->counts.read ? unknown : w->counts.read;
	w->counts.dropped = w->left_count;
}

static void count_names(struct catchup_work *w)
{
	size_t read = 0;

	for (size_t n = 0; n < w->walked.to_read_count; n++)
		read += w->walked.to_read[n].known;
	w->counts.left_to_index = w->walked.known_there - read;
	count_directories(w);
}

static int read_queue(struct catchup_work *w, struct err *err)
{
	ask_names(w);
	int code = walk(w, w->names.list, w->names.count, err);
	code = code ?: judge_place(w, err);
	if (code != 0)
		return code;
	count_names(w);
	code = read_files(w, err);
	code = code ?: find_left(w, err);
	if (code == 0 && w->telling)
		tell_end(w);
	else if (code == 0 && w->task->dry_run)
		count_dry(w);
	return code;
}

int catchup_work(struct catchup_work *w, struct bytes *out, struct err *err)
{
	const struct catchup_task *task = w->task;

	w->index.settings = task->settings;
	w->telling = w->counts.indexed = task->indexed;
	w->update = catchup_update(task->postfix, task->place, clock_wall());
	selection_begin(&w->found, out);
	int code = task->ids ? read_files(w, err) : read_queue(w, err);
	selection_end(&w->found);
	if (code == 0)
		put_counts(w, out);
	walked_release(&w->walked);
	client_names_release(&w->names);
	strbuf_release(&w->unreadable);
	free(w->left);
	return code;
}
