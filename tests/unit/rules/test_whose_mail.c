/* SPDX-License-Identifier: ISC */
/*
 * What counts as a domain and what does not: the table of pqpurge-rules(5), line by line. Both the
 * rules (at the door) and a selector (a purge) are asked. The manual has exactly these lines.
 */
#include "tests/unit/rules/rule_words.h"

#include "mail/header.h"
#include "mail/selector/selector.h"

#define MANUAL "milter/pqpurge-rules.5"

#define HEADER_MAX 4

static const struct {
	const char *line; /* of the manual, as after .It */
	bool counts;
	const char *envelope, *header[HEADER_MAX]; /* NULL: another sender's */
} rows[] = {
    {"upper case", true, "<x@BAD.Example>", {"From: X@Bad.EXAMPLE"}},
    {"dots behind it", true, "<x@bad.example.>", {"From: x@bad.example.."}},
    {"a zero-width space or joiner (U+200B, U+200C, U+200D, U+2060)", true,
	"<x@b\xe2\x80\x8d"
	"ad.exam\xe2\x80\x8cple>",
	{"From: x@bad\xe2\x80\x8b.exam\xe2\x81\xa0ple"}},
    {"a soft hyphen or byte order mark (U+00AD, U+FEFF)", true,
	"<x@ba\xc2\xad"
	"d.example>",
	{"From: x@\xef\xbb\xbf"
	 "bad.example"}},
    {"a Unicode blank in or behind it (U+00A0, U+3000)", true, "<x@bad.example\xc2\xa0>",
	{"From: x@bad\xe3\x80\x80.example"}},
    {"full-width letters and dots", true, "<x@\xef\xbd\x82\xef\xbd\x81\xef\xbd\x84.example>",
	{"From: x@bad\xe3\x80\x82"
	 "example"}},
    {"a source route", true, "<@relay.example:x@bad.example>",
	{"From: <@relay.example,@other.example:x@bad.example>"}},
    {"a percent or bang path", true, "<x%bad.example>", {NULL}},
    {"an address in quotes in front of it", true, "<\"x@good.example\"@bad.example>",
	{"From: \"x@good.example\"@bad.example"}},
    {"blanks and comments inside", true, "<x @ bad (c) . example>",
	{"From: x @ bad(y@good.example).example"}},
    {"a folded field", true, NULL, {"From: y@good.example,\r\n\tx@bad.example"}},
    {"a group", true, NULL, {"From: Desk: y@good.example, x@bad.example;"}},
    {"a second From field", true, NULL, {"From: y@good.example", "FROM: x@bad.example"}},
    {"the 65th mailbox, or the 3000th", true, NULL, {"many"}},
    {"a quote, bracket or comment that is not closed", true, NULL,
	{"From: \"x@bad.example", "From: (x@bad.example", "From: x@bad.example>"}},
    {"two @", true, NULL, {"From: x@good.example@bad.example"}},
    {"a subdomain, or the domain above", false, "<x@sub.bad.example>",
	{"From: x@sub.bad.example, x@example"}},
    {"a domain that ends in the same letters", false, "<x@notbad.example>",
	{"From: x@notbad.example"}},
    {"a letter that only looks alike", false,
	"<x@b\xd0\xb0"
	"d.example>",
	{"From: x@b\xd0\xb0"
	 "d.example"}},
    {"the domain as a literal, [bad.example]", false, "<x@[bad.example]>",
	{"From: x@[bad.example]"}},
    {"the domain in a local part, as SRS and VERP write it", false,
	"<srs0=hhh=tt=bad.example=x@good.example>", {"From: \"x@bad.example\"@good.example"}},
    {"a display name in front of <another address>", false, NULL,
	{"From: x@bad.example via Desk <y@good.example>",
	    "From: \"x@bad.example\" <y@good.example>",
	    "From: =?utf-8?q?x=40bad.example?= <y@good.example>"}},
    {"a comment", false, NULL, {"From: y@good.example (x@bad.example)"}},
    {"Sender, Reply-To, Resent-From and other fields", false, NULL,
	{"Sender: x@bad.example", "Reply-To: x@bad.example", "Resent-From: x@bad.example",
	    "Subject: From: x@bad.example"}},
};

/* ---- the two that are asked */

struct asking {
	struct ruleset *set;
	struct selector_header purge;
	unsigned refused; /* mailboxes */
};

static bool is_refused(struct ruleset *set, const struct address *address)
{
	struct ruleset_query query = {.address = address};

	return ruleset_find(set, &query).rule != NULL;
}

static void take_mailbox(void *arg, const struct address *mailbox)
{
	struct asking *a = arg;

	a->refused += is_refused(a->set, mailbox);
	selector_header_take(&a->purge, mailbox);
}

static void put_many(struct header *h)
{
	struct strbuf value = {0};

	for (unsigned n = 1; n < 3000; n++)
		strbuf_printf(&value, "y%u@good%u.example, ", n, n);
	strbuf_puts(&value, "x@bad.example");
	header_take(h, "From", value.text, value.len);
	strbuf_release(&value);
}

static void put_field(struct header *h, const char *field)
{
	size_t len = strcspn(field, ":");
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)len, field);
	if (strcmp(field, "many") == 0)
		put_many(h);
	else
		header_take(h, name, field + len + 2, strlen(field + len + 2));
}

static bool is_selected(
    const struct selector *s, const struct header *h, const struct asking *a, const char *sender)
{
	struct message m;

	message_init(&m);
	m.origin = ORIGIN_SMTPD;
	m.sender = sender;
	m.from = strlist_of(&h->from.packed);
	m.flags = h->from.cut ? MESSAGE_CUT_FROM : 0;
	return selector_nominate_read(s, &m, &a->purge, NULL) != 0;
}

/* The envelope and each header field alone must get the same answer. */
static void ask(const char *line, const char *envelope, const char *const *fields, size_t count,
    struct ruleset *set, const struct selector *s, bool want)
{
	struct asking a = {.set = set, .purge = {.selector = s}};
	struct header h = {.from = {.taken = take_mailbox, .arg = &a}};
	struct address sender;

	address_envelope(envelope, NULL, &sender);
	for (size_t n = 0; n < count; n++)
		put_field(&h, fields[n]);
	if ((is_refused(set, &sender) || a.refused > 0) != want)
		case_fail(line, "at the door: %s %s", envelope, count ? fields[0] : "");
	if (is_selected(s, &h, &a, sender.text) != want)
		case_fail(line, "by a purge: %s %s", envelope, count ? fields[0] : "");
	header_release(&h);
}

static void test_table(void **state)
{
	static const char *const rules[] = {"bad.example REJECT", NULL}, *const none[] = {NULL};
	struct ruleset *set = build(rules, none);
	struct selector s;
	struct pattern p;

	(void)state;
	selector_init(&s);
	assert_int_equal(pattern_parse("bad.example", &p, NULL), 0);
	assert_int_equal(pattern_set_add(&s.author, &p), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const *fields = rows[i].header;
		bool together = strstr(rows[i].line, "second") != NULL;

		if (rows[i].envelope)
			ask(rows[i].line, rows[i].envelope, NULL, 0, set, &s, rows[i].counts);
		if (together)
			ask(rows[i].line, "<y@good.example>", fields, 2, set, &s, rows[i].counts);
		for (size_t n = 0; !together && n < HEADER_MAX && fields[n]; n++)
			ask(rows[i].line, "<y@good.example>", &fields[n], 1, set, &s,
			    rows[i].counts);
	}
	selector_release(&s);
	ruleset_unref(set);
}

/* ---- the manual */

/* Needs the source tree as working directory. */
static void test_manual(void **state)
{
	FILE *manual = fopen(MANUAL, "r");
	char line[512];
	size_t row = 0;

	(void)state;
	if (!manual)
		fail_msg("%s is not there", MANUAL);
	while (fgets(line, sizeof(line), manual)) {
		char *answer = strstr(line, " Ta ");

		if (!str_starts(line, ".It ") || !answer)
			continue;
		*answer = '\0';
		answer += strlen(" Ta ");
		assert_true(row < COUNT_OF(rows));
		case_assert_text(rows[row].line, line + strlen(".It "), rows[row].line);
		case_assert_text(rows[row].line, answer, rows[row].counts ? "yes\n" : "no\n");
		row++;
	}
	assert_int_equal(row, COUNT_OF(rows));
	fclose(manual);
}

UNIT_MAIN(cmocka_unit_test(test_table), cmocka_unit_test(test_manual))
