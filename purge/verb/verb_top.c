/* SPDX-License-Identifier: ISC */
#include <langinfo.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/json.h"
#include "order/catchup/catchup.h"
#include "purge/floods/floods.h"
#include "purge/interrupt.h"
#include "purge/tell/glyphs.h"
#include "purge/tell/say.h"
#include "purge/tell/table.h"
#include "purge/top/top.h"
#include "purge/walk.h"

#define GROUPS_SHOWN   20  /* as a table on a terminal, without --limit */
#define WIDE           132 /* from this width on, ages are numbers */
#define WATCH_MS       2000
#define WATCH_CATCH_UP 5 /* screens between two catch-ups */
#define CLEAR          "\033[H\033[2J"

struct screen {
	const struct session *s;
	bool terminal, wide, utf8, rates;
	const struct top *before; /* NULL on the first */
	double seconds;
	const struct json *floods; /* the open ones; NULL: unknown */
};

static double share_of(const struct top *top, const struct top_group *g)
{
	return top->messages ? (double)g->count / (double)top->messages : 0;
}

/* Change per second; "" on the first screen. */
static const char *rate_of(
    const struct screen *screen, uint64_t now, uint64_t before, char *buf, size_t size)
{
	double rate = 0;

	buf[0] = '\0';
	if (!screen->before)
		return buf;
	if (screen->seconds > 0)
		rate = ((double)now - (double)before) / screen->seconds;
	snprintf(buf, size, rate > -0.05 && rate < 0.05 ? "0/s" : "%+.1f/s", rate);
	return buf;
}

#define COLUMNS_MAX  (8 + TOP_AGES)
#define SHARE_COLUMN 3 /* the bar */

struct row {
	size_t count;
	struct table_column columns[COLUMNS_MAX];
	char text[COLUMNS_MAX][GLYPHS_SIZE];
	const char *cells[COLUMNS_MAX];
};

static void add_cell(struct row *row, const char *head, bool right, const char *format, ...)
    FORMAT(4, 5);
static void add_cell(struct row *row, const char *head, bool right, const char *format, ...)
{
	size_t n = row->count++;
	va_list values;

	row->columns[n] = (struct table_column){.name = head, .right = right, .cut = n == 0};
	va_start(values, format);
	vsnprintf(row->text[n], sizeof(row->text[n]), format, values);
	va_end(values);
	row->cells[n] = row->text[n];
}

static void add_time(const struct screen *screen, struct row *row, const char *head, int64_t wall)
{
	int64_t now = screen->s->options.now;
	char text[CLOCK_TEXT_SIZE];

	if (screen->terminal)
		clock_span_text(now > wall ? now - wall : 0, text, sizeof(text));
	else
		clock_text(wall, text, sizeof(text));
	add_cell(row, head, true, "%s", text);
}

static void add_ages(const struct screen *screen, struct row *row, const struct top_group *g)
{
	static const char *const heads[TOP_AGES] = {
	    "5m", "10m", "20m", "40m", "80m", "160m", "320m", "640m", "1280m", "MORE"};
	char text[GLYPHS_SIZE];

	if (screen->terminal && !screen->wide)
		add_cell(
		    row, "AGES", false, "%s", glyphs_curve(screen->utf8, g->ages, TOP_AGES, text));
	for (unsigned i = 0; (!screen->terminal || screen->wide) && i < TOP_AGES; i++)
		add_cell(row, heads[i], true, "%" PRIu64, g->ages[i]);
}

static int64_t open_flood_of(const struct screen *screen, const struct top_group *g)
{
	static const char *const kinds[][2] = {[TOP_SENDER] = {"domain", "xdomain"},
	    [TOP_FROM] = {"domain", "xdomain"},
	    [TOP_RECIPIENT] = {"", ""},
	    [TOP_LOGIN] = {"login", ""},
	    [TOP_CLIENT] = {"client", ""},
	    [TOP_UID] = {"", ""},
	    [TOP_REASON] = {"", ""}};
	const char *const *of = kinds[screen->s->options.by];

	for (size_t n = 0; screen->floods && n < json_count(screen->floods, "floods"); n++) {
		const struct json *i = json_at(screen->floods, "floods", n);
		const char *kind = json_text(i, "kind"), *key = json_text(i, "key");

		if (kind && key && (strcmp(kind, of[0]) == 0 || strcmp(kind, of[1]) == 0) &&
		    str_equal_nocase(key, g->name))
			return json_int(i, "id", 0);
	}
	return 0;
}

static void make_row(
    const struct screen *screen, const struct top *top, const struct top_group *g, struct row *row)
{
	enum top_by by = screen->s->options.by;
	const char *nameless = by == TOP_CLIENT ? "(local)" : "(none)";
	const struct top_group *before = screen->before ? top_find(screen->before, g->name) : NULL;
	const double share = share_of(top, g);
	char text[GLYPHS_SIZE];

	row->count = 0;
	add_cell(row, top_head(by), false, "%s", "");
	row->cells[0] = *g->name || !screen->terminal ? g->name : nameless;
	if (screen->terminal && open_flood_of(screen, g)) {
		snprintf(row->text[0], sizeof(row->text[0]), "! %s", g->name);
		row->cells[0] = row->text[0];
	}
	add_cell(row, "COUNT", true, "%" PRIu64, g->count);
	add_cell(row, "SHARE", true, "%.1f%%", share * 100);
	if (screen->terminal)
		add_cell(row, "", false, "%s", glyphs_bar(screen->utf8, share, text));
	if (screen->rates)
		add_cell(row, "RATE", true, "%s",
		    rate_of(screen, g->count, before ? before->count : 0, text, sizeof(text)));
	if (screen->terminal)
		add_cell(row, "SIZE", true, "%s", str_size_text(g->bytes, text, sizeof(text)));
	else
		add_cell(row, "SIZE", true, "%" PRIu64, g->bytes);
	add_time(screen, row, "NEW", g->newest);
	add_time(screen, row, "OLD", g->oldest);
	add_ages(screen, row, g);
}

static size_t shown(const struct screen *screen, const struct top *top)
{
	size_t limit = screen->s->options.limit;

	if (!limit && screen->terminal && !screen->s->options.json)
		limit = GROUPS_SHOWN;
	return limit && limit < top->count ? limit : top->count;
}

static int put_table(const struct screen *screen, const struct top *top)
{
	struct table *t = NULL;
	struct row row;

	make_row(screen, top, &(struct top_group){.name = ""}, &row);
	t = table_new(stdout, row.columns, row.count);
	for (size_t i = 0; i < shown(screen, top); i++) {
		double share = share_of(top, &top->list[i]);

		make_row(screen, top, &top->list[i], &row);
		table_add(t, row.cells);
		if (screen->terminal && share >= 0.2)
			table_color(t, SHARE_COLUMN, share >= 0.5 ? "red" : "yellow");
	}
	return table_end(t);
}

static void put_head(const struct screen *screen, const struct top *top)
{
	char size[32], rate[24], time[CLOCK_TEXT_SIZE];

	/* with the time there is no room for more words in 80 columns */
	if (screen->rates)
		say(stdout, "%s  ", clock_text(screen->s->options.now, time, sizeof(time)));
	rate_of(screen, top->messages, screen->before ? screen->before->messages : 0, rate,
	    sizeof(rate));
	say(stdout, "%" PRIu64 " %s%s (%s) in %" PRIu64 " %s%s%s.\n", top->messages,
	    PLURAL(top->messages, "message"), screen->rates ? "" : " in the queue",
	    str_size_text(top->bytes, size, sizeof(size)), top->count + top->more,
	    PLURAL(top->count + top->more, "group"), *rate ? ", " : "", rate);
}

static void put_foot(const struct screen *screen, const struct top *top)
{
	uint64_t more = top->count - shown(screen, top) + top->more;

	if (more)
		say(stdout, "%" PRIu64 " more %s; --limit shows them.\n", more,
		    PLURAL(more, "group"));
	if (!screen->wide && top->count)
		say(stdout,
		    "AGES: up to 5, 10, 20, 40, 80, 160, 320, 640, 1280 minutes, and more.\n");
}

static int put_json(const struct screen *screen, const struct top *top)
{
	const struct top_group *end = top->list + shown(screen, top);
	int code = 0;

	for (const struct top_group *g = top->list; code == 0 && g && g < end; g++) {
		struct json *o = json_new();

		json_put_text(o, "group", g->name);
		json_put_int(o, "count", (int64_t)g->count);
		json_put_share(o, "share", share_of(top, g));
		json_put_int(o, "bytes", (int64_t)g->bytes);
		json_put_int(o, "oldest", g->oldest / USEC_PER_SEC);
		json_put_int(o, "newest", g->newest / USEC_PER_SEC);
		json_put_ints(o, "ages", g->ages, TOP_AGES);
		if (open_flood_of(screen, g))
			json_put_int(o, "flood", open_flood_of(screen, g));
		code = json_line(stdout, o);
	}
	return code;
}

static int put_screen(const struct screen *screen, const struct top *top)
{
	if (screen->s->options.json)
		return put_json(screen, top);
	if (screen->terminal)
		put_head(screen, top);
	int code = put_table(screen, top);
	if (screen->terminal)
		put_foot(screen, top);
	return code;
}

/* EXIT_SOME_FAILED if some logs could not be read. */
static int group_reasons(struct walk *w, struct top *ret, struct err *err)
{
	progress_show(&w->progress, "reading the reasons", 0, 0);
	int code = top_of_reasons(&w->s->postfix, &w->outcome, w->s->options.now, ret, err);
	if (code == 0 && ret->unread > 0) {
		complain("%" PRIu64 " defer logs could not be read; the first: %s.", ret->unread,
		    ret->why_unread.text);
		code = EXIT_SOME_FAILED;
	}
	return code;
}

static int group(struct walk *w, struct top *ret, struct err *err)
{
	const struct options *o = &w->s->options;
	int code;

	progress_show(&w->progress, "adding up", 0, 0);
	if (o->by == TOP_REASON)
		code = group_reasons(w, ret, err);
	else if (top_of(&w->outcome, o->by, w->s->settings.login_exact, o->now, ret) < 0)
		code = err_sys(err, ENOMEM, "failed to group the messages");
	else
		code = 0;
	progress_end(&w->progress);
	return code;
}

/* The daemon's counts, if the whole queue is meant and the daemon has them. */
static int look_at_kept(struct session *s, unsigned turn, struct top *ret, struct err *err)
{
	const struct catchup_task task = {
	    .settings = &s->settings, .postfix = &s->postfix, .stop = &interrupt_stop};

	if (!selector_is_empty(&s->options.selector) || (unsigned)s->options.by >= GROUP_KINDS)
		return ERR_NO_INDEX;
	if (turn % WATCH_CATCH_UP == 0 && !s->options.index_only) {
		AUTO(caught_release) struct caught ignored = {0};

		(void)!sync_run(&task, &ignored, NULL);
	}
	return kept_top(&s->client, s->options.by, ret, err);
}

/* Counts a selection; only every fifth screen looks at the whole queue. */
static int look_at_all(struct session *s, unsigned turn, struct top *ret, struct err *err)
{
	bool index_only = s->options.index_only, quiet = s->options.quiet;
	AUTO(walk_release) struct walk w = {0};

	s->options.index_only |= turn % WATCH_CATCH_UP != 0 && s->options.by != TOP_REASON &&
				 !selector_asks_file(&s->options.selector);
	s->options.quiet = true;
	int code = walk_look(&w, s, err);
	code = code < 0 ? code : group(&w, ret, err);
	s->options.index_only = index_only;
	s->options.quiet = quiet;
	return code;
}

/* Ages and --since are relative to each screen. */
static int redraw(struct session *s, struct screen *screen, unsigned turn, int64_t age,
    struct top *ret, struct err *err)
{
	s->options.now = clock_wall();
	if (age)
		s->options.selector.arrived_after = s->options.now - age;
	int code = look_at_kept(s, turn, ret, NULL);
	if (code < 0) {
		top_release(ret);
		code = interrupt_stop ? ERR_STOPPED : look_at_all(s, turn, ret, err);
	}
	if (code < 0)
		return code;
	screen->wide = table_width(stdout) >= WIDE;
	fputs(CLEAR, stdout);
	code = put_screen(screen, ret);
	fflush(stdout);
	return code;
}

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

static struct screen screen_of(const struct session *s)
{
	bool terminal = isatty(STDOUT_FILENO);

	return (struct screen){.s = s,
	    .terminal = terminal,
	    .wide = terminal && table_width(stdout) >= WIDE,
	    .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
}

static int once(struct walk *w, struct err *err)
{
	struct screen screen = screen_of(w->s);
	AUTO(top_release) struct top top = {0};
	AUTO(json_release) struct json *floods = NULL;
	int status = group(w, &top, err), code = status < 0 ? status : 0;

	/* without a daemon no group is marked as a flood */
	progress_show(&w->progress, "asking the daemon", 0, 0);
	if (code == 0 && floods_ask(w->s, 0, false, &floods, NULL) == 0)
		screen.floods = floods;
	progress_end(&w->progress);
	code = code ?: session_written(put_screen(&screen, &top), err);
	return code < 0 ? code : status;
}

int verb_top(struct session *s, struct err *err)
{
	struct screen screen = screen_of(s);

	if (!s->options.watch)
		return walk_show(s, once, err);
	if (!screen.terminal || s->options.json)
		return err_set(err, ERR_USAGE,
		    "'--watch' needs a terminal; a program can repeat 'top --json'");
	return watch(s, &screen, err);
}
