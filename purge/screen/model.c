/* SPDX-License-Identifier: ISC */
#include "purge/screen/model.h"

#include <stdarg.h>

#include "base/err.h"
#include "purge/screen/help.h"
#include "purge/screen/words.h"

#define LINES_AROUND 4 /* title, note, head, keys */
#define GROUPS_LEAST 100

void model_init(struct screen_model *m)
{
	*m = (struct screen_model){.rows = 24, .columns = 80, .loading = true};
}

void model_release(struct screen_model *m)
{
	screen_groups_release(&m->groups);
	screen_groups_release(&m->before);
	screen_messages_release(&m->messages);
	strbuf_release(&m->text);
	free(m->chosen);
	free(m->opened);
	*m = (struct screen_model){0};
}

void model_note(struct screen_model *m, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(m->note, sizeof(m->note), format, values);
	va_end(values);
}

/* Lines of the terminal for a list. */
static size_t room_of(const struct screen_model *m)
{
	return m->rows > LINES_AROUND ? m->rows - LINES_AROUND : 1;
}

size_t model_wants(const struct screen_model *m)
{
	size_t wanted = m->group.at + 3 * room_of(m);

	if (wanted < GROUPS_LEAST)
		return GROUPS_LEAST;
	return wanted < CENSUS_LIST ? wanted : CENSUS_LIST;
}

static size_t line_count(const struct screen_model *m)
{
	return strlist_of(&m->text).count;
}

static size_t count_of(const struct screen_model *m)
{
	switch (m->view) {
	case VIEW_MESSAGES:
		return m->messages.count;
	case VIEW_TEXT:
		return line_count(m);
	default:
		return m->groups.top.count;
	}
}

static struct screen_place *place_of(struct screen_model *m)
{
	switch (m->view) {
	case VIEW_MESSAGES:
		return &m->message;
	case VIEW_TEXT:
		return &m->line;
	default:
		return &m->group;
	}
}

static void clamp_place(struct screen_model *m)
{
	struct screen_place *p = place_of(m);
	size_t count = count_of(m), room = room_of(m);

	if (m->view == VIEW_TEXT) { /* no cursor here: the text scrolls */
		size_t last = count > room ? count - room : 0;

		p->first = p->at = p->at < last ? p->at : last;
		return;
	}
	if (p->at >= count)
		p->at = count ? count - 1 : 0;
	if (p->first > p->at)
		p->first = p->at;
	if (p->at >= p->first + room)
		p->first = p->at - room + 1;
	if (p->first + room > count)
		p->first = count > room ? count - room : 0;
}

static const struct top_group *group_at(const struct screen_model *m)
{
	return m->group.at < m->groups.top.count ? &m->groups.top.list[m->group.at] : NULL;
}

static void choose(struct screen_model *m)
{
	const struct top_group *g = group_at(m);

	free(m->chosen);
	m->chosen = g ? strdup(g->name) : NULL;
}

void model_resize(struct screen_model *m, size_t rows, size_t columns)
{
	m->rows = rows;
	m->columns = columns;
	clamp_place(m);
}

static enum screen_effect move(struct screen_model *m, int by)
{
	struct screen_place *p = place_of(m);
	long count = (long)count_of(m), to = (long)p->at + by;

	p->at = (size_t)(to < 0 ? 0 : to >= count && count > 0 ? count - 1 : to);
	clamp_place(m);
	if (m->view == VIEW_GROUPS)
		choose(m);
	return EFFECT_NONE;
}

static enum screen_effect turn_page(struct screen_model *m, int by)
{
	return move(m, by * (int)room_of(m));
}

void model_groups(struct screen_model *m, struct screen_groups *groups)
{
	screen_groups_release(&m->before);
	m->before = m->groups;
	m->groups = *groups;
	*groups = (struct screen_groups){0};
	if (m->view == VIEW_GROUPS)
		m->loading = false;
	const struct top_group *same = m->chosen ? top_find(&m->groups.top, m->chosen) : NULL;
	if (same)
		m->group.at = (size_t)(same - m->groups.top.list);
	enum screen_view view = m->view;
	m->view = VIEW_GROUPS;
	clamp_place(m);
	m->view = view;
	if (!same)
		choose(m);
}

void model_messages(struct screen_model *m, struct screen_messages *messages)
{
	const char *id =
	    m->message.at < m->messages.count ? m->messages.list[m->message.at].id : "";

	bool found = false;

	for (size_t i = 0; i < messages->count; i++)
		if (strcmp(messages->list[i].id, id) == 0) {
			m->message.at = i;
			found = true;
		}
	m->gone |= m->view == VIEW_TEXT && !found;
	screen_messages_release(&m->messages);
	m->messages = *messages;
	*messages = (struct screen_messages){0};
	if (m->view == VIEW_MESSAGES) {
		m->loading = false;
		clamp_place(m);
	}
}

static void open_text(struct screen_model *m, const char *title)
{
	if (m->view != VIEW_TEXT)
		m->below = m->view;
	m->view = VIEW_TEXT;
	m->line = (struct screen_place){0};
	snprintf(m->title, sizeof(m->title), "%s", title);
	strbuf_clear(&m->text);
	m->helping = false;
}

void model_text(struct screen_model *m, const char *title, const char *text, size_t len)
{
	open_text(m, title);
	m->loading = false;
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		strlist_push(&m->text, text, line);
		line += end != NULL;
		text += line;
		len -= line;
	}
}

static enum screen_effect load(struct screen_model *m, enum screen_effect what)
{
	m->loading = true;
	return what;
}

static enum screen_effect group_by(struct screen_model *m, int kind)
{
	screen_groups_release(&m->groups);
	screen_groups_release(&m->before);
	free(m->chosen);
	m->chosen = NULL;
	m->group = (struct screen_place){0};
	m->kind = (enum group_kind)kind;
	m->view = VIEW_GROUPS;
	return load(m, EFFECT_GROUPS);
}

static enum screen_effect back(struct screen_model *m, int unused)
{
	(void)unused;
	if (m->view == VIEW_GROUPS && m->filter[0]) {
		m->filter[0] = '\0';
		return group_by(m, (int)m->kind);
	}
	m->loading = m->gone = false;
	if (m->view == VIEW_TEXT)
		m->view = m->below;
	else
		m->view = VIEW_GROUPS;
	clamp_place(m);
	return EFFECT_NONE;
}

static enum screen_effect open_group(struct screen_model *m)
{
	const struct top_group *g = group_at(m);

	if (!g)
		return EFFECT_NONE;
	free(m->opened);
	m->opened = strdup(g->name);
	screen_messages_release(&m->messages);
	m->message = (struct screen_place){0};
	m->gone = false;
	m->view = VIEW_MESSAGES;
	return load(m, EFFECT_MESSAGES);
}

static enum screen_effect open_message(struct screen_model *m)
{
	if (m->message.at >= m->messages.count)
		return EFFECT_NONE;
	open_text(m, m->messages.list[m->message.at].id);
	return load(m, m->shown = EFFECT_SHOW);
}

static enum screen_effect on_open(struct screen_model *m, int unused)
{
	(void)unused;
	if (m->view == VIEW_GROUPS)
		return open_group(m);
	return m->view == VIEW_MESSAGES ? open_message(m) : EFFECT_NONE;
}

static bool is_something_chosen(const struct screen_model *m)
{
	if (m->view == VIEW_TEXT && m->below == VIEW_MESSAGES)
		return !m->gone && m->message.at < m->messages.count;
	return m->view == VIEW_MESSAGES ? m->message.at < m->messages.count : m->chosen != NULL;
}

static enum screen_effect act(struct screen_model *m, int what)
{
	if (is_something_chosen(m))
		return (enum screen_effect)what;
	model_note(m, m->gone ? "It is not in the list any more." : "Nothing is chosen.");
	return EFFECT_NONE;
}

static const char *group_of(const struct screen_model *m)
{
	enum screen_view view = m->view == VIEW_TEXT ? m->below : m->view;

	return view == VIEW_MESSAGES ? m->opened : m->chosen;
}

static enum screen_effect ask_why(struct screen_model *m, int what)
{
	const char *name = group_of(m);
	char title[SCREEN_NOTE_MAX];

	if (!name)
		return act(m, what);
	snprintf(title, sizeof(title), "why %s", *name ? name : "(none)");
	open_text(m, title);
	return load(m, m->shown = (enum screen_effect)what);
}

static enum screen_effect show_help(struct screen_model *m, int unused)
{
	(void)unused;
	model_text(m, "keys", help_text, strlen(help_text));
	m->helping = true;
	return EFFECT_NONE;
}

static enum screen_effect begin_to_type(struct screen_model *m, int unused)
{
	(void)unused;
	m->view = VIEW_GROUPS;
	m->typing = true;
	return EFFECT_NONE;
}

static enum screen_effect pass_on(struct screen_model *m, int effect)
{
	(void)m;
	return (enum screen_effect)effect;
}

static enum screen_effect on_type(struct screen_model *m, int key)
{
	size_t len = strlen(m->filter);

	if (key == SCREEN_ENTER || key == SCREEN_ESCAPE) {
		m->typing = false;
		if (key == SCREEN_ESCAPE)
			m->filter[0] = '\0';
		return group_by(m, (int)m->kind);
	}
	if (key == SCREEN_ERASE && len > 0) {
		while (len > 1 && ((unsigned char)m->filter[len - 1] & 0xc0) == 0x80)
			len--;
		m->filter[len - 1] = '\0';
	} else if (key >= ' ' && key < 256 && key != SCREEN_ERASE && len < SCREEN_FILTER_MAX) {
		m->filter[len] = (char)key;
		m->filter[len + 1] = '\0';
	}
	return EFFECT_NONE;
}

static const struct {
	int key;
	enum screen_effect (*press)(struct screen_model *m, int arg);
	int arg;
	bool acts; /* not on the help */
} keys[] = {
    {'d', group_by, GROUP_SENDER, false},
    {'f', group_by, GROUP_FROM, false},
    {'r', group_by, GROUP_RECIPIENT, false},
    {'l', group_by, GROUP_LOGIN, false},
    {'c', group_by, GROUP_CLIENT, false},
    {'/', begin_to_type, 0, false},
    {'w', ask_why, EFFECT_WHY, true},
    {'h', act, EFFECT_HOLD, true},
    {'p', act, EFFECT_PURGE, true},
    {'b', act, EFFECT_BLOCK, true},
    {'u', pass_on, EFFECT_UNDO, true},
    {'?', show_help, 0, false},
    {'q', pass_on, EFFECT_QUIT, false},
    {SCREEN_UP, move, -1, false},
    {'k', move, -1, false},
    {SCREEN_DOWN, move, 1, false},
    {'j', move, 1, false},
    {SCREEN_PAGE_UP, turn_page, -1, false},
    {SCREEN_PAGE_DOWN, turn_page, 1, false},
    {' ', turn_page, 1, false},
    {SCREEN_FIRST, move, INT_MIN / 2, false},
    {SCREEN_LAST, move, INT_MAX / 2, false},
    {SCREEN_ENTER, on_open, 0, false},
    {SCREEN_OPEN, on_open, 0, false},
    {SCREEN_ESCAPE, back, 0, false},
    {SCREEN_ERASE, back, 0, false},
    {SCREEN_BACK, back, 0, false},
};

enum screen_effect model_key(struct screen_model *m, int key)
{
	m->note[0] = '\0';
	if (key == SCREEN_REPAINT)
		return EFFECT_REPAINT;
	if (m->typing)
		return on_type(m, key);
	for (size_t n = 0; n < COUNT_OF(keys); n++)
		if (keys[n].key == key && !(keys[n].acts && m->view == VIEW_TEXT && m->helping))
			return keys[n].press(m, keys[n].arg);
	return EFFECT_NONE;
}

static bool is_about_a_message(const struct screen_model *m, enum screen_effect effect)
{
	enum screen_view view = m->view == VIEW_TEXT ? m->below : m->view;

	if (effect == EFFECT_SHOW)
		return true;
	return view == VIEW_MESSAGES && (effect == EFFECT_HOLD || effect == EFFECT_PURGE);
}

int model_words(struct screen_model *m, enum screen_effect effect, struct strbuf *packed)
{
	const char *name = effect == EFFECT_MESSAGES ? m->opened : group_of(m);
	int code = ERR_SYNTAX;

	if (is_about_a_message(m, effect))
		code = m->message.at < m->messages.count
			   ? words_id(effect == EFFECT_SHOW ? "" : "--id=",
				 m->messages.list[m->message.at].id, packed)
			   : ERR_SYNTAX;
	else if (effect == EFFECT_BLOCK && name)
		code = words_block(m->kind, name, packed);
	else if (name)
		code = words_select(m->kind, name, packed);
	if (code != ERR_SYNTAX)
		return code;
	if (effect == EFFECT_BLOCK && m->kind == GROUP_RECIPIENT)
		model_note(m, "A rule refuses mail by its sender, not by its recipient.");
	else
		model_note(m, "No option can name exactly this.");
	return code;
}
