/* SPDX-License-Identifier: ISC */
/*
 * A batch being written to the account, by a child that is state_directory's owner and lives as
 * long as the batch. Private to lib/order.
 *
 * Parts are written beside other work: writer_chunk returns at once, and writer_next says which of
 * them are on disk. Every wait ends after ACCOUNT_PATIENCE, or soon after the stop flag is set.
 */
#ifndef PQPURGE_ORDER_WRITER_H
#define PQPURGE_ORDER_WRITER_H

#include "order/ledger.h"
#include "order/order.h"

#define ACCOUNT_PATIENCE (20 * INT64_C(1000000)) /* microseconds, for a line */

struct writer;
/*
 * Begins a batch for order: its line is on disk when this returns. A hold goes on with an
 * unfinished hold batch of the same selector_text: *ret_done messages it had done before, and
 * ret_doubt (zero-initialised) are those of which no word came back.
 */
int writer_open(const struct order *order, struct writer **ret, uint64_t *ret_done,
    struct account_entries *ret_doubt, struct err *err) NODISCARD;
/* Ends the child; the batch stays unfinished where it was not ended. NULL is fine. */
void writer_close(struct writer *w);

uint64_t writer_batch(const struct writer *w);
/* Messages that a postsuper is about to get. *ret_part names them. */
int writer_chunk(struct writer *w, const struct account_entry *list, size_t count,
    uint32_t *ret_part, struct err *err) NODISCARD;
int writer_fd(const struct writer *w); /* readable when writer_next has something */
/* 1: this part is on disk (*ret_code 0), or could not be written; 0: nothing more for now; or a
 * negative code, and nothing more is written. */
int writer_next(struct writer *w, uint32_t *ret_part, int *ret_code, struct err *err) NODISCARD;
/* What was done of a part (0: of none): all where list is NULL. Lost where it cannot be written:
 * the batch's end says how many. */
void writer_done(struct writer *w, uint32_t part, const struct account_entry *list, size_t count);
/* The last lines. They are on disk when it returns. */
int writer_end(struct writer *w, const struct strbuf *lines, struct err *err) NODISCARD;

/* Makes the account where there is none, and keeps room in reserve. Best effort. */
void writer_prepare(const struct settings *settings, const volatile sig_atomic_t *stop);

/*
 * ---- writer_child.c
 *
 * A frame is u32 part and a text: first, as WRITER_BEGIN, the batch's first line without its
 * number; then lines, on disk before they are answered (WRITER_NOTE is not answered). WRITER_END is
 * the last.
 *
 * An answer is u32 part, u32 code, text words; to WRITER_BEGIN then u64 number, u64 done, u32
 * parts, text messages in doubt.
 */
#define WRITER_FRAME_MAX ACCOUNT_LINE_MAX
#define WRITER_BEGIN     UINT32_MAX
#define WRITER_END       (UINT32_MAX - 1)
#define WRITER_NOTE      0u
int writer_serve(int socket, const char *directory, struct err *err) NODISCARD;

/* ledger_compact.c: writes the log anew, with the lock held, where it has grown past its bound. */
void ledger_compact(struct account_log *log, uint64_t written);

#endif
