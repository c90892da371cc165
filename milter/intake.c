/* SPDX-License-Identifier: ISC */
/* What waits for the writer's thread. */
#include "milter/intake.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "milter/writer.h"

#define ERRANDS_MAX 64 /* the control server has at most 16 clients with one request each */

static int cond_init_steady(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int code = pthread_condattr_init(&attr);

	if (code)
		return -code;
	code = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!code)
		code = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return -code;
}

/* True once the steady time `until` has come. */
static bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until)
{
	struct timespec at = {.tv_sec = (time_t)(until / USEC_PER_SEC),
	    .tv_nsec = (long)(until % USEC_PER_SEC) * 1000};

	return pthread_cond_timedwait(cond, lock, &at) == ETIMEDOUT;
}

int intake_init(struct intake *in, int64_t gather)
{
	*in = (struct intake){.gather = gather};
	in->rows_end = &in->rows;
	in->errands_end = &in->errands;
	int code = -pthread_mutex_init(&in->lock, NULL);

	if (!code)
		code = cond_init_steady(&in->work);
	if (!code)
		code = cond_init_steady(&in->batch_over[0]);
	if (!code)
		code = cond_init_steady(&in->batch_over[1]);
	return code;
}

void intake_release(struct intake *in)
{
	for (struct errand *e = in->errands, *next; e; e = next) {
		next = e->next;
		free(e);
	}
	pthread_cond_destroy(&in->batch_over[1]);
	pthread_cond_destroy(&in->batch_over[0]);
	pthread_cond_destroy(&in->work);
	pthread_mutex_destroy(&in->lock);
}

/* Call with the lock held; returns whether the caller has to log the beginning of a gap. */
static bool lose_locked(struct intake *in, int64_t mail_time, const char *reason)
{
	in->lost++;
	return gap_lose(&in->gap, mail_time, reason);
}

static void log_gap_begins(const char *reason)
{
	log_warning("index not written (%s); mail goes on unrecorded", reason);
}

void intake_lose(struct intake *in, int64_t mail_time, const char *reason)
{
	pthread_mutex_lock(&in->lock);
	bool begins = lose_locked(in, mail_time, reason);
	pthread_mutex_unlock(&in->lock);

	if (begins)
		log_gap_begins(reason);
}

/* Why nothing can be taken now; NULL: it can. */
static const char *refusal_locked(const struct intake *in, size_t bytes)
{
	if (in->stopping)
		return "the daemon is stopping";
	if (in->closed)
		return in->closed_reason;
	if (in->stalled)
		return "a commit hangs";
	if (in->row_count >= WRITER_ROWS_MAX || in->row_bytes + bytes > WRITER_BYTES_MAX)
		return "the queue to the index is full";
	return NULL;
}

static void append_locked(struct intake *in, struct ticket *t)
{
	if (!in->rows)
		in->oldest_row = clock_steady();
	t->wakeup = in->turn;
	*in->rows_end = t;
	in->rows_end = &t->next;
	in->row_count++;
	in->row_bytes += t->record.len;
	/* The writer needs a call for the first row only; it takes all that is there. */
	if (in->row_count == 1 || in->row_count == WRITER_ROWS_MAX / 2)
		pthread_cond_signal(&in->work);
}

/* Waits for the ticket's batch. Returns its state; WAITING means that the session gave up and the
 * ticket is the writer's. */
static int await_locked(struct intake *in, struct ticket *t, int64_t until)
{
	while (t->state == TICKET_WAITING) {
		if (wait_until(&in->batch_over[t->wakeup], &in->lock, until) &&
		    t->state == TICKET_WAITING) {
			t->gave_up = true;
			in->stalled = true;
			break;
		}
	}
	return t->state;
}

static void ticket_free(struct ticket *t)
{
	bytes_release(&t->record);
	free(t);
}

/* The two ways to lose a record before it is the writer's: no memory, or no room. */
static int refuse(
    struct intake *in, struct ticket *t, int64_t mail_time, const char *reason, char *ret_reason)
{
	snprintf(ret_reason, COVERAGE_REASON_MAX + 1, "%s", reason);
	if (t)
		ticket_free(t);
	intake_lose(in, mail_time, ret_reason);
	return ERR_LIMIT;
}

int intake_record(struct intake *in, struct bytes *record, int64_t mail_time, int64_t timeout,
    char ret_reason[COVERAGE_REASON_MAX + 1])
{
	struct ticket *t = record->failed ? NULL : calloc(1, sizeof(*t));

	if (!t) {
		bytes_release(record);
		return refuse(in, NULL, mail_time, "out of memory", ret_reason);
	}
	*t = (struct ticket){.record = *record, .mail_time = mail_time, .waited_for = timeout > 0};
	*record = (struct bytes){0};

	pthread_mutex_lock(&in->lock);
	const char *refusal = refusal_locked(in, t->record.len);
	if (refusal) {
		char reason[COVERAGE_REASON_MAX + 1];

		snprintf(reason, sizeof(reason), "%s",
		    refusal); /* may point into what the lock guards */
		pthread_mutex_unlock(&in->lock);
		return refuse(in, t, mail_time, reason, ret_reason);
	}
	append_locked(in, t);
	if (timeout <= 0) {
		pthread_mutex_unlock(&in->lock);
		return 0;
	}
	int state = await_locked(in, t, clock_steady() + timeout);
	bool begins = false;
	if (state != TICKET_RECORDED) {
		if (state == TICKET_WAITING)
			begins =
			    lose_locked(in, mail_time, "a commit took longer than commit_timeout");
		snprintf(ret_reason, COVERAGE_REASON_MAX + 1, "%s", in->gap.reason);
	}
	pthread_mutex_unlock(&in->lock);

	if (begins)
		log_gap_begins(ret_reason);
	if (state == TICKET_WAITING)
		return ERR_TIMEOUT;
	ticket_free(t);
	return state == TICKET_RECORDED ? 1 : ERR_FULL;
}

int intake_errand(
    struct intake *in, struct span request, void (*done)(void *arg, struct span reply), void *arg)
{
	struct errand *e = calloc(1, sizeof(*e) + request.len);
	int code = 0;

	if (!e)
		return -ENOMEM;
	e->done = done;
	e->arg = arg;
	e->len = request.len;
	memcpy(e->request, request.at, request.len);

	pthread_mutex_lock(&in->lock);
	if (in->stopping || in->errand_count >= ERRANDS_MAX) {
		code = ERR_LIMIT;
	} else {
		*in->errands_end = e;
		in->errands_end = &e->next;
		in->errand_count++;
		pthread_cond_signal(&in->work);
	}
	pthread_mutex_unlock(&in->lock);
	if (code)
		free(e);
	return code;
}

void intake_stop(struct intake *in)
{
	pthread_mutex_lock(&in->lock);
	in->stopping = true;
	pthread_cond_signal(&in->work);
	pthread_mutex_unlock(&in->lock);
}

bool intake_wait_finished(struct intake *in, int64_t timeout)
{
	int64_t until = clock_steady() + timeout;

	pthread_mutex_lock(&in->lock);
	while (!in->finished && !wait_until(&in->batch_over[0], &in->lock, until))
		;
	bool finished = in->finished;
	pthread_mutex_unlock(&in->lock);
	return finished;
}

/* What there is to do now; *wake is lowered to when there will be more. */
static unsigned ready_locked(const struct intake *in, int64_t now, int64_t *wake)
{
	unsigned ready = 0;

	if (in->rows) {
		int64_t due = in->oldest_row + in->gather;

		if (in->stopping || due <= now || in->row_count >= WRITER_ROWS_MAX / 2)
			ready |= INTAKE_ROWS;
		else if (due < *wake)
			*wake = due;
	}
	if (in->errands)
		ready |= INTAKE_ERRANDS;
	if (in->stopping)
		ready |= INTAKE_STOP;
	return ready;
}

unsigned intake_wait(struct intake *in, int64_t until)
{
	unsigned ready;

	pthread_mutex_lock(&in->lock);
	for (;;) {
		int64_t now = clock_steady();
		int64_t wake = until;

		ready = ready_locked(in, now, &wake);
		if (ready || now >= until)
			break;
		wait_until(&in->work, &in->lock, wake);
	}
	pthread_mutex_unlock(&in->lock);
	return ready;
}

struct ticket *intake_take_rows(struct intake *in)
{
	pthread_mutex_lock(&in->lock);
	struct ticket *rows = in->rows;
	in->rows = NULL;
	in->rows_end = &in->rows;
	in->row_count = in->row_bytes = 0;
	in->turn ^= 1;
	pthread_mutex_unlock(&in->lock);
	return rows;
}

/* What a batch did to the gap; to be logged. */
struct turn {
	bool begins, ends;
};

/* Settles one ticket; true if the writer has to free it. */
static bool settle_locked(
    struct intake *in, struct ticket *t, int code, const char *reason, struct turn *gap)
{
	t->state = code ? TICKET_LOST : TICKET_RECORDED;
	if (code && !t->gave_up)
		gap->begins |= lose_locked(in, t->mail_time, reason);
	if (!code) {
		in->recorded++;
		if (t->gave_up) {
			in->lost--;
			gap->ends |= gap_forgive(&in->gap);
		}
	}
	return t->gave_up || !t->waited_for;
}

void intake_batch_over(struct intake *in, struct ticket *rows, int code, const char *reason)
{
	struct ticket *ours = NULL;
	struct turn gap = {false, false};
	unsigned wakeup = rows ? rows->wakeup : 0;

	pthread_mutex_lock(&in->lock);
	for (struct ticket *t = rows, *next; t; t = next) {
		next = t->next; /* a settled ticket may be its session's, which frees it once the
				   lock is free */
		if (settle_locked(in, t, code, reason, &gap)) {
			t->next = ours;
			ours = t;
		}
	}
	in->stalled = false;
	pthread_cond_broadcast(&in->batch_over[wakeup]);
	pthread_mutex_unlock(&in->lock);

	if (gap.begins)
		log_gap_begins(reason);
	if (gap.ends)
		log_info("index is written again; what came late is in it");
	for (struct ticket *next; ours; ours = next) {
		next = ours->next;
		ticket_free(ours);
	}
}

struct errand *intake_take_errand(struct intake *in)
{
	pthread_mutex_lock(&in->lock);
	struct errand *e = in->errands;
	if (e) {
		in->errands = e->next;
		if (!in->errands)
			in->errands_end = &in->errands;
		in->errand_count--;
	}
	pthread_mutex_unlock(&in->lock);
	return e;
}

void intake_close(struct intake *in, const char *reason)
{
	pthread_mutex_lock(&in->lock);
	in->closed = reason != NULL;
	snprintf(in->closed_reason, sizeof(in->closed_reason), "%s", reason ? reason : "");
	pthread_mutex_unlock(&in->lock);
}

bool intake_gap(struct intake *in, struct coverage_row *ret)
{
	pthread_mutex_lock(&in->lock);
	bool open = gap_row(&in->gap, clock_wall(), ret);
	pthread_mutex_unlock(&in->lock);
	return open;
}

int64_t intake_safe_time(struct intake *in, int64_t now)
{
	int64_t safe = now;

	pthread_mutex_lock(&in->lock);
	for (const struct ticket *t = in->rows; t; t = t->next)
		if (t->mail_time < safe)
			safe = t->mail_time;
	pthread_mutex_unlock(&in->lock);
	return safe;
}

void intake_gap_written(struct intake *in, const struct coverage_row *row)
{
	char since[CLOCK_TEXT_SIZE];

	pthread_mutex_lock(&in->lock);
	bool closed = gap_written(&in->gap, row);
	pthread_mutex_unlock(&in->lock);
	if (closed)
		log_warning("index is written again; %llu messages since %s are not in it (%s)",
		    (unsigned long long)row->count, clock_text(row->from, since, sizeof(since)),
		    row->reason);
}

void intake_finished(struct intake *in)
{
	pthread_mutex_lock(&in->lock);
	in->finished = true;
	pthread_cond_broadcast(&in->batch_over[0]);
	pthread_mutex_unlock(&in->lock);
}
