/* SPDX-License-Identifier: ISC */
/* What a report writes, as a string. */
#ifndef PQPURGE_TESTS_PURGE_WRITTEN_H
#define PQPURGE_TESTS_PURGE_WRITTEN_H

#include "tests/unit/purge/crafted.h"
#include "tests/unit/unit.h"

#include "purge/tell/report.h"

typedef int writer(FILE *to, const struct report *r);

/* What is written; the caller frees it. */
static inline char *written(writer *write, const struct report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_int_equal(write(to, r), 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

static inline void assert_written(writer *write, const struct report *r, const char *want)
{
	char *text = written(write, r);

	assert_string_equal(text, want);
	free(text);
}

static inline void assert_says(writer *write, const struct report *r, const char *part)
{
	char *text = written(write, r);

	if (!strstr(text, part))
		case_fail(part, "not in:\n%s", text);
	free(text);
}

static inline struct report report_on(const struct crafted *c)
{
	return (struct report){.outcome = &c->outcome, .action = ACTION_DELETE, .verb = "purge"};
}

#endif
