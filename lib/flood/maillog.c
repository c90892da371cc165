/* SPDX-License-Identifier: ISC */
#include "flood/maillog.h"

#include <ctype.h>

#include "base/clock.h"
#include "mail/address/address.h"

#define HALF_YEAR     (180 * 86400)
#define ALMOST_A_YEAR (350 * 86400)
#define LATE          600 /* seconds in the queue */
#define LOGIN_MAX     128

struct pending {
	char id[QUEUE_ID_MAX + 1];
	char login[LOGIN_MAX];
	char message_id[64];
	struct net_address client;
	int64_t time;
	bool local, again;
	bool counted; /* its qmgr line has come */
	bool bad;
	char sender[LOGIN_MAX]; /* set when counted; for `bad`, of local mail */
	uint32_t next;          /* in its hash chain: index + 1; 0 none */
};

struct maillog {
	maillog_message *message;
	maillog_bad *bad;
	void *arg;
	struct maillog_counts counts;
	int year;
	int64_t last; /* the previous stamp; 0 none */
	uint32_t newest;
	uint32_t chains[MAILLOG_PENDING];
	struct pending list[MAILLOG_PENDING];
};

struct maillog *maillog_new(maillog_message *message, maillog_bad *bad, void *arg)
{
	struct maillog *l = calloc(1, sizeof(*l));

	if (l) {
		l->message = message;
		l->bad = bad;
		l->arg = arg;
	}
	return l;
}

void maillog_free(struct maillog *l)
{
	free(l);
}

const struct maillog_counts *maillog_counts(const struct maillog *l)
{
	return &l->counts;
}

/* Calls mktime(3), which is slow, only once for each hour of the log. */
static int64_t local_time(const struct tm *tm)
{
	static int64_t known_key = -1, known;
	int64_t key =
	    (((int64_t)tm->tm_year * 12 + tm->tm_mon) * 32 + tm->tm_mday) * 24 + tm->tm_hour;
	struct tm hour = {.tm_year = tm->tm_year,
	    .tm_mon = tm->tm_mon,
	    .tm_mday = tm->tm_mday,
	    .tm_hour = tm->tm_hour,
	    .tm_isdst = -1};

	if (key != known_key) {
		known = (int64_t)mktime(&hour);
		known_key = key;
	}
	return known + tm->tm_min * 60 + tm->tm_sec;
}

static bool syslog_stamp(const char *line, int year, int64_t *ret, const char **ret_rest)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {.tm_year = year - 1900};
	const char *end;

	while (tm.tm_mon < 12 && strncmp(months + (size_t)3 * tm.tm_mon, line, 3) != 0)
		tm.tm_mon++; /* strptime's %b takes four times as long as all the rest */
	end = tm.tm_mon < 12 && line[3] == ' ' ? strptime(line + 4, "%e %H:%M:%S", &tm) : NULL;
	if (!end || *end != ' ')
		return false;
	*ret = local_time(&tm);
	*ret_rest = end + 1;
	return true;
}

static bool iso_stamp(const char *line, int64_t *ret, const char **ret_rest)
{
	struct tm tm = {0};
	const char *zone, *end = strptime(line, "%Y-%m-%d", &tm);

	if (end && (*end == 'T' || *end == ' '))
		end = strptime(end + 1, "%H:%M:%S", &tm);
	else
		end = NULL;
	if (end && (*end == '.' || *end == ','))
		end += 1 + strspn(end + 1, "0123456789");
	zone = end && *end != ' ' ? strptime(end, "%z", &tm) : NULL;
	if (!end || *(zone ? zone : end) != ' ' || tm.tm_year < 70)
		return false;
	*ret_rest = (zone ? zone : end) + 1;
	*ret = -tm.tm_gmtoff; /* timegm clears it */
	*ret = zone ? *ret + (int64_t)timegm(&tm) : local_time(&tm);
	return true;
}

bool maillog_stamp(const char *line, int year, int64_t *ret, const char **ret_rest)
{
	return isdigit((unsigned char)line[0]) ? iso_stamp(line, ret, ret_rest)
					       : syslog_stamp(line, year, ret, ret_rest);
}

static int year_of(int64_t time)
{
	time_t t = (time_t)time;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_year + 1900 : 1970;
}

int64_t maillog_first(const char *line, int64_t mtime)
{
	int year = year_of(mtime);
	const char *rest;
	int64_t first;

	if (!maillog_stamp(line, year, &first, &rest))
		return 0;
	/* The last line is as old as the file's last change, so the first cannot be a day newer. */
	if (first > mtime + 86400)
		(void)maillog_stamp(line, year - 1, &first, &rest);
	return first;
}

void maillog_file(struct maillog *l, int64_t first)
{
	l->year = year_of(first);
	l->last = 0;
}

static bool stamp_of(struct maillog *l, const char *line, int64_t *ret, const char **ret_rest)
{
	if (!maillog_stamp(line, l->year, ret, ret_rest))
		return false;
	if (!l->last || isdigit((unsigned char)line[0])) {
		l->last = *ret;
		return true;
	}
	if (*ret < l->last - HALF_YEAR) {
		l->year++; /* December became January */
		if (!maillog_stamp(line, l->year, ret, ret_rest))
			return false;
	} else if (*ret > l->last + ALMOST_A_YEAR) /* a line of December that came late */
		return maillog_stamp(line, l->year - 1, ret, ret_rest);
	l->last = *ret;
	return true;
}

static uint32_t chain_of(const char *id)
{
	uint32_t hash = 2166136261u;

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * 16777619u;
	return (hash ^ hash >> 15) % MAILLOG_PENDING;
}

static struct pending *find(struct maillog *l, const char *id)
{
	for (uint32_t at = l->chains[chain_of(id)]; at; at = l->list[at - 1].next)
		if (strcmp(l->list[at - 1].id, id) == 0)
			return &l->list[at - 1];
	return NULL;
}

static void unlink_from_chain(struct maillog *l, uint32_t at)
{
	uint32_t *link = &l->chains[chain_of(l->list[at].id)];

	while (*link && *link != at + 1)
		link = &l->list[*link - 1].next;
	if (*link)
		*link = l->list[at].next;
}

/* Replaces the oldest one. An ID that occurs again is another message. */
static struct pending *add(struct maillog *l, const char *id, int64_t time)
{
	struct pending *before = find(l, id);
	uint32_t at = before ? (uint32_t)(before - l->list) : l->newest++ % MAILLOG_PENDING;
	struct pending *p = &l->list[at];

	if (p->id[0])
		unlink_from_chain(l, at);
	*p = (struct pending){.time = time};
	snprintf(p->id, sizeof(p->id), "%s", id);
	uint32_t *chain = &l->chains[chain_of(id)];
	p->next = *chain;
	*chain = at + 1;
	return p;
}

static void copy_until(char *to, size_t size, const char *begin, const char *ends)
{
	snprintf(to, size, "%.*s", (int)strcspn(begin, ends), begin);
}

/* "client=NAME[ADDRESS]:PORT, sasl_method=..., sasl_username=..." */
static void on_smtpd(struct maillog *l, const char *id, const char *text, int64_t time)
{
	const char *open, *login = strstr(text, ", sasl_username=");
	char address[NET_TEXT_SIZE + 8];

	if (!str_starts(text, "client=") || !(open = strchr(text, '[')))
		return;
	struct pending *p = add(l, id, time);
	copy_until(address, sizeof(address), open + 1, "]");
	if (net_parse(address, &p->client) != 0)
		p->client = (struct net_address){.family = 0};
	if (login) {
		login += strlen(", sasl_username=");
		const char *end = strstr(login, ", ");
		snprintf(p->login, sizeof(p->login), "%.*s",
		    end ? (int)(end - login) : (int)strlen(login), login);
	}
	p->again = strstr(text, ", orig_queue_id=") != NULL;
}

static void on_pickup(struct maillog *l, const char *id, const char *text, int64_t time)
{
	if (str_starts(text, "uid="))
		add(l, id, time)->local = true;
}

static void on_cleanup(struct maillog *l, const char *id, const char *text, int64_t time)
{
	const char *at = strstr(text, "message-id=");
	struct pending *p = at ? find(l, id) : NULL;

	(void)time;
	if (p && !p->counted)
		copy_until(p->message_id, sizeof(p->message_id), at + strlen("message-id="), "");
}

static void tell(struct maillog *l, struct pending *p, const char *sender, uint32_t recipients)
{
	struct flood_message m = {.now = p->time * USEC_PER_SEC,
	    .login = p->login,
	    .sender = sender,
	    .recipient = "",
	    .message_id = p->message_id,
	    .queue_id = p->id,
	    .client = p->client,
	    .recipients = recipients,
	    .local = p->local};

	l->counts.messages++;
	l->counts.recipients += recipients;
	l->message(l->arg, &m);
}

/* "from=<SENDER>, size=N, nrcpt=N (queue active)". Later such lines of a message are retries. */
static void on_qmgr(struct maillog *l, const char *id, const char *text, int64_t time)
{
	const char *end = strstr(text, ">, size="), *count = strstr(text, ", nrcpt=");
	char sender[ADDRESS_MAX + 1];

	(void)time;
	if (!str_starts(text, "from=<") || !end || !count)
		return;
	struct pending *p = find(l, id);
	if (!p) {
		l->counts.unjoined++;
		return;
	}
	if (p->counted)
		return;
	p->counted = true;
	if (p->again)
		return;
	snprintf(sender, sizeof(sender), "%.*s", (int)(end - text - 6), text + 6);
	snprintf(p->sender, sizeof(p->sender), "%.*s", LOGIN_MAX - 1, sender);
	long recipients = strtol(count + strlen(", nrcpt="), NULL, 10);
	tell(l, p, sender,
	    recipients < 1        ? 1
	    : recipients > 100000 ? 100000
				  : (uint32_t)recipients);
}

static void on_delivery(struct maillog *l, const char *id, const char *text, int64_t time)
{
	const char *status = strstr(text, ", status=");
	struct pending *p = status ? find(l, id) : NULL;

	if (!p || !p->counted || p->bad || p->again || (!p->login[0] && !p->local))
		return;
	status += strlen(", status=");
	bool late = str_starts(status, "deferred") && time - p->time >= LATE;
	if (!late && !str_starts(status, "bounced"))
		return;
	p->bad = true;
	l->bad(l->arg, p->login[0] ? FLOOD_LOGIN : FLOOD_LOCAL, p->login[0] ? p->login : p->sender,
	    time * USEC_PER_SEC);
}

static const struct {
	const char *program;
	void (*take)(struct maillog *l, const char *id, const char *text, int64_t time);
} programs[] = {
    {"smtpd", on_smtpd},
    {"pickup", on_pickup},
    {"cleanup", on_cleanup},
    {"qmgr", on_qmgr},
    {"oqmgr", on_qmgr},
    {"smtp", on_delivery},
    {"lmtp", on_delivery},
    {"local", on_delivery},
    {"virtual", on_delivery},
    {"pipe", on_delivery},
    {"error", on_delivery},
};

/* "HOST NAME/PROGRAM[PID]: ID: text", cut in place. */
static bool split(char *rest, const char **ret_program, const char **ret_id, const char **ret_text)
{
	char *tag = strchr(rest, ' '), *open, *id, *colon, *slash;
	struct queue_id parsed;

	if (!tag || !(open = strchr(tag, '[')) || !(id = strstr(open, "]: ")))
		return false;
	*open = '\0';
	slash = strrchr(tag + 1, '/');
	if (!slash || strchr(tag + 1, ' '))
		return false;
	id += 3;
	colon = strstr(id, ": ");
	if (!colon)
		return false;
	*colon = '\0';
	*ret_program = slash + 1;
	*ret_id = id;
	*ret_text = colon + 2;
	return queue_id_parse(id, (size_t)(colon - id), &parsed) == 0;
}

void maillog_line(struct maillog *l, char *line, bool cut)
{
	const char *rest, *program, *id, *text;
	int64_t time;

	l->counts.lines++;
	if (cut || !stamp_of(l, line, &time, &rest)) {
		l->counts.broken++;
		return;
	}
	if (!split(line + (rest - line), &program, &id, &text))
		return;
	for (size_t n = 0; n < COUNT_OF(programs); n++)
		if (strcmp(program, programs[n].program) == 0) {
			programs[n].take(l, id, text, time);
			return;
		}
}
