/* SPDX-License-Identifier: ISC */
#include "milter/indexkeeper.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "index/control/status.h"

#define RETRY        USEC_PER_SEC
#define RETRY_LOCKED (100 * INT64_C(1000)) /* a command holds the lock briefly */
#define RETRY_START  (10 * INT64_C(1000))
#define RETRY_CLOSE  (10 * INT64_C(1000))
/* microseconds between slices; without a pause LMDB's mutex may starve the sessions */
#define PRUNE_PAUSE    (5 * INT64_C(1000))
#define LOSS_TOLD_EACH (60 * USEC_PER_SEC)

struct indexkeeper {
	const char *directory;
	int64_t map_size;

	pthread_mutex_t lock;
	struct index *index; /* NULL: not open */
	unsigned users;      /* of index or given_up */
	int64_t since;       /* wall; when opened */
	struct err why;      /* why it is not open; "" */
	struct err loss;     /* why the last message was lost */
	int64_t loss_told;   /* steady; 0 = never */
	uint64_t untold;     /* lost since loss_told */

	indexkeeper_told *told;
	void *arg;
	struct index *given_up; /* only for the upkeep thread; to be closed when unused */
	int64_t next_check;     /* steady */

	atomic_bool failed; /* must be reopened */
	atomic_bool losing; /* the last message was lost */
	atomic_ullong recorded, lost;
};

struct indexkeeper *indexkeeper_new(const char *directory, int64_t map_size)
{
	struct indexkeeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->directory = directory;
	k->map_size = map_size;
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void indexkeeper_free(struct indexkeeper *k)
{
	if (!k)
		return;
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* For the status; logs each text once. */
static void note_failure(struct indexkeeper *k, const struct err *why)
{
	pthread_mutex_lock(&k->lock);
	bool news = strcmp(k->why.text, why->text) != 0;
	k->why = *why;
	pthread_mutex_unlock(&k->lock);
	if (news)
		log_warning("%s; mail is accepted; commands read it from the queue", why->text);
}

static bool note_result(
    struct indexkeeper *k, const struct message *m, int code, const struct err *err)
{
	if (code == ERR_DAMAGED || code == ERR_STALE)
		atomic_store(&k->failed, true);
	atomic_store(&k->losing, code != 0);
	if (code == 0)
		atomic_fetch_add(&k->recorded, 1);
	else
		indexkeeper_lose(k, m->queue_id.text, err->text[0] ? err->text : err_word(code));
	return code == 0;
}

static void settled(void *arg, const struct message *m, int code, const struct err *err)
{
	struct indexkeeper *k = arg;

	k->told(k->arg, m, note_result(k, m, code, err));
}

static void take_over(struct indexkeeper *k, struct index *fresh)
{
	if (k->told)
		index_pend_begin(fresh, settled, k);
	pthread_mutex_lock(&k->lock);
	bool again = k->why.text[0] != '\0';
	k->index = fresh;
	k->since = clock_wall();
	k->why = k->loss = (struct err){{0}};
	pthread_mutex_unlock(&k->lock);
	atomic_store(&k->failed, false);
	atomic_store(&k->losing, false);
	k->next_check = clock_steady() + RETRY;
	if (again)
		log_info("index in '%s' is open again", k->directory);
}

/* A lock is usually released in a moment, so only tell_locked reports it. */
static int try_open(struct indexkeeper *k, bool tell_locked)
{
	struct index *fresh = NULL;
	struct err note = {{0}}, err = {{0}};
	int code = index_open(k->directory, k->map_size, &fresh, &note, &err);

	if (note.text[0])
		log_warning("%s", note.text);
	if (code == 0)
		take_over(k, fresh);
	else if (code != ERR_LOCKED || tell_locked)
		note_failure(k, &err);
	return code;
}

void indexkeeper_start(struct indexkeeper *k, int64_t patience)
{
	int64_t until = clock_steady() + patience;
	struct timespec step = {.tv_nsec = RETRY_START * 1000};

	while (try_open(k, clock_steady() >= until) == ERR_LOCKED && clock_steady() < until)
		nanosleep(&step, NULL);
}

/* Nobody can borrow it any more; present users finish. */
static void give_up(struct indexkeeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->given_up = k->index;
	k->index = NULL;
	err_set(
	    &k->why, 0, "the index in '%s' is gone or damaged and is opened again", k->directory);
	pthread_mutex_unlock(&k->lock);
	log_warning("the index in '%s' is gone or damaged and is opened again", k->directory);
}

static bool close_given_up(struct indexkeeper *k)
{
	if (UNDER(&k->lock, k->users) > 0)
		return false;
	index_close(k->given_up);
	k->given_up = NULL;
	return true;
}

static int64_t make_room(struct indexkeeper *k, int64_t now)
{
	int code = index_prune(k->index, NULL);

	if (code < 0 && code != ERR_FULL)
		atomic_store(&k->failed, true);
	return code > 0 ? now + PRUNE_PAUSE : k->next_check;
}

static void tell_loss(struct indexkeeper *k, int64_t now)
{
	uint64_t count = 0;

	pthread_mutex_lock(&k->lock);
	if (k->untold > 0 && now - k->loss_told >= LOSS_TOLD_EACH) {
		count = k->untold;
		k->untold = 0;
		k->loss_told = now;
	}
	pthread_mutex_unlock(&k->lock);
	if (count > 0)
		log_warning(
		    "%llu more messages were not recorded; they are read from the queue when "
		    "asked for",
		    (unsigned long long)count);
}

int64_t indexkeeper_tend(struct indexkeeper *k)
{
	int64_t now = clock_steady();

	tell_loss(k, now);
	if (k->given_up && !close_given_up(k))
		return now + RETRY_CLOSE;
	if (!k->index) {
		int code = try_open(k, true);

		return code == 0 ? now : now + (code == ERR_LOCKED ? RETRY_LOCKED : RETRY);
	}
	if (now >= k->next_check) {
		k->next_check = now + RETRY;
		if (atomic_load(&k->failed) || index_check(k->index) != 0) {
			give_up(k);
			return now;
		}
	}
	return make_room(k, now);
}

bool indexkeeper_close(struct indexkeeper *k, int64_t timeout)
{
	int64_t until = clock_steady() + timeout;
	struct timespec step = {.tv_nsec = RETRY_CLOSE * 1000};

	if (!k->given_up) {
		pthread_mutex_lock(&k->lock);
		k->given_up = k->index;
		k->index = NULL;
		pthread_mutex_unlock(&k->lock);
	}
	while (!close_given_up(k)) {
		if (clock_steady() >= until)
			return false;
		nanosleep(&step, NULL);
	}
	return true;
}

struct index *indexkeeper_borrow(struct indexkeeper *k)
{
	LOCKED(&k->lock);
	struct index *index = k->index;
	k->users += index != NULL;
	return index;
}

void indexkeeper_give_back(struct indexkeeper *k)
{
	LOCKED(&k->lock);
	k->users--;
}

void indexkeeper_lose(struct indexkeeper *k, const char *id, const char *reason)
{
	int64_t now = clock_steady();

	atomic_fetch_add(&k->lost, 1);
	pthread_mutex_lock(&k->lock);
	err_set(&k->loss, 0, "%s", reason);
	bool tell = k->loss_told == 0 || now - k->loss_told >= LOSS_TOLD_EACH;
	if (tell)
		k->loss_told = now;
	else
		k->untold++;
	pthread_mutex_unlock(&k->lock);
	if (tell)
		log_warning(
		    "%s: not recorded (%s); it is read from the queue when asked for", id, reason);
}

bool indexkeeper_record(struct indexkeeper *k, const struct message *m)
{
	struct index *index = indexkeeper_borrow(k);
	struct err err = {{0}};
	int code = ERR_NO_INDEX;

	if (index) {
		code = index_record(index, m, &err);
		indexkeeper_give_back(k);
	} else {
		err_set(&err, code, "the index is not open");
	}
	return note_result(k, m, code, &err);
}

void indexkeeper_tell(struct indexkeeper *k, indexkeeper_told *told, void *arg)
{
	k->told = told;
	k->arg = arg;
}

bool indexkeeper_pend(
    struct indexkeeper *k, const struct message *m, const struct strlist *from_fields)
{
	struct index *index = indexkeeper_borrow(k);
	bool pends = index && index_pend(index, m, from_fields);

	if (index)
		indexkeeper_give_back(k);
	return pends;
}

void indexkeeper_settle(struct indexkeeper *k)
{
	struct index *index = indexkeeper_borrow(k);

	if (index) {
		index_settle(index);
		indexkeeper_give_back(k);
	}
}

static void put_counts(struct json *out, const struct index_counts *counts)
{
	json_put_int(out, STATUS_ROWS, (int64_t)counts->rows);
	json_put_int(out, STATUS_USED_BYTES, (int64_t)counts->used_bytes);
	json_put_int(out, STATUS_MAP_BYTES, (int64_t)counts->map_bytes);
	json_put_int(out, STATUS_FILE_BYTES, (int64_t)counts->file_bytes);
	json_put_int(out, STATUS_PRUNED, (int64_t)counts->evicted);
	json_put_int(out, STATUS_PRUNED_TIME, counts->evicted_time);
	json_put_int(out, STATUS_CAUGHT_UP, counts->caught_up);
	json_put_text(out, STATUS_QUEUE_DIRECTORY, counts->queue_directory);
}

void indexkeeper_status(struct indexkeeper *k, struct json *out)
{
	struct index *index = indexkeeper_borrow(k);
	struct index_counts counts = {0};
	struct err err = {{0}};

	if (index)
		index_settle(index);
	json_put_bool(out, STATUS_RECORDING, index && !atomic_load(&k->losing));
	json_put_int(out, STATUS_RECORDED, (int64_t)atomic_load(&k->recorded));
	json_put_int(out, STATUS_LOST, (int64_t)atomic_load(&k->lost));
	pthread_mutex_lock(&k->lock);
	int64_t since = k->since;
	struct err why = k->why.text[0] ? k->why : k->loss;
	pthread_mutex_unlock(&k->lock);
	if (index) {
		json_put_int(out, STATUS_SINCE, since);
		if (index_count(index, &counts, &err) == 0)
			put_counts(out, &counts);
		indexkeeper_give_back(k);
	}
	json_put_words(out, STATUS_LAST_ERROR, why.text[0] ? why.text : err.text);
}
