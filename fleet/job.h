/* SPDX-License-Identifier: ISC */
/* A call of the order door in a child: a purge takes minutes, and the agent must send its
 * heartbeats meanwhile. The child dies with the agent; root then stops between two chunks. */
#pragma once

#include "base/bytes.h"
#include "door/door.h"

/* Zero-initialise; fd is valid while pid is not 0. */
struct job {
	pid_t pid; /* 0: none runs */
	int fd;    /* the child's output; poll for POLLIN */
	/* private */
	struct bytes in;
	bool ended;
	int code;
	struct door_end end;
	struct err err;
};
struct job_call {
	const char *directory; /* order_directory */
	const struct door_order *orders;
	size_t count;   /* frames to send over one connection */
	int64_t time;   /* microseconds for the call */
	int not_for_it; /* a descriptor for the child to close; -1: none */
};
/* call is not needed after that. A negative code with words. */
int job_start(struct job *j, const struct job_call *call, struct err *err) NODISCARD;

struct job_ear {
	void (*says)(void *arg, enum door_answer_kind kind, struct span bytes);
	void *arg;
};
/* Reads the output that is there. True: the child has ended; j->code, end and err are as from
 * door_call. */
bool job_read(struct job *j, const struct job_ear *ear);
void job_stop(struct job *j); /* as ^C would */
void job_end(struct job *j);  /* kills the child if it still runs, reaps it, and zeroes */
