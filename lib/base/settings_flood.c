/* SPDX-License-Identifier: ISC */
/* What is given for the flood watch's kinds; what is not is the detector's default. */
#include "base/settings_flood.h"

#include "base/clock.h"
#include "base/net.h"
#include "base/str.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const char *const settings_flood_kinds[SETTINGS_FLOOD_KINDS] = {
    "login", "local", "sender", "client", "domain", "xdomain", "bounce"};
const char *const settings_flood_actions[SETTINGS_FLOOD_ACTIONS] = {
    "warn", "hold", "defer", "reject"};

enum value { COUNTS, FACTOR, ACTION, SPAN, SWITCH };

#define IN(member) .offset = offsetof(struct settings_flood, member)
static const struct row {
	const char *key;
	enum value value;
	bool list;
	size_t offset;
	int64_t windows[3]; /* of COUNTS: what may stand behind the '/' */
} rows[SETTINGS_FLOOD_KEYS] = {
    {"count", COUNTS, true, IN(count), .windows = {10 * MINUTE, HOUR, DAY}},
    {"above", FACTOR, false, IN(above)},
    {"networks", COUNTS, true, IN(networks), .windows = {HOUR, DAY}},
    {"senders", COUNTS, false, IN(senders), .windows = {HOUR}},
    {"undelivered", COUNTS, false, IN(undelivered), .windows = {HOUR}},
    {"action", ACTION, false, IN(action)},
    {"act_at", FACTOR, false, IN(act_at)},
    {"for", SPAN, false, IN(last)},
    {"held", SWITCH, false, IN(held)},
    {"force", SWITCH, false, IN(force)},
};

struct settings_flood *settings_flood_find(struct settings *s, const char *kind)
{
	for (size_t k = 0; kind && k < SETTINGS_FLOOD_KINDS; k++)
		if (strcmp(kind, settings_flood_kinds[k]) == 0)
			return &s->flood[k];
	return NULL;
}

void settings_flood_init(struct settings *s)
{
	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++)
		s->flood[k] = (struct settings_flood){.count = {-1, -1, -1},
		    .networks = {-1, -1},
		    .senders = -1,
		    .undelivered = -1,
		    .action = -1,
		    .last = HOUR};
}

const char *settings_flood_key(size_t n, bool *ret_is_list)
{
	if (n >= COUNT_OF(rows))
		return NULL;
	*ret_is_list = rows[n].list;
	return rows[n].key;
}

size_t settings_flood_index(const char *key)
{
	size_t n = COUNT_OF(rows) - 1;

	while (n > 0 && strcmp(rows[n].key, key) != 0)
		n--;
	return n;
}

int settings_flood_check_exempt(const char *value, struct err *err)
{
	struct net_block block;

	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++) {
		const char *kind = settings_flood_kinds[k];
		size_t len = strlen(kind);

		if (strncmp(value, kind, len) != 0 || value[len] != ':' || !value[len + 1])
			continue;
		if (strcmp(kind, "client") != 0 || net_parse_block(value + len + 1, &block) == 0)
			return 0;
		return err_set(
		    err, ERR_CONFIG, "flood_exempt: '%s' is no network", value + len + 1);
	}
	return err_set(err, ERR_CONFIG,
	    "flood_exempt must be KIND:KEY, not '%s' (kinds: login local sender client domain "
	    "xdomain bounce)",
	    value);
}

const char *settings_flood_nearest(const char *name)
{
	struct spell spell = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		spell_consider(&spell, name, rows[i].key);
	return spell.best;
}

/* "100/10m" */
static int set_count(const struct row *row, int64_t *into, const char *value, struct err *err)
{
	static const char *const words[] = {"", "1h", "1h and 1d", "10m, 1h and 1d"};
	const char *slash = strchr(value, '/');
	char number[16];
	uint64_t count = 0;
	int64_t span = 0;
	size_t windows = 0;

	while (windows < COUNT_OF(row->windows) && row->windows[windows])
		windows++;
	snprintf(number, sizeof(number), "%.*s", slash ? (int)(slash - value) : 0, value);
	if (!slash || slash - value >= (int)sizeof(number) ||
	    str_parse_u64(number, 0, UINT32_MAX / 2, &count) < 0 ||
	    clock_parse_span(slash + 1, &span) < 0)
		return err_set(
		    err, ERR_CONFIG, "%s must be such as \"100/1h\", not '%s'", row->key, value);
	for (size_t w = 0; w < windows; w++)
		if (row->windows[w] == span) {
			if (into[w] >= 0)
				return err_set(err, ERR_CONFIG,
				    "%s has two values for one time: '%s'", row->key, value);
			into[w] = (int64_t)count;
			return 0;
		}
	return err_set(err, ERR_CONFIG, "%s is counted in %s, not in '%s'", row->key,
	    words[windows], slash + 1);
}

static int set_factor(const struct row *row, double *into, const char *value, struct err *err)
{
	char *end;
	double number = strtod(value, &end);

	if (end == value || *end || !(number >= 1 && number <= 1000))
		return err_set(err, ERR_CONFIG, "%s must be a number from 1 to 1000, not '%s'",
		    row->key, value);
	*into = number;
	return 0;
}

static int set_action(const struct row *row, int64_t *into, const char *value, struct err *err)
{
	for (int a = 0; a < SETTINGS_FLOOD_ACTIONS; a++)
		if (strcmp(value, settings_flood_actions[a]) == 0) {
			*into = a;
			return 0;
		}
	return err_set(
	    err, ERR_CONFIG, "%s must be hold, defer, reject or warn, not '%s'", row->key, value);
}

static int set_span(const struct row *row, int64_t *into, const char *value, struct err *err)
{
	if (clock_parse_span(value, into) == 0 && *into >= MINUTE && *into <= 7 * DAY)
		return 0;
	return err_set(
	    err, ERR_CONFIG, "%s must be a time from 1m to 7d, not '%s'", row->key, value);
}

static int set_switch(const struct row *row, bool *into, const char *value, struct err *err)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		for (int on = 0; on < 2; on++)
			if (str_equal_nocase(value, words[i][on])) {
				*into = on;
				return 0;
			}
	return err_set(err, ERR_CONFIG, "%s must be true or false, not '%s'", row->key, value);
}

int settings_flood_set(
    struct settings_flood *f, const char *key, const char *value, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		void *at = (char *)f + row->offset;

		if (strcmp(key, row->key) != 0)
			continue;
		f->given = true;
		return row->value == COUNTS   ? set_count(row, at, value, err)
		       : row->value == FACTOR ? set_factor(row, at, value, err)
		       : row->value == ACTION ? set_action(row, at, value, err)
		       : row->value == SPAN   ? set_span(row, at, value, err)
					      : set_switch(row, at, value, err);
	}
	return err_set(err, ERR_CONFIG, "unknown key '%s'", key);
}

int settings_flood_check(const struct settings *s, const struct settings_flood *f, struct err *err)
{
	const char *kind = settings_flood_kinds[f - s->flood];

	if (f->action <= 0)
		return 0;
	if (strcmp(kind, "bounce") == 0)
		return err_set(err, ERR_CONFIG,
		    "flood bounce: only warn: a rule would hit bounces that somebody waits for");
	if (strstr(kind, "domain") && !f->force)
		return err_set(err, ERR_CONFIG,
		    "flood %s: a rule would hit innocents too; force = true allows it", kind);
	return 0;
}

static void print_counts(const struct row *row, const int64_t *list, FILE *to)
{
	const char *gap = row->list ? "{" : "";
	bool any = false;
	char span[16];

	for (size_t w = 0; w < COUNT_OF(row->windows) && row->windows[w]; w++) {
		if (list[w] < 0)
			continue;
		if (!any)
			fprintf(to, "  %s = ", row->key);
		fprintf(to, "%s\"%lld/%s\"", gap, (long long)list[w],
		    clock_span_text(row->windows[w], span, sizeof(span)));
		gap = ", ";
		any = true;
	}
	if (any)
		fputs(row->list ? "}\n" : "\n", to);
}

static void print_row(const struct row *row, const struct settings_flood *f, FILE *to)
{
	const void *at = (const char *)f + row->offset;
	double factor = row->value == FACTOR ? *(const double *)at : 0;
	int64_t number = row->value == ACTION || row->value == SPAN ? *(const int64_t *)at : -1;

	if (row->value == COUNTS)
		print_counts(row, at, to);
	else if (factor > 0)
		fprintf(to, "  %s = %g\n", row->key, factor);
	else if (row->value == ACTION && number >= 0)
		fprintf(to, "  %s = %s\n", row->key, settings_flood_actions[number]);
	else if (row->value == SPAN)
		fprintf(to, "  %s = \"%llds\"\n", row->key, (long long)(number / USEC_PER_SEC));
	else if (row->value == SWITCH && *(const bool *)at)
		fprintf(to, "  %s = true\n", row->key);
}

void settings_flood_print(const struct settings *s, FILE *to)
{
	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++) {
		if (!s->flood[k].given)
			continue;
		fprintf(to, "flood %s {\n", settings_flood_kinds[k]);
		for (size_t i = 0; i < COUNT_OF(rows); i++)
			print_row(&rows[i], &s->flood[k], to);
		fputs("}\n", to);
	}
}
