/* SPDX-License-Identifier: ISC */
/*
 * What an order did here, as the database gets it: made of root's answer (lib/door/door.h). Root's
 * lines hold mail's words: they are JSON or are left out.
 */
#pragma once

#include "base/str.h"
#include "door/door.h"

#define OUTCOME_PART_MAX    (256000u) /* bytes of one fleet_part.body */
#define OUTCOME_PARTS_MAX   64u
#define OUTCOME_SUMMARY_MAX 60000u
#define OUTCOME_LINE_MAX    (1u << 20) /* a longer line is left out */

/* Zero-initialise. */
struct outcome {
	bool keeps_lines; /* set at first: lines become parts (list, top, why) */
	struct strbuf parts[OUTCOME_PARTS_MAX]; /* each a JSON array; finished by outcome_end */
	size_t part_count;
	bool cut;              /* lines were left out */
	struct strbuf summary; /* a JSON object; empty: none */
	struct strbuf words;
	const char *state; /* of fleet_result; static */
	int exit_status;
	uint64_t batch;
	/* Private. */
	struct strbuf line, complaint;
};
bool outcome_has_lines(const char *verb);
void outcome_says(struct outcome *o, const char *bytes, size_t len);
void outcome_complains(struct outcome *o, const char *bytes, size_t len);
/* The end: code is door_call's, end counts if that is 0, words (err's) otherwise. */
void outcome_end(struct outcome *o, int code, const struct door_end *end, const char *words);
void outcome_release(struct outcome *o); /* zeroes */
