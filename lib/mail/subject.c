/* SPDX-License-Identifier: ISC */
#include "mail/subject.h"

#include <iconv.h>

#include "mail/address/domain_text.h"

#define CHARSET_LEN_MAX 40
#define CONVERTERS_MAX  64 /* opened for one field; some 5 us each */

/* iconv(3)'s names; NULL: UTF-8. Only well-tested converters, because a stranger chooses which of
 * them runs. */
static const struct charset {
	const char *name, *iconv;
} charsets[] = {
    {"utf-8", NULL},
    {"utf8", NULL},
    {"us-ascii", NULL},
    {"ascii", NULL},
    {"iso-8859-1", "ISO-8859-1"},
    {"latin1", "ISO-8859-1"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "ISO-8859-9"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"windows-1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"cp1251", "CP1251"},
    {"windows-1252", "CP1252"},
    {"cp1252", "CP1252"},
    {"windows-1253", "CP1253"},
    {"windows-1254", "CP1254"},
    {"windows-1255", "CP1255"},
    {"windows-1256", "CP1256"},
    {"windows-1257", "CP1257"},
    {"windows-1258", "CP1258"},
    {"windows-874", "CP874"},
    {"tis-620", "TIS-620"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5"},
    {"shift_jis", "CP932"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"euc-jp", "EUC-JP"},
    {"euc-kr", "UHC"},
    {"ks_c_5601-1987", "UHC"},
};

struct decoder {
	struct strbuf *out;
	size_t start; /* offset of our text in out */
	bool blank;   /* a blank is due */
	bool cut;
	/* of consecutive words in one charset, because a character may be split over two words */
	struct strbuf octets;
	const struct charset *charset; /* of octets; NULL: no word comes before */
	iconv_t convert;               /* if charset->iconv */
	unsigned converters;           /* opened so far */
};

static bool is_blank(const char *text, size_t len, uint32_t point)
{
	return point <= ' ' || point == 0x7f || point == 0x85 || point == 0x2028 ||
	       point == 0x2029 || domain_is_blank(text, len);
}

static void put_shown(struct decoder *d, const char *text, size_t len)
{
	bool blank = d->blank && d->out->len > d->start;

	if (d->out->len - d->start + blank + len > SUBJECT_MAX) {
		d->cut = true;
		return;
	}
	if (blank)
		strbuf_putc(d->out, ' ');
	d->blank = false;
	strbuf_add(d->out, text, len);
}

static void put(struct decoder *d, const char *text, size_t len)
{
	for (size_t step; len > 0 && !d->cut; text += step, len -= step) {
		uint32_t point = (unsigned char)*text;

		step = point < 0x80 ? 1 : str_utf8(text, len, &point);
		if (step == 0) {
			step = 1;
			put_shown(d, "?", 1);
		} else if (is_blank(text, len, point)) {
			d->blank = true;
		} else if (!str_is_unsafe(point)) {
			put_shown(d, text, step);
		}
	}
}

/* Each byte that cannot be converted becomes '?'. */
static void put_converted(struct decoder *d)
{
	char *from = d->octets.text;
	size_t left = d->octets.len;

	while (left > 0 && !d->cut) {
		char buf[256], *to = buf;
		size_t room = sizeof(buf);
		bool failed = iconv(d->convert, &from, &left, &to, &room) == (size_t)-1;

		put(d, buf, sizeof(buf) - room);
		if (failed && errno != E2BIG) {
			put(d, "?", 1);
			from++;
			left--;
		}
	}
	(void)iconv(d->convert, NULL, NULL, NULL, NULL);
}

static void end_words(struct decoder *d)
{
	if (!d->charset)
		return;
	d->cut |= d->octets.failed;
	if (d->charset->iconv) {
		put_converted(d);
		(void)iconv_close(d->convert);
	} else {
		put(d, strbuf_text(&d->octets), d->octets.len);
	}
	strbuf_clear(&d->octets);
	d->charset = NULL;
}

static bool open_converter(struct decoder *d, const char *name)
{
	if (d->converters++ >= CONVERTERS_MAX)
		return false;
	d->convert = iconv_open("UTF-8", name);
	return d->convert != (iconv_t)-1;
}

/* If memory, descriptors or a converter is lacking, or the charset changes too often, the rest of
 * the field counts as missing. */
static void begin_word(struct decoder *d, const struct charset *charset)
{
	if (charset == d->charset)
		return;
	end_words(d);
	if (charset->iconv && !open_converter(d, charset->iconv))
		d->cut = true;
	else
		d->charset = charset;
}

struct word {
	const struct charset *charset;
	char encoding; /* 'b' or 'q' */
	const char *text, *end, *behind;
};

static const struct charset *charset_of(const char *name, size_t len)
{
	const char *language = memchr(name, '*', len); /* the language, RFC 2231 section 5 */

	if (language)
		len = (size_t)(language - name);
	for (size_t i = 0; i < COUNT_OF(charsets); i++)
		if (strlen(charsets[i].name) == len && str_starts_nocase(name, charsets[i].name))
			return &charsets[i];
	return NULL;
}

/* =?charset?encoding?text?= */
static bool read_word(const char *at, const char *end, struct word *ret)
{
	size_t left = (size_t)(end - at), most = left < CHARSET_LEN_MAX ? left : CHARSET_LEN_MAX;
	const char *mark =
	    left < 2 || at[0] != '=' || at[1] != '?' ? NULL : memchr(at + 2, '?', most - 2);

	if (!mark || end - mark < 3 || mark[2] != '?')
		return false;
	ret->charset = charset_of(at + 2, (size_t)(mark - at) - 2);
	ret->encoding = str_lower(mark[1]);
	ret->text = mark + 3;
	ret->end = memchr(ret->text, '?', (size_t)(end - ret->text));
	if (!ret->charset || !ret->end || end - ret->end < 2 || ret->end[1] != '=')
		return false;
	ret->behind = ret->end + 2;
	return ret->encoding == 'b' || ret->encoding == 'q';
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_q(const struct word *w, struct strbuf *octets)
{
	for (const char *at = w->text; at < w->end; at++) {
		int high = *at == '=' && w->end - at > 2 ? hex_of(at[1]) : -1;
		int low = high < 0 ? -1 : hex_of(at[2]);

		if (low >= 0) {
			strbuf_putc(octets, (char)(high << 4 | low));
			at += 2;
		} else {
			strbuf_putc(octets, *at == '_' ? ' ' : *at);
		}
	}
}

/* Ignores bytes that are not in the alphabet. */
static void decode_b(const struct word *w, struct strbuf *octets)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned count = 0;

	for (const char *at = w->text; at < w->end; at++) {
		const char *found = *at ? strchr(alphabet, *at) : NULL;

		if (!found)
			continue;
		bits = bits << 6 | (uint32_t)(found - alphabet);
		count += 6;
		if (count >= 8) {
			count -= 8;
			strbuf_putc(octets, (char)(bits >> count));
		}
	}
}

static bool is_only_blanks(const char *at, const char *end)
{
	while (at < end && str_is_blank(*at))
		at++;
	return at == end;
}

bool subject_normal(const char *value, size_t len, struct strbuf *out)
{
	struct decoder d = {.out = out, .start = out->len};
	const char *at = value, *plain = value, *end = value + len;
	struct word w;

	while (at < end && !d.cut) {
		if (!read_word(at, end, &w)) {
			at++;
			continue;
		}
		if (!d.charset || !is_only_blanks(plain, at)) {
			end_words(&d);
			put(&d, plain, (size_t)(at - plain));
			plain = at;
		}
		begin_word(&d, w.charset);
		if (d.cut)
			break;
		(w.encoding == 'q' ? decode_q : decode_b)(&w, &d.octets);
		plain = at = w.behind;
	}
	end_words(&d);
	put(&d, plain, (size_t)(end - plain));
	strbuf_release(&d.octets);
	return d.cut || out->failed;
}
