/* SPDX-License-Identifier: ISC */
/* One pass over runs: words that '.' and '@' join. A run with '@' and a domain is a mailbox
 * wherever it stands. Any other run is part of a display name, or, if it stands alone, an
 * unqualified mailbox. */
#include "mail/address/from.h"

#include "mail/address/address_parts.h"
#include "mail/address/from_list.h"

#define ENCODED_WORD_MAX 1000 /* RFC 2047 allows 75; bounded so that failed searches stay cheap */

enum joint {
	JOINT_TIGHT,  /* the next word joins the run */
	JOINT_SPACED, /* after white space or a comment: only '.' and '@' still join */
	JOINT_CLOSED, /* nothing joins */
};

struct scan {
	const char *at, *end;
	struct address_parts run;
	bool has_at;
	bool quoted_at; /* a quoted string in its local part contains '@' */
	bool encoded;   /* has an encoded word: without a domain it is a name */
	bool awaiting;  /* ends with a bare '.' or '@': the next word joins even after blanks */
	enum joint joint;
	/* The item, from comma to comma. */
	bool in_angle;
	bool taken;      /* has an angle address, or an address was reported */
	bool has_phrase; /* has words that are not an address */
	/* some '(' or '"' is never closed, so all are ordinary characters */
	bool no_comments, no_quotes;
	/* Look-ahead: does this item have an address in '<>'? No byte is looked at twice. */
	const char *looked;
	bool angle, look_no_comments, look_no_quotes;
	struct from_costly costly;
	struct from_list *list;
};

static bool run_is_empty(const struct scan *s)
{
	return !s->has_at && s->run.local_len == 0;
}

/* Whether the run begins a source route: "<@a,@b:". */
static bool run_is_route(const struct scan *s)
{
	return s->in_angle && s->has_at && s->run.local_len == 0;
}

static void run_clear(struct scan *s)
{
	address_parts_clear(&s->run);
	s->has_at = s->quoted_at = s->encoded = s->awaiting = false;
	s->joint = JOINT_TIGHT;
}

/* at: a '<'. Whether "<...@...>" stands there. */
static bool is_angle_address(const char *at, const char *end)
{
	bool has_at = false;

	for (at++; at < end && *at != '<' && *at != '>'; at++)
		has_at |= *at == '@';
	return has_at && at < end && *at == '>';
}

/* at: a '"' or '('. NULL if it is not closed. */
static const char *past_enclosed(const struct scan *s, const char *at)
{
	const char *closing = NULL;

	if (*at == '"' && !s->look_no_quotes)
		closing = quote_end(at + 1, s->end);
	else if (*at == '(' && !s->look_no_comments)
		return comment_end(at + 1, s->end);
	return closing ? closing + 1 : NULL;
}

static void look_ahead(struct scan *s, const char *at)
{
	const char *behind;

	s->angle = false;
	while (at < s->end && !strchr(",;:", *at)) {
		if (*at == '<' && is_angle_address(at, s->end)) {
			s->angle = true;
			break;
		}
		behind = past_enclosed(s, at);
		if (!behind) {
			s->look_no_quotes |= *at == '"';
			s->look_no_comments |= *at == '(';
			behind = at + 1;
		}
		at = behind;
	}
	s->looked = at;
}

/* Whether the text so far is a name, as in "joe@a.example via Desk <desk@b.example>". */
static bool is_display_name(struct scan *s)
{
	const char *at = s->at - 1;

	if (s->in_angle || s->at == s->end)
		return false;
	if (!s->looked || at > s->looked)
		look_ahead(s, at);
	return s->angle;
}

static void report_parts(
    struct scan *s, const char *local, size_t local_len, const char *domain, size_t domain_len)
{
	if (is_display_name(s))
		return;
	s->taken = true;
	from_list_add(s->list, &s->costly, local, local_len, domain, domain_len);
}

static void report_run(struct scan *s)
{
	s->list->cut |= s->run.local_cut;
	report_parts(s, s->run.local, s->run.local_len, s->run.domain.at, s->run.domain.len);
}

/* A run without a domain where a mailbox must stand: "root", or "a@b" all in quotes. */
static void report_bare(struct scan *s)
{
	const char *at = NULL;

	if (s->quoted_at && !s->has_at)
		at = memrchr(s->run.local, '@', s->run.local_len);
	if (at)
		report_parts(s, s->run.local, (size_t)(at - s->run.local), at + 1,
		    s->run.local_len - (size_t)(at + 1 - s->run.local));
	else
		report_run(s);
}

static void run_end(struct scan *s)
{
	if (s->has_at && s->run.domain.len > 0)
		report_run(s);
	else if (!run_is_empty(s))
		s->has_phrase = true;
	run_clear(s);
}

/* Called at the end of an item or of <>: a run without a domain is a mailbox if the item has no
 * other. */
static void mailbox_end(struct scan *s)
{
	bool bare = s->run.local_len > 0 && s->run.domain.len == 0 && !s->encoded;

	if (bare && (s->in_angle || (!s->taken && !s->has_phrase)))
		report_bare(s);
	run_end(s);
	s->in_angle = false;
}

static void item_begin(struct scan *s)
{
	run_clear(s);
	s->in_angle = s->taken = s->has_phrase = false;
}

/* White space or a comment. By the grammar the domain may continue after it, but readers see it
 * end. */
static void space(struct scan *s)
{
	if (s->has_at && s->run.domain.len > 0 && !run_is_route(s))
		report_run(s);
	if (s->joint == JOINT_TIGHT)
		s->joint = JOINT_SPACED;
}

/* A byte of a host name or of UTF-8, or an invisible one. */
static bool is_domain_byte(char c)
{
	return (c > 0 && c < ' ') || c == 0x7f || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.' || (unsigned char)c >= 0x80;
}

static void word_begin(struct scan *s)
{
	if (s->joint == JOINT_CLOSED || (s->joint == JOINT_SPACED && !s->awaiting))
		run_end(s);
	s->joint = JOINT_TIGHT;
}

static void put(struct scan *s, char c)
{
	if (!s->has_at) {
		address_parts_local(&s->run, c);
	} else if (is_domain_byte(c)) {
		domain_text_add(&s->run.domain, c);
	} else {
		run_end(s);
		return;
	}
	s->awaiting = false;
}

static void put_dot(struct scan *s)
{
	if (s->joint == JOINT_CLOSED)
		run_end(s);
	s->joint = JOINT_TIGHT;
	put(s, '.');
	s->awaiting = true;
}

/* In "a@b@c" a reader may take b or c for the domain. */
static void put_at(struct scan *s)
{
	if (s->joint == JOINT_CLOSED)
		run_end(s);
	if (s->has_at) {
		if (s->run.domain.len > 0)
			report_run(s);
		address_parts_join(&s->run);
	}
	s->has_at = s->awaiting = true;
	s->joint = JOINT_TIGHT;
}

static void quoted_string(struct scan *s)
{
	const char *closing = s->no_quotes ? NULL : quote_end(s->at, s->end);

	if (!closing) {
		s->no_quotes = true;
		run_end(s);
		return;
	}
	if (s->has_at && s->run.domain.len > 0)
		run_end(s);
	word_begin(s);
	for (; s->at < closing; s->at++) {
		if (*s->at == '\\' && s->at + 1 < closing)
			s->at++;
		if (*s->at == '@' && !s->has_at)
			s->quoted_at = true;
		put(s, str_is_blank(*s->at) ? ' ' : *s->at);
	}
	s->at = closing + 1;
}

static void comment(struct scan *s)
{
	const char *behind = s->no_comments ? NULL : comment_end(s->at, s->end);

	if (behind) {
		s->at = behind;
		space(s);
	} else {
		s->no_comments = true;
		run_end(s);
	}
}

/* "[192.0.2.1]" is a domain right after '@'. Elsewhere brackets only separate. */
static void literal(struct scan *s)
{
	const char *at = s->at;

	while (at < s->end && at - s->at < DOMAIN_MAX && !strchr("[]<>@,;\"()", *at))
		at++;
	if (!s->has_at || s->run.domain.len > 0 || at == s->end || *at != ']') {
		run_end(s);
		return;
	}
	domain_text_add(&s->run.domain, '[');
	for (; s->at < at; s->at++)
		if (!str_is_blank(*s->at) && *s->at != '\\')
			domain_text_add(&s->run.domain, *s->at);
	domain_text_add(&s->run.domain, ']');
	s->at++;
	s->awaiting = false;
	s->joint = JOINT_CLOSED;
}

/* The end of the encoded word at `at` ("=?charset?q?text?="), or NULL. */
static const char *encoded_word_end(const char *at, const char *end)
{
	int marks = 0;

	if (end - at > ENCODED_WORD_MAX)
		end = at + ENCODED_WORD_MAX;
	for (at++; at < end && (unsigned char)*at > ' '; at++) {
		if (*at == '?')
			marks++;
		else if (*at == '=' && marks >= 4 && at[-1] == '?')
			return at + 1;
	}
	return NULL;
}

static void word(struct scan *s)
{
	const char *first = s->at - 1;
	const char *behind = NULL;

	word_begin(s);
	if (s->has_at && s->run.domain.len > 0 && domain_is_blank(first, (size_t)(s->end - first)))
		report_run(s);
	if (*first == '=' && !s->has_at && s->at < s->end && *s->at == '?')
		behind = encoded_word_end(first, s->end);
	put(s, *first);
	s->encoded |= behind != NULL;
	while (behind && s->at < behind)
		put(s, *s->at++);
}

static void angle_open(struct scan *s)
{
	run_end(s);
	s->in_angle = true;
	s->taken = true;
}

static void colon(struct scan *s)
{
	if (run_is_route(s))
		run_clear(s);
	else
		run_end(s);
	if (!s->in_angle)
		item_begin(s); /* what preceded was a group's name */
}

static void group_end(struct scan *s)
{
	mailbox_end(s);
	item_begin(s);
}

static void comma(struct scan *s)
{
	if (run_is_route(s))
		run_clear(s);
	else
		group_end(s);
}

/* s->at is after the byte. Any other byte begins a word. */
static void (*const steps[UCHAR_MAX + 1])(struct scan *s) = {
    [' '] = space,
    ['\t'] = space,
    ['\r'] = space,
    ['\n'] = space,
    ['('] = comment,
    ['"'] = quoted_string,
    ['['] = literal,
    ['<'] = angle_open,
    ['>'] = mailbox_end,
    [','] = comma,
    [';'] = group_end,
    [':'] = colon,
    ['@'] = put_at,
    ['.'] = put_dot,
    [')'] = run_end,
    [']'] = run_end,
    ['\\'] = run_end,
    ['\0'] = run_end,
};

static void step(struct scan *s)
{
	unsigned char c = (unsigned char)*s->at++;

	if (steps[c])
		steps[c](s);
	else
		word(s);
}

static bool goes_on(const struct from_list *list)
{
	if (list->looked > FROM_LOOKED_MAX)
		return false;
	return list->taken || !list->cut || list->count < FROM_MAILBOX_MAX;
}

void from_scan(struct from_list *list, const char *value, size_t len)
{
	struct scan s = {.list = list};

	s.at = value;
	s.end = value + len;
	while (s.at < s.end && goes_on(list))
		step(&s);
	mailbox_end(&s);
}
