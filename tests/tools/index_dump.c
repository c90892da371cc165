/* SPDX-License-Identifier: ISC */
/*
 * Prints what an index holds, one JSON object a line: {"kind": "message", ...} for each record in
 * order, then
 * {"kind": "rule", ...} and {"kind": "coverage", ...}. For tests; the index may be in use by its
 * daemon.
 *
 *   index_dump INDEX [SUBJECT...]
 *
 * With subjects also {"kind": "file_hits", ...} for each: the hits of the rules file's rule.
 */
#include <err.h>

#include "base/json.h"
#include "index/coverage.h"
#include "index/rows/record.h"
#include "index/rows/select.h"
#include "index/rulebook.h"

static void print(struct json *o)
{
	if (json_line(stdout, o) != 0)
		errx(1, "failed to write");
}

static void dump_message(uint64_t sequence, struct span record)
{
	struct message m;
	struct json *o = json_new();
	char client[NET_TEXT_SIZE];

	json_put_text(o, "kind", "message");
	json_put_int(o, "sequence", (int64_t)sequence);
	if (record_decode(record, &m) != 0) {
		json_put_bool(o, "damaged", true);
		print(o);
		return;
	}
	json_put_text(o, "queue_id", m.queue_id.text);
	json_put_text(o, "origin",
	    m.origin == ORIGIN_SENDMAIL ? "sendmail"
	    : m.origin == ORIGIN_SCAN   ? "scan"
					: "smtpd");
	json_put_int(o, "flags", m.flags);
	json_put_int(o, "connect_time", m.connect_time);
	json_put_int(o, "mail_time", m.mail_time);
	json_put_int(o, "rcpt_time", m.rcpt_time);
	json_put_int(o, "end_time", m.end_time);
	json_put_text(o, "client", net_text(&m.client, client));
	json_put_int(o, "client_port", m.client_port);
	json_put_text(o, "sender", m.sender);
	json_put_list(o, "from", &m.from);
	json_put_list(o, "recipients", &m.recipients);
	json_put_int(o, "recipient_count", m.recipient_count);
	json_put_text(o, "login", m.login);
	json_put_text(o, "message_id", m.message_id);
	json_put_text(o, "subject", m.subject);
	print(o);
}

static void dump_messages(struct txn *txn)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, value;

	for (int more = cursor_seek(cursor, (struct span){"", 0}, &key, &value); more == 1;
	     more = cursor_next(cursor, &key, &value))
		dump_message(be64_load(key.at), value);
	cursor_close(cursor);
}

static void dump_rules(struct txn *txn)
{
	struct rule_list rules = {0};
	uint64_t damaged = 0;

	if (rulebook_load(txn, 0, &rules, &damaged, NULL) != 0)
		return;
	for (size_t i = 0; i < rules.count; i++) {
		struct json *o = json_new();

		json_put_text(o, "kind", "rule");
		json_put_text(o, "subject", rules.list[i].subject);
		json_put_text(o, "action", rule_action_word(rules.list[i].action));
		json_put_int(o, "hits", (int64_t)rules.list[i].hits);
		print(o);
	}
	rule_list_release(&rules);
}

static void dump_file_hits(struct txn *txn, char **subjects)
{
	for (; *subjects; subjects++) {
		struct json *o = json_new();

		json_put_text(o, "kind", "file_hits");
		json_put_text(o, "subject", *subjects);
		json_put_int(o, "hits", (int64_t)rulebook_file_hits(txn, *subjects));
		print(o);
	}
}

static void dump_coverage(struct txn *txn)
{
	static const char *const words[] = {"", "begin", "end", "gap", "pruned"};
	struct coverage_row *rows = NULL;
	size_t count = 0;

	if (coverage_read(txn, &rows, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct json *o = json_new();

		json_put_text(o, "kind", "coverage");
		json_put_text(
		    o, "what", rows[i].kind < COUNT_OF(words) ? words[rows[i].kind] : "?");
		json_put_int(o, "from", rows[i].from);
		json_put_int(o, "to", rows[i].to);
		json_put_int(o, "count", (int64_t)rows[i].count);
		json_put_text(o, "reason", rows[i].reason);
		print(o);
	}
	free(rows);
}

int main(int argc, char **argv)
{
	struct store *store;
	struct txn txn;
	struct err failure;

	if (argc < 2)
		errx(1, "usage: index_dump INDEX [SUBJECT...]");
	if (index_open(argv[1], &store, &failure) != 0)
		errx(1, "%s", failure.text);
	if (txn_begin(store, false, &txn) == 0) {
		dump_messages(&txn);
		dump_rules(&txn);
		dump_file_hits(&txn, argv + 2);
		dump_coverage(&txn);
	}
	int code = txn.code;
	txn_abort(&txn);
	store_close(store);
	if (code)
		errx(1, "%s", err_word(code));
	return 0;
}
