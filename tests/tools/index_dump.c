/* SPDX-License-Identifier: ISC */
/*
 * Prints an index, one JSON object a line: {"kind": "message", ...} for each record in order. For
 * tests; asks the daemon if one runs. Run it as root or the index's owner.
 *
 *   index_dump INDEX
 */
#include <err.h>

#include "index/control/client.h"

static void put_client(struct json *o, const char *key, const struct net_address *client)
{
	char text[NET_TEXT_SIZE];

	json_put_text(o, key, net_text(client, text));
}

static struct json *queued_of(const struct queued *q)
{
	struct json *o = json_new();

	json_put_int(o, "arrival_time", q->arrival_time);
	json_put_int(o, "create_time", q->create_time);
	json_put_int(o, "inode", (int64_t)q->inode);
	json_put_int(o, "size", q->size);
	json_put_int(o, "uid", q->uid);
	put_client(o, "client", &q->client);
	put_client(o, "log_client", &q->log_client);
	json_put_int(o, "client_port", q->client_port);
	json_put_text(o, "sender", q->sender);
	json_put_list(o, "from", &q->from);
	json_put_list(o, "recipients", &q->recipients);
	json_put_list(o, "originals", &q->originals);
	json_put_int(o, "recipient_count", q->recipient_count);
	json_put_text(o, "login", q->login);
	json_put_text(o, "message_id", q->message_id);
	json_put_text(o, "log_ident", q->log_ident);
	return o;
}

static struct json *first_of(const struct first_pass *first)
{
	struct json *o = json_new();

	json_put_text(o, "queue_id", first->queue_id.text);
	json_put_text(o, "login", first->login ? first->login : "");
	put_client(o, "client", &first->client);
	return o;
}

static const char *origin_word(enum message_origin origin)
{
	return origin == ORIGIN_SENDMAIL ? "sendmail" : origin == ORIGIN_QUEUE ? "queue" : "smtpd";
}

static void dump(const struct candidate *c)
{
	struct message m = candidate_message(c);
	struct json *o = json_new();

	json_put_text(o, "kind", "message");
	json_put_int(o, "sequence", (int64_t)c->sequence);
	json_put_text(o, "queue_id", m.queue_id.text);
	json_put_text(o, "origin", origin_word(m.origin));
	json_put_int(o, "flags", m.flags);
	json_put_int(o, "connect_time", m.connect_time);
	json_put_int(o, "mail_time", m.mail_time);
	json_put_int(o, "rcpt_time", m.rcpt_time);
	json_put_int(o, "end_time", m.end_time);
	put_client(o, "client", &m.client);
	json_put_int(o, "client_port", m.client_port);
	json_put_text(o, "sender", m.sender);
	json_put_list(o, "from", &m.from);
	json_put_list(o, "recipients", &m.recipients);
	json_put_int(o, "recipient_count", m.recipient_count);
	json_put_text(o, "login", m.login);
	json_put_text(o, "message_id", m.message_id);
	json_put_text(o, "subject", m.subject);
	if (m.queued.known)
		json_put(o, "queued", queued_of(&m.queued));
	json_put(o, "first", first_of(&m.first));
	if (json_line(stdout, o) != 0)
		errx(1, "failed to write");
}

int main(int argc, char **argv)
{
	struct settings settings = {.index_map_size = INT64_C(256) << 20};
	struct index_client client = {.settings = &settings};
	struct candidates rows;
	struct selector all;
	struct err why;

	if (argc != 2)
		errx(1, "usage: index_dump INDEX");
	settings.index_directory = argv[1];
	selector_init(&all);
	all.all = true;
	if (client_select(&client, &all, &rows, &why) != 0)
		errx(1, "%s", why.text);
	for (size_t i = 0; i < rows.count; i++)
		dump(&rows.list[i]);
	if (rows.damaged > 0)
		errx(1, "%llu damaged", (unsigned long long)rows.damaged);
	candidates_release(&rows);
	return 0;
}
