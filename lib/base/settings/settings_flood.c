/* SPDX-License-Identifier: ISC */
/* Values that a section does not give are left to the detector's defaults. */
#include "base/settings/settings_table.h"

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

#define IN(member) .offset = offsetof(struct settings_flood, member)

const struct settings_row settings_flood_rows[SETTINGS_FLOOD_ROWS] = {
    {"count", FLOOD_COUNTS, IN(limits[0]), .list = true, .windows = {10 * MINUTE, HOUR, DAY}},
    {"above", FLOOD_FACTOR, IN(above)},
    {"networks", FLOOD_COUNTS, IN(limits[3]), .list = true, .windows = {HOUR, DAY}},
    {"senders", FLOOD_COUNTS, IN(limits[5]), .windows = {HOUR}},
    {"undelivered", FLOOD_COUNTS, IN(limits[6]), .windows = {HOUR}},
    {"action", FLOOD_ACTION, IN(action)},
    {"act_at", FLOOD_FACTOR, IN(act_at)},
    {"for", FLOOD_SPAN, IN(last)},
    {"held", SWITCH, IN(held)},
    {"force", SWITCH, IN(force)},
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
		s->flood[k] = (struct settings_flood){
		    .limits = {-1, -1, -1, -1, -1, -1, -1}, .action = -1, .last = HOUR};
}

int settings_exempt_parse(const char *item, struct settings_exempt *ret, struct err *err)
{
	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++) {
		size_t len = strlen(settings_flood_kinds[k]);
		struct settings_exempt e = {.kind = k, .key = item + len + 1};

		if (!str_starts(item, settings_flood_kinds[k]) || item[len] != ':' || !*e.key)
			continue;
		if (strcmp(settings_flood_kinds[k], "client") == 0 &&
		    net_parse_block(e.key, &e.block) != 0)
			return err_set(
			    err, ERR_CONFIG, "flood_exempt: '%s' is not a network", e.key);
		*ret = e;
		return 0;
	}
	return err_set(err, ERR_CONFIG,
	    "flood_exempt must be KIND:KEY, not '%s' (kinds: login local sender client domain "
	    "xdomain bounce)",
	    item);
}

/* Parses "100/10m". */
static int set_count(
    const struct settings_row *row, int64_t *into, const char *value, struct err *err)
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

static int set_factor(
    const struct settings_row *row, double *into, const char *value, struct err *err)
{
	char *end;
	double number = strtod(value, &end);

	if (end == value || *end || !(number >= 1 && number <= 1000))
		return err_set(err, ERR_CONFIG, "%s must be a number from 1 to 1000, not '%s'",
		    row->key, value);
	*into = number;
	return 0;
}

static int set_action(
    const struct settings_row *row, int64_t *into, const char *value, struct err *err)
{
	for (int a = 0; a < SETTINGS_FLOOD_ACTIONS; a++)
		if (strcmp(value, settings_flood_actions[a]) == 0) {
			*into = a;
			return 0;
		}
	return err_set(
	    err, ERR_CONFIG, "%s must be hold, defer, reject or warn, not '%s'", row->key, value);
}

static int set_span(
    const struct settings_row *row, int64_t *into, const char *value, struct err *err)
{
	if (clock_parse_span(value, into) == 0 && *into >= MINUTE && *into <= 7 * DAY)
		return 0;
	return err_set(
	    err, ERR_CONFIG, "%s must be a time from 1m to 7d, not '%s'", row->key, value);
}

int settings_flood_set(
    const struct settings_row *row, void *member, const char *value, struct err *err)
{
	return row->kind == FLOOD_COUNTS   ? set_count(row, member, value, err)
	       : row->kind == FLOOD_FACTOR ? set_factor(row, member, value, err)
	       : row->kind == FLOOD_ACTION ? set_action(row, member, value, err)
					   : set_span(row, member, value, err);
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

static void print_counts(const struct settings_row *row, const int64_t *list, FILE *to)
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

static void print_row(const struct settings_row *row, const struct settings_flood *f, FILE *to)
{
	const void *at = (const char *)f + row->offset;
	double factor = row->kind == FLOOD_FACTOR ? *(const double *)at : 0;
	int64_t number =
	    row->kind == FLOOD_ACTION || row->kind == FLOOD_SPAN ? *(const int64_t *)at : -1;

	if (row->kind == FLOOD_COUNTS)
		print_counts(row, at, to);
	else if (factor > 0)
		fprintf(to, "  %s = %g\n", row->key, factor);
	else if (row->kind == FLOOD_ACTION && number >= 0)
		fprintf(to, "  %s = %s\n", row->key, settings_flood_actions[number]);
	else if (row->kind == FLOOD_SPAN)
		fprintf(to, "  %s = \"%llds\"\n", row->key, (long long)(number / USEC_PER_SEC));
	else if (row->kind == SWITCH && *(const bool *)at)
		fprintf(to, "  %s = true\n", row->key);
}

void settings_flood_print(const struct settings *s, FILE *to)
{
	for (size_t k = 0; k < SETTINGS_FLOOD_KINDS; k++) {
		if (!s->flood[k].given)
			continue;
		fprintf(to, "flood %s {\n", settings_flood_kinds[k]);
		for (size_t i = 0; i < SETTINGS_FLOOD_ROWS; i++)
			print_row(&settings_flood_rows[i], &s->flood[k], to);
		fputs("}\n", to);
	}
}
