/* SPDX-License-Identifier: ISC */
#include "purge/screen/page_lists.h"

#include "base/clock.h"
#include "purge/screen/cells.h"
#include "purge/tell/glyphs.h"
#include "purge/top/top.h"

#define WIDE     104 /* columns, for size, bar and age of the newest */
#define NAME_MIN 12  /* columns that a name keeps; other cells give way */

void page_rate(
    const struct screen_model *m, uint64_t count, uint64_t before, char *buf, size_t size)
{
	double seconds = (double)(m->groups.steady - m->before.steady) / USEC_PER_SEC, rate;

	buf[0] = '\0';
	if (m->before.steady == 0 || seconds <= 0)
		return;
	rate = ((double)count - (double)before) / seconds;
	snprintf(buf, size, rate > -0.05 && rate < 0.05 ? "0/s" : "%+.1f/s", rate);
}

struct cell {
	const char *head;
	size_t width; /* columns; 0: the rest */
	bool right;
	bool wide; /* only on a wide terminal */
	bool bar;
};

static size_t left_for_names(
    const struct screen_model *m, const struct cell *cells, size_t count, bool wide)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (!cells[i].wide || wide)
			used += cells[i].width + 1;
	return m->columns + 1 > used ? m->columns + 1 - used : 0;
}

/* On a narrow terminal the rightmost cells are left out. */
static size_t fitting(const struct screen_model *m, const struct cell *cells, size_t count)
{
	while (count > 2 && left_for_names(m, cells, count, m->columns >= WIDE) < NAME_MIN)
		count--;
	return count;
}

static void put_cells(const struct screen_model *m, const struct cell *cells, size_t count,
    const char *const *texts, struct page_line *line)
{
	const bool wide = m->columns >= WIDE;
	struct strbuf whole = {0}, *to = &whole;

	count = fitting(m, cells, count);
	for (size_t i = 0; i < count; i++) {
		size_t width = cells[i].width;

		if (cells[i].wide && !wide)
			continue;
		if (to->len)
			strbuf_putc(to, ' ');
		if (!width)
			width = left_for_names(m, cells, count, wide);
		if (cells[i].bar)
			line->mark = to->len;
		(void)cells_put(to, texts[i], width, cells[i].right, m->utf8);
		if (cells[i].bar)
			line->mark_len = to->len - line->mark;
	}
	(void)cells_put(&line->text, strbuf_text(to), m->columns, false, m->utf8);
	strbuf_release(to);
}

static void put_head(
    const struct screen_model *m, const struct cell *cells, size_t count, struct page_line *head)
{
	const char *texts[16];

	for (size_t i = 0; i < count; i++)
		texts[i] = cells[i].head;
	put_cells(m, cells, count, texts, head);
	head->style = STYLE_HEAD;
	head->mark_len = 0;
}

static const char *ago(int64_t now, int64_t wall, char *buf, size_t size)
{
	if (wall <= 0)
		return "";
	return clock_span_text(now > wall ? now - wall : 0, buf, size);
}

enum { G_NAME, G_COUNT, G_SHARE, G_BAR, G_RATE, G_SIZE, G_NEW, G_OLD, G_AGES, G_LAST, G_CELLS };

static const struct cell group_cells[G_CELLS] = {
    [G_NAME] = {.head = ""},
    [G_COUNT] = {.head = "COUNT", .width = 7, .right = true},
    [G_SHARE] = {.head = "SHARE", .width = 6, .right = true},
    [G_BAR] = {.head = "", .width = GLYPHS_WIDTH, .wide = true, .bar = true},
    [G_RATE] = {.head = "RATE", .width = 9, .right = true},
    [G_SIZE] = {.head = "SIZE", .width = 9, .right = true, .wide = true},
    [G_NEW] = {.head = "NEW", .width = 4, .right = true, .wide = true},
    [G_OLD] = {.head = "OLD", .width = 4, .right = true},
    [G_AGES] = {.head = "AGES", .width = GROUP_AGES},
    [G_LAST] = {.head = "LAST 10MIN", .width = CENSUS_CAME},
};

static const char *name_of(const struct screen_model *m, const struct top_group *g)
{
	if (*g->name)
		return g->name;
	return m->kind == GROUP_CLIENT ? "(local)" : "(none)";
}

static void put_group(
    const struct screen_model *m, int64_t now, const struct top_group *g, struct page_line *line)
{
	char texts[G_CELLS][GLYPHS_SIZE];
	const char *cells[G_CELLS];
	const struct top_group *before = top_find(&m->before.top, g->name);
	const uint64_t all = m->groups.top.messages;
	double share = all ? (double)g->count / (double)all : 0;

	for (size_t i = 0; i < G_CELLS; i++)
		cells[i] = texts[i];
	cells[G_NAME] = name_of(m, g);
	snprintf(texts[G_COUNT], GLYPHS_SIZE, "%" PRIu64, g->count);
	snprintf(texts[G_SHARE], GLYPHS_SIZE, "%.1f%%", share * 100);
	glyphs_bar(m->utf8, share, texts[G_BAR]);
	page_rate(m, g->count, before ? before->count : 0, texts[G_RATE], GLYPHS_SIZE);
	str_size_text(g->bytes, texts[G_SIZE], GLYPHS_SIZE);
	cells[G_NEW] = ago(now, g->newest, texts[G_NEW], GLYPHS_SIZE);
	cells[G_OLD] = ago(now, g->oldest, texts[G_OLD], GLYPHS_SIZE);
	glyphs_curve(m->utf8, g->ages, GROUP_AGES, texts[G_AGES]);
	cells[G_LAST] = g->came ? glyphs_curve(m->utf8, g->came, CENSUS_CAME, texts[G_LAST]) : "";
	put_cells(m, group_cells, G_CELLS, cells, line);
	if (share >= 0.2)
		line->mark_style = share >= 0.5 ? STYLE_MOST : STYLE_MANY;
}

void page_groups(const struct screen_model *m, int64_t now, struct page_line *head,
    struct page_line *lines, size_t room)
{
	struct cell cells[G_CELLS];

	memcpy(cells, group_cells, sizeof(cells));
	cells[G_NAME].head = top_head((enum top_by)m->kind);
	put_head(m, cells, G_CELLS, head);
	for (size_t i = 0; i < room && m->group.first + i < m->groups.top.count; i++) {
		put_group(m, now, &m->groups.top.list[m->group.first + i], &lines[i]);
		if (m->group.first + i == m->group.at)
			lines[i].style = STYLE_CURSOR;
	}
}

static const struct cell message_cells[] = {
    {.head = "ID", .width = 16},
    {.head = "QUEUE", .width = 8},
    {.head = "AGE", .width = 4, .right = true},
    {.head = "SIZE", .width = 9, .right = true},
    {.head = "SENDER", .width = 0},
    {.head = "RECIPIENT", .width = 19},
};

static void put_message(const struct screen_model *m, int64_t now,
    const struct screen_message *message, struct page_line *line)
{
	char age[GLYPHS_SIZE], size[GLYPHS_SIZE] = "";
	AUTO(strbuf_release) struct strbuf recipient = {0};

	if (message->size >= 0)
		str_size_text((uint64_t)message->size, size, sizeof(size));
	if (message->recipients > 1)
		strbuf_printf(&recipient, "+%zu ", message->recipients - 1);
	strbuf_puts(&recipient, message->recipient);
	const char *texts[] = {message->id, message->queue,
	    ago(now, message->arrival, age, sizeof(age)), size, message->sender,
	    strbuf_text(&recipient)};
	put_cells(m, message_cells, COUNT_OF(message_cells), texts, line);
}

void page_messages(const struct screen_model *m, int64_t now, struct page_line *head,
    struct page_line *lines, size_t room)
{
	put_head(m, message_cells, COUNT_OF(message_cells), head);
	for (size_t i = 0; i < room && m->message.first + i < m->messages.count; i++) {
		put_message(m, now, &m->messages.list[m->message.first + i], &lines[i]);
		if (m->message.first + i == m->message.at)
			lines[i].style = STYLE_CURSOR;
	}
}

void page_text(
    const struct screen_model *m, struct page_line *head, struct page_line *lines, size_t room)
{
	struct strlist list = strlist_of(&m->text);
	size_t n = 0;

	(void)cells_put(&head->text, "", m->columns, false, m->utf8);
	head->style = STYLE_HEAD;
	strlist_each (text, &list) {
		if (n >= m->line.first && n < m->line.first + room)
			(void)cells_put(
			    &lines[n - m->line.first].text, text, m->columns, false, m->utf8);
		n++;
	}
}
