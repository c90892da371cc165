/* SPDX-License-Identifier: ISC */
/* An outcome as text, as JSON and as exit status. Write errors show when the stream is closed. */
#pragma once

#include "order/order.h"

struct summary {
	const struct outcome *outcome;
	enum action action;
	bool dry_run;
	bool ids_asked;        /* --id: list those that are gone */
	bool recipients_asked; /* --recipient: name the others */
	bool swept;
	unsigned rules_set;
	const char *verb;              /* as typed, for advice */
	const char *config;            /* of -c; NULL: none */
	const struct postfix *postfix; /* to read the samples' subjects; NULL: do not */
};

enum count_flag {
	COUNT_ALWAYS = 1u << 0,  /* in the JSON summary even if 0 */
	COUNT_PREVIEW = 1u << 1, /* shown before the question */
};
struct count {
	const char *key;   /* in the JSON summary */
	const char *label; /* NULL: not in text */
	const char *note;  /* NULL: none */
	uint64_t n;
	unsigned flags; /* enum count_flag */
};
#define COUNTS_MAX 40
/* Fills rows in order; returns how many. */
size_t summary_counts(const struct summary *s, struct count rows[COUNTS_MAX]);
enum summary_part { SUMMARY_PREVIEW, SUMMARY_REST, SUMMARY_ALL };
void summary_put_counts(FILE *to, const struct summary *s, enum summary_part part);

/* A line for each message, then the summary. */
int summary_json(FILE *to, const struct summary *s) NODISCARD;
/* For what is READY: counts, queues, ages and three samples. */
void summary_preview(FILE *to, const struct summary *s);
void summary_text(FILE *to, const struct summary *s);
/* What an admin must look at: messages and unreadable files. Also under --quiet. */
void summary_problems(FILE *to, const struct summary *s);
int summary_exit(const struct summary *s);
