/* SPDX-License-Identifier: ISC */
#include <idn2.h>

#include "base/bytes.h"
#include "mail/address/domain_text.h"

#define NAME_MAX_BYTES  253 /* RFC 1035 section 3.1, without the length bytes at both ends */
#define LABEL_MAX_BYTES 63

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* at: in lower case. Sets *alabel if it claims to be punycode. */
static bool is_label(const char *at, size_t len, bool *alabel)
{
	if (len == 0 || len > LABEL_MAX_BYTES || at[0] == '-' || at[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_host_byte(at[i]))
			return false;
	if (len >= 4 && memcmp(at, "xn--", 4) == 0)
		*alabel = true;
	return true;
}

static _Thread_local bool lacked_memory;

void domain_note_lack(void)
{
	lacked_memory = true;
}

bool domain_lacked_memory(void)
{
	bool lacked = lacked_memory;

	lacked_memory = false;
	return lacked;
}

/* NULL if libidn2 refuses. Free it with idn2_free. */
static char *to_alabels(const char *text)
{
	uint8_t *out = NULL;
	int rc = idn2_lookup_u8((const uint8_t *)text, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (rc == IDN2_MALLOC)
		domain_note_lack();
	return rc == IDN2_OK ? (char *)out : NULL;
}

/* libidn2 must leave punycode unchanged, so that the answer depends on the text alone. Unless
 * `mapped`, punycode is not a NAME. */
static bool is_name(const char *text, bool mapped)
{
	bool alabel = false;

	if (strlen(text) > NAME_MAX_BYTES)
		return false;
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ".");

		if (!is_label(at, len, &alabel))
			return false;
		at += len;
		if (*at == '\0')
			break;
	}
	if (!alabel || !mapped)
		return !alabel;
	char *again = to_alabels(text);
	bool same = again && strcmp(again, text) == 0;
	idn2_free(again);
	return same;
}

static bool is_literal(const char *text, size_t len)
{
	return len >= 2 && text[0] == '[' && strcspn(text + 1, "[]") == len - 2 &&
	       text[len - 1] == ']';
}

/* The mapping may yield any ASCII (fullwidth '@', '/', dots): only a host name counts. */
static bool map_name(const char *text, struct domain *ret)
{
	char *mapped = to_alabels(text);
	bool ok = false;

	if (!mapped)
		return false;
	mapped[domain_undotted(mapped, strlen(mapped))] = '\0';
	if (is_name(mapped, true)) {
		snprintf(ret->text, sizeof(ret->text), "%s", mapped);
		ret->kind = DOMAIN_NAME;
		ok = true;
	}
	idn2_free(mapped);
	return ok;
}

/* If the text is too long, keeps its end after a '*', which no NAME contains, and returns true. */
static bool keep(const struct domain_text *t, enum domain_kind kind, struct domain *ret)
{
	const char *text = t->at;

	ret->kind = kind;
	if (!t->cut && t->len <= DOMAIN_MAX) {
		memcpy(ret->text, text, t->len + 1);
		return false;
	}
	if (t->len > DOMAIN_MAX - 1)
		text += t->len - (DOMAIN_MAX - 1);
	while (((unsigned char)*text & 0xc0) == 0x80) /* the rest of a character */
		text++;
	ret->text[0] = '*';
	memcpy(ret->text + 1, text, (size_t)(t->at + t->len - text) + 1);
	ret->kind = DOMAIN_RAW;
	return true;
}

static enum domain_kind kind_of(const struct domain_text *t, bool mapped)
{
	if (t->len == 0)
		return DOMAIN_NONE;
	if (is_literal(t->at, t->len))
		return DOMAIN_LITERAL;
	return t->ascii && is_name(t->at, mapped) ? DOMAIN_NAME : DOMAIN_RAW;
}

/* mapped: libidn2 may be asked. Joiners stay only if that makes the text a name. */
static bool normalise(const char *bytes, size_t len, bool mapped, struct domain *ret)
{
	struct domain_text t;

	domain_text_clear(&t);
	for (size_t i = 0; i < len; i++)
		domain_text_add(&t, bytes[i]);
	domain_text_finish(&t);
	bool ask = mapped && !t.cut;
	if (ask && !t.ascii && map_name(t.at, ret))
		return false;
	if (domain_text_drop_joiners(&t) && ask && !t.ascii && map_name(t.at, ret))
		return false;
	return keep(&t, kind_of(&t, mapped), ret);
}

bool domain_normal(const char *bytes, size_t len, struct domain *ret)
{
	return normalise(bytes, len, true, ret);
}

bool domain_unmapped(const char *bytes, size_t len, struct domain *ret)
{
	return normalise(bytes, len, false, ret);
}

bool domain_equal(const struct domain *a, const struct domain *b)
{
	return a->kind == b->kind && strcmp(a->text, b->text) == 0;
}

static bool has_labels(const struct domain *d)
{
	return d->kind == DOMAIN_NAME || d->kind == DOMAIN_RAW;
}

bool domain_ends_with(const char *d, const char *parent)
{
	size_t len = strlen(d), parent_len = strlen(parent);

	return len > parent_len && d[len - parent_len - 1] == '.' &&
	       memcmp(d + len - parent_len, parent, parent_len) == 0;
}

bool domain_below(const struct domain *d, const struct domain *parent)
{
	return has_labels(d) && has_labels(parent) && domain_ends_with(d->text, parent->text);
}

/* Puts a dot after each label. reversed has DOMAIN_MAX + 1 bytes. */
static size_t reverse_labels(const char *text, char *reversed)
{
	size_t end = strlen(text), n = 0;

	for (;;) {
		size_t begin = end;

		while (begin > 0 && text[begin - 1] != '.')
			begin--;
		memcpy(reversed + n, text + begin, end - begin);
		n += end - begin;
		reversed[n++] = '.';
		if (begin == 0)
			return n;
		end = begin - 1;
	}
}

size_t domain_key(const struct domain *d, unsigned char key[DOMAIN_KEY_MAX])
{
	char whole[DOMAIN_MAX + 2];
	size_t len;

	if (has_labels(d)) {
		len = reverse_labels(d->text, whole);
	} else {
		const char *text = d->kind == DOMAIN_LITERAL ? d->text
				   : d->kind == DOMAIN_NULL  ? "<>"
							     : "@";

		len = strlen(text);
		memcpy(whole, text, len);
	}
	if (len <= DOMAIN_KEY_PLAIN) {
		memcpy(key, whole, len);
		return len;
	}
	memcpy(key, whole, DOMAIN_KEY_PLAIN);
	be64_store(key + DOMAIN_KEY_PLAIN, bytes_hash(whole, len));
	if (key[DOMAIN_KEY_PLAIN] == '\0')
		key[DOMAIN_KEY_PLAIN] = 1;
	return DOMAIN_KEY_MAX;
}
