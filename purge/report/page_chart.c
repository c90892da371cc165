/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "purge/report/html.h"
#include "purge/report/page.h"

/* units of the SVG */
#define WIDTH  720
#define HEIGHT 240
#define LEFT   48
#define RIGHT  12
#define TOP    18
#define BOTTOM 36
#define INNER  (WIDTH - LEFT - RIGHT)
#define TALL   (HEIGHT - TOP - BOTTOM)

#define BARS_MAX  120
#define BAR_LEAST 30 /* least room in bars, so that one alone is not a wall */
#define LABELS    6  /* below the axis */

const char *const fate_words[FATES] = {"deleted", "held", "released", "waiting"};
static const char *const classes[FATES] = {"deleted", "held", "freed", "waiting"};

struct chart {
	struct incident_minutes bars;
	int64_t width;       /* seconds of a bar */
	int64_t begin, end;  /* wall seconds of the chart */
	uint64_t most, step; /* of the scale */
};

static uint64_t total(const struct incident_minute *m)
{
	uint64_t all = 0;

	for (size_t n = 0; n < FATES; n++)
		all += m->counts[n];
	return all;
}

/* 1, 2, 5, 10, 20, 50 ...; at most five lines. */
static uint64_t step_of(uint64_t most)
{
	static const uint64_t factors[] = {2, 5, 10};
	uint64_t ten = 1, step = 1;

	for (size_t n = 0; most > 5 * step; n++) {
		step = ten * factors[n % 3];
		ten *= n % 3 == 2 ? 10 : 1;
	}
	return step;
}

/* The end of the chart, which includes batches unless they came much later. */
static int64_t end_with_acts(const struct incident *i, int64_t begin, int64_t end)
{
	int64_t most = end + 2 * (end - begin) + 600, last = end;

	for (size_t n = 0; n < i->acts.count; n++) {
		int64_t time = i->acts.list[n].batch->time / USEC_PER_SEC;

		if (time > last && time <= most)
			last = time;
	}
	return last;
}

static int64_t widen(int64_t seconds, int64_t width)
{
	return (seconds + width - 1) / width * width;
}

static int measure(const struct incident *i, struct chart *c)
{
	int64_t seconds;
	int code = incident_bars(&i->minutes, BARS_MAX, &c->width, &c->bars);

	if (code < 0 || c->bars.count == 0)
		return code;
	c->begin = c->bars.list[0].time;
	c->end = c->bars.list[c->bars.count - 1].time + c->width;
	seconds = widen(end_with_acts(i, c->begin, c->end) + 1 - c->begin, c->width);
	if (seconds < BAR_LEAST * c->width) {
		c->begin -= (BAR_LEAST - seconds / c->width) * 2 / 3 * c->width;
		seconds = BAR_LEAST * c->width;
	}
	c->end = c->begin + seconds;
	for (size_t n = 0; n < c->bars.count; n++)
		if (total(&c->bars.list[n]) > c->most)
			c->most = total(&c->bars.list[n]);
	c->step = step_of(c->most);
	c->most = (c->most + c->step - 1) / c->step * c->step;
	return 0;
}

static double x_of(const struct chart *c, int64_t time)
{
	return LEFT + (double)(time - c->begin) * INNER / (double)(c->end - c->begin);
}

static double height_of(const struct chart *c, uint64_t count)
{
	return (double)count * TALL / (double)c->most;
}

static void put_scale(const struct chart *c, struct strbuf *to)
{
	for (uint64_t n = 0; n <= c->most; n += c->step) {
		double y = TOP + TALL - height_of(c, n);

		strbuf_printf(to,
		    "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
		    "<text class=\"y\" x=\"%d\" y=\"%.1f\">%" PRIu64 "</text>\n",
		    LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, n);
	}
}

/* width: the word's largest. */
static void put_word(double x, int y, int width, const char *word, struct strbuf *to)
{
	double most = WIDTH - width;

	strbuf_printf(to, "<text class=\"x\" x=\"%.1f\" y=\"%d\">", x < most ? x : most, y);
	html_text(to, word);
	html_put(to, "</text>\n");
}

/* Adds the date where it changes. */
static void put_label(
    const struct chart *c, int64_t time, char day[HTML_TIME_SIZE], struct strbuf *to)
{
	char text[HTML_TIME_SIZE];

	html_time_text(time * USEC_PER_SEC, TIME_CLOCK, text, sizeof(text));
	put_word(x_of(c, time), HEIGHT - 20, 32, text, to);
	html_time_text(time * USEC_PER_SEC, TIME_DAY, text, sizeof(text));
	if (strcmp(text, day) == 0)
		return;
	memcpy(day, text, sizeof(text));
	put_word(x_of(c, time), HEIGHT - 5, 92, day, to);
}

static void put_labels(const struct chart *c, struct strbuf *to)
{
	int64_t bars = (c->end - c->begin) / c->width, each = (bars + LABELS - 1) / LABELS;
	char day[HTML_TIME_SIZE] = "";

	for (int64_t n = 0; n < bars; n += each)
		put_label(c, c->begin + n * c->width, day, to);
}

static void put_part(const struct chart *c, const struct incident_minute *bar,
    enum incident_fate fate, double *y, struct strbuf *to)
{
	double tall = height_of(c, bar->counts[fate]), x = x_of(c, bar->time);
	double wide = x_of(c, bar->time + c->width) - x;
	char text[HTML_TIME_SIZE];

	if (bar->counts[fate] == 0)
		return;
	*y -= tall;
	strbuf_printf(to,
	    "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>",
	    classes[fate], x + wide * 0.06, *y, wide * 0.88, tall);
	html_format(to, "%s: %" PRIu64 " %s",
	    html_time_text(bar->time * USEC_PER_SEC, TIME_MINUTE, text, sizeof(text)),
	    bar->counts[fate], fate_words[fate]);
	html_put(to, "</title></rect>\n");
}

static void put_bars(const struct chart *c, struct strbuf *to)
{
	for (size_t n = 0; n < c->bars.count; n++) {
		double y = TOP + TALL;

		for (int fate = 0; fate < FATES; fate++)
			put_part(c, &c->bars.list[n], (enum incident_fate)fate, &y, to);
	}
}

static void put_acts(const struct incident *i, const struct chart *c, struct strbuf *to)
{
	double last = -WIDTH;

	for (size_t n = 0; n < i->acts.count; n++) {
		const struct batch *b = i->acts.list[n].batch;
		double x = x_of(c, b->time / USEC_PER_SEC);

		if (x < LEFT || x > WIDTH - RIGHT)
			continue;
		strbuf_printf(to,
		    "<line class=\"act\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"><title>", x, x,
		    TOP, TOP + TALL);
		html_format(to, "batch %" PRIu64 ": %s", b->number, b->verb);
		html_put(to, "</title></line>\n");
		if (x - last > 60) {
			double at = x < WIDTH - 30 ? x : WIDTH - 30;

			strbuf_printf(to, "<text class=\"act\" x=\"%.1f\" y=\"%d\">", at, TOP - 6);
			html_format(to, "batch %" PRIu64, b->number);
			html_put(to, "</text>\n");
			last = x;
		}
	}
}

static void put_legend(const struct incident *i, struct strbuf *to)
{
	uint64_t counts[FATES] = {0};

	for (size_t n = 0; n < i->minutes.count; n++)
		for (size_t fate = 0; fate < FATES; fate++)
			counts[fate] += i->minutes.list[n].counts[fate];
	html_put(to, "<p class=\"legend\">");
	for (size_t fate = 0; fate < FATES; fate++)
		if (counts[fate]) {
			strbuf_printf(to, "<span class=\"key %s\"></span> ", classes[fate]);
			html_format(to, "%s %" PRIu64, fate_words[fate], counts[fate]);
			html_put(to, " ");
		}
	html_put(to, "</p>\n");
}

static void put_picture(const struct incident *i, const struct chart *c, struct strbuf *to)
{
	strbuf_printf(to,
	    "<svg role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"Arrivals by time\">\n", WIDTH,
	    HEIGHT);
	put_scale(c, to);
	put_bars(c, to);
	put_acts(i, c, to);
	put_labels(c, to);
	html_put(to, "</svg>\n");
	put_legend(i, to);
	html_put(to, "<p class=\"small\">");
	html_format(to, "Each bar is %" PRId64 " minute%s of arrivals.", c->width / 60,
	    c->width == 60 ? "" : "s");
	html_put(to, "</p>\n");
}

void chart_write(const struct incident *i, struct strbuf *to)
{
	struct chart c = {0};

	if (measure(i, &c) < 0)
		to->failed = true;
	else if (c.bars.count)
		put_picture(i, &c, to);
	free(c.bars.list);
}
