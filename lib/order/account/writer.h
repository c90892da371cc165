/* SPDX-License-Identifier: ISC */
/*
 * Writes a batch to the account, by a child that is state_directory's owner and lives as long as
 * the batch. writer_chunk returns at once; writer_next says which parts are on disk. Every wait
 * ends after ACCOUNT_PATIENCE, or soon after the stop flag is set. Private to lib/order.
 */
#pragma once

#include "order/account/ledger.h"
#include "order/order.h"

#define ACCOUNT_PATIENCE (20 * INT64_C(1000000))  /* microseconds, for a line */
#define ACCOUNT_COMPACT  (120 * INT64_C(1000000)) /* for the log to be written anew */

struct writer;
/*
 * Begins a batch: its line is on disk when this returns. A hold adopts an unfinished hold batch of
 * the same selector_text: *ret_done is how many messages that did; ret_doubt (zero-initialised) are
 * those whose result is unknown.
 */
int writer_open(const struct order *order, struct writer **ret, uint64_t *ret_done,
    struct account_entries *ret_doubt, struct err *err) NODISCARD;
/*
 * Ends the child. Without writer_end the batch stays unfinished. After it the child writes the log
 * anew if that is past its bound; what is not done within ACCOUNT_COMPACT, or before the stop flag
 * is set, is left to the next batch. NULL is fine.
 */
void writer_close(struct writer *w);

uint64_t writer_batch(const struct writer *w);
/* What the next postsuper gets, as part *ret_part. */
int writer_chunk(struct writer *w, const struct account_entry *list, size_t count,
    uint32_t *ret_part, struct err *err) NODISCARD;
int writer_fd(const struct writer *w); /* readable when writer_next has something */
/* 1: this part is on disk (*ret_code 0) or failed; 0: no answer yet; or a negative code: nothing
 * more is written. */
int writer_next(struct writer *w, uint32_t *ret_part, int *ret_code, struct err *err) NODISCARD;
/* What was done of a part (0: of none); NULL: all. May be lost: the batch's end says how many. */
void writer_done(struct writer *w, uint32_t part, const struct account_entry *list, size_t count);
/* The last lines. They are on disk when it returns. */
int writer_end(struct writer *w, const struct strbuf *lines, struct err *err) NODISCARD;

/* Makes the account if missing, and reserves room. Best effort. */
void writer_prepare(const struct settings *settings, const volatile sig_atomic_t *stop);

/*
 * ---- writer_child.c
 *
 * A frame is u32 part and a text. The first is WRITER_BEGIN, with the batch's first line without
 * its number, the last WRITER_END. Lines are on disk before they are answered; WRITER_NOTE has no
 * answer.
 *
 * An answer is u32 part, u32 code, text words; to WRITER_BEGIN then u64 number, u64 done, u32
 * parts, text messages in doubt.
 */
#define WRITER_FRAME_MAX ACCOUNT_LINE_MAX
#define WRITER_BEGIN     UINT32_MAX
#define WRITER_END       (UINT32_MAX - 1)
#define WRITER_NOTE      0u
int writer_serve(int socket, const char *directory, struct err *err) NODISCARD;

/* ledger_compact.c: if the log is past its bound writes it anew. The lock must not be held. */
void ledger_compact(struct account_log *log, uint64_t written);
