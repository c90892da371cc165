/* SPDX-License-Identifier: ISC */
/* What the files of the writer share: its state and the parts of its thread. For writer*.c alone.
 */
#ifndef PQPURGE_MILTER_WRITER_PRIVATE_H
#define PQPURGE_MILTER_WRITER_PRIVATE_H

#include <pthread.h>

#include "milter/command_rules.h"
#include "milter/intake.h"
#include "milter/upkeep.h"
#include "milter/writer.h"

struct writer {
	struct writer_config config;
	struct intake intake;
	pthread_t thread;

	/* The thread's own. */
	struct home home;
	bool open;
	struct command_rules rules;
	struct upkeep upkeep;
	size_t rows_since_look, bytes_since_look; /* written since the space was looked at */
	int64_t next_tick, next_touch, next_expire;

	/* For status; under `lock`. */
	pthread_mutex_t lock;
	pthread_cond_t started;
	bool tried; /* the first attempt to open is over */
	bool recording;
	int64_t since; /* wall time from which on it is recording, or not */
	struct err last_error;
	struct upkeep shown;
	bool rules_saved;
};

/* ---- writer_index.c: the index opened, lost, opened again */

/* One attempt to open; the outcome is noted for status and the log. */
void writer_open_index(struct writer *w);
/* Lets go of an index that is gone, damaged, or must be opened again. The rules that it held stay
 * in force. */
void writer_abandon_index(struct writer *w, const struct err *err);
/* What a failed transaction means for the index itself. */
void writer_store_failed(struct writer *w, int code, const struct err *err);
/* Saves what is unsaved of the rules and puts in force what the index holds. */
int writer_sync_rules(struct writer *w, struct err *err) NODISCARD;
void writer_rules_changed(struct writer *w, struct rule_list *rules); /* takes *rules over */

/* ---- writer_errand.c: the command's requests */

/* Serves one request, answers it and frees it. */
void writer_serve(struct writer *w, struct errand *e);

/* ---- writer_thread.c */

/* Saves the rules' hits and removes what expired. */
void writer_tend_rules(struct writer *w);
/* Puts what is queued on disk as one batch. */
void writer_commit(struct writer *w);
void *writer_main(void *writer); /* for pthread_create */

#endif
