/* SPDX-License-Identifier: ISC */
/* A verb's walk (order/order.h) with progress on the terminal. */
#pragma once

#include "order/order.h"
#include "purge/session.h"
#include "purge/tell/progress.h"
#include "purge/tell/summary.h"

struct walk {
	struct session *s;
	struct order order;
	struct progress progress;
	struct outcome outcome;
	bool told;
};

/* Fills in the order from the options. */
void walk_init(struct walk *w, struct session *s, enum action action);
/* Runs the order and calls walk_tell_basis. */
int walk_run(struct walk *w, struct err *err) NODISCARD;
/* Says on stderr, once, if the answer rests on the index alone (and its time) or on the queue files
 * alone (and why). */
void walk_tell_basis(struct walk *w, const struct outcome *found);
/* For read-only verbs; without a selector, all mail in the queue. */
int walk_look(struct walk *w, struct session *s, struct err *err) NODISCARD;
/* Reports problems and returns the exit status. */
int walk_end_look(const struct walk *w);
/* A whole read-only verb: walk_look, put, then the problems. put returns an exit status or a
 * negative code, as does walk_show. */
typedef int walk_put(struct walk *w, struct err *err);
int walk_show(struct session *s, walk_put *put, struct err *err) NODISCARD;
/* For --all the answer must be n. */
bool walk_ask(const struct walk *w, const char *question, uint64_t n);
/* Ends a changing verb: a line in the mail log, and the summary as text or JSON, with problems.
 * Returns an exit status, or a negative code if the summary could not be written. */
int walk_tell(const struct walk *w, struct err *err) NODISCARD;
struct summary walk_summary(const struct walk *w);
void walk_release(struct walk *w);
