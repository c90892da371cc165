/* SPDX-License-Identifier: ISC */
#include "purge/tell/say.h"
#include "purge/why/why.h"

#define INDENT 10

static void say_numbers(const struct json *g)
{
	const int64_t recipients = json_int(g, "recipients", 0), hosts = json_int(g, "hosts", 0);
	const int64_t messages = json_int(g, "messages", 0);
	const int64_t more = json_int(g, "domain_count", 0) - (int64_t)json_count(g, "domains");
	AUTO(strbuf_release) struct strbuf line = {0};

	if (hosts)
		strbuf_printf(&line, "on %" PRId64 " %s", hosts, PLURAL(hosts, "host"));
	if (messages && messages != recipients)
		strbuf_printf(&line, "%sin %" PRId64 " %s", line.len ? " " : "", messages,
		    PLURAL(messages, "message"));
	for (size_t i = 0; i < json_count(g, "domains"); i++) {
		const struct json *one = json_at(g, "domains", i);
		const char *domain = json_words(one, "domain");

		strbuf_printf(&line, "%s%s %" PRId64,
		    i          ? ", "
		    : line.len ? "; "
			       : "",
		    *domain ? domain : "(no domain)", json_int(one, "recipients", 0));
	}
	if (more > 0)
		strbuf_printf(&line, " and %" PRId64 " more %s", more, PLURAL(more, "domain"));
	say_fold(stdout, INDENT, strbuf_text(&line));
}

void why_say(const struct json *g, bool fleets)
{
	const struct json *example = json_child(g, "example");
	const char *host = json_text(example, "host");
	AUTO(strbuf_release) struct strbuf line = {0};
	char count[32];

	snprintf(count, sizeof(count), "%s%" PRId64, json_bool(g, "at_least", false) ? ">=" : "",
	    json_int(g, "recipients", 0));
	say(stdout, "%8s  ", count);
	say_fold_from(stdout, INDENT, json_words(g, "reason"));
	say_numbers(g);
	strbuf_puts(&line, "e.g. ");
	if (host)
		strbuf_printf(&line, "on %s%s%s ", fleets ? json_words(example, "fleet") : "",
		    fleets ? "/" : "", host);
	strbuf_printf(&line, "%s to %s: %s", json_words(example, "queue_id"),
	    json_words(example, "address"), json_words(example, "delay_reason"));
	if (example)
		say_fold(stdout, INDENT, strbuf_text(&line));
	say(stdout, "\n");
}
