/* SPDX-License-Identifier: ISC */
/*
 * Selection compared with a naive filter. The input is lines, each a letter and a text. A S F R are
 * patterns (author, sender, from, recipient; small letters include subdomains), L a login, I an ID,
 * O "only". M is a message: sender, header From, recipient and login, separated by tabs; then, if
 * the queue file was read, sender and recipient as queued. By any path, the index must return
 * exactly the rows that selector_nominate_row accepts.
 */
#include "index/rows/entry.h"
#include "index/rows/select.h"
#include "mail/address/from.h"
#include "tests/fuzz/index_store.h"

#define MESSAGES 40
#define LINE     700

static void id_of(unsigned n, struct queue_id *ret)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%05X%X", n, 16 + n % 32); /* some inodes twice */

	fuzz_require(queue_id_parse(text, (size_t)len, ret) == 0);
}

static void add_pattern(struct selector *s, char kind, const char *text)
{
	struct pattern_set *set = strchr("Aa", kind)   ? &s->author
				  : strchr("Ss", kind) ? &s->sender
				  : strchr("Ff", kind) ? &s->from
						       : &s->recipient;
	struct pattern p;
	struct err err;

	if (set->count >= 8 || pattern_parse(text, &p, &err) != 0)
		return;
	if (kind >= 'a')
		pattern_include_subdomains(&p);
	fuzz_require(pattern_set_add(set, &p) == 0);
}

/* Cuts off the next field; "" at the end. */
static const char *field(char **rest)
{
	char *begin = *rest, *tab = strchr(begin, '\t');

	if (!tab) {
		*rest = begin + strlen(begin);
		return begin;
	}
	*tab = '\0';
	*rest = tab + 1;
	return begin;
}

/* The file's facts, if there are any. */
static void read_file(struct message *m, char *line, struct address *sender, struct strbuf *packed)
{
	struct queued *q = &m->queued;
	struct address recipient;

	if (!*line)
		return;
	address_envelope(field(&line), NULL, sender);
	address_envelope(field(&line), NULL, &recipient);
	strlist_push(packed, recipient.text, strlen(recipient.text));
	q->known = true;
	q->arrival_time = m->mail_time;
	q->create_time = q->uid = q->size = -1;
	q->sender = sender->text;
	q->login = q->message_id = q->log_ident = "";
	q->recipients = strlist_of(packed);
	q->recipient_count = 1;
}

static void add_message(struct txn *txn, char *line, unsigned n)
{
	struct address sender, recipient, queued_sender;
	struct strbuf recipients = {0}, queued = {0};
	struct from_list from = {0};
	struct bytes record = {0};
	struct message m;

	message_init(&m);
	id_of(n, &m.queue_id);
	m.origin = ORIGIN_SMTPD;
	m.mail_time = m.rcpt_time = m.end_time = 1000 + n;
	address_envelope(field(&line), NULL, &sender);
	m.sender = sender.text;
	const char *header = field(&line);
	from_scan(&from, header, strlen(header));
	m.from = strlist_of(&from.packed);
	address_envelope(field(&line), NULL, &recipient);
	strlist_push(&recipients, recipient.text, strlen(recipient.text));
	m.recipients = strlist_of(&recipients);
	m.recipient_count = 1;
	m.login = field(&line);
	read_file(&m, line, &queued_sender, &queued);
	record_encode(&m, &record);
	entry_add(txn, bytes_span(&record), NULL);
	fuzz_require(txn->code == 0);
	bytes_release(&record);
	from_release(&from);
	strbuf_release(&recipients);
	strbuf_release(&queued);
}

static void take_line(struct selector *s, struct txn *txn, char *line, unsigned *messages)
{
	struct queue_id id;

	if (line[0] == 'M' && *messages < MESSAGES)
		add_message(txn, line + 1, (*messages)++);
	else if (line[0] == 'L' && line[1])
		fuzz_require(selector_add_login(s, line + 1) == 0);
	else if (line[0] == 'l')
		(void)!selector_add_login_text(s, line + 1, NULL);
	else if (line[0] == 'I') {
		id_of((unsigned)(unsigned char)line[1] % MESSAGES, &id);
		fuzz_require(selector_add_id(s, &id) == 0);
	} else if (line[0] == 'O')
		s->only = true;
	else if (line[0] && strchr("AaSsFfRr", line[0]))
		add_pattern(s, line[0], line + 1);
}

/* Asks about all rows in order. */
static void compare(struct txn *txn, const struct selector *s, const struct candidates *got)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key = {.at = "", .len = 0}, value;
	size_t n = 0;

	for (int at = cursor_seek(cursor, key, &key, &value); at == 1;
	     at = cursor_next(cursor, &key, &value)) {
		struct message m;

		fuzz_require(record_decode(value, &m) == 0);
		unsigned matched = selector_nominate_row(s, &m, NULL);
		if (!matched)
			continue;
		fuzz_require(n < got->count);
		fuzz_require(got->list[n].sequence == entry_number(key));
		fuzz_require(got->list[n].matched == matched);
		fuzz_require(strcmp(candidate_message(&got->list[n]).sender, m.sender) == 0);
		n++;
	}
	cursor_close(cursor);
	fuzz_require(n == got->count && got->damaged == 0);
}

static void check(struct index *ix, struct selector *s)
{
	struct bytes out = {0};
	struct candidates got = {0};
	struct err err = {{0}};
	struct txn txn;

	selector_seal(s);
	fuzz_require(index_find(ix, s, INT64_MAX, &out, &err) == 0);
	struct blob blob = {.at = out.at, .len = out.len};
	fuzz_require(select_view(&blob, &got, &err) == 0);
	txn_begin(ix->store, false, &txn);
	compare(&txn, s, &got);
	txn_abort(&txn);
	candidates_release(&got);
	bytes_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index *ix = fuzz_index();
	const char *at = (const char *)data, *end = at + size;
	struct selector s;
	struct txn txn;
	unsigned messages = 0;

	selector_init(&s);
	txn_begin(ix->store, true, &txn);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		char line[LINE];

		snprintf(line, sizeof(line), "%.*s", (int)(len < LINE ? len : LINE - 1), at);
		take_line(&s, &txn, line, &messages);
		at = newline ? newline + 1 : end;
	}
	fuzz_require(txn_commit(&txn, NULL) == 0);
	s.all = selector_is_empty(&s);
	check(ix, &s);
	selector_release(&s);
	return 0;
}
