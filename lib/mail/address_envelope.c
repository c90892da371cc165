/* SPDX-License-Identifier: ISC */
/*
 * Envelope addresses, read as smtpd, cleanup and trivial-rewrite read them one after the other:
 * whoever forges a sender that only they understand must still be filed where the queue file says.
 * Three steps, as there: the tokens (global/tok822_parse.c tok822_scan), the one address among them
 * (tok822_parse, right to left), and on its internal form, where quotes are gone, source route,
 * '@', '!' and '%' (quote_822_local.c, rewrite.c). Nothing is copied until the place where it
 * divides is known.
 */
#include "mail/address_parts.h"

/* ---- tok822_scan(), byte by byte */

enum token {
	TOKEN_END,
	TOKEN_BYTE,    /* of the internal form */
	TOKEN_SPECIAL, /* the same, but one of < > , ; : that is not quoted */
};

struct lexer {
	const char *at, *end;
	char closing; /* '"' or ']' inside of such, else 0 */
};

/* The byte behind a backslash, or one inside "..." or [...]. */
static enum token plain_byte(char c, char *ret_byte)
{
	*ret_byte = str_is_blank(c) ? ' ' : c;
	return TOKEN_BYTE;
}

/*
 * Inside "..." or [...]: TOKEN_END where it ends. Unclosed ones last to the end; a literal always
 * gets its ']'.
 */
static enum token next_enclosed(struct lexer *l, char *ret_byte)
{
	char closing = l->closing;
	bool closed = l->at < l->end && *l->at == closing;

	if (!closed && l->at < l->end && *l->at == '\\')
		l->at++;
	if (!closed && l->at < l->end)
		return plain_byte(*l->at++, ret_byte);
	if (closed)
		l->at++;
	l->closing = 0;
	return closing == ']' ? plain_byte(closing, ret_byte) : TOKEN_END;
}

/* Drops white space, comments and the quotes around quoted strings; backslashes quote anywhere. */
static enum token next(struct lexer *l, char *ret_byte)
{
	while (l->closing || l->at < l->end) {
		char c;

		if (l->closing) {
			if (next_enclosed(l, ret_byte) == TOKEN_BYTE)
				return TOKEN_BYTE;
			continue;
		}
		c = *l->at++;
		if (c == '(') {
			const char *behind = comment_end(l->at, l->end);

			l->at = behind ? behind : l->end;
		} else if (c == '"') {
			l->closing = '"';
		} else if (c == '\\') {
			if (l->at < l->end)
				return plain_byte(*l->at++, ret_byte);
		} else if (!str_is_blank(c)) {
			l->closing = c == '[' ? ']' : 0;
			*ret_byte = c;
			return strchr("<>,;:", c) ? TOKEN_SPECIAL : TOKEN_BYTE;
		}
	}
	return TOKEN_END;
}

/* ---- tok822_parse(): which of them are the address */

/* As many as smtpd's line_length_limit allows; of more, the last half at least is looked at. */
#define MARKS_MAX 2048

/* A special, or an end of the text (kind 0). */
struct mark {
	const char *behind;     /* to read on from there */
	uint32_t before, after; /* bytes of internal form in front of it, and with it */
	char kind;
};

struct marks {
	size_t count;
	struct mark list[MARKS_MAX];
};

static void marks_add(
    struct marks *m, char kind, uint32_t before, uint32_t after, const char *behind)
{
	if (m->count == MARKS_MAX) {
		m->count = MARKS_MAX / 2;
		memmove(m->list, m->list + MARKS_MAX - m->count, m->count * sizeof(m->list[0]));
		m->list[0].kind = 0;
	}
	m->list[m->count++] = (struct mark){behind, before, after, kind};
}

static void marks_collect(struct marks *m, const char *text, const char *end)
{
	struct lexer l = {.at = text, .end = end};
	enum token token;
	uint32_t n = 0;
	char c;

	m->count = 0;
	marks_add(m, 0, 0, 0, text);
	while ((token = next(&l, &c)) != TOKEN_END) {
		n++;
		if (token == TOKEN_SPECIAL)
			marks_add(m, c, n - 1, n, l.at);
	}
	marks_add(m, 0, n, n, end);
}

/* What stands between two marks. */
struct region {
	const char *begin;
	uint32_t count; /* bytes of internal form */
};

/*
 * Keeps what stands between left and right unless something was kept: Postfix refuses more than one
 * address.
 */
static void take(struct region *r, const struct mark *left, const struct mark *right)
{
	if (r->count == 0 && right->before > left->after)
		*r = (struct region){left->behind, right->before - left->after};
}

/* From mark leftwards to the next that is one of kinds, or to the left end. */
static const struct mark *back_to(const struct mark *mark, const char *kinds)
{
	while (mark->kind && !strchr(kinds, mark->kind))
		mark--;
	return mark;
}

/*
 * From right to left, since a '>' claims all up to the next '<', and a ';' makes every ':' in front
 * of it the end of a group's name. Names of groups and phrases in front of '<' are passed over.
 */
static struct region find_address(const struct marks *m)
{
	const struct mark *right = &m->list[m->count - 1], *at = right - 1;
	struct region found = {m->list[0].behind, 0};
	bool group = false;

	while (at->kind) {
		char kind = at->kind;

		if (kind == '<' || (kind == ':' && !group)) {
			at--; /* part of an address */
			continue;
		}
		take(&found, at, right);
		right = at;
		if (kind == '>') {
			const struct mark *open = back_to(at - 1, "<");

			take(&found, open, at);
			right = at = back_to(open, ">;,:");
		} else if (kind == ':') {
			right = at = back_to(at, ",");
		} else {
			group |= kind == ';';
			at--;
		}
	}
	take(&found, at, right);
	return found;
}

/* ---- the internal form: where it divides */

struct survey {
	struct lexer begin; /* where to read the address (again) */
	uint32_t count;     /* its bytes */
	uint32_t at;        /* place of the last '@', counted from 1; 0 = none; so, too: */
	uint32_t bang;      /* the first '!' */
	uint32_t percent;   /* the last '%' */
	bool quoted; /* it will be quoted on its way to rewrite.c: then '!' and '%' are plain */
	bool routed; /* a source route stood in front of it */
	char first, last;
};

static void survey_byte(struct survey *s, char c)
{
	s->count++;
	if (s->count == 1)
		s->first = c;
	if (c == '@')
		s->at = s->count;
	else if (c == '%')
		s->percent = s->count;
	else if (c == '!' && !s->bang)
		s->bang = s->count;
	if ((unsigned char)c <= ' ' || c == 0x7f || strchr("()<>@,;:\\\"[]", c) ||
	    (c == '.' && (s->count == 1 || s->last == '.')))
		s->quoted = true;
	s->last = c;
}

/*
 * A source route that was not at the very front of the argument ("< @a:b@c>") is dropped here,
 * once.
 */
static void survey_region(const struct region *region, const char *end, struct survey *s)
{
	struct lexer l = {.at = region->begin, .end = end};
	char c = '\0';

	*s = (struct survey){.begin = l};
	for (uint32_t n = 0; n < region->count; n++) {
		next(&l, &c);
		if (c == ':' && s->first == '@' && !s->routed)
			*s = (struct survey){.begin = l, .routed = true};
		else
			survey_byte(s, c);
	}
	if (s->last == '.')
		s->quoted = true;
}

/*
 * Reads the address again: the bytes before place `divide` to one side, those behind it to the
 * other. What stands behind '@' goes through tok822_scan a second time, as it is: quotes,
 * backslashes and white space that were quoted vanish then. (Postfix leaves a blank in one place or
 * another, "user@example.com ", which is dropped, too: it names no other domain.)
 */
static void fill_parts(
    const struct survey *s, uint32_t divide, bool swap, struct address_parts *parts)
{
	struct lexer l = s->begin;
	bool escaped = false;
	char c = '\0';

	address_parts_clear(parts);
	for (uint32_t n = 1; n <= s->count; n++) {
		next(&l, &c);
		if (n == divide)
			continue;
		if ((n < divide) != swap) {
			address_parts_local(parts, c);
		} else if (escaped || !strchr("\\\" ", c)) {
			address_parts_domain(parts, c);
			escaped = false;
		} else {
			escaped = c == '\\';
		}
	}
}

/* smtpd's extract_addr: white space around it, one pair of <>, a source route at its very front. */
static const char *strip_argument(const char *text, const char **end)
{
	const char *colon;

	while (text < *end && str_is_blank(*text))
		text++;
	while (text < *end && str_is_blank((*end)[-1]))
		--*end;
	if (*end - text >= 2 && *text == '<' && (*end)[-1] == '>') {
		text++;
		--*end;
	}
	if (text < *end && *text == '@') {
		colon = memchr(text, ':', (size_t)(*end - text));
		if (colon)
			text = colon + 1;
	}
	return text;
}

static void find_parts(const char *text, const char *end, struct survey *s)
{
	struct marks marks;
	struct region region;

	marks_collect(&marks, text, end);
	region = find_address(&marks);
	survey_region(&region, end, s);
}

void address_envelope(const char *argument, const char *origin, struct address *ret)
{
	const char *text = argument ? argument : "";
	const char *end = text + strlen(text);
	struct address_parts parts;
	struct survey s;
	uint32_t divide;
	bool swap = false;

	text = strip_argument(text, &end);
	find_parts(text, end, &s);
	divide = s.at;
	if (!s.at && !s.quoted) {
		swap = s.bang != 0;
		divide = swap ? s.bang : s.percent;
	}
	/*
	 * No place to divide: all of it is the local part, which is what stands before a place
	 * behind the end.
	 */
	fill_parts(&s, divide ? divide : s.count + 1, swap, &parts);
	if (!divide && (s.count || s.routed) && origin) {
		address_build(parts.local, parts.local_len, origin, strlen(origin), ret);
		ret->cut |= parts.local_cut;
	} else {
		address_parts_build(&parts, ret);
	}
}
