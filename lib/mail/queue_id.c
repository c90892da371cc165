/* SPDX-License-Identifier: ISC */
#include "mail/queue_id.h"
#include "base/clock.h"
#include "base/err.h"

#define SHORT_USEC_DIGITS  5
#define SHORT_INODE_DIGITS 16 /* hex digits of 64 bits */
#define LONG_SEC_DIGITS    6  /* at least; padded with '0' */
#define LONG_USEC_DIGITS   4
#define LONG_TIME_DIGITS   (LONG_SEC_DIGITS + LONG_USEC_DIGITS)
#define LONG_SEPARATOR     'z'

static const char hex_alphabet[] = "0123456789ABCDEF";
static const char safe_alphabet[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/* struct packed_id's time, below its flags: 1 bit for a long ID, 41 of seconds, 20 of
 * microseconds. */
#define PACKED_LONG     (UINT64_C(1) << 61)
#define PACKED_USECS    20
#define PACKED_SECS_MAX ((UINT64_C(1) << 41) - 1)

/* The digit's value plus 1; 0: not a digit. */
/* clang-format off */
static const uint8_t hex_digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
	['8'] = 9, ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};
/* The digits of safe_ultostr.c, without vowels. The inode is in base 51, which excludes the
 * separator. */
static const uint8_t safe_digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
	['8'] = 9, ['9'] = 10, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['F'] = 14, ['G'] = 15, ['H'] = 16,
	['J'] = 17, ['K'] = 18, ['L'] = 19, ['M'] = 20, ['N'] = 21, ['P'] = 22, ['Q'] = 23, ['R'] = 24,
	['S'] = 25, ['T'] = 26, ['V'] = 27, ['W'] = 28, ['X'] = 29, ['Y'] = 30, ['Z'] = 31, ['b'] = 32,
	['c'] = 33, ['d'] = 34, ['f'] = 35, ['g'] = 36, ['h'] = 37, ['j'] = 38, ['k'] = 39, ['l'] = 40,
	['m'] = 41, ['n'] = 42, ['p'] = 43, ['q'] = 44, ['r'] = 45, ['s'] = 46, ['t'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
};
/* clang-format on */

/* A number in the first `base` digits of an alphabet. False: another byte, no digit, or over 64
 * bits. */
static bool read_number(
    const char *text, size_t len, const uint8_t *digits, unsigned base, uint64_t *ret)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned digit = digits[(unsigned char)text[i]];

		if (digit == 0 || digit > base || __builtin_mul_overflow(sum, base, &sum) ||
		    __builtin_add_overflow(sum, digit - 1, &sum))
			return false;
	}
	*ret = sum;
	return len > 0;
}

/* Inodes have no leading zeros, and there is no inode 0. */
static bool read_inode(
    const char *text, size_t len, const uint8_t *digits, unsigned base, uint64_t *ret)
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

/* The last 'z' separates; the time before it may contain others (MQID_FIND_LG_INUM_SEPARATOR). */
static bool read_long(const char *text, size_t len, struct queue_id_parts *ret)
{
	const char *separator = memrchr(text, LONG_SEPARATOR, len);
	uint64_t sec, usec;

	if (!separator || separator - text < LONG_TIME_DIGITS)
		return false;
	size_t time_len = (size_t)(separator - text);
	size_t sec_len = time_len - LONG_USEC_DIGITS;
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

int queue_id_pack_text(const char *text, size_t len, struct packed_id *ret)
{
	struct queue_id_parts parts;
	uint64_t seconds = 0;

	if (len > QUEUE_ID_MAX || !read_id(text, len, &parts))
		return ERR_SYNTAX;
	if (parts.is_long)
		seconds = (uint64_t)(parts.time / USEC_PER_SEC);
	if (seconds > PACKED_SECS_MAX)
		return ERR_LIMIT;
	ret->time = seconds << PACKED_USECS | parts.usec | (parts.is_long ? PACKED_LONG : 0);
	ret->inode = parts.inode;
	return 0;
}

int queue_id_pack(const struct queue_id *id, struct packed_id *ret)
{
	return queue_id_pack_text(id->text, strlen(id->text), ret);
}

/* Writes at least `width` digits before end. Returns the first. */
static char *write_number(
    char *end, uint64_t number, const char *alphabet, unsigned base, unsigned width)
{
	for (unsigned n = 0; n < width || number > 0; n++, number /= base)
		*--end = alphabet[number % base];
	return end;
}

int queue_id_unpack(const struct packed_id *packed, struct queue_id *ret)
{
	uint64_t time = packed->time & ~PACKED_ID_FLAGS;
	uint64_t usec = time & ((1u << PACKED_USECS) - 1);
	uint64_t seconds = (time & ~PACKED_LONG) >> PACKED_USECS;
	char text[QUEUE_ID_MAX + 1], *at = text + sizeof(text);

	if (packed->inode == 0 || usec >= USEC_PER_SEC || (seconds > 0 && !(time & PACKED_LONG)))
		return ERR_SYNTAX;
	if (time & PACKED_LONG) {
		at = write_number(at, packed->inode, safe_alphabet, 51, 0);
		*--at = LONG_SEPARATOR;
		at = write_number(at, usec, safe_alphabet, 52, LONG_USEC_DIGITS);
		at = write_number(at, seconds, safe_alphabet, 52, LONG_SEC_DIGITS);
	} else {
		at = write_number(at, packed->inode, hex_alphabet, 16, 0);
		at = write_number(at, usec, hex_alphabet, 16, SHORT_USEC_DIGITS);
	}
	return queue_id_parse(at, (size_t)(text + sizeof(text) - at), ret);
}

bool queue_id_equal(const struct queue_id *a, const struct queue_id *b)
{
	return strcmp(a->text, b->text) == 0;
}
