/* SPDX-License-Identifier: ISC */
/*
 * A call of the order door in a child of its own: purges take minutes, and the agent must send its
 * heartbeats meanwhile. The child dies with the agent; root then stops between two chunks.
 */
#pragma once

#include "base/bytes.h"
#include "door/door.h"

/* Zero-initialise; fd is meaningful while pid is not 0. */
struct job {
	pid_t pid; /* 0: none runs */
	int fd;    /* the child's output; poll for POLLIN */
	/* Private. */
	struct bytes in;
	bool ended;
	int code;
	struct door_end end;
	struct err err;
};
struct job_call {
	const char *directory; /* order_directory */
	const struct door_order *orders;
	size_t count;   /* frames of one connection */
	int64_t time;   /* microseconds that the call may take */
	int not_for_it; /* a descriptor that the child closes; -1: none */
};
/* Starts the child; call is only read. A negative code with words. */
int job_start(struct job *j, const struct job_call *call, struct err *err) NODISCARD;

struct job_ear {
	void (*says)(void *arg, enum door_answer_kind kind, struct span bytes);
	void *arg;
};
/* Reads what is there. True: the child has ended, and j->code, end and err are door_call's. */
bool job_read(struct job *j, const struct job_ear *ear);
void job_stop(struct job *j); /* asks it to end as after ^C */
void job_end(struct job *j);  /* kills it if it still runs, and reaps it; zeroes */
