/* SPDX-License-Identifier: ISC */
/* pqpurge-idx top: who fills the queue, once or every two seconds. */
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"
#include "purge/tell/table.h"
#include "purge/tell/wording.h"
#include "purge/top/top.h"
#include "purge/walk.h"

#define GROUPS_SHOWN   20 /* on a terminal, where no --limit says otherwise */
#define BAR_WIDTH      8
#define WIDE           132 /* columns from which on the ages stand in numbers */
#define WATCH_MS       2000
#define WATCH_CATCH_UP 5 /* screens from one catch-up to the next */
#define CLEAR          "\033[H\033[2J"

static const char *const age_names[TOP_AGES] = {
    "5m", "10m", "20m", "40m", "80m", "160m", "320m", "640m", "1280m", "MORE"};

/* How a screen is drawn. */
struct screen {
	const struct session *s;
	enum top_by by;
	bool terminal, wide, utf8, rates;
	const struct top *before; /* the last screen; NULL */
	double seconds;           /* since then */
};

static const char *head_of(enum top_by by)
{
	switch (by) {
	case TOP_SENDER:
		return "SENDER DOMAIN";
	case TOP_FROM:
		return "FROM DOMAIN";
	case TOP_RECIPIENT:
		return "RECIPIENT DOMAIN";
	case TOP_LOGIN:
		return "LOGIN";
	case TOP_CLIENT:
		break;
	}
	return "CLIENT";
}

/* What a group without a name is, for people. */
static const char *name_of(const struct screen *screen, const struct top_group *g)
{
	if (*g->name)
		return g->name;
	return screen->by == TOP_CLIENT ? "(local)" : "(none)";
}

/* ---- bars */

/* share of width as a bar: eighths of a block, or '#' where the terminal has no UTF-8. */
static void put_bar(bool utf8, double share, char *buf, size_t size)
{
	unsigned eighths = (unsigned)(share * BAR_WIDTH * 8 + 0.5);
	size_t len = 0;

	buf[0] = '\0';
	if (eighths == 0 && share > 0)
		eighths = 1;
	for (; eighths > 0 && len + 4 < size; eighths = eighths > 8 ? eighths - 8 : 0) {
		unsigned part = eighths > 8 ? 8 : eighths;

		/* U+2588 is the full block, U+258F one eighth of it. */
		if (utf8)
			len += (size_t)snprintf(buf + len, size - len, "\xe2\x96%c",
			    (char)(unsigned char)(0x90 - part));
		else
			len += (size_t)snprintf(buf + len, size - len, "#");
	}
}

/* One character for each age: its height is the share of the most frequent one. */
static void put_ages(bool utf8, const uint64_t ages[TOP_AGES], char *buf, size_t size)
{
	static const char ascii[] = ".:-=+*#@";
	uint64_t most = 1;
	size_t len = 0;

	for (unsigned i = 0; i < TOP_AGES; i++)
		most = ages[i] > most ? ages[i] : most;
	for (unsigned i = 0; i < TOP_AGES && len + 4 < size; i++) {
		unsigned height = (unsigned)((double)ages[i] * 7 / (double)most + 0.5);

		if (ages[i] == 0)
			len += (size_t)snprintf(buf + len, size - len, utf8 ? "\xc2\xb7" : " ");
		else if (utf8)
			len += (size_t)snprintf(buf + len, size - len, "\xe2\x96%c",
			    (char)(unsigned char)(0x81 + height));
		else
			len += (size_t)snprintf(buf + len, size - len, "%c", ascii[height]);
	}
}

/* ---- rows */

static double share_of(const struct top *top, const struct top_group *g)
{
	return top->messages ? (double)g->count / (double)top->messages : 0;
}

static const struct top_group *find_group(const struct top *top, const char *name)
{
	for (size_t i = 0; top && i < top->count; i++)
		if (strcmp(top->list[i].name, name) == 0)
			return &top->list[i];
	return NULL;
}

/* By how much a count changes in a second; "" where there is no screen before. */
static void put_rate(
    const struct screen *screen, uint64_t now, uint64_t before, char *buf, size_t size)
{
	double rate = 0;

	buf[0] = '\0';
	if (!screen->before)
		return;
	if (screen->seconds > 0)
		rate = ((double)now - (double)before) / screen->seconds;
	if (rate > -0.05 && rate < 0.05)
		snprintf(buf, size, "0/s");
	else
		snprintf(buf, size, "%+.1f/s", rate);
}

struct cells {
	char count[24], rate[24], share[16], bar[BAR_WIDTH * 3 + 8], size[24];
	char newest[CLOCK_TEXT_SIZE], oldest[CLOCK_TEXT_SIZE], histogram[TOP_AGES * 3 + 8];
	char ages[TOP_AGES][24];
};

static void make_cells(
    const struct screen *screen, const struct top *top, const struct top_group *g, struct cells *c)
{
	const struct top_group *before = find_group(screen->before, g->name);
	int64_t now = screen->s->options.now;

	snprintf(c->count, sizeof(c->count), "%" PRIu64, g->count);
	snprintf(c->share, sizeof(c->share), "%.1f%%", share_of(top, g) * 100);
	for (unsigned i = 0; i < TOP_AGES; i++)
		snprintf(c->ages[i], sizeof(c->ages[i]), "%" PRIu64, g->ages[i]);
	if (!screen->terminal) {
		snprintf(c->size, sizeof(c->size), "%" PRIu64, g->bytes);
		clock_text(g->newest, c->newest, sizeof(c->newest));
		clock_text(g->oldest, c->oldest, sizeof(c->oldest));
		return;
	}
	put_rate(screen, g->count, before ? before->count : 0, c->rate, sizeof(c->rate));
	put_bar(screen->utf8, share_of(top, g), c->bar, sizeof(c->bar));
	put_ages(screen->utf8, g->ages, c->histogram, sizeof(c->histogram));
	str_size_text(g->bytes, c->size, sizeof(c->size));
	clock_span_text(now > g->newest ? now - g->newest : 0, c->newest, sizeof(c->newest));
	clock_span_text(now > g->oldest ? now - g->oldest : 0, c->oldest, sizeof(c->oldest));
}

#define COLUMNS_MAX (8 + TOP_AGES)
#define SHARE_COLOR 3 /* the column of the bar */

static size_t list_columns(const struct screen *screen, struct table_column *columns)
{
	size_t n = 0;

	columns[n++] = (struct table_column){.name = head_of(screen->by), .cut = true};
	columns[n++] = (struct table_column){.name = "COUNT", .right = true};
	columns[n++] = (struct table_column){.name = "SHARE", .right = true};
	if (screen->terminal)
		columns[n++] = (struct table_column){.name = ""};
	if (screen->rates)
		columns[n++] = (struct table_column){.name = "RATE", .right = true};
	columns[n++] = (struct table_column){.name = "SIZE", .right = true};
	columns[n++] = (struct table_column){.name = "NEW", .right = true};
	columns[n++] = (struct table_column){.name = "OLD", .right = true};
	if (screen->terminal && !screen->wide)
		columns[n++] = (struct table_column){.name = "AGES"};
	for (unsigned i = 0; (!screen->terminal || screen->wide) && i < TOP_AGES; i++)
		columns[n++] = (struct table_column){.name = age_names[i], .right = true};
	return n;
}

static void add_row(
    const struct screen *screen, struct table *t, const struct top *top, const struct top_group *g)
{
	const char *row[COLUMNS_MAX];
	struct cells c = {0};
	double share = share_of(top, g);
	size_t n = 0;

	make_cells(screen, top, g, &c);
	row[n++] = screen->terminal ? name_of(screen, g) : g->name;
	row[n++] = c.count;
	row[n++] = c.share;
	if (screen->terminal)
		row[n++] = c.bar;
	if (screen->rates)
		row[n++] = c.rate;
	row[n++] = c.size;
	row[n++] = c.newest;
	row[n++] = c.oldest;
	if (screen->terminal && !screen->wide)
		row[n++] = c.histogram;
	for (unsigned i = 0; (!screen->terminal || screen->wide) && i < TOP_AGES; i++)
		row[n++] = c.ages[i];
	table_add(t, row);
	if (screen->terminal && share >= 0.2)
		table_color(t, SHARE_COLOR, share >= 0.5 ? "red" : "yellow");
}

/* ---- screens */

static size_t shown(const struct screen *screen, const struct top *top)
{
	size_t limit = screen->s->options.limit;

	if (!limit && screen->terminal)
		limit = GROUPS_SHOWN;
	return limit && limit < top->count ? limit : top->count;
}

static int put_table(const struct screen *screen, const struct top *top)
{
	struct table_column columns[COLUMNS_MAX];
	size_t count = list_columns(screen, columns);
	struct table *t = table_new(stdout, columns, count);

	for (size_t i = 0; i < shown(screen, top); i++)
		add_row(screen, t, top, &top->list[i]);
	return table_end(t);
}

static void put_head(const struct screen *screen, const struct top *top)
{
	char size[32], rate[24], time[CLOCK_TEXT_SIZE];

	/* With the time there is no room for more words in 80 columns. */
	if (screen->rates)
		say(stdout, "%s  ", clock_text(screen->s->options.now, time, sizeof(time)));
	say(stdout, "%" PRIu64 " %s%s (%s) in %zu %s", top->messages,
	    wording_messages(top->messages), screen->rates ? "" : " in the queue",
	    str_size_text(top->bytes, size, sizeof(size)), top->count,
	    top->count == 1 ? "group" : "groups");
	put_rate(screen, top->messages, screen->before ? screen->before->messages : 0, rate,
	    sizeof(rate));
	say(stdout, "%s%s.\n", *rate ? ", " : "", rate);
}

static void put_foot(const struct screen *screen, const struct top *top)
{
	if (shown(screen, top) < top->count)
		say(stdout, "%zu more %s; --limit shows them.\n", top->count - shown(screen, top),
		    top->count - shown(screen, top) == 1 ? "group" : "groups");
	if (!screen->wide && top->count)
		say(stdout,
		    "AGES: up to 5, 10, 20, 40, 80, 160, 320, 640, 1280 minutes, and more.\n");
}

static int put_json(const struct screen *screen, const struct top *top)
{
	int code = 0;

	for (size_t i = 0; code == 0 && top->list && i < shown(screen, top); i++) {
		const struct top_group *g = &top->list[i];
		struct json *o = json_new();

		json_put_text(o, "group", g->name);
		json_put_int(o, "count", (int64_t)g->count);
		json_put_share(o, "share", share_of(top, g));
		json_put_int(o, "bytes", (int64_t)g->bytes);
		json_put_int(o, "oldest", g->oldest / USEC_PER_SEC);
		json_put_int(o, "newest", g->newest / USEC_PER_SEC);
		json_put_ints(o, "ages", g->ages, TOP_AGES);
		code = json_line(stdout, o);
	}
	return code;
}

/* A pipe gets rows and nothing else. */
static int put_screen(const struct screen *screen, const struct top *top)
{
	int code;

	if (screen->s->options.json)
		return put_json(screen, top);
	if (screen->terminal)
		put_head(screen, top);
	code = put_table(screen, top);
	if (screen->terminal)
		put_foot(screen, top);
	return code;
}

/* One walk, grouped. Its outcome is in w, to be released in any case. */
static int look(struct session *s, struct walk *w, struct top *ret, struct err *err)
{
	int code = walk_look(w, s, err);

	if (code == 0)
		code = top_of(&w->outcome, s->options.by, s->options.now, ret);
	return code == -ENOMEM ? err_sys(err, ENOMEM, "failed to group the messages") : code;
}

/* Draws anew: ages and --since are counted from the time of each screen, and only each fifth looks
 * at the whole queue. */
static int redraw(struct session *s, struct screen *screen, unsigned turn, int64_t age,
    struct top *ret, struct err *err)
{
	bool index_only = s->options.index_only, quiet = s->options.quiet;
	struct walk w = {0};
	int code;

	s->options.now = clock_wall();
	if (age)
		s->options.selector.arrived_after = s->options.now - age;
	s->options.index_only |= turn % WATCH_CATCH_UP != 0;
	s->options.quiet = true;
	code = look(s, &w, ret, err);
	s->options.index_only = index_only;
	s->options.quiet = quiet;
	walk_release(&w);
	if (code < 0)
		return code;
	screen->wide = table_width(stdout) >= WIDE;
	fputs(CLEAR, stdout);
	code = put_screen(screen, ret);
	fflush(stdout);
	return code;
}

/* Until ^C. */
static int watch(struct session *s, struct screen *screen, struct err *err)
{
	int64_t last = 0, since = s->options.selector.arrived_after;
	int64_t age = since ? s->options.now - since : 0;
	struct top before = {0};
	int code = 0;

	screen->rates = true;
	interrupt_catch();
	for (unsigned turn = 0; code == 0 && !interrupt_stop; turn++) {
		int64_t steady = clock_steady();
		struct top now = {0};

		screen->before = last ? &before : NULL;
		screen->seconds = (double)(steady - last) / USEC_PER_SEC;
		code = redraw(s, screen, turn, age, &now, err);
		top_release(&before);
		before = now;
		last = steady;
		if (code == 0 && !interrupt_stop)
			poll(NULL, 0, WATCH_MS);
	}
	screen->before = NULL;
	top_release(&before);
	return code == ERR_STOPPED ? EXIT_DONE : code;
}

static int once(struct session *s, struct screen *screen, struct err *err)
{
	struct walk w = {0};
	struct top top = {0};
	int code = look(s, &w, &top, err);

	if (code == 0) {
		code = put_screen(screen, &top);
		code = code < 0 ? err_sys(err, -code, "failed to write the groups")
				: walk_end_look(&w);
	}
	top_release(&top);
	walk_release(&w);
	return code;
}

int verb_top(struct session *s, struct err *err)
{
	bool terminal = isatty(STDOUT_FILENO);
	struct screen screen = {.s = s,
	    .by = s->options.by,
	    .terminal = terminal,
	    .wide = terminal && table_width(stdout) >= WIDE,
	    .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};

	if (s->options.watch && (!terminal || s->options.json))
		return err_set(err, ERR_USAGE,
		    "'--watch' draws on a terminal; a program calls 'top --json' as often as it "
		    "likes");
	return s->options.watch ? watch(s, &screen, err) : once(s, &screen, err);
}
