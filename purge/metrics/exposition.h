/* SPDX-License-Identifier: ISC */
/* Prometheus' text format, version 0.0.4, or the same as JSON, one object a line for each sample.
 * Values of labels may be anybody's words: they are scrubbed, cut and escaped here. */
#pragma once

#include "base/json.h"

struct metric {
	const char *name, *type, *help; /* type: "gauge", "counter"; help without backslashes */
};
struct label {
	const char *name, *value; /* value: any bytes */
};
#define LABEL_MAX 256 /* bytes of a value with its end */

/* Zero-initialise, release text. Out of memory is sticky in text. */
struct exposition {
	struct strbuf text;
	bool json;
	const struct metric *metric; /* of the samples that follow */
};
/* Begins a metric. All its samples follow at once, no two of them with the same labels. */
void exposition_begin(struct exposition *e, const struct metric *metric);
/* labels: at most two, one with name NULL ends them; NULL: none. */
void exposition_put(struct exposition *e, const struct label labels[2], int64_t value);
/* A metric of one sample. */
void exposition_one(struct exposition *e, const struct metric *metric, int64_t value);

/* What stands for value as a label, before escapes; returns buf. */
char *label_text(const char *value, char buf[LABEL_MAX]);
