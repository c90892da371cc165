/* SPDX-License-Identifier: ISC */
/*
 * The envelope of a queue file. Only records before the content are looked at, and of each only its
 * first bytes; nothing here trusts a length, an offset or a number.
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "mail/address.h"
#include "postfix/queue_file.h"

#define WINDOW      4096 /* bytes in memory at once; the envelope of most mail lies in the first */
#define DATA_MAX    2100 /* bytes of one record that are kept: line_length_limit is 2,048 */
#define RECORDS_MAX 20000
#define JUMPS_MAX   100

/* Bytes at any offset, from a file by windows or from memory. */
struct source {
	int fd;                  /* -1: memory, all of it is the window */
	const unsigned char *at; /* the window */
	uint64_t offset;         /* where it begins */
	size_t len;
	int error;             /* -errno of read */
	unsigned char *buffer; /* WINDOW bytes, where fd is read */
};

/* At least one and at most want bytes at offset; 0 at the end or on an error. want <= WINDOW. */
static size_t source_get(struct source *s, uint64_t offset, size_t want, const unsigned char **ret)
{
	bool inside = offset >= s->offset && offset - s->offset < s->len;
	size_t have = inside ? s->len - (size_t)(offset - s->offset) : 0;

	if (have < want && s->fd >= 0 && offset <= INT64_MAX - WINDOW) {
		ssize_t n;
		do
			n = pread(s->fd, s->buffer, WINDOW, (off_t)offset);
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

struct envelope_record {
	unsigned char type;
	uint64_t next; /* offset behind it */
	size_t len;    /* of data, cut to DATA_MAX */
	bool cut;
	char data[DATA_MAX + 1];
};

/* The type byte and the length in 7-bit groups, low first (rec_get_raw); 0 for the head's size,
 * ERR_SYNTAX. */
static int read_head(
    struct source *s, uint64_t at, unsigned char *ret_type, uint64_t *ret_len, size_t *ret_head)
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

/* The record at offset. ERR_SYNTAX where it is malformed or runs past the end. */
static int read_record(struct source *s, uint64_t at, struct envelope_record *ret)
{
	const unsigned char *data;
	uint64_t len;
	size_t head;

	if (read_head(s, at, &ret->type, &len, &head) < 0)
		return ERR_SYNTAX;
	ret->next = at + head + len;
	ret->cut = len > DATA_MAX;
	ret->len = ret->cut ? DATA_MAX : (size_t)len;
	if (ret->len > 0 && source_get(s, at + head, ret->len, &data) < ret->len)
		return ERR_SYNTAX;
	if (ret->len > 0)
		memcpy(ret->data, data, ret->len);
	ret->data[ret->len] = '\0';
	return 0;
}

/* A decimal behind blanks, at most 18 digits; -1 where there is none. *rest gets what follows. */
static int64_t read_number(const char *text, const char **rest)
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

/* "seconds microseconds"; the latter are absent in files of Postfix before 2.2 and in some from
 * other programs. */
static int64_t read_time(const char *text)
{
	const char *rest = "";
	int64_t seconds = read_number(text, &rest), usec;

	if (seconds < 0 || seconds > SECONDS_MAX)
		return -1;
	usec = *rest == ' ' ? read_number(rest, NULL) : 0;
	return usec < 0 || usec >= USEC_PER_SEC ? -1 : seconds * USEC_PER_SEC + usec;
}

/* The sender stands in Postfix's internal, unquoted form: nothing to unquote, the domain is behind
 * the last '@'. */
static void take_sender(struct identity *id, const struct envelope_record *r)
{
	struct address address;
	size_t len = strlen(r->data); /* a NUL inside ends what Postfix sees */
	const char *at = memrchr(r->data, '@', len);
	size_t local = at ? (size_t)(at - r->data) : len;

	if (id->has_sender || r->cut)
		return;
	id->has_sender = true;
	id->sender[0] = '\0';
	if (len == 0)
		return;
	address_build(r->data, local, at ? at + 1 : "", at ? len - local - 1 : 0, &address);
	memcpy(id->sender, address.text, strlen(address.text) + 1);
}

static void take_attribute(struct identity *id, const char *text)
{
	const char *value = strchr(text, '=');
	size_t name = value ? (size_t)(value - text) : 0;
	int64_t number;

	if (!value)
		return;
	value++;
	if (name == strlen("create_time") && str_starts(text, "create_time=")) {
		id->create_time = read_time(value);
	} else if (str_starts(text, "client_address=")) {
		if (net_parse(value, &id->client) < 0)
			id->client = (struct net_address){0};
	} else if (str_starts(text, "client_port=")) {
		number = read_number(value, NULL);
		id->client_port = number > 0 && number <= UINT16_MAX ? (uint16_t)number : 0;
	}
}

/* How far the walk over the envelope got. */
struct walk {
	uint64_t at;
	unsigned jumps;
	bool sized, timed;
};

/* Takes what r says; 1 = go on, 0 = all that is wanted was seen, ERR_SYNTAX. */
static int take_record(struct identity *id, struct walk *w, const struct envelope_record *r)
{
	int64_t number;

	w->at = r->next;
	switch (r->type) {
	case 'C':
		number = read_number(r->data, NULL);
		if (!w->sized && number > 0)
			id->size = number;
		w->sized = true;
		return 1;
	case 'T':
		if (!w->timed)
			id->arrival_time = read_time(r->data);
		w->timed = true;
		return 1;
	case 'A':
		take_attribute(id, r->data);
		return 1;
	case 'S':
		take_sender(id, r);
		return 1;
	case 'p': /* a milter changed something: the record stands elsewhere and another pointer
		     leads back */
		number = read_number(r->data, NULL);
		if (number < 0 || (number > 0 && ++w->jumps > JUMPS_MAX))
			return ERR_SYNTAX;
		if (number > 0)
			w->at = (uint64_t)number;
		return 1;
	case 'R': /* recipients stand behind the sender and its client */
	case 'O':
	case 'D':
		return id->has_sender ? 0 : 1;
	case 'M': /* content begins */
	case 'X':
	case 'E':
		return 0;
	default:
		return 1;
	}
}

static int parse(struct source *s, struct identity *id)
{
	struct walk w = {0};
	struct envelope_record r;
	int code = 1;

	for (unsigned n = 0; code == 1; n++) {
		if (n == RECORDS_MAX || read_record(s, w.at, &r) < 0)
			return s->error ? s->error : ERR_SYNTAX;
		if (n == 0 && r.type != 'C' && r.type != 'T')
			return ERR_SYNTAX;
		code = take_record(id, &w, &r);
	}
	return code == 0 && id->arrival_time < 0 ? ERR_SYNTAX : code;
}

static void identity_clear(struct identity *id)
{
	*id = (struct identity){.arrival_time = -1, .create_time = -1, .size = -1};
}

int queue_file_identity_of(int fd, const struct stat *st, struct identity *ret)
{
	unsigned char buffer[WINDOW];
	struct source s = {.fd = fd, .buffer = buffer};
	int code;

	identity_clear(ret);
	ret->inode = st->st_ino;
	code = parse(&s, ret);
	if (ret->size < 0)
		ret->size = st->st_size; /* as showq(8) does */
	return code;
}

int queue_file_identity(int fd, struct identity *ret)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		return queue_file_identity_of(fd, &st, ret);
	identity_clear(ret);
	return -errno;
}

int queue_file_identity_parse(const void *at, size_t len, struct identity *ret)
{
	struct source s = {.fd = -1, .at = at, .len = len};

	identity_clear(ret);
	return parse(&s, ret);
}
