/* SPDX-License-Identifier: ISC */
#include <confuse.h>
#include <pthread.h>

#include "base/io.h"
#include "base/settings/settings_table.h"
#include "base/str.h"

#define FILE_MAX ((size_t)1 << 20)

/* One load at a time: libconfuse's callbacks get no pointer of ours, and its scanner is global. */
struct load {
	const char *file;
	struct settings settings;
	unsigned lines[SETTINGS_ROWS]; /* line of each key; 0: not given */
	unsigned flood_lines[SETTINGS_FLOOD_KINDS];
	unsigned taken;                          /* values so far of the current list */
	unsigned key_lines[SETTINGS_FLOOD_ROWS]; /* lines of the keys in the current section */
	unsigned last_line; /* of the file; libconfuse counts on past the end */
	struct err err;
	int code;
};
static pthread_mutex_t load_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct load *loading;

/* The first complaint counts, because the others follow from it. */
static void complain(unsigned line, int code, const char *what)
{
	if (!loading) /* set only while a file is read */
		return;
	if (line > loading->last_line)
		line = loading->last_line;
	if (loading->code == 0)
		loading->code =
		    err_set(&loading->err, code, "%s:%u: %s", loading->file, line, what);
}

/* The keys of the file or of a section. */
struct keys {
	const struct settings_row *rows;
	size_t count;
	void *base;      /* NULL: there is no such section */
	unsigned *lines; /* where each key was given */
};

static struct keys keys_of(cfg_t *cfg)
{
	struct settings *s = &loading->settings;

	if (!cfg_title(cfg))
		return (struct keys){settings_rows, SETTINGS_ROWS, s, loading->lines};
	return (struct keys){settings_flood_rows, SETTINGS_FLOOD_ROWS,
	    settings_flood_find(s, cfg_title(cfg)), loading->key_lines};
}

static const char *nearest_key(struct keys keys, const char *name)
{
	struct spell spell = {0};

	for (size_t n = 0; n < keys.count; n++)
		spell_consider(&spell, name, keys.rows[n].key);
	return spell.best;
}

static void FORMAT(2, 0) on_error(cfg_t *cfg, const char *format, va_list values)
{
	static const char unknown[] = "no such option '";
	char text[200], what[500], *name = text + sizeof(unknown) - 1, *quote;

	vsnprintf(text, sizeof(text), format, values);
	if (!str_starts(text, unknown)) {
		complain((unsigned)cfg->line, ERR_CONFIG, text);
		return;
	}
	quote = strrchr(name, '\'');
	if (quote)
		*quote = '\0';
	const char *nearest = nearest_key(keys_of(cfg), name);
	snprintf(what, sizeof(what), "unknown key '%s'%s%s%s", name,
	    nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
	complain((unsigned)cfg->line, ERR_CONFIG, what);
}

static bool is_given_twice(unsigned *line, unsigned now, const char *what)
{
	char text[160];

	if (*line == 0) {
		*line = now;
		return false;
	}
	snprintf(text, sizeof(text), "%.80s is given twice (first in line %u)", what, *line);
	complain(now, ERR_CONFIG, text);
	return true;
}

/* libconfuse calls once more at the end of a list. */
static bool is_list_end(cfg_opt_t *opt)
{
	if (!(opt->flags & CFGF_LIST))
		return false;
	bool end = loading->taken == cfg_opt_size(opt);
	loading->taken = end ? 0 : cfg_opt_size(opt);
	return end;
}

static void complain_of_kind(unsigned line, const char *kind)
{
	char text[128];

	snprintf(text, sizeof(text), "there is no flood kind '%.60s'", kind);
	complain(line, ERR_CONFIG, text);
}

/* libconfuse calls it for each value, also of a list. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct keys keys = keys_of(cfg);
	unsigned count = cfg_opt_size(opt), line = (unsigned)cfg->line;
	struct err why = {{0}};
	size_t n = 0;

	while (strcmp(keys.rows[n].key, cfg_opt_name(opt)) != 0)
		n++;
	if (!keys.base) {
		complain_of_kind(line, cfg_title(cfg));
		return -1;
	}
	if (is_list_end(opt))
		return 0;
	if (count <= 1 && is_given_twice(&keys.lines[n], line, keys.rows[n].key))
		return -1;
	if (cfg_title(cfg))
		((struct settings_flood *)keys.base)->given = true;
	int code = settings_set(
	    keys.base, &keys.rows[n], cfg_opt_getnstr(opt, count ? count - 1 : 0), &why);
	if (code < 0)
		complain(line, code, why.text);
	return code < 0 ? -1 : 0;
}

/* libconfuse calls it at the end of a section. */
static int on_flood(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *title = cfg_title(section);
	struct settings_flood *f = settings_flood_find(&loading->settings, title);
	unsigned line = (unsigned)cfg->line;
	struct err why = {{0}};
	char text[128];

	memset(loading->key_lines, 0, sizeof(loading->key_lines));
	snprintf(text, sizeof(text), "flood %s", title);
	if (!f)
		complain_of_kind(line, title);
	else if (!is_given_twice(&loading->flood_lines[f - loading->settings.flood], line, text) &&
		 settings_flood_check(&loading->settings, f, &why) == 0)
		return 0;
	if (why.text[0])
		complain(line, ERR_CONFIG, why.text);
	return -1;
}

static void fill_options(cfg_opt_t *options, const struct settings_row *rows, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		if (rows[n].list)
			options[n] = (cfg_opt_t)CFG_STR_LIST(rows[n].key, NULL, CFGF_NODEFAULT);
		else
			options[n] = (cfg_opt_t)CFG_STR(rows[n].key, NULL, CFGF_NODEFAULT);
		options[n].validcb = on_value;
	}
	options[count] = (cfg_opt_t)CFG_END();
}

static void parse(const char *text)
{
	cfg_opt_t options[SETTINGS_ROWS + 2], of_flood[SETTINGS_FLOOD_ROWS + 1];

	fill_options(of_flood, settings_flood_rows, SETTINGS_FLOOD_ROWS);
	fill_options(options, settings_rows, SETTINGS_ROWS);
	options[SETTINGS_ROWS] =
	    (cfg_opt_t)CFG_SEC("flood", of_flood, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	options[SETTINGS_ROWS].validcb = on_flood;
	options[SETTINGS_ROWS + 1] = (cfg_opt_t)CFG_END();
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
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
	bool open = false;
	unsigned line;

	for (size_t i = 0; i + 1 < text->len; i++)
		load->last_line += i == 0 || text->text[i - 1] == '\n';
	pthread_mutex_lock(&load_mutex);
	loading = load;
	if (settings_prepare(text->text, text->len, &open, &line, &what) < 0)
		complain(line, ERR_CONFIG, what);
	else
		parse(text->text);
	if (open) /* libconfuse takes the end of the text for the end of a section */
		complain(load->last_line, ERR_CONFIG, "a '{' is never closed");
	loading = NULL;
	pthread_mutex_unlock(&load_mutex);
	return load->code;
}

static int load_file(struct load *load, bool must_exist, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	int code, fd = open(load->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && !must_exist && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_set(
		    err, ERR_CONFIG, "failed to open '%s' (%s)", load->file, err_word(-errno));
	code = io_read_text(fd, FILE_MAX, &text);
	io_close(&fd);
	/* The newline lets libconfuse see the end of the last line, and never an empty text. */
	strbuf_putc(&text, '\n');
	if (code == 0 && text.failed)
		code = -ENOMEM;
	if (code < 0)
		code = err_set(
		    err, ERR_CONFIG, "failed to read '%s' (%s)", load->file, err_word(code));
	else if ((code = parse_locked(load, &text)) < 0)
		err_set(err, code, "%s", load->err.text);
	return code;
}

static int check_all(const struct load *load, struct err *err)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++) {
		int code = settings_check(&load->settings, &settings_rows[i], err);

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

	settings_flood_init(&load.settings);
	for (size_t i = 0; i < SETTINGS_ROWS && code == 0; i++)
		code = settings_set(&load.settings, &settings_rows[i], NULL, err);
	code = code ?: load_file(&load, file != NULL, err);
	code = code ?: check_all(&load, err);
	if (code < 0)
		settings_release(&load.settings);
	else
		*ret = load.settings;
	return code;
}

int settings_own_networks(const struct settings *s, struct net_blocks *ret, struct err *err)
{
	AUTO(strbuf_release) struct strbuf packed = {0};
	int code = net_parse_list(s->own_networks ? s->own_networks : "", &packed, err);
	struct strlist list = strlist_of(&packed);

	if (code == 0 && net_blocks_of(&list, ret) < 0)
		code = err_sys(err, ENOMEM, "failed to keep own_networks");
	return code;
}

int settings_local_networks(const struct settings *s, struct strbuf *packed, struct err *err)
{
	int code = net_parse_list(s->own_networks ? s->own_networks : "", packed, err);

	if (code == 0)
		net_interfaces(packed);
	return code == 0 && packed->failed ? err_sys(err, ENOMEM, "failed to keep local networks")
					   : code;
}
