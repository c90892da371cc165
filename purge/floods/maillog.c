/* SPDX-License-Identifier: ISC */
/* From log lines to messages. */
#include "purge/floods/maillog.h"

#include <ctype.h>
#include <time.h>

#include "base/clock.h"
#include "mail/address.h"

#define HALF_YEAR (180 * 86400)
#define LATE      600 /* seconds in the queue */
#define LOGIN_MAX 128

struct pending {
	char id[QUEUE_ID_MAX + 1];
	char login[LOGIN_MAX];
	char message_id[64];
	struct net_address client;
	int64_t time;
	bool local, again;
	bool counted; /* its qmgr line came */
	bool bad;
	char sender[LOGIN_MAX]; /* once counted: of local mail, for `bad` */
	uint32_t next;          /* in its chain; 0 none, else index + 1 */
};

struct maillog {
	maillog_message *message;
	maillog_bad *bad;
	void *arg;
	struct maillog_counts counts;
	int year;
	int64_t last; /* the stamp before; 0 none */
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

/* ---- stamps */

static bool digits(const char *at, int count, int *ret)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		value = value * 10 + (at[i] - '0');
	}
	*ret = value;
	return true;
}

/* mktime(3) is dear: asked once for each hour of the log. */
static int64_t local_time(int year, int month, int day, int hour)
{
	static int64_t known_key = -1, known;
	int64_t key = (((int64_t)year * 12 + month) * 32 + day) * 24 + hour;
	struct tm tm = {.tm_year = year - 1900,
	    .tm_mon = month,
	    .tm_mday = day,
	    .tm_hour = hour,
	    .tm_isdst = -1};

	if (key != known_key) {
		known = (int64_t)mktime(&tm);
		known_key = key;
	}
	return known;
}

static bool clock_of(const char *at, int *hour, int *minute, int *second)
{
	return digits(at, 2, hour) && at[2] == ':' && digits(at + 3, 2, minute) && at[5] == ':' &&
	       digits(at + 6, 2, second) && *hour < 24 && *minute < 60 && *second < 61;
}

static bool syslog_stamp(const char *line, int year, int64_t *ret, const char **ret_rest)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, hour, minute, second, month = 0;

	while (month < 12 && strncmp(months + 3 * month, line, 3) != 0)
		month++;
	if (month == 12 || line[3] != ' ')
		return false;
	if (line[4] == ' ' ? !digits(line + 5, 1, &day) : !digits(line + 4, 2, &day))
		return false;
	if (day < 1 || day > 31 || line[6] != ' ' || !clock_of(line + 7, &hour, &minute, &second) ||
	    line[15] != ' ')
		return false;
	*ret = local_time(year, month, day, hour) + minute * 60 + second;
	*ret_rest = line + 16;
	return true;
}

/* Days since 1970-01-01 of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool zone_of(const char *at, const char **ret_rest, int64_t *ret_offset)
{
	int hours, minutes;

	if (*at == 'Z') {
		*ret_offset = 0;
		*ret_rest = at + 1;
		return true;
	}
	if ((*at != '+' && *at != '-') || !digits(at + 1, 2, &hours))
		return false;
	const char *more = at[3] == ':' ? at + 4 : at + 3;
	if (!digits(more, 2, &minutes))
		return false;
	*ret_offset = (hours * 3600 + minutes * 60) * (*at == '-' ? -1 : 1);
	*ret_rest = more + 2;
	return true;
}

static bool iso_stamp(const char *line, int64_t *ret, const char **ret_rest)
{
	int year, month, day, hour, minute, second;
	int64_t offset;

	if (!digits(line, 4, &year) || line[4] != '-' || !digits(line + 5, 2, &month) ||
	    line[7] != '-' || !digits(line + 8, 2, &day) || (line[10] != 'T' && line[10] != ' ') ||
	    !clock_of(line + 11, &hour, &minute, &second) || month < 1 || month > 12 || day < 1 ||
	    day > 31 || year < 1970)
		return false;
	const char *at = line + 19;
	if (*at == '.' || *at == ',')
		for (at++; isdigit((unsigned char)*at); at++)
			continue;
	if (zone_of(at, &at, &offset))
		*ret =
		    days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
	else
		*ret = local_time(year, month - 1, day, hour) + minute * 60 + second;
	*ret_rest = at + (*at == ' ');
	return *at == ' ';
}

bool maillog_stamp(const char *line, int year, int64_t *ret, const char **ret_rest)
{
	if (isdigit((unsigned char)line[0]))
		return strnlen(line, 20) == 20 && iso_stamp(line, ret, ret_rest);
	return strnlen(line, 16) == 16 && syslog_stamp(line, year, ret, ret_rest);
}

static int year_of(int64_t time)
{
	time_t t = (time_t)time;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_year + 1900 : 1970;
}

/* A log's last line is as old as its last change, and it began at most a year before. */
void maillog_file(struct maillog *l, const char *first_line, int64_t mtime)
{
	const char *rest;
	int64_t first;

	l->year = year_of(mtime);
	l->last = 0;
	if (maillog_stamp(first_line, l->year, &first, &rest) && first > mtime + 86400)
		l->year--;
}

int64_t maillog_first(const struct maillog *l, const char *first_line)
{
	const char *rest;
	int64_t first = 0;

	return maillog_stamp(first_line, l->year, &first, &rest) ? first : 0;
}

static bool stamp_of(struct maillog *l, const char *line, int64_t *ret, const char **ret_rest)
{
	if (!maillog_stamp(line, l->year, ret, ret_rest))
		return false;
	if (l->last && *ret < l->last - HALF_YEAR && !isdigit((unsigned char)line[0])) {
		l->year++; /* from December to January */
		if (!maillog_stamp(line, l->year, ret, ret_rest))
			return false;
	}
	l->last = *ret;
	return true;
}

/* ---- messages that are under way */

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

/* A new one in the place of the oldest. An ID that is used again is another message. */
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

/* Copies what stands between begin and one of the ends. */
static void take(char *to, size_t size, const char *begin, const char *ends)
{
	snprintf(to, size, "%.*s", (int)strcspn(begin, ends), begin);
}

/* client=NAME[ADDRESS]:PORT, sasl_method=..., sasl_username=... */
static void on_smtpd(struct maillog *l, const char *id, const char *text, int64_t time)
{
	const char *open, *login = strstr(text, ", sasl_username=");
	char address[NET_TEXT_SIZE + 8];

	if (!str_starts(text, "client=") || !(open = strchr(text, '[')))
		return;
	struct pending *p = add(l, id, time);
	take(address, sizeof(address), open + 1, "]");
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
		take(p->message_id, sizeof(p->message_id), at + strlen("message-id="), "");
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

/* from=<SENDER>, size=N, nrcpt=N (queue active): the first one of a message; later ones are
 * retries. */
static void on_qmgr(struct maillog *l, const char *id, const char *text, int64_t time)
{
	const char *end = strstr(text, ">, size="), *count = strstr(text, ", nrcpt=");
	struct pending *p;
	char sender[ADDRESS_MAX + 1];

	(void)time;
	if (!str_starts(text, "from=<") || !end || !count)
		return;
	p = find(l, id);
	if (!p) {
		l->counts.unjoined++;
		return;
	}
	if (p->counted)
		return;
	p->counted = true;
	if (p->again) {
		l->counts.second_passes++;
		return;
	}
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

/* ---- a line */

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

/* "HOST NAME/PROGRAM[PID]: ID: text": PROGRAM, ID and text; all are cut off in place. */
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
