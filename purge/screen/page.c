/* SPDX-License-Identifier: ISC */
#include "purge/screen/page.h"

#include "base/clock.h"
#include "purge/screen/cells.h"
#include "purge/screen/help.h"
#include "purge/screen/page_lists.h"
#include "purge/tell/say.h"

static const char *const by_words[GROUP_KINDS] = {
    [GROUP_SENDER] = "sender domain",
    [GROUP_FROM] = "From domain",
    [GROUP_RECIPIENT] = "recipient domain",
    [GROUP_LOGIN] = "login",
    [GROUP_CLIENT] = "client",
};

/* Sets a line as it is drawn: scrubbed, and filled up to the width. */
static void set_line(
    const struct screen_model *m, struct page_line *line, enum page_style style, const char *text)
{
	strbuf_clear(&line->text);
	(void)cells_put(&line->text, text, m->columns, false, m->utf8);
	line->style = style;
}

static void put_total(const struct screen_model *m, struct strbuf *to)
{
	const struct screen_groups *g = &m->groups;
	const uint64_t groups = g->top.count + g->top.more;
	char size[32], rate[24];

	strbuf_printf(to, "%" PRIu64 " %s", g->top.messages, PLURAL(g->top.messages, "message"));
	if (g->top.bytes)
		strbuf_printf(to, " (%s)", str_size_text(g->top.bytes, size, sizeof(size)));
	strbuf_printf(to, " in %" PRIu64 " %s", groups, PLURAL(groups, "group"));
	page_rate(m, g->top.messages, m->before.top.messages, rate, sizeof(rate));
	if (*rate)
		strbuf_printf(to, ", %s", rate);
}

/* Shows how far the data can be trusted. */
static void put_basis(const struct screen_model *m, int64_t now, struct strbuf *to)
{
	const struct screen_groups *g = &m->groups;
	char age[16];

	if (g->now == 0)
		return;
	if (!g->kept)
		strbuf_printf(to, "counted by top %s ago",
		    clock_span_text(now > g->now ? now - g->now : 0, age, sizeof(age)));
	else if (g->caught_up)
		strbuf_printf(to, "caught up %s ago",
		    clock_span_text(now > g->caught_up ? now - g->caught_up : 0, age, sizeof(age)));
	else
		strbuf_printf(to, "not caught up yet");
}

static void put_title(const struct screen_model *m, struct strbuf *to)
{
	const char *opened = m->opened ? m->opened : "";

	if (m->view == VIEW_GROUPS)
		put_total(m, to);
	else if (m->view == VIEW_MESSAGES)
		strbuf_printf(to, "%s: %zu %s%s", *opened ? opened : "(none)", m->messages.count,
		    PLURAL(m->messages.count, "message"),
		    m->messages.count == SCREEN_MESSAGES ? ", the oldest" : "");
	else
		strbuf_printf(to, "%s", m->title);
}

static void make_title(const struct screen_model *m, int64_t now, struct page_line *line)
{
	AUTO(strbuf_release) struct strbuf left = {0}, right = {0}, whole = {0};
	size_t width;

	put_title(m, &left);
	put_basis(m, now, &right);
	width = cells_width(strbuf_text(&right), m->utf8);
	if (width + 2 < m->columns) {
		(void)cells_put(&whole, strbuf_text(&left), m->columns - width - 1, false, m->utf8);
		strbuf_printf(&whole, " %s", strbuf_text(&right));
	} else {
		strbuf_printf(&whole, "%s", strbuf_text(&left));
	}
	set_line(m, line, STYLE_PLAIN, strbuf_text(&whole));
}

/* The second line. */
static void make_note(const struct screen_model *m, struct page *p)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	enum page_style style = STYLE_NOTE;

	if (m->typing) {
		strbuf_printf(&text, "/%s", m->filter);
		p->cursor = (long)cells_width(strbuf_text(&text), m->utf8);
		style = STYLE_PLAIN;
	} else if (m->note[0]) {
		strbuf_printf(&text, "%s", m->note);
	} else if (m->loading) {
		strbuf_printf(&text, "...");
		style = STYLE_PLAIN;
	} else if (m->state[0]) {
		strbuf_printf(&text, "%s", m->state);
	} else if (m->view == VIEW_GROUPS && m->filter[0]) {
		strbuf_printf(&text, "only names with '%s'", m->filter);
	} else if (m->view == VIEW_GROUPS && m->groups.others) {
		strbuf_printf(
		    &text, "%" PRIu64 " more in groups too many to tell apart", m->groups.others);
	} else {
		if (m->view == VIEW_GROUPS)
			strbuf_printf(&text, "by %s", by_words[m->kind]);
		style = STYLE_PLAIN;
	}
	set_line(m, &p->lines[1], style, strbuf_text(&text));
}

static const char *keys_of(const struct screen_model *m)
{
	if (m->typing)
		return help_keys_typing;
	if (m->view == VIEW_GROUPS)
		return help_keys;
	return m->view == VIEW_MESSAGES ? help_keys_messages : help_keys_text;
}

static void make_list(const struct screen_model *m, int64_t now, struct page *p)
{
	struct page_line *head = &p->lines[2], *lines = &p->lines[3];
	size_t room = p->count > 4 ? p->count - 4 : 0;

	if (m->view == VIEW_GROUPS)
		page_groups(m, now, head, lines, room);
	else if (m->view == VIEW_MESSAGES)
		page_messages(m, now, head, lines, room);
	else
		page_text(m, head, lines, room);
}

int page_make(const struct screen_model *m, int64_t now, struct page *ret)
{
	int code = 0;

	*ret = (struct page){.count = m->rows, .cursor = -1};
	ret->lines = calloc(m->rows > 4 ? m->rows : 4, sizeof(*ret->lines));
	if (!ret->lines)
		return -ENOMEM;
	make_title(m, now, &ret->lines[0]);
	make_note(m, ret);
	make_list(m, now, ret);
	if (m->rows > 3)
		set_line(m, &ret->lines[m->rows - 1], STYLE_HEAD, keys_of(m));
	for (size_t i = 0; i < ret->count; i++)
		if (ret->lines[i].text.failed)
			code = -ENOMEM;
	return code;
}

void page_release(struct page *p)
{
	for (size_t i = 0; p->lines && i < (p->count > 4 ? p->count : 4); i++)
		strbuf_release(&p->lines[i].text);
	free(p->lines);
	*p = (struct page){0};
}
