/* SPDX-License-Identifier: ISC */
/* Records of a queue file: nothing here trusts a length, an offset or a number. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "postfix/file/queue_record.h"

/* At least one and at most want bytes at offset; 0 at the end or on an error. want <= QUEUE_WINDOW.
 */
static size_t source_get(
    struct queue_source *s, uint64_t offset, size_t want, const unsigned char **ret)
{
	bool inside = offset >= s->offset && offset - s->offset < s->len;
	size_t have = inside ? s->len - (size_t)(offset - s->offset) : 0;

	if (have < want && s->fd >= 0 && offset <= INT64_MAX - QUEUE_WINDOW) {
		ssize_t n;
		do
			n = pread(s->fd, s->buffer, QUEUE_WINDOW, (off_t)offset);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			s->error = -errno;
		s->offset = offset;
		s->len = have = n < 0 ? 0 : (size_t)n;
		s->at = s->buffer;
	}
	if (have == 0)
		return 0;
	*ret = s->at + (offset - s->offset);
	return have < want ? have : want;
}

/* The type byte and the length in 7-bit groups, low first (rec_get_raw); 0 for the head's size,
 * ERR_SYNTAX. */
static int read_head(struct queue_source *s, uint64_t at, unsigned char *ret_type,
    uint64_t *ret_len, size_t *ret_head)
{
	const unsigned char *head;
	size_t have = source_get(s, at, 6, &head);
	uint64_t len = 0;

	for (size_t n = 1; n < have; n++) {
		len |= (uint64_t)(head[n] & 0x7f) << (7 * (n - 1));
		if (!(head[n] & 0x80)) {
			*ret_type = head[0];
			*ret_len = len;
			*ret_head = n + 1;
			return len <= INT_MAX ? 0 : ERR_SYNTAX;
		}
	}
	return ERR_SYNTAX;
}

int queue_record_read(struct queue_source *s, uint64_t at, struct queue_record *ret)
{
	const unsigned char *data;
	uint64_t len;
	size_t head;

	if (read_head(s, at, &ret->type, &len, &head) < 0)
		return ERR_SYNTAX;
	ret->next = at + head + len;
	ret->cut = len > QUEUE_DATA_MAX;
	ret->len = ret->cut ? QUEUE_DATA_MAX : (size_t)len;
	if (ret->len > 0 && source_get(s, at + head, ret->len, &data) < ret->len)
		return ERR_SYNTAX;
	if (ret->len > 0)
		memcpy(ret->data, data, ret->len);
	ret->data[ret->len] = '\0';
	return 0;
}

int64_t queue_number(const char *text, const char **rest)
{
	int64_t value = 0;
	int digits = 0;

	text += strspn(text, " \t");
	for (; *text >= '0' && *text <= '9'; text++, digits++) {
		if (digits == 18)
			return -1;
		value = value * 10 + (*text - '0');
	}
	if (rest)
		*rest = text;
	return digits > 0 ? value : -1;
}

#define SECONDS_MAX (INT64_MAX / USEC_PER_SEC - 1)

int64_t queue_time(const char *text)
{
	const char *rest = "";
	int64_t seconds = queue_number(text, &rest), usec;

	if (seconds < 0 || seconds > SECONDS_MAX)
		return -1;
	usec = *rest == ' ' ? queue_number(rest, NULL) : 0;
	return usec < 0 || usec >= USEC_PER_SEC ? -1 : seconds * USEC_PER_SEC + usec;
}
