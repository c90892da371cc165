/* SPDX-License-Identifier: ISC */
/* Reads envelope addresses in the three steps of smtpd, cleanup and trivial-rewrite, so that a
 * forged sender is filed under the address that the queue file will have. First tokens
 * (global/tok822_parse.c tok822_scan), then the one address among them (tok822_parse, right to
 * left), then source route, '@', '!' and '%' in its internal form without quotes
 * (quote_822_local.c, rewrite.c). */
#include "mail/address/address_parts.h"

/* Four times smtpd's line_length_limit. Of a longer argument at least the last half is read. */
#define TOKENS_MAX 8192

struct tokens {
	ptrdiff_t count;
	bool cut;
	char byte[TOKENS_MAX];
	bool special[TOKENS_MAX]; /* an unquoted < > , ; or : */
};

static void add(struct tokens *t, char c, bool special)
{
	if (t->count == TOKENS_MAX) {
		t->count = TOKENS_MAX / 2;
		memmove(t->byte, t->byte + t->count, (size_t)t->count);
		memmove(t->special, t->special + t->count, (size_t)t->count);
		t->cut = true;
	}
	t->byte[t->count] = c;
	t->special[t->count++] = special;
}

/* A byte from after a backslash, or from inside "..." or [...]. */
static void add_plain(struct tokens *t, char c)
{
	add(t, str_is_blank(c) ? ' ' : c, false);
}

/* Adds everything up to `closing` or the end. Returns what follows. */
static const char *add_enclosed(struct tokens *t, const char *at, const char *end, char closing)
{
	for (; at < end && *at != closing; at++) {
		if (*at == '\\')
			at++;
		if (at < end)
			add_plain(t, *at);
	}
	return at < end ? at + 1 : end;
}

static void scan(struct tokens *t, const char *at, const char *end)
{
	t->count = 0;
	t->cut = false;
	while (at < end) {
		char c = *at++;

		if (c == '(') {
			at = comment_end(at, end);
			at = at ? at : end;
		} else if (c == '"') {
			at = add_enclosed(t, at, end, '"');
		} else if (c == '\\') {
			if (at < end)
				add_plain(t, *at++);
		} else if (c == '[') {
			add(t, c, false);
			at = add_enclosed(t, at, end, ']');
			add(t, ']', false); /* the token always ends with one */
		} else if (!str_is_blank(c)) {
			add(t, c, strchr("<>,;:", c) != NULL);
		}
	}
}

struct region {
	ptrdiff_t begin, end;
};

/* The first region that is not empty counts: Postfix refuses more than one address. */
static void keep(struct region *r, ptrdiff_t begin, ptrdiff_t end)
{
	if (r->begin == r->end && begin < end)
		*r = (struct region){begin, end};
}

/* Leftward from at, for a special of these kinds; -1 if there is none. */
static ptrdiff_t back_to(const struct tokens *t, ptrdiff_t at, const char *kinds)
{
	while (at >= 0 && !(t->special[at] && strchr(kinds, t->byte[at])))
		at--;
	return at;
}

/* Goes from right to left: a '>' takes everything up to the next '<', and a ';' makes every ':'
 * before it the end of a group's name. Skips group names, and phrases before '<'. */
static struct region find_address(const struct tokens *t)
{
	static const char any[] = "<>,;:";
	ptrdiff_t right = t->count, at = back_to(t, right - 1, any);
	struct region found = {0, 0};
	bool group = false;

	while (at >= 0) {
		char kind = t->byte[at];

		if (kind == '<' || (kind == ':' && !group)) {
			at = back_to(t, at - 1, any); /* part of an address */
			continue;
		}
		keep(&found, at + 1, right);
		right = at;
		if (kind == '>') {
			ptrdiff_t open = back_to(t, at - 1, "<");

			keep(&found, open + 1, at);
			right = at = back_to(t, open, ">;,:");
		} else if (kind == ':') {
			right = at = back_to(t, at, ",");
		} else {
			group |= kind == ';';
			at = back_to(t, at - 1, any);
		}
	}
	keep(&found, at + 1, right);
	return found;
}

#define NOWHERE ((ptrdiff_t)-1)

struct survey {
	struct region region;
	ptrdiff_t at;      /* the last '@', or NOWHERE; likewise the next two */
	ptrdiff_t bang;    /* the first '!' */
	ptrdiff_t percent; /* the last '%' */
	bool quoted;       /* rewrite.c will see it quoted, so '!' and '%' are ordinary */
	bool routed;       /* a source route came before it */
};

static void survey_begin(struct survey *s, struct region region)
{
	s->region = region;
	s->at = s->bang = s->percent = NOWHERE;
	s->quoted = false;
}

/* Also drops, once, a source route that does not begin the argument ("< @a:b@c>"). */
static void survey(const struct tokens *t, struct region region, struct survey *s)
{
	s->routed = false;
	survey_begin(s, region);
	for (ptrdiff_t i = region.begin; i < region.end; i++) {
		ptrdiff_t begin = s->region.begin;
		char c = t->byte[i];

		if (c == ':' && i > begin && t->byte[begin] == '@' && !s->routed) {
			s->routed = true;
			survey_begin(s, (struct region){i + 1, region.end});
			continue;
		}
		if (c == '@')
			s->at = i;
		else if (c == '%')
			s->percent = i;
		else if (c == '!' && s->bang == NOWHERE)
			s->bang = i;
		if ((unsigned char)c <= ' ' || c == 0x7f || strchr("()<>@,;:\\\"[]", c) ||
		    (c == '.' && (i == begin || i + 1 == region.end || t->byte[i - 1] == '.')))
			s->quoted = true;
	}
}

/* Splits the region at `divide`. Postfix scans the text after '@' once more (tok822_scan), so
 * quoted quotes, backslashes and white space vanish. (It leaves a blank in some places; we drop
 * that, which changes no domain.) */
static void fill_parts(const struct tokens *t, struct region region, ptrdiff_t divide, bool swap,
    struct address_parts *parts)
{
	bool escaped = false;

	address_parts_clear(parts);
	for (ptrdiff_t i = region.begin; i < region.end; i++) {
		char c = t->byte[i];

		if (i == divide)
			continue;
		if ((i < divide) != swap) {
			address_parts_local(parts, c);
		} else if (escaped || !strchr("\\\" ", c)) {
			domain_text_add(&parts->domain, c);
			escaped = false;
		} else {
			escaped = c == '\\';
		}
	}
}

/* Strips what smtpd's extract_addr strips: blanks around the argument, one pair of <>, and a source
 * route at its very front. */
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

void address_envelope(const char *argument, const char *origin, struct address *ret)
{
	const char *text = argument ? argument : "";
	const char *end = text + strlen(text);
	struct address_parts parts;
	struct tokens tokens;
	struct survey s;
	ptrdiff_t divide;
	bool swap = false;

	text = strip_argument(text, &end);
	scan(&tokens, text, end);
	survey(&tokens, find_address(&tokens), &s);
	divide = s.at;
	if (divide == NOWHERE && !s.quoted) {
		swap = s.bang != NOWHERE;
		divide = swap ? s.bang : s.percent;
	}
	/* Without a place to divide, all of it is the local part. */
	fill_parts(&tokens, s.region, divide == NOWHERE ? s.region.end : divide, swap, &parts);
	if (divide == NOWHERE && (s.region.begin < s.region.end || s.routed) && origin) {
		address_build(parts.local, parts.local_len, origin, strlen(origin), ret);
		ret->cut |= parts.local_cut;
	} else {
		address_parts_build(&parts, ret);
	}
	ret->cut |= tokens.cut;
}

static void quote(const char *text, size_t local, struct strbuf *out)
{
	strbuf_putc(out, '"');
	for (size_t i = 0; i < local; i++) {
		if (text[i] == '"' || text[i] == '\\')
			strbuf_putc(out, '\\');
		strbuf_putc(out, text[i]);
	}
	strbuf_putc(out, '"');
	strbuf_puts(out, text + local);
}

void address_unquoted(const char *text, const char *origin, struct address *ret)
{
	const char *at = strrchr(text, '@');
	size_t local = at ? (size_t)(at - text) : strlen(text);
	AUTO(strbuf_release) struct strbuf quoted = {0};

	/* smtpd has removed one source route; another one is left to rewrite. */
	if (text[0] == '@')
		local = strlen(text);
	/* No byte of the local part needs quotes. */
	else if (strcspn(text, " \t\r\n()<>[]:;,\"\\") >= local) {
		address_envelope(text, origin, ret);
		return;
	}
	quote(text, local, &quoted);
	if (quoted.failed)
		domain_note_lack();
	if (quoted.failed)
		address_split(text, ret);
	else
		address_envelope(strbuf_text(&quoted), origin, ret);
}
