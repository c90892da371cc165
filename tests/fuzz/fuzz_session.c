/* SPDX-License-Identifier: ISC */
/*
 * A session driven by any sequence of events. Up to the first NUL the input is a rules file (a
 * wrong one counts as empty). Then come events, each a letter and its NUL-terminated texts: C
 * connect, c connect of sendmail(1), M sender, m sender and login, R recipient, r recipient and the
 * queue ID by then, L header name and value, E queue ID, e queue ID and login, A abort, S the clock
 * is set. A model beside the session knows the right message.
 */
#include "tests/fuzz/fuzz.h"

#include "base/clock.h"
#include "index/rows/record.h"
#include "milter/judge.h"
#include "rules/rules_file.h"

#define EVENTS     2000
#define RECIPIENTS 5

static int64_t wall_offset, ticks;

static int64_t test_steady(void)
{
	return ++ticks;
}

static int64_t test_wall(void)
{
	return 1000000000 + ticks + wall_offset;
}

struct input {
	const char *at, *end;
};

/* The session's expected state. */
struct model {
	bool in_mail, local, stepped;
	unsigned recipients, kept, froms;
	bool cut, last_kept;
	char file[QUEUE_ID_MAX + 1]; /* the queue ID at the last RCPT */
	char sender[ADDRESS_MAX + 1], login[MESSAGE_TEXT_MAX + 1];
	struct judge_more more;
};

static const char *text(struct input *in)
{
	const char *begin = in->at;

	if (begin >= in->end)
		return "";
	in->at += strlen(begin) + 1;
	return begin;
}

static void forget(struct model *m)
{
	bool local = m->local;

	memset(m, 0, sizeof(*m));
	m->local = local;
}

static void check_verdict(const struct verdict *v, const struct model *m)
{
	bool refuses = v->action == VERDICT_REJECT || v->action == VERDICT_TEMPFAIL;

	fuzz_require(refuses ? v->code[0] && v->status[0] : !v->code[0]);
	fuzz_require(!refuses || !m->local);
	fuzz_require(!refuses || v->code[0] == (v->action == VERDICT_REJECT ? '5' : '4'));
	fuzz_require(!refuses || v->status[0] == v->code[0]);
	/* Every '%' is doubled and there is no line end, since smfi_setreply would accept
	 * neither. */
	for (const char *c = v->text; *c; c++) {
		fuzz_require(*c != '\r' && *c != '\n');
		if (*c == '%')
			fuzz_require(*++c == '%');
	}
}

static void check_message(const struct message *got, const struct model *m)
{
	struct bytes record = {0};
	struct message back;

	fuzz_require(strcmp(got->sender, m->sender) == 0);
	fuzz_require(strcmp(got->login, m->login) == 0);
	fuzz_require(got->recipient_count == m->recipients);
	fuzz_require(got->recipients.count == m->kept);
	fuzz_require(m->kept <= RECIPIENTS);
	fuzz_require(!!(got->flags & MESSAGE_CUT_RECIPIENTS) == m->cut);
	fuzz_require(m->cut == (m->recipients > m->kept));
	fuzz_require(m->froms > 0 || got->from.count == 0);
	fuzz_require(!!(got->flags & MESSAGE_CLOCK_STEPPED) == m->stepped);
	fuzz_require(got->origin == (m->local ? ORIGIN_SENDMAIL : ORIGIN_SMTPD));
	fuzz_require(m->stepped || got->mail_time <= got->rcpt_time);
	record_encode(got, &record);
	fuzz_require(record.failed || record_decode(bytes_span(&record), &back) == 0);
	bytes_release(&record);
}

static void on_mail(
    struct session *s, struct ruleset *set, struct model *m, struct input *in, bool with_login)
{
	const char *argument = text(in), *login = with_login ? text(in) : NULL;
	struct address sender;
	struct verdict v;

	wall_offset = 0;
	session_mail(s, argument, login);
	forget(m);
	m->in_mail = true;
	address_envelope(argument, "origin.example", &sender);
	snprintf(m->sender, sizeof(m->sender), "%s", sender.text);
	snprintf(m->login, sizeof(m->login), "%s", login ? login : "");
	judge_envelope(set, s, test_wall(), &v);
	fuzz_require(v.action != VERDICT_HOLD);
	check_verdict(&v, m);
}

/* A new file: all recipients but the last belong to the old one. */
static void see_file(struct model *m, const char *id)
{
	if (!id[0] || strlen(id) > QUEUE_ID_MAX)
		return;
	if (m->file[0] && strcmp(m->file, id) != 0 && m->recipients > 0) {
		m->recipients = 1;
		m->kept = m->last_kept;
		m->cut = !m->last_kept;
	}
	snprintf(m->file, sizeof(m->file), "%s", id);
}

static void on_end(
    struct session *s, struct ruleset *set, struct model *m, struct input *in, bool with_login)
{
	const char *id = text(in), *login = with_login ? text(in) : NULL;
	const struct message *got = NULL;
	struct queue_id parsed;
	struct verdict v;

	if (login)
		snprintf(m->login, sizeof(m->login), "%s", login);
	see_file(m, id);
	int known = session_end(s, id, login, &got);
	fuzz_require(known == (m->in_mail && queue_id_parse(id, strlen(id), &parsed) == 0));
	if (known)
		check_message(got, m);
	judge_message(set, s, &m->more, test_wall(), &v);
	check_verdict(&v, m);
	session_abort(s); /* as glue does */
	forget(m);
}

static void on_rcpt(struct session *s, struct model *m, struct input *in, bool with_id)
{
	const char *recipient = text(in), *id = with_id ? text(in) : NULL;

	session_rcpt(s, recipient, id);
	if (id)
		see_file(m, id);
	/* Before MAIL there is no message, and the session's state is not recorded. */
	if (m->recipients++ == 0 && m->in_mail)
		m->stepped = wall_offset != 0;
	m->last_kept = m->kept < RECIPIENTS;
	m->kept += m->last_kept;
	m->cut |= !m->last_kept;
}

static void event(struct session *s, struct ruleset *set, struct model *m, struct input *in)
{
	struct net_address client;
	const char *name, *value;
	char kind = *in->at++;

	switch (kind) {
	case 'C':
	case 'c':
		fuzz_require(net_parse("192.0.2.7", &client) == 0);
		session_connect(s, &client, 25, kind == 'c');
		m->local = kind == 'c';
		forget(m);
		break;
	case 'M':
	case 'm':
		on_mail(s, set, m, in, kind == 'm');
		break;
	case 'R':
	case 'r':
		on_rcpt(s, m, in, kind == 'r');
		break;
	case 'L':
		name = text(in);
		value = text(in);
		if (str_equal_nocase(name, "From"))
			judge_from(&m->more, set, s, value, test_wall());
		else
			session_header(s, name, value);
		m->froms += str_equal_nocase(name, "From");
		break;
	case 'E':
	case 'e':
		on_end(s, set, m, in, kind == 'e');
		break;
	case 'A':
		session_abort(s);
		forget(m);
		break;
	case 'S':
		wall_offset = 3600 * USEC_PER_SEC;
		break;
	default:
		break;
	}
}

static struct ruleset *rules_of(struct input *in)
{
	struct rule_list rules = {0}, none = {0};
	const char *file = text(in);
	struct err err;

	if (rules_file_parse("rules", file, strlen(file), &rules, &err) != 0)
		rules = (struct rule_list){0};
	return ruleset_new(&rules, &none, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct session_config config = {
	    .origin = "origin.example", .max_recipients = RECIPIENTS, .record_subject = true};
	char *copy = malloc(size + 1);
	struct model m = {0};

	fuzz_require(copy != NULL);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	clock_inject(test_wall, test_steady);
	wall_offset = 0;
	struct input in = {copy, copy + size};
	struct ruleset *set = rules_of(&in);
	struct session *s = session_new(&config);
	fuzz_require(set && s);
	for (unsigned i = 0; i < EVENTS && in.at < in.end; i++)
		event(s, set, &m, &in);
	session_free(s);
	ruleset_unref(set);
	clock_inject(NULL, NULL);
	free(copy);
	return 0;
}
