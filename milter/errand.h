/* SPDX-License-Identifier: ISC */
/*
 * An errand: one request of the command's that may take long, at work in a thread of its own, so
 * that it keeps neither the control thread nor another errand waiting.
 */
#ifndef PQPURGE_MILTER_ERRAND_H
#define PQPURGE_MILTER_ERRAND_H

#include "base/json.h"

struct errand {
	struct errand *next; /* for whoever gathers them */
	uint64_t peer;       /* who asked */
	struct json *request;
	int body;            /* came with it; -1 none */
	struct json *answer; /* NULL: memory is out */
	int file;            /* goes with the answer; -1 none */
	/* The work, and whom to tell when it is done. Both are called in the errand's thread. */
	void (*work)(void *arg, struct errand *e);
	void (*done)(void *arg, struct errand *e);
	void *arg;
};

/* Starts it; e is the heap's, and done's from then on. 0, or -errno: nothing was started. */
int errand_start(struct errand *e) NODISCARD;
/* Frees it with all that it still has. NULL is fine. */
void errand_free(struct errand *e);

#endif
