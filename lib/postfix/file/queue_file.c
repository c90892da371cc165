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
#include "postfix/file/queue_file.h"
#include "postfix/file/queue_record.h"

static void take_sender(struct identity *id, const struct queue_record *r)
{
	struct address address;

	if (id->has_sender || r->cut)
		return;
	id->has_sender = true;
	address_split(r->data, &address); /* a NUL inside ends what Postfix sees */
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
		id->create_time = queue_time(value);
	} else if (str_starts(text, "client_address=")) {
		if (net_parse(value, &id->client) < 0)
			id->client = (struct net_address){0};
	} else if (str_starts(text, "client_port=")) {
		number = queue_number(value, NULL);
		id->client_port = number > 0 && number <= UINT16_MAX ? (uint16_t)number : 0;
	} else if (str_starts(text, "log_client_address=")) {
		if (net_parse(value, &id->log_client) < 0)
			id->log_client = (struct net_address){0};
	} else if (str_starts(text, "log_ident=") && strlen(value) <= QUEUE_ID_MAX) {
		memcpy(id->log_ident, value, strlen(value) + 1);
	}
}

/* How far the walk over the envelope got. */
struct walk {
	uint64_t at;
	unsigned jumps;
	bool sized, timed;
};

/* Takes what r says; 1 = go on, 0 = all that is wanted was seen, ERR_SYNTAX. */
static int take_record(struct identity *id, struct walk *w, const struct queue_record *r)
{
	int64_t number;

	w->at = r->next;
	switch (r->type) {
	case 'C':
		number = queue_number(r->data, NULL);
		if (!w->sized && number > 0)
			id->size = number;
		w->sized = true;
		return 1;
	case 'T':
		if (!w->timed)
			id->arrival_time = queue_time(r->data);
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
		number = queue_number(r->data, NULL);
		if (number < 0 || (number > 0 && ++w->jumps > QUEUE_JUMPS_MAX))
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

static int parse(struct queue_source *s, struct identity *id)
{
	struct walk w = {0};
	struct queue_record r;
	int code = 1;

	for (unsigned n = 0; code == 1; n++) {
		if (n == QUEUE_RECORDS_MAX || queue_record_read(s, w.at, &r) < 0)
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
	unsigned char buffer[QUEUE_WINDOW];
	struct queue_source s = {.fd = fd, .buffer = buffer};
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
	struct queue_source s = {.fd = -1, .at = at, .len = len};

	identity_clear(ret);
	return parse(&s, ret);
}
