/* SPDX-License-Identifier: ISC */
/*
 * JSON in and out: parsed values keep their bounds, and any bytes written as a text become one line
 * that can be parsed.
 */
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

static volatile size_t sink;

/* As the lines of postqueue -j are read. */
static void read_members(const struct json *o)
{
	static const char *const keys[] = {
	    "queue_id", "queue_name", "sender", "arrival_time", "recipients", NULL};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *text = json_text(o, keys[i]);

		sink = text ? strlen(text) : 0;
		sink = (size_t)json_int(o, keys[i], -1);
		for (size_t n = 0; n < json_count(o, keys[i]); n++) {
			const struct json *member = json_at(o, keys[i], n);

			text = json_text(member, "address");
			sink = text ? strlen(text) : 0;
		}
		fuzz_require(!json_at(o, keys[i], json_count(o, keys[i])));
	}
}

static void check_written(const char *text)
{
	struct json *o = json_new(), *back = NULL;
	struct err err = {{0}};
	char *line = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&line, &len);

	fuzz_require(o && to);
	json_put_text(o, "sender", text);
	fuzz_require(json_line(to, o) == 0);
	fclose(to);
	fuzz_require(len > 1 && memchr(line, '\n', len) == line + len - 1);
	fuzz_require(json_parse(line, len - 1, &back, &err) == 0);
	fuzz_require(json_text(back, "sender") != NULL);
	json_free(back);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json *o = NULL;
	struct err err = {{0}};
	char *text = malloc(size + 1);

	fuzz_require(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (json_parse(text, size, &o, &err) == 0) {
		read_members(o);
		json_free(o);
	} else {
		fuzz_require(err.text[0] != '\0');
	}
	check_written(text);
	free(text);
	return 0;
}
