/* SPDX-License-Identifier: ISC */
/* Postfix queue IDs, read as strictly as Postfix writes them. */
#include "mail/queue_id.h"
#include "base/clock.h"
#include "base/err.h"

#define SHORT_USEC_DIGITS  5
#define SHORT_INODE_DIGITS 16 /* of 64 bits */
#define LONG_SEC_DIGITS    6  /* at least; padded with '0' */
#define LONG_USEC_DIGITS   4
#define LONG_TIME_DIGITS   (LONG_SEC_DIGITS + LONG_USEC_DIGITS)
#define LONG_SEPARATOR     'z'

static const char hex_digits[] = "0123456789ABCDEF";
/* safe_ultostr.c: no vowels. The inode is in base 51, which leaves the separator out. */
static const char safe_digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/*
 * Reads len digits of the first `base` of an alphabet. False: another byte, no digit at all, or
 * more than 64 bits.
 */
static bool read_number(
    const char *text, size_t len, const char *digits, unsigned base, uint64_t *ret)
{
	uint64_t sum = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *digit = memchr(digits, text[i], base);

		if (!digit || __builtin_mul_overflow(sum, base, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(digit - digits), &sum))
			return false;
	}
	*ret = sum;
	return true;
}

/* Inodes are written without leading zeros, and there is no inode 0. */
static bool read_inode(
    const char *text, size_t len, const char *digits, unsigned base, uint64_t *ret)
{
	return len > 0 && text[0] != '0' && read_number(text, len, digits, base, ret);
}

static bool read_short(const char *text, size_t len, struct queue_id_parts *ret)
{
	uint64_t usec;

	if (len <= SHORT_USEC_DIGITS || len > SHORT_USEC_DIGITS + SHORT_INODE_DIGITS)
		return false;
	if (!read_number(text, SHORT_USEC_DIGITS, hex_digits, 16, &usec) || usec >= USEC_PER_SEC)
		return false;
	ret->is_long = false;
	ret->time = -1;
	ret->usec = (uint32_t)usec;
	return read_inode(
	    text + SHORT_USEC_DIGITS, len - SHORT_USEC_DIGITS, hex_digits, 16, &ret->inode);
}

/*
 * The separator is the last 'z'; the time in front of it may hold others
 * (MQID_FIND_LG_INUM_SEPARATOR).
 */
static bool read_long(const char *text, size_t len, struct queue_id_parts *ret)
{
	const char *separator = memrchr(text, LONG_SEPARATOR, len);
	size_t time_len, sec_len;
	uint64_t sec, usec;

	if (!separator || separator - text < LONG_TIME_DIGITS)
		return false;
	time_len = (size_t)(separator - text);
	sec_len = time_len - LONG_USEC_DIGITS;
	if (sec_len > LONG_SEC_DIGITS && text[0] == '0')
		return false;
	if (!read_number(text, sec_len, safe_digits, 52, &sec) ||
	    !read_number(text + sec_len, LONG_USEC_DIGITS, safe_digits, 52, &usec))
		return false;
	if (sec >= INT64_MAX / USEC_PER_SEC || usec >= USEC_PER_SEC)
		return false;
	ret->is_long = true;
	ret->time = (int64_t)sec * USEC_PER_SEC + (int64_t)usec;
	ret->usec = (uint32_t)usec;
	return read_inode(separator + 1, len - time_len - 1, safe_digits, 51, &ret->inode);
}

static bool read_id(const char *text, size_t len, struct queue_id_parts *ret)
{
	return read_short(text, len, ret) || read_long(text, len, ret);
}

int queue_id_parse(const char *text, size_t len, struct queue_id *ret)
{
	struct queue_id_parts parts;

	if (len > QUEUE_ID_MAX || !read_id(text, len, &parts))
		return ERR_SYNTAX;
	memcpy(ret->text, text, len);
	memset(ret->text + len, 0, sizeof(ret->text) - len);
	return 0;
}

void queue_id_split(const struct queue_id *id, struct queue_id_parts *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!read_id(id->text, strlen(id->text), ret))
		*ret = (struct queue_id_parts){.time = -1};
}

bool queue_id_equal(const struct queue_id *a, const struct queue_id *b)
{
	return strcmp(a->text, b->text) == 0;
}
