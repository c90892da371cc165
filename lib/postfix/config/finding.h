/* SPDX-License-Identifier: ISC */
/* Findings: what is wrong, or worth knowing, and what to type about it. Out of memory is sticky. */
#pragma once

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

/* Adds one, unless it is there in the same words. id is kept, command is copied. */
void findings_add(struct findings *f, const char *id, enum finding_level level, const char *command,
    const char *format, ...) FORMAT(5, 6);
bool findings_have(const struct findings *f, const char *id);
void findings_move(struct findings *f, struct findings *from); /* empties from */
size_t findings_faults(const struct findings *f);              /* how many */
void findings_release(struct findings *f);
