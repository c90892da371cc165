/* SPDX-License-Identifier: ISC */
#include "purge/screen/painter.h"

#include <curses.h>
#include <term.h>
#include <termios.h>

/* <term.h> defines these as macros. */
#undef lines
#undef columns

#include "base/err.h"

#define ESCAPE_MS 25 /* bytes that follow an escape within this belong to it */

static SCREEN *terminal;
static struct termios before;
static char restoring[256]; /* resets the terminal */

static const int crashes[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

/* Makes only async-signal-safe calls. */
static void on_crash(int number)
{
	(void)!write(STDOUT_FILENO, restoring, strlen(restoring));
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	signal(number, SIG_DFL);
	raise(number);
}

static bool has_string(const char *capability)
{
	const char *text = tigetstr(capability);

	return text && text != (const char *)-1;
}

/* Leaves out the pauses that terminfo asks for. */
static void add_string(const char *capability)
{
	const char *text = tigetstr(capability);
	size_t len = strlen(restoring);

	if (!has_string(capability))
		return;
	while (*text && len + 1 < sizeof(restoring)) {
		if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
			text = strchr(text, '>') + 1;
		else
			restoring[len++] = *text++;
	}
	restoring[len] = '\0';
}

static void prepare_for_a_crash(void)
{
	const struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND};

	restoring[0] = '\0';
	add_string("sgr0");
	add_string("rmkx");
	add_string("cnorm");
	add_string("rmcup");
	for (size_t i = 0; i < COUNT_OF(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}

static void choose_colors(void)
{
	const char *no = getenv("NO_COLOR");

	if ((no && *no) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	init_pair(STYLE_NOTE, COLOR_YELLOW, -1);
	init_pair(STYLE_MANY, COLOR_YELLOW, -1);
	init_pair(STYLE_MOST, COLOR_RED, -1);
}

int painter_check(struct err *err)
{
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0)
		return 0;
	return err_set(
	    err, ERR_USAGE, "'screen' needs a terminal; a program can repeat 'top --json'");
}

int painter_open(struct err *err)
{
	int code = painter_check(err);

	if (code < 0)
		return code;
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal || !has_string("cup")) {
		painter_close();
		return err_set(err, ERR_USAGE,
		    "'screen' cannot draw on this terminal (TERM is '%s')",
		    getenv("TERM") ? getenv("TERM") : "");
	}
	prepare_for_a_crash();
	choose_colors();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	return 0;
}

void painter_close(void)
{
	if (!terminal)
		return;
	curs_set(1);
	endwin();
	delscreen(terminal);
	terminal = NULL;
	for (size_t i = 0; i < COUNT_OF(crashes); i++)
		signal(crashes[i], SIG_DFL);
}

void painter_leave(void)
{
	flushinp();
	curs_set(1);
	endwin();
}

void painter_return(void)
{
	flushinp();
	clearok(curscr, TRUE);
	refresh();
	curs_set(0);
}

void painter_size(size_t *ret_rows, size_t *ret_columns)
{
	*ret_rows = (size_t)LINES;
	*ret_columns = (size_t)COLS;
}

static attr_t attribute_of(enum page_style style)
{
	switch (style) {
	case STYLE_HEAD:
		return A_BOLD;
	case STYLE_CURSOR:
		return A_REVERSE;
	case STYLE_NOTE:
	case STYLE_MANY:
	case STYLE_MOST:
		return A_BOLD | (attr_t)COLOR_PAIR(style);
	default:
		return A_NORMAL;
	}
}

static void draw_part(const char *text, size_t len, attr_t attribute)
{
	attrset(attribute);
	addnstr(text, (int)len);
}

static void draw_line(const struct page_line *line)
{
	const char *text = strbuf_text(&line->text);
	attr_t style = attribute_of(line->style);
	size_t mark = line->mark < line->text.len ? line->mark : line->text.len;
	size_t len =
	    line->mark_len < line->text.len - mark ? line->mark_len : line->text.len - mark;

	draw_part(text, mark, style);
	draw_part(text + mark, len, style | attribute_of(line->mark_style));
	draw_part(text + mark + len, line->text.len - mark - len, style);
	attrset(A_NORMAL);
}

static void compose(const struct page *p)
{
	erase();
	for (size_t i = 0; i < p->count; i++) {
		move((int)i, 0);
		draw_line(&p->lines[i]);
	}
	curs_set(p->cursor >= 0);
	if (p->cursor >= 0)
		move(1, (int)p->cursor);
}

void painter_draw(const struct page *p)
{
	compose(p);
	refresh();
}

void painter_repaint(const struct page *p)
{
	clearok(curscr, TRUE);
	painter_draw(p);
}

static const struct {
	int curses, key;
} keys[] = {
    {'\r', SCREEN_ENTER},
    {KEY_ENTER, SCREEN_ENTER},
    {KEY_UP, SCREEN_UP},
    {KEY_DOWN, SCREEN_DOWN},
    {KEY_LEFT, SCREEN_BACK},
    {KEY_RIGHT, SCREEN_OPEN},
    {KEY_PPAGE, SCREEN_PAGE_UP},
    {KEY_NPAGE, SCREEN_PAGE_DOWN},
    {KEY_HOME, SCREEN_FIRST},
    {KEY_END, SCREEN_LAST},
    {KEY_BACKSPACE, SCREEN_ERASE},
    {'\b', SCREEN_ERASE},
};

int painter_key(bool *ret_resized)
{
	int got = getch();

	while (got == KEY_RESIZE) {
		*ret_resized = true;
		got = getch();
	}
	if (got == ERR)
		return SCREEN_NO_KEY;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (keys[i].curses == got)
			return keys[i].key;
	/* other keys of curses mean nothing here, but count as a key */
	return got < 256 ? got : SCREEN_OTHER;
}
