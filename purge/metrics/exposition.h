/* SPDX-License-Identifier: ISC */
/* Prometheus' text format, version 0.0.4, or JSON with one object a line for each sample. Label
 * values may be strangers' words: they are scrubbed, cut and escaped here. */
#pragma once

#include "base/json.h"

struct metric {
	const char *name, *type, *help; /* type: "gauge", "counter"; help without backslashes */
};
struct label {
	const char *name, *value; /* value: any bytes */
};
#define LABEL_MAX 256 /* bytes of a value with its NUL */

/* Zero-initialise, release text, which remembers a lack of memory. */
struct exposition {
	struct strbuf text;
	bool json;
	const struct metric *metric; /* of the samples that follow */
};
/* All samples of the metric must follow at once, each with different labels. */
void exposition_begin(struct exposition *e, const struct metric *metric);
/* labels: at most two; a NULL name ends them. NULL: none. */
void exposition_put(struct exposition *e, const struct label labels[2], int64_t value);
void exposition_one(struct exposition *e, const struct metric *metric, int64_t value);

/* Before escaping. Returns buf. */
char *label_text(const char *value, char buf[LABEL_MAX]);
