/* SPDX-License-Identifier: ISC */
/* The result of an order on this host in the database's form, from root's answer (lib/door/door.h).
 * Root's lines hold strangers' words; a line that is not JSON is left out. */
#pragma once

#include "base/str.h"
#include "door/door.h"

#define OUTCOME_PART_MAX    (256000u) /* bytes of one fleet_part.body */
#define OUTCOME_PARTS_MAX   64u
#define OUTCOME_SUMMARY_MAX 60000u
#define OUTCOME_LINE_MAX    (1u << 20) /* bytes; a longer line is left out */

/* Zero-initialise. */
struct outcome {
	bool keeps_lines; /* set it first: lines become parts (list, top, why, status) */
	struct strbuf parts[OUTCOME_PARTS_MAX]; /* JSON arrays, which outcome_end completes */
	size_t part_count;
	bool cut;              /* lines were left out */
	struct strbuf summary; /* a JSON object; empty: none */
	struct strbuf words;
	const char *state; /* of fleet_result; static */
	int exit_status;
	uint64_t batch;
	/* private */
	struct strbuf line, complaint;
};
bool outcome_has_lines(const char *verb); /* whether lines are kept */
/* Root's stdout and stderr, in pieces of any size. */
void outcome_says(struct outcome *o, const char *bytes, size_t len);
void outcome_complains(struct outcome *o, const char *bytes, size_t len);
/* Call it last. code is door_call's result. On 0, end is read; otherwise words, the text of its
 * err. */
void outcome_end(struct outcome *o, int code, const struct door_end *end, const char *words);
void outcome_release(struct outcome *o); /* zeroes */
