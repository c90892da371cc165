/* SPDX-License-Identifier: ISC */
/* The counts follow the store's transactions. A journal collects what a transaction changes, and it
 * is counted just before the commit, so the next writer finds the counts up to date. */
#include "base/clock.h"
#include "base/lock.h"
#include "index/index_private.h"

static void changed(void *arg, uint64_t sequence, struct span before, struct span after)
{
	struct counting *c = &((struct index *)arg)->counting;

	if (!c->census || sequence > c->upto)
		return;
	bytes_put_blob(&c->journal, before.at, before.len);
	bytes_put_blob(&c->journal, after.at, after.len);
}

static void forget(void *arg)
{
	struct counting *c = &((struct index *)arg)->counting;

	if (c->journal.failed)
		bytes_release(&c->journal);
	bytes_clear(&c->journal);
}

static void spoil_counts(void *arg)
{
	struct counting *c = &((struct index *)arg)->counting;

	LOCKED(&c->lock);
	if (c->census)
		census_spoil(c->census);
}

static void commits(void *arg)
{
	struct counting *c = &((struct index *)arg)->counting;
	struct reader r = reader_of(c->journal.at, c->journal.len);
	int64_t now = clock_wall();

	if (c->journal.failed)
		spoil_counts(arg);
	if (c->journal.len > 0 && c->census) {
		pthread_mutex_lock(&c->lock);
		while (!reader_done(&r) && !r.failed) {
			struct span before = reader_blob(&r), after = reader_blob(&r);

			census_change(c->census, before, after, now);
		}
		pthread_mutex_unlock(&c->lock);
	}
	forget(arg);
}

void counting_begin(struct index *ix)
{
	struct counting *c = &ix->counting;

	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->turn, NULL);
	c->watch = (struct store_watch){.arg = ix,
	    .changed = changed,
	    .commits = commits,
	    .aborts = forget,
	    .fails = spoil_counts};
}

void counting_end(struct index *ix)
{
	struct counting *c = &ix->counting;

	census_free(c->census);
	bytes_release(&c->journal);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->turn);
}

static void set_census(struct counting *c, struct census *census)
{
	pthread_mutex_lock(&c->lock);
	struct census *before = c->census;
	c->census = census;
	c->whole = false;
	c->upto = 0;
	pthread_mutex_unlock(&c->lock);
	census_free(before);
}

void counting_rest(struct index *ix)
{
	struct counting *c = &ix->counting;

	pthread_mutex_lock(&c->lock);
	bool idle = c->census && clock_steady() - c->asked > INDEX_GROUPS_REST;
	pthread_mutex_unlock(&c->lock);
	if (idle)
		set_census(c, NULL);
}

/* Counts rows after c->upto, as many as fit into the slice. Returns false if there are no more. */
static bool count_some(struct counting *c, struct slice *slice)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(&slice->txn, STORE_MESSAGE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key = entry_key(c->upto + 1, buf), record;
	int more = cursor_seek(cursor, key, &key, &record);
	int64_t now = clock_wall();

	while (more == 1) {
		census_change(c->census, (struct span){.at = "", .len = 0}, record, now);
		c->upto = entry_number(key);
		more = cursor_next(cursor, &key, &record);
		if (!slice_has_time(slice))
			break;
	}
	return more == 1;
}

static int one_slice(struct index *ix, bool *ret_more, struct err *err)
{
	struct counting *c = &ix->counting;
	struct slice slice;

	slice_begin(&slice, ix);
	pthread_mutex_lock(&c->lock);
	*ret_more = count_some(c, &slice);
	if (slice.txn.code == 0 && !*ret_more) {
		c->upto = UINT64_MAX;
		c->whole = true;
	}
	pthread_mutex_unlock(&c->lock);
	return txn_commit(&slice.txn, err);
}

static int begin_anew(struct index *ix, bool login_exact, struct err *err)
{
	struct census *fresh = census_new(login_exact);
	struct slice slice;

	if (!fresh)
		return err_sys(err, ENOMEM, "failed to count the index");
	slice_begin(&slice, ix);
	if (slice.txn.code == 0)
		set_census(&ix->counting, fresh);
	else
		census_free(fresh);
	return txn_commit(&slice.txn, err);
}

static int count_all(struct index *ix, bool login_exact, int64_t deadline, struct err *err)
{
	bool more = true;
	int code = begin_anew(ix, login_exact, err);

	while (code == 0 && more) {
		if (clock_steady() > deadline)
			return err_set(err, ERR_TIMEOUT, "counting the index took too long");
		code = one_slice(ix, &more, err);
	}
	return code;
}

/* Returns 1 answered, 0 the counts are incomplete, or -ENOMEM. */
static int tell(struct counting *c, const struct census_question *q, struct json **ret)
{
	int code = 0;

	LOCKED(&c->lock);
	c->asked = clock_steady();
	if (c->census && c->whole && census_answers(c->census, q)) {
		*ret = census_tell(c->census, q);
		code = *ret ? 1 : -ENOMEM;
	}
	return code;
}

int index_groups(struct index *ix, const struct census_question *q, int64_t deadline,
    struct json **ret, struct err *err)
{
	struct counting *c = &ix->counting;
	int code;

	index_settle(ix);
	code = tell(c, q, ret);
	if (code == 0) {
		pthread_mutex_lock(&c->turn);
		code = tell(c, q, ret); /* another thread may have counted meanwhile */
		code = code ?: count_all(ix, q->login_exact, deadline, err);
		code = code ?: tell(c, q, ret);
		pthread_mutex_unlock(&c->turn);
		code = code ?: -ENOMEM;
	}
	if (code == -ENOMEM)
		return err_sys(err, ENOMEM, "failed to count the index");
	return code < 0 ? code : 0;
}
