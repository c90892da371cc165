/* SPDX-License-Identifier: ISC */
/* One walk of a verb (order/order.h), made from its options, with progress on the terminal. */
#ifndef PQPURGE_PURGE_WALK_H
#define PQPURGE_PURGE_WALK_H

#include "order/order.h"
#include "purge/session.h"
#include "purge/tell/progress.h"
#include "purge/tell/report.h"

struct walk {
	struct session *s;
	struct order order;
	struct progress progress;
	struct outcome outcome;
	bool told; /* what the answer rests on */
};

/* Fills in the order from the options. Nothing is done yet. */
void walk_init(struct walk *w, struct session *s, enum action action);
/*
 * Runs the order. What the answer rests on is told on stderr where it is not the whole queue beside
 * the index: the index alone and of when, or the queue files alone and why.
 */
int walk_run(struct walk *w, struct err *err) NODISCARD;
/* The same telling alone, before a question about `found`; once. */
void walk_tell_basis(struct walk *w, const struct outcome *found);
/* For verbs that only look: everything in the queue where nothing narrows. */
int walk_look(struct walk *w, struct session *s, struct err *err) NODISCARD;
/*
 * The whole of such a verb: looks, has put tell of it, and tells problems. put returns an exit
 * status, or a negative code (with words, or of the output alone); so does this.
 */
typedef int walk_put(struct walk *w, struct err *err);
int walk_show(struct session *s, walk_put *put, struct err *err) NODISCARD;
/*
 * The end of a verb that changes something: what came of it, as text or JSON, and problems. An exit
 * status, or the code of a report that could not be written.
 */
int walk_tell(const struct walk *w, struct err *err) NODISCARD;
/* What the report is made of. */
struct report walk_report(const struct walk *w);
void walk_release(struct walk *w);

#endif
