/* SPDX-License-Identifier: ISC */
#include "postfix/file/queue_route.h"

void queue_route_clear(struct queue_route *r)
{
	r->count = 0;
	r->own_first = false;
	memset(r->fed, 0, sizeof(r->fed));
}

/* The client's part ends at "by". */
static const char *end_of_from(const char *value)
{
	const char *by;

	for (by = strstr(value, "by"); by; by = strstr(by + 2, "by"))
		if (by > value && str_is_blank(by[-1]) && str_is_blank(by[2]))
			return by;
	return value + strlen(value);
}

static bool is_local_address(const char *text, size_t len, const struct queue_host *host)
{
	struct net_address address;
	char copy[NET_TEXT_SIZE + 8]; /* may begin with "IPv6:" */

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return net_parse(copy, &address) == 0 &&
	       join_is_local(&address, host->networks, host->network_count);
}

static bool begins_with_name(const char *text, const char *name)
{
	return str_starts_nocase(text, name) && str_is_blank(text[strlen(name)]);
}

/* Whether another program's line says that it got the mail from this host, by name or address. A
 * webmail ("with HTTP") names its user's host there, which proves nothing. */
static bool is_fed(const char *value, const struct queue_host *host)
{
	static const char from[] = "from ";
	const char *end = end_of_from(value), *name;

	if (!str_starts(value, from) || strstr(end, "with HTTP"))
		return false;
	name = value + strlen(from);
	if (begins_with_name(name, host->hostname))
		return true;
	strlist_each (other, &host->service_names)
		if (begins_with_name(name, other))
			return true;
	for (const char *at = strchr(value, '['); at && at < end; at = strchr(at + 1, '['))
		if (is_local_address(at + 1, strcspn(at + 1, "]"), host))
			return true;
	return false;
}

static bool is_ours(const char *value, const struct queue_host *host, struct received_pass *ret)
{
	if (received_read(value, host->hostname, ret))
		return true;
	strlist_each (name, &host->service_names)
		if (received_read(value, name, ret))
			return true;
	return false;
}

void queue_route_take(
    struct queue_route *r, const char *value, bool first, const struct queue_host *host)
{
	if (r->count == QUEUE_ROUTE_MAX)
		return;
	if (is_ours(value, host, &r->lines[r->count])) {
		r->count++;
		r->own_first |= first;
	} else if (!r->fed[r->count]) {
		r->fed[r->count] = is_fed(value, host);
	}
}

/* The file's own lines: the topmost, and if a requeue added that, the one below. */
struct own {
	unsigned count;
	const struct received_pass *made; /* of the pass that made the file; NULL if missing */
};

static bool is_requeue(const struct received_pass *line, const struct queue_host *host)
{
	return line->uid >= 0 && line->uid == host->mail_owner;
}

/* Whether a line below a requeue's was the file's own, by its ID or its client. */
static bool was_own(const struct received_pass *line, const struct queued *q)
{
	if (q->log_ident[0] && strcmp(line->queue_id.text, q->log_ident) == 0)
		return true;
	return q->client.family != 0 ? net_equal(&line->client, &q->client) : !line->by_smtp;
}

static struct own own_lines(const struct queue_route *r, const struct queue_host *host,
    const struct queue_id *id, const struct queued *q)
{
	struct own own = {0};

	if (r->count == 0 || !queue_id_equal(&r->lines[0].queue_id, id))
		return own;
	while (own.count < r->count && is_requeue(&r->lines[own.count], host))
		own.count++;
	if (own.count == 0 || (own.count < r->count && was_own(&r->lines[own.count], q)))
		own.made = &r->lines[own.count++];
	return own;
}

bool queue_route_is_internal(
    const struct queue_route *r, const struct queue_host *host, const struct message *m)
{
	struct own own = own_lines(r, host, &m->queue_id, &m->queued);

	return r->own_first && own.made && !own.made->by_smtp && own.made->uid < 0;
}

struct first {
	const struct received_pass *line; /* NULL if missing */
	bool hidden; /* a filter says that this host fed it, but the line is missing */
};

/* Searches from line `at` down. Skips lines of requeues, and lines of local clients if another one
 * follows. */
static struct first first_pass(
    const struct queue_route *r, const struct queue_host *host, unsigned at)
{
	struct first first = {.hidden = r->fed[at]};

	for (; at < r->count; at++) {
		const struct received_pass *line = &r->lines[at];

		if (is_requeue(line, host))
			continue;
		first.line = line;
		first.hidden = r->fed[at + 1];
		if (line->login[0] || line->client.family == 0 ||
		    !join_is_local(&line->client, host->networks, host->network_count)) {
			first.hidden = false;
			break;
		}
	}
	return first;
}

static const struct received_pass *line_of(
    const struct queue_route *r, unsigned at, const struct queue_id *id)
{
	for (; at < r->count; at++)
		if (queue_id_equal(&r->lines[at].queue_id, id))
			return &r->lines[at];
	return NULL;
}

/* Whether log_ident names another file: neither this one nor an ID that it had before a requeue. */
static bool other_ident(const struct queue_route *r, const struct own *own, const struct message *m,
    struct queue_id *ret)
{
	const char *ident = m->queued.log_ident;

	if (queue_id_parse(ident, strlen(ident), ret) < 0 || queue_id_equal(ret, &m->queue_id))
		return false;
	for (unsigned n = 0; n < own->count; n++)
		if (queue_id_equal(&r->lines[n].queue_id, ret))
			return false;
	return true;
}

static void came_back(struct message *m, const struct queue_id *id,
    const struct net_address *client, const struct received_pass *line)
{
	m->flags |= MESSAGE_UNJOINED | (line && line->plain ? MESSAGE_FIRST_PLAIN : 0);
	if (id)
		m->first.queue_id = *id;
	else if (line)
		m->first.queue_id = line->queue_id;
	if (line)
		m->first.login = line->login;
	if (client)
		m->first.client = *client;
	else if (line)
		m->first.client = line->client;
}

/* Mail from an SMTP client. A requeue keeps the client. */
static void judge_smtp(const struct queue_route *r, const struct queue_host *host,
    const struct own *own, struct message *m)
{
	const struct queued *q = &m->queued;
	struct first first = first_pass(r, host, own->count);
	const struct received_pass *line = first.hidden ? NULL : first.line;
	bool xforwarded = q->log_client.family != 0 && !net_equal(&q->log_client, &q->client);
	struct queue_id ident;
	bool named = other_ident(r, own, m, &ident);

	if (!join_is_local(&q->client, host->networks, host->network_count) ||
	    (!xforwarded && !named && !line && !first.hidden))
		return;
	if (named)
		line = line_of(r, own->count, &ident);
	/* If XFORWARD and the line disagree, we trust XFORWARD. */
	if (xforwarded && line && !net_equal(&line->client, &q->log_client))
		line = NULL;
	came_back(m, named ? &ident : NULL, xforwarded ? &q->log_client : NULL, line);
}

/* Mail without a client. It comes from sendmail(1), perhaps called by a filter; from local(8),
 * which forwards and keeps client and login; or from bounce(8). */
static void judge_other(const struct queue_route *r, const struct queue_host *host,
    const struct own *own, struct message *m)
{
	const struct queued *q = &m->queued;
	bool local = join_is_local(&q->log_client, host->networks, host->network_count);
	unsigned at = own->count;
	const struct received_pass *line = NULL;
	struct first first = {0};
	struct queue_id ident;
	bool named = other_ident(r, own, m, &ident);

	/* A line of log_ident right below means that local(8) forwarded that file: no second
	 * pass. */
	if (named && at < r->count && queue_id_equal(&r->lines[at].queue_id, &ident)) {
		named = false;
		at++;
	}
	if (local)
		first = first_pass(r, host, at);
	if (!named && !first.line && !first.hidden)
		return;
	if (named)
		line = line_of(r, at, &ident);
	else if (!first.hidden)
		line = first.line;
	came_back(m, named ? &ident : NULL, local ? NULL : &q->log_client, line);
}

void queue_route_judge(
    const struct queue_route *r, const struct queue_host *host, struct message *m)
{
	struct queued *q = &m->queued;
	struct own own = own_lines(r, host, &m->queue_id, q);

	if (own.made && q->client.family == 0 && q->log_client.family == 0)
		q->uid = own.made->uid;
	if (q->login[0]) /* the sender logged in during this pass */
		return;
	if (q->client.family != 0)
		judge_smtp(r, host, &own, m);
	else
		judge_other(r, host, &own, m);
}
