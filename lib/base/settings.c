/* SPDX-License-Identifier: ISC */
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/io.h"
#include "base/settings_table.h"
#include "base/str.h"

#define FILE_MAX ((size_t)1 << 20)

/* libconfuse's callbacks carry no pointer of ours, and its scanner is global: one load at a
 * time. */
struct load {
	const char *file;
	struct settings settings;
	unsigned lines[SETTINGS_ROWS]; /* where a key was given; 0 = not */
	unsigned last_line;            /* libconfuse counts on past the end */
	struct err err;
	int code;
};
static pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct load *loading;

/* Keeps the first complaint; the others follow from it. */
static void complain(unsigned line, int code, const char *what)
{
	if (line > loading->last_line)
		line = loading->last_line;
	if (loading->code == 0)
		loading->code =
		    err_set(&loading->err, code, "%s:%u: %s", loading->file, line, what);
}

/* libconfuse's error callback. */
static void FORMAT(2, 0) on_error(cfg_t *cfg, const char *format, va_list values)
{
	static const char unknown[] = "no such option '";
	char text[200], what[500], *name = text + sizeof(unknown) - 1, *quote;
	const char *nearest;

	vsnprintf(text, sizeof(text), format, values);
	if (!str_starts(text, unknown)) {
		complain((unsigned)cfg->line, ERR_CONFIG, text);
		return;
	}
	quote = strrchr(name, '\'');
	if (quote)
		*quote = '\0';
	nearest = settings_nearest(name);
	snprintf(what, sizeof(what), "unknown key '%s'%s%s%s", name,
	    nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
	complain((unsigned)cfg->line, ERR_CONFIG, what);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	size_t i = settings_find(cfg_opt_name(opt));
	struct err why = {{0}};
	int code;

	if (i == SETTINGS_ROWS)
		return -1;
	if (loading->lines[i] > 0)
		code = err_set(&why, ERR_CONFIG, "%s is given twice (first in line %u)",
		    settings_key(i), loading->lines[i]);
	else
		code = settings_set(&loading->settings, i, cfg_opt_getnstr(opt, 0), &why);
	loading->lines[i] = (unsigned)cfg->line;
	if (code < 0)
		complain((unsigned)cfg->line, code, why.text);
	return code < 0 ? -1 : 0;
}

static void parse(const char *text)
{
	cfg_opt_t options[SETTINGS_ROWS + 1];
	cfg_t *cfg;

	for (size_t i = 0; i < SETTINGS_ROWS; i++) {
		options[i] = (cfg_opt_t)CFG_STR(settings_key(i), NULL, CFGF_NODEFAULT);
		options[i].validcb = on_value;
	}
	options[SETTINGS_ROWS] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg) {
		loading->code =
		    err_sys(&loading->err, ENOMEM, "failed to read '%s'", loading->file);
		return;
	}
	cfg_set_error_function(cfg, on_error);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		complain((unsigned)cfg->line, ERR_CONFIG, "failed to read this line");
	cfg_free(cfg);
}

static int parse_locked(struct load *load, const struct strbuf *text)
{
	const char *what;
	unsigned line;

	for (size_t i = 0; i + 1 < text->len; i++)
		load->last_line += i == 0 || text->text[i - 1] == '\n';
	pthread_mutex_lock(&load_mutex);
	loading = load;
	if (settings_prepare(text->text, text->len, &line, &what) < 0)
		complain(line, ERR_CONFIG, what);
	else
		parse(text->text);
	loading = NULL;
	pthread_mutex_unlock(&load_mutex);
	return load->code;
}

static int load_file(struct load *load, bool must_exist, struct err *err)
{
	struct strbuf text = {0};
	int code, fd = open(load->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && !must_exist && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_set(
		    err, ERR_CONFIG, "failed to open '%s' (%s)", load->file, err_word(-errno));
	code = io_read_text(fd, FILE_MAX, &text);
	io_close(&fd);
	/* A newline, so that libconfuse sees the end of the last line and never an empty text. */
	strbuf_putc(&text, '\n');
	if (code == 0 && text.failed)
		code = -ENOMEM;
	if (code < 0)
		code = err_set(
		    err, ERR_CONFIG, "failed to read '%s' (%s)", load->file, err_word(code));
	else if ((code = parse_locked(load, &text)) < 0)
		err_set(err, code, "%s", load->err.text);
	strbuf_release(&text);
	return code;
}

static int check_all(const struct load *load, struct err *err)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++) {
		int code = settings_check(&load->settings, i, err);

		if (code < 0 && load->lines[i] > 0)
			return err_within(err, code, "%s:%u", load->file, load->lines[i]);
		if (code < 0)
			return code;
	}
	return 0;
}

int settings_load(const char *file, struct settings *ret, struct err *err)
{
	struct load load = {.file = file ? file : SETTINGS_DEFAULT_FILE};
	int code = 0;

	for (size_t i = 0; i < SETTINGS_ROWS && code == 0; i++)
		code = settings_set(&load.settings, i, NULL, err);
	if (code == 0)
		code = load_file(&load, file != NULL, err);
	if (code == 0)
		code = check_all(&load, err);
	if (code < 0)
		settings_release(&load.settings);
	else
		*ret = load.settings;
	return code;
}
