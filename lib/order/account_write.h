/* SPDX-License-Identifier: ISC */
/*
 * A batch being written to the account, by a child that is state_directory's owner and lives as
 * long as the batch. Private to lib/order.
 *
 * Chunks are written beside other work: account_chunk returns at once, and account_next says which
 * of them are on disk. Every wait ends after ACCOUNT_PATIENCE, or soon after the stop flag is set
 * where nothing has been written yet.
 */
#ifndef PQPURGE_ORDER_ACCOUNT_WRITE_H
#define PQPURGE_ORDER_ACCOUNT_WRITE_H

#include "order/account.h"
#include "order/account_entry.h"
#include "order/order.h"

#define ACCOUNT_PATIENCE  (20 * INT64_C(1000000)) /* microseconds, for a line */
#define ACCOUNT_READ_TIME (60 * INT64_C(1000000)) /* for all of it to be read */

/* What a batch that was adopted had before. */
struct account_before {
	bool adopted;
	uint64_t done;                /* messages */
	struct account_entries doubt; /* postsuper got them, and no word came back */
};

struct account;
/*
 * Begins a batch for order: its line is on disk when this returns. A hold goes on with an
 * unfinished hold batch of the same selector_text.
 */
int account_begin(const struct order *order, struct account **ret,
    struct account_before *ret_before, struct err *err) NODISCARD;
/* Ends the child; the batch stays unfinished where it was not ended. NULL is fine. */
void account_close(struct account *a);

uint64_t account_number(const struct account *a);
/* Messages that a postsuper is about to get. *ret_part names them. */
int account_chunk(struct account *a, const struct account_entry *list, size_t count,
    uint32_t *ret_part, struct err *err) NODISCARD;
int account_fd(const struct account *a); /* readable when account_next has something */
/* 1: this part is on disk (*ret_code 0), or could not be written; 0: nothing more for now; or a
 * negative code, and nothing more is written. */
int account_next(struct account *a, uint32_t *ret_part, int *ret_code, struct err *err) NODISCARD;
/* What was done of a part (0: of none): all where list is NULL. */
void account_done(struct account *a, uint32_t part, const struct account_entry *list, size_t count);
/* The last lines, each without its newline; facts may be NULL. They are on disk when it returns. */
int account_end(struct account *a, const char *facts, const char *end, struct err *err) NODISCARD;

/* Makes the account where there is none, and keeps room in reserve. Best effort. */
void account_prepare(const struct settings *settings);

/* ---- account_serve.c, the child */

enum account_frame {
	FRAME_BEGIN = 1, /* text verb, text selector, text members; answered */
	FRAME_CHUNK,     /* text line; on disk before it is answered */
	FRAME_NOTE,      /* text line; not answered */
	FRAME_END,       /* text line; on disk before it is answered */
};
/* A frame is u8 kind, u32 part, and texts. An answer is u32 part, i32 code, text words; to
 * FRAME_BEGIN then u64 number, u8 adopted, u64 done, u32 parts, text IDs in doubt. */
#define ACCOUNT_FRAME_MAX (4u << 20)
int account_serve(int socket, const char *directory, struct err *err) NODISCARD;

/* account_compact.c: writes the log anew, with the lock held, where it has grown past its bound. */
struct account_log;
struct ledger;
void account_compact(struct account_log *log, const struct ledger *ledger);

#endif
