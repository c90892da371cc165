/* SPDX-License-Identifier: ISC */
/*
 * The intake: what waits for the writer's thread. Sessions put records in and wait for their batch;
 * the control server puts requests in; the writer takes everything that has gathered. It counts
 * what is lost on the way (gap.h), for losing happens here: a full queue, a closed index, a commit
 * that takes too long.
 *
 * A commit that hangs holds at most the sessions that were waiting when it began: when the first of
 * them gives up, the intake is stalled and takes nothing until the writer returns with that batch.
 */
#ifndef PQPURGE_MILTER_INTAKE_H
#define PQPURGE_MILTER_INTAKE_H

#include <pthread.h>

#include "base/bytes.h"
#include "base/err.h"
#include "milter/gap.h"

struct ticket { /* one record on its way */
	struct ticket *next;
	struct bytes record;
	int64_t mail_time;
	enum { TICKET_WAITING, TICKET_RECORDED, TICKET_LOST } state;
	bool waited_for; /* its session waits, and frees it; else the writer does */
	bool gave_up;    /* waited_for no more, and already counted as lost */
	unsigned wakeup;
};

struct errand { /* one request of the command's */
	struct errand *next;
	void (*done)(void *arg, struct span reply);
	void *arg;
	size_t len;
	unsigned char request[];
};

struct intake {
	pthread_mutex_t lock;
	pthread_cond_t work; /* for the writer: something came */
	/*
	 * For sessions: their batch is over. Batches take turns, so that the end of one does not
	 * wake those who wait for the next, which gathers meanwhile.
	 */
	pthread_cond_t batch_over[2];
	unsigned turn;

	struct ticket *rows, **rows_end;
	size_t row_count, row_bytes;
	int64_t oldest_row; /* steady time at which the oldest waiting row came */
	int64_t gather;     /* microseconds to let rows gather before the writer is called */
	struct errand *errands, **errands_end;
	size_t errand_count;

	bool closed; /* nothing can be written; closed_reason says why */
	char closed_reason[COVERAGE_REASON_MAX + 1];
	bool stalled, stopping, finished;
	struct gap gap;
	uint64_t recorded, lost;
};

/* What the writer is called for. */
enum {
	INTAKE_ROWS = 1u << 0,
	INTAKE_ERRANDS = 1u << 1,
	INTAKE_STOP = 1u << 2,
};

int intake_init(struct intake *in, int64_t gather) NODISCARD;
void intake_release(struct intake *in);

/* ---- for sessions and the control server, from any thread */

/*
 * Takes the bytes of record over (also on failure). With timeout > 0 waits for its batch. 1
 * recorded, 0 taken (timeout 0), or a negative code: lost, counted, and ret_reason says why.
 */
int intake_record(struct intake *in, struct bytes *record, int64_t mail_time, int64_t timeout,
    char ret_reason[COVERAGE_REASON_MAX + 1]) NODISCARD;
/* Counts a message that could not even be offered. */
void intake_lose(struct intake *in, int64_t mail_time, const char *reason);
/* Copies the request. ERR_LIMIT, -ENOMEM. */
int intake_errand(struct intake *in, struct span request,
    void (*done)(void *arg, struct span reply), void *arg) NODISCARD;
/* No new work from now on. */
void intake_stop(struct intake *in);
/* Waits until the writer said intake_finished; false if it did not within timeout. */
bool intake_wait_finished(struct intake *in, int64_t timeout);

/* ---- for the writer's thread */

/* Waits until there is work or the steady time `until`; returns what there is. */
unsigned intake_wait(struct intake *in, int64_t until);
/* All rows that have gathered; give them back with intake_batch_over. */
struct ticket *intake_take_rows(struct intake *in);
/* code 0: they are on disk; else they are lost, because of reason. */
void intake_batch_over(struct intake *in, struct ticket *rows, int code, const char *reason);
struct errand *intake_take_errand(struct intake *in); /* NULL: none; free() it */
/* From here on every record is lost at once, for that reason; NULL opens the intake again. */
void intake_close(struct intake *in, const char *reason);
bool intake_gap(struct intake *in, struct coverage_row *ret);
/* When the oldest message whose row waits began, or now if that is earlier. */
int64_t intake_safe_time(struct intake *in, int64_t now);
void intake_gap_written(struct intake *in, const struct coverage_row *row);
void intake_finished(struct intake *in);

#endif
