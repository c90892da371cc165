/* SPDX-License-Identifier: ISC */
#include "postfix/spool/reason_fold.h"

#include "base/net.h"

#define ID_LEAST 6 /* shorter words of letters and digits stay: "mx1", "S25R" */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
	return is_digit(c) || is_letter(c) || (c != '\0' && strchr("@._-+~%$!#*&^/", c)) ||
	       (unsigned char)c >= 0x80;
}

static size_t count_of(const char *word, size_t len, bool (*is)(char))
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += is(word[i]);
	return n;
}

static bool is_status(const char *word, size_t len)
{
	return strchr("245", word[0]) && str_status_len(word) == len;
}

/* "450", at the beginning of a server's reply. */
static bool is_reply(const char *text, const char *word, size_t len)
{
	const char *before = word;

	if (len != 3 || (*word != '4' && *word != '5') || count_of(word, len, is_digit) != 3)
		return false;
	while (before > text && (before[-1] == ' ' || before[-1] == '('))
		before--;
	return before == text || before[-1] == ':';
}

/* Whether word is labels separated by dots, the last one of letters. */
static bool is_host(const char *word, size_t len)
{
	const char *dot = memrchr(word, '.', len);
	size_t last = dot ? len - (size_t)(dot - word) - 1 : 0;

	if (!dot || dot == word || last < 2 || count_of(dot + 1, last, is_letter) < last)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_digit(word[i]) && !is_letter(word[i]) && !strchr(".-_", word[i]))
			return false;
	return true;
}

/* The length of the IP address at the start of text; 0 if there is none. */
static size_t ip_len(const char *text)
{
	char buf[NET_TEXT_SIZE];
	struct net_address address;
	size_t len = strspn(text, "0123456789abcdefABCDEF:.");

	while (len > 2 && (text[len - 1] == ':' || text[len - 1] == '.'))
		len--;
	if (len < 3 || len >= sizeof(buf))
		return 0;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return net_parse(buf, &address) == 0 ? len : 0;
}

static void put_short(const char *word, size_t len, struct strbuf *ret)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(word[i]))
			strbuf_putc(ret, word[i]);
		else if (i == 0 || !is_digit(word[i - 1]))
			strbuf_putc(ret, 'N');
}

static void put_word(const char *text, const char *word, size_t len, struct strbuf *ret)
{
	size_t digits = count_of(word, len, is_digit);

	if (memchr(word, '@', len) && len > 1)
		strbuf_puts(ret, "ADDRESS");
	else if (is_status(word, len) || is_reply(text, word, len))
		strbuf_add(ret, word, len);
	else if (is_host(word, len) || (word[len] == '[' && ip_len(word + len + 1)))
		strbuf_puts(ret, "HOST");
	else if (digits && len >= ID_LEAST && count_of(word, len, is_letter))
		strbuf_puts(ret, "ID");
	else
		put_short(word, len, ret);
}

void reason_fold(const char *reason, struct strbuf *ret)
{
	const char *at = reason;

	strbuf_clear(ret);
	strbuf_puts(ret, "");
	while (*at) {
		size_t len = ip_len(at);

		if (len) {
			strbuf_puts(ret, "IP");
		} else if (str_starts(at, "http://") || str_starts(at, "https://")) {
			len = strcspn(at, " <>()[],\"");
			strbuf_puts(ret, "URL");
		} else if (is_reply(reason, at, strnlen(at, 3)) && at[3] == '-') {
			len = 4; /* "452-4.2.2": a line of a longer reply */
			strbuf_add(ret, at, len);
		} else if (is_word(*at)) {
			while (is_word(at[len]))
				len++;
			while (len > 1 && strchr(".!", at[len - 1]))
				len--;
			put_word(reason, at, len, ret);
		} else {
			strbuf_putc(ret, *at);
			len = 1;
		}
		at += len;
	}
}
