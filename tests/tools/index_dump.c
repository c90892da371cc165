/* SPDX-License-Identifier: ISC */
/*
 * Prints the rows of an index, one JSON object a line, in order. It asks the daemon where one runs,
 * and opens the index itself otherwise, as a command does. For tests.
 *
 *   index_dump INDEX
 */
#include <err.h>

#include "base/json.h"
#include "index/client.h"

static const char *origin_word(enum message_origin origin)
{
	switch (origin) {
	case ORIGIN_SMTPD:
		return "smtpd";
	case ORIGIN_SENDMAIL:
		return "sendmail";
	case ORIGIN_QUEUE:
		break;
	}
	return "queue";
}

static void put_given(struct json *o, const struct message *m)
{
	char client[NET_TEXT_SIZE];

	json_put_int(o, "flags", m->flags);
	json_put_int(o, "connect_time", m->connect_time);
	json_put_int(o, "mail_time", m->mail_time);
	json_put_int(o, "rcpt_time", m->rcpt_time);
	json_put_int(o, "end_time", m->end_time);
	json_put_text(o, "client", net_text(&m->client, client));
	json_put_int(o, "client_port", m->client_port);
	json_put_text(o, "sender", m->sender);
	json_put_list(o, "from", &m->from);
	json_put_list(o, "recipients", &m->recipients);
	json_put_int(o, "recipient_count", m->recipient_count);
	json_put_text(o, "login", m->login);
	json_put_text(o, "message_id", m->message_id);
	json_put_text(o, "subject", m->subject);
}

static struct json *queued_of(const struct queued *q)
{
	struct json *o = json_new();

	json_put_int(o, "arrival_time", q->arrival_time);
	json_put_int(o, "size", q->size);
	json_put_int(o, "uid", q->uid);
	json_put_text(o, "sender", q->sender);
	json_put_list(o, "from", &q->from);
	json_put_list(o, "recipients", &q->recipients);
	json_put_list(o, "originals", &q->originals);
	json_put_text(o, "login", q->login);
	json_put_text(o, "message_id", q->message_id);
	json_put_text(o, "log_ident", q->log_ident);
	return o;
}

static void print(const struct candidate *c)
{
	struct message m = candidate_message(c);
	struct json *o = json_new();

	json_put_text(o, "kind", "message");
	json_put_int(o, "sequence", (int64_t)c->sequence);
	json_put_text(o, "queue_id", m.queue_id.text);
	json_put_text(o, "origin", origin_word(m.origin));
	put_given(o, &m);
	if (m.queued.known)
		json_put(o, "queued", queued_of(&m.queued));
	json_put_text(o, "first", m.first.queue_id.text);
	if (json_line(stdout, o) != 0)
		errx(1, "failed to write");
}

int main(int argc, char **argv)
{
	struct settings settings = {.index_map_size = INT64_C(256) << 20};
	const struct index_client client = {.settings = &settings};
	struct candidates rows = {0};
	struct selector all;
	struct err failure;

	if (argc != 2)
		errx(1, "usage: index_dump INDEX");
	settings.index_directory = argv[1];
	selector_init(&all);
	all.all = true;
	if (client_select(&client, &all, &rows, &failure) != 0)
		errx(1, "%s", failure.text);
	for (size_t i = 0; i < rows.count; i++)
		print(&rows.list[i]);
	if (rows.damaged > 0)
		warnx("%llu damaged rows", (unsigned long long)rows.damaged);
	candidates_release(&rows);
	selector_release(&all);
	return 0;
}
