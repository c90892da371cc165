/* SPDX-License-Identifier: ISC */
#include "purge/metrics/exposition.h"

char *label_text(const char *value, char buf[LABEL_MAX])
{
	return str_scrub(buf, LABEL_MAX, value);
}

void exposition_begin(struct exposition *e, const struct metric *metric)
{
	e->metric = metric;
	if (!e->json)
		strbuf_printf(&e->text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
		    metric->name, metric->type);
}

/* label_text leaves no line ends to escape. */
static void put_escaped(struct strbuf *to, const char *text)
{
	for (; *text; text++)
		strbuf_printf(to, "%s%c", strchr("\"\\", *text) ? "\\" : "", *text);
}

static void put_text(struct exposition *e, const struct label labels[2], int64_t value)
{
	char buf[LABEL_MAX];

	strbuf_puts(&e->text, e->metric->name);
	for (size_t n = 0; labels && n < 2 && labels[n].name; n++) {
		strbuf_printf(&e->text, "%c%s=\"", n ? ',' : '{', labels[n].name);
		put_escaped(&e->text, label_text(labels[n].value, buf));
		strbuf_putc(&e->text, '"');
	}
	strbuf_printf(&e->text, "%s %" PRId64 "\n", labels && labels[0].name ? "}" : "", value);
}

static void put_json(struct exposition *e, const struct label labels[2], int64_t value)
{
	struct json *line = json_new(), *named = json_new();
	char buf[LABEL_MAX];

	json_put_text(line, "name", e->metric->name);
	for (size_t n = 0; labels && n < 2 && labels[n].name; n++)
		json_put_text(named, labels[n].name, label_text(labels[n].value, buf));
	json_put(line, "labels", named);
	json_put_int(line, "value", value);
	e->text.failed |= json_write(&e->text, line) < 0;
}

void exposition_put(struct exposition *e, const struct label labels[2], int64_t value)
{
	(e->json ? put_json : put_text)(e, labels, value);
}

void exposition_one(struct exposition *e, const struct metric *metric, int64_t value)
{
	exposition_begin(e, metric);
	exposition_put(e, NULL, value);
}
