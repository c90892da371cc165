/* SPDX-License-Identifier: ISC */
/* main.cf, edited in a copy. */
#include "purge/setup/setup_edit.h"

#include <errno.h>
#include <unistd.h>

#include "purge/setup/setup_file.h"

/* The copy becomes main.cf's text. */
static int put_back(const char *copy, const char *main_cf, struct err *err)
{
	struct strbuf text = {0};
	int code = setup_file_read(copy, &text, err);

	if (code == 0)
		code = err_set(err, -ENOENT, "'%s' is gone", copy);
	if (code > 0)
		code = setup_file_replace(main_cf, strbuf_text(&text), text.len, 0644, err);
	strbuf_release(&text);
	return code < 0 ? code : 0;
}

static int edit(const struct postfix *p, char *directory, const char *copy, const char *main_cf,
    const struct wiring *w, struct err *err)
{
	struct postfix there = *p;
	struct strbuf text = {0};
	int code = setup_file_read(main_cf, &text, err);

	there.config_directory = directory;
	if (code >= 0)
		code = setup_file_replace(copy, strbuf_text(&text), text.len, 0600, err);
	if (code == 0)
		code = wiring_write(&there, w, err);
	if (code == 0)
		code = put_back(copy, main_cf, err);
	strbuf_release(&text);
	return code;
}

int setup_edit(
    const struct postfix *p, const char *main_cf, const struct wiring *w, struct err *err)
{
	struct strbuf directory = {0}, copy = {0};
	int code;

	strbuf_printf(&directory, "%s/pqpurge.XXXXXX", p->config_directory);
	if (directory.failed)
		return err_sys(err, ENOMEM, "failed to edit '%s'", main_cf);
	/* Of mode 0700: what main.cf says may be for root alone. */
	if (!mkdtemp(directory.text)) {
		code = err_sys(err, errno, "failed to make directory '%s'", directory.text);
		strbuf_release(&directory);
		return code;
	}
	strbuf_printf(&copy, "%s/main.cf", directory.text);
	code = copy.failed ? err_sys(err, ENOMEM, "failed to edit '%s'", main_cf)
			   : edit(p, directory.text, copy.text, main_cf, w, err);
	unlink(strbuf_text(&copy));
	rmdir(directory.text);
	strbuf_release(&copy);
	strbuf_release(&directory);
	return code;
}
