/* SPDX-License-Identifier: ISC */
/* The output of a summary as a string. */
#ifndef PQPURGE_TESTS_PURGE_WRITTEN_H
#define PQPURGE_TESTS_PURGE_WRITTEN_H

#include "tests/unit/purge/crafted.h"
#include "tests/unit/unit.h"

#include "purge/tell/summary.h"

typedef int writer(FILE *to, const struct summary *s);

/* Free it. */
static inline char *written(writer *write, const struct summary *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_int_equal(write(to, s), 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

static inline void assert_written(writer *write, const struct summary *s, const char *want)
{
	char *text = written(write, s);

	assert_string_equal(text, want);
	free(text);
}

static inline void assert_says(writer *write, const struct summary *s, const char *part)
{
	char *text = written(write, s);

	if (!strstr(text, part))
		case_fail(part, "not in:\n%s", text);
	free(text);
}

static inline struct summary summary_on(struct crafted *c)
{
	return (struct summary){.outcome = &c->outcome, .action = ACTION_DELETE, .verb = "purge"};
}

#endif
