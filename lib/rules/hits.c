/* SPDX-License-Identifier: ISC */
/* Hits of rules as lines of a file. */
#include "rules/hits.h"

#include <inttypes.h>

static const char *const origins[] = {"command", "file"};

static void take_line(char *line, const struct ruleset *set)
{
	char *origin = strchr(line, ' ');
	char *subject = origin ? strchr(origin + 1, ' ') : NULL;
	uint64_t count;
	bool of_file;

	if (!subject)
		return;
	*origin++ = *subject++ = '\0';
	of_file = strcmp(origin, origins[true]) == 0;
	if ((of_file || strcmp(origin, origins[false]) == 0) &&
	    str_parse_u64(line, 1, INT64_MAX, &count) == 0)
		ruleset_add_hits(set, of_file, subject, count);
}

void hits_take(const char *text, size_t len, const struct ruleset *set)
{
	struct str_lines lines = {.at = text, .end = text + len};

	while (str_lines_next(&lines) == 1)
		if (!lines.cut)
			take_line(lines.line.text, set);
	str_lines_release(&lines);
}

void hits_read(const char *directory, const struct ruleset *set)
{
	struct strbuf path = {0}, text = {0};

	strbuf_printf(&path, "%s/" HITS_FILE, directory);
	if (!path.failed && rules_file_text(path.text, &text, NULL) == 1)
		hits_take(strbuf_text(&text), text.len, set);
	strbuf_release(&text);
	strbuf_release(&path);
}

uint64_t hits_put(const struct ruleset *set, struct strbuf *out)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);
		uint64_t hits = rule_hits(r);

		if (hits)
			strbuf_printf(
			    out, "%" PRIu64 " %s %s\n", hits, origins[r->line != 0], r->subject);
		sum += hits;
	}
	return sum;
}
