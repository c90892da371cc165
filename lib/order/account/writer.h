/* SPDX-License-Identifier: ISC */
/* Private to lib/order. Writes a batch to the account, in a child that is state_directory's owner
 * and lives as long as the batch. writer_chunk returns at once; writer_next reports which parts are
 * on disk. Every wait ends after ACCOUNT_PATIENCE, or soon after the stop flag is set. */
#pragma once

#include "order/account/ledger.h"
#include "order/order.h"

#define ACCOUNT_PATIENCE (20 * INT64_C(1000000))  /* microseconds, for one line */
#define ACCOUNT_COMPACT  (120 * INT64_C(1000000)) /* microseconds, to write the log anew */

struct writer;
/* Begins a batch: its first line is on disk when this returns. A hold adopts an unfinished hold
 * batch with the same selector_text and token. Then *ret_done is how many messages that batch did,
 * and ret_doubt (zero-initialise it) those whose result is unknown. */
int writer_open(const struct order *order, struct writer **ret, uint64_t *ret_done,
    struct account_entries *ret_doubt, struct err *err) NODISCARD;
/* Ends the child. Without writer_end the batch stays unfinished. Otherwise the child now writes the
 * log anew if it is too long. If that takes longer than ACCOUNT_COMPACT, or the stop flag is set,
 * the next batch does it. Accepts NULL. */
void writer_close(struct writer *w);

uint64_t writer_batch(const struct writer *w);
/* The messages that the next postsuper gets, as part *ret_part. */
int writer_chunk(struct writer *w, const struct account_entry *list, size_t count,
    uint32_t *ret_part, struct err *err) NODISCARD;
int writer_fd(const struct writer *w); /* readable when writer_next has an answer */
/* Returns 1 if this part is on disk (*ret_code 0) or failed, 0 if there is no answer yet, or a
 * negative code: nothing more is written. */
int writer_next(struct writer *w, uint32_t *ret_part, int *ret_code, struct err *err) NODISCARD;
/* Which messages of a part were done (count 0: none; list NULL: all). This line may be lost; the
 * batch's end has the sum. */
void writer_done(struct writer *w, uint32_t part, const struct account_entry *list, size_t count);
/* The last lines are on disk when it returns. */
int writer_end(struct writer *w, const struct strbuf *lines, struct err *err) NODISCARD;

/* Makes the account if it is missing, and reserves room. Failures are ignored. */
void writer_prepare(const struct settings *settings, const volatile sig_atomic_t *stop);

/* The child, writer_child.c.
 *
 * A frame is u32 part and a text. The first is WRITER_BEGIN, with the batch's first line without
 * its number; the last is WRITER_END. Lines are on disk before they are answered. WRITER_NOTE gets
 * no answer.
 *
 * An answer is u32 part, u32 code, text words. The answer to WRITER_BEGIN continues with u64
 * number, u64 done, u32 parts, text messages in doubt. */
#define WRITER_FRAME_MAX ACCOUNT_LINE_MAX
#define WRITER_BEGIN     UINT32_MAX
#define WRITER_END       (UINT32_MAX - 1)
#define WRITER_NOTE      0u
int writer_serve(int socket, const char *directory, struct err *err) NODISCARD;

/* ledger_compact.c: writes the log anew if it is too long. Call it without the lock. */
void ledger_compact(struct account_log *log, uint64_t written);
