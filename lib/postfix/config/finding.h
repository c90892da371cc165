/* SPDX-License-Identifier: ISC */
/*
 * Findings: what is wrong, or worth knowing, and what to type about it. A growing list of values;
 * out of memory is sticky.
 */
#ifndef PQPURGE_POSTFIX_FINDING_H
#define PQPURGE_POSTFIX_FINDING_H

#include "base/str.h"

enum finding_level {
	FINDING_NOTE,  /* worth knowing */
	FINDING_FAULT, /* something is wrong */
};

struct finding {
	const char *id; /* static: "milter_missing" */
	enum finding_level level;
	char *words;   /* a sentence without its full stop */
	char *command; /* what to type; "" = nothing helps */
};

/* Zero-initialise. */
struct findings {
	struct finding *list;
	size_t count, cap;
	bool failed;
};

/* Adds one, unless the same words are there already. id is kept, command is copied. */
void findings_add(struct findings *f, const char *id, enum finding_level level, const char *command,
    const char *format, ...) FORMAT(5, 6);
/* Whether one of that id is there. */
bool findings_have(const struct findings *f, const char *id);
/* Appends from's findings, which is empty then. */
void findings_move(struct findings *f, struct findings *from);
/* The number of faults. */
size_t findings_faults(const struct findings *f);
void findings_release(struct findings *f);

#endif
