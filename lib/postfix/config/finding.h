/* SPDX-License-Identifier: ISC */
/* What is wrong or worth knowing, and which command helps. An allocation that fails sets `failed`,
 * and later calls do nothing. */
#pragma once

#include "base/str.h"

enum finding_level {
	FINDING_NOTE,
	FINDING_FAULT,
};

struct finding {
	const char *id; /* a static string: "milter_missing" */
	enum finding_level level;
	char *words;   /* a sentence without its full stop */
	char *command; /* what to type; "": no command helps */
};

struct findings {
	struct finding *list;
	size_t count, cap;
	bool failed;
};

/* Does nothing if a finding has the same ID and words. Keeps the pointer id; copies command. */
void findings_add(struct findings *f, const char *id, enum finding_level level, const char *command,
    const char *format, ...) FORMAT(5, 6);
bool findings_have(const struct findings *f, const char *id);
void findings_move(struct findings *f, struct findings *from); /* empties from */
size_t findings_faults(const struct findings *f);
void findings_release(struct findings *f);
