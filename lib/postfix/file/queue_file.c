/* SPDX-License-Identifier: ISC */
#include "postfix/file/queue_file.h"

#include "base/clock.h"

#define SECONDS_MAX (INT64_MAX / USEC_PER_SEC - 1)

/* Points *ret to at most want (<= QUEUE_WINDOW) bytes at offset. Returns their count, or -errno. */
static ssize_t get(struct queue_file *f, uint64_t offset, size_t want, const unsigned char **ret)
{
	bool inside = offset >= f->offset && offset - f->offset < f->len;
	size_t have = inside ? f->len - (size_t)(offset - f->offset) : 0;

	*ret = f->window;
	if (have < want && offset <= INT64_MAX - QUEUE_WINDOW) {
		ssize_t n;

		do
			n = pread(f->fd, f->window, QUEUE_WINDOW, (off_t)offset);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		f->offset = offset;
		f->len = have = (size_t)n;
	}
	if (have > 0)
		*ret = f->window + (offset - f->offset);
	return (ssize_t)(have < want ? have : want);
}

/* Follows rec_get_raw in global/record.c. */
static int read_head(struct queue_file *f, struct queue_record *ret)
{
	const unsigned char *head;
	ssize_t have = get(f, f->at, 6, &head);
	uint64_t len = 0;

	for (ssize_t n = 1; n < have; n++) {
		len |= (uint64_t)(head[n] & 0x7f) << (7 * (n - 1));
		if (!(head[n] & 0x80)) {
			ret->type = head[0];
			ret->begin = f->at + (uint64_t)n + 1;
			ret->end = ret->begin + len;
			return len <= INT_MAX ? 0 : ERR_SYNTAX;
		}
	}
	return have < 0 ? (int)have : ERR_SYNTAX;
}

static int read_record(struct queue_file *f, struct queue_record *ret)
{
	const unsigned char *data = NULL;
	int code = read_head(f, ret);

	if (code < 0)
		return code;
	ret->cut = ret->end - ret->begin > QUEUE_DATA_MAX;
	ret->len = ret->cut ? QUEUE_DATA_MAX : (size_t)(ret->end - ret->begin);
	ssize_t have = ret->len > 0 ? get(f, ret->begin, ret->len, &data) : 0;
	if (have < 0 || (size_t)have < ret->len)
		return have < 0 ? (int)have : ERR_SYNTAX;
	if (ret->len > 0)
		memcpy(ret->data, data, ret->len);
	ret->data[ret->len] = '\0';
	return 0;
}

int queue_file_next(struct queue_file *f, struct queue_record *ret)
{
	for (;;) {
		int code = f->records_left-- > 0 ? read_record(f, ret) : ERR_SYNTAX;

		if (code < 0)
			return code;
		f->at = ret->end;
		if (ret->type != 'p')
			return 0;
		int64_t to = queue_number(ret->data, NULL);
		if (to < 0 || (to > 0 && f->jumps_left-- == 0))
			return ERR_SYNTAX;
		if (to > 0)
			f->at = (uint64_t)to;
	}
}

int64_t queue_number(const char *text, const char **rest)
{
	const char *begin = text + strspn(text, " \t"), *end;
	uint64_t value;

	end = str_digits(begin, &value);
	if (!end || end - begin > 18)
		return -1;
	if (rest)
		*rest = end;
	return (int64_t)value;
}

/* "seconds microseconds", or -1. Postfix before 2.2 and others write only seconds. */
static int64_t time_of(const char *text)
{
	const char *rest = "";
	int64_t seconds = queue_number(text, &rest), usec;

	if (seconds < 0 || seconds > SECONDS_MAX)
		return -1;
	usec = *rest == ' ' ? queue_number(rest, NULL) : 0;
	return usec < 0 || usec >= USEC_PER_SEC ? -1 : seconds * USEC_PER_SEC + usec;
}

static void take_sender(struct identity *id, const struct queue_record *r)
{
	struct address address;

	if (id->has_sender || r->cut)
		return;
	id->has_sender = true;
	address_split(r->data, &address);
	memcpy(id->sender, address.text, strlen(address.text) + 1);
}

static void take_address(struct net_address *into, const char *value)
{
	if (net_parse(value, into) < 0)
		*into = (struct net_address){0};
}

static const char *value_of(const char *text, const char *name)
{
	return str_starts(text, name) ? text + strlen(name) : NULL;
}

static void take_attribute(struct queue_envelope *e, const char *text)
{
	struct identity *id = e->identity;
	const char *value;

	if ((value = value_of(text, "create_time="))) {
		id->create_time = time_of(value);
	} else if ((value = value_of(text, "client_address="))) {
		take_address(&id->client, value);
	} else if ((value = value_of(text, "client_port="))) {
		int64_t port = queue_number(value, NULL);

		id->client_port = port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
		e->client_told = true;
	} else if ((value = value_of(text, "log_client_address="))) {
		take_address(&id->log_client, value);
	} else if ((value = value_of(text, "log_ident=")) && strlen(value) <= QUEUE_ID_MAX) {
		memcpy(id->log_ident, value, strlen(value) + 1);
	}
}

static void take_size(struct queue_envelope *e, const char *text)
{
	int64_t size = queue_number(text, NULL);

	if (!e->sized && size > 0)
		e->identity->size = size;
	e->sized = true;
}

static void take_time(struct queue_envelope *e, const char *text)
{
	if (!e->timed)
		e->identity->arrival_time = time_of(text);
	e->timed = true;
}

void queue_envelope_begin(struct queue_envelope *e, const struct stat *st, struct identity *ret)
{
	*e = (struct queue_envelope){.identity = ret};
	/* Without a C record showq(8) shows the file's size, too. */
	*ret = (struct identity){
	    .arrival_time = -1, .create_time = -1, .inode = st->st_ino, .size = st->st_size};
}

/* M begins the content. Recipients (R, O, D) follow the sender; they also follow its client, except
 * those of sender_bcc_maps, which cleanup(8) writes as soon as it has the sender
 * (cleanup/cleanup_addr.c). */
static bool ends_envelope(struct queue_envelope *e, unsigned char type)
{
	bool recipient = type == 'R' || type == 'O' || type == 'D';

	e->has_recipient |= recipient && e->identity->has_sender;
	return type == 'M' || type == 'X' || type == 'E' || (e->has_recipient && e->client_told);
}

int queue_envelope_take(struct queue_envelope *e, const struct queue_record *r)
{
	if (!e->begun && r->type != 'C' && r->type != 'T')
		return ERR_SYNTAX;
	e->begun = true;
	if (ends_envelope(e, r->type))
		return e->identity->arrival_time < 0 ? ERR_SYNTAX : 0;
	if (r->type == 'C')
		take_size(e, r->data);
	else if (r->type == 'T')
		take_time(e, r->data);
	else if (r->type == 'A')
		take_attribute(e, r->data);
	else if (r->type == 'S')
		take_sender(e->identity, r);
	return 1;
}

bool queue_envelope_suffices(const struct queue_envelope *e)
{
	return e->has_recipient && e->identity->arrival_time >= 0;
}

int queue_file_identity(int fd, const struct stat *st, struct identity *ret)
{
	struct queue_file f = QUEUE_FILE(fd);
	struct queue_envelope e;
	struct queue_record r;
	int code;

	queue_envelope_begin(&e, st, ret);
	do
		code = queue_file_next(&f, &r);
	while (code == 0 && (code = queue_envelope_take(&e, &r)) == 1);
	return code == ERR_SYNTAX && queue_envelope_suffices(&e) ? 0 : code;
}
