/* SPDX-License-Identifier: ISC */
#include "postfix/config/wiring.h"
#include "base/clock.h"
#include "postfix/config/bypass_private.h"

static const char *const list_names[WIRING_LISTS] = {"smtpd_milters", "non_smtpd_milters"};

/* postconf -n prints nothing if main.cf does not set the parameter. */
static int read_list(const char *copy, const char *name, struct wiring_list *ret, struct err *err)
{
	const char *words[] = {name, NULL}, *value;
	AUTO(strbuf_release) struct strbuf out = {0};
	int code = postconf_run(copy, "-n", words, &out, err);

	ret->name = name;
	postconf_cut(&out);
	value = code == 0 ? postconf_find(&out, "", name) : NULL;
	strbuf_puts(&ret->before, value ? value : "");
	return code;
}

static int write_list(const char *copy, const struct wiring_list *list, struct err *err)
{
	AUTO(strbuf_release) struct strbuf line = {0}, out = {0};
	const char *words[] = {list->name, NULL};

	strbuf_printf(&line, "%s = %s", list->name, strbuf_text(&list->after));
	if (list->after.len > 0)
		words[0] = strbuf_text(&line);
	return line.failed
		   ? err_sys(err, ENOMEM, "failed to write main.cf")
		   : postconf_run(copy, list->after.len > 0 ? "-e" : "-X", words, &out, err);
}

/* ours: the member to put first; NULL removes the daemon. */
static int edit_list(const char *copy, const char *socket, const char *ours,
    struct wiring_list *list, struct err *err)
{
	struct postfix there = {.config_directory = (char *)copy};
	AUTO(strbuf_release) struct strbuf expanded = {0};
	const char *raw = strbuf_text(&list->before);
	int code;

	if (!ours)
		code = milter_list_leave(socket, raw, &list->after, err);
	else if ((code = postfix_parameter(&there, list->name, &expanded, err)) == 0)
		code =
		    milter_list_join(ours, socket, raw, strbuf_text(&expanded), &list->after, err);
	if (code > 0)
		code = write_list(copy, list, err);
	return code < 0 ? err_within(err, ERR_CONFIG, "%s in main.cf", list->name) : 0;
}

static int edit_lists(
    const char *copy, const char *socket, const char *ours, struct wiring *w, struct err *err)
{
	size_t first = 0;
	int code = 0;

	for (size_t n = 0; code == 0 && n < WIRING_LISTS; n++)
		code = read_list(copy, list_names[n], &w->lists[n], err);
	if (code == 0 && strstr(strbuf_text(&w->lists[0].before), list_names[1]))
		first = 1;
	for (size_t n = 0; code == 0 && n < WIRING_LISTS; n++)
		code = edit_list(copy, socket, ours, &w->lists[n ^ first], err);
	return code;
}

/* A chrooted service sees nothing outside the queue directory. */
static int check_reach(const struct bypass_facts *facts, struct err *err)
{
	const char *path = milter_path(facts->socket), *queue = facts->p->queue_directory;

	if (!path || !bypass_chroots_of(facts).any || bypass_is_below(path, queue))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "services of Postfix run in a chroot at %s and cannot reach the socket %s; set socket "
	    "= \"unix:%s/pqpurge/milter.sock\"",
	    queue, path, queue);
}

int wiring_edit(const struct postfix *p, const char *copy, const char *socket, bool joins,
    struct wiring *ret, struct err *err)
{
	AUTO(mailconf_release) struct mailconf conf = {0};
	struct bypass_facts facts = {.conf = &conf, .p = p, .socket = socket};
	AUTO(strbuf_release) struct strbuf ours = {0};
	int code = mailconf_read(p, bypass_parameters, &conf, err);

	if (code == 0 && joins)
		code = check_reach(&facts, err);
	if (code == 0) {
		bypass_entry(&facts, &ours);
		code = edit_lists(copy, socket, joins ? strbuf_text(&ours) : NULL, ret, err);
	}
	return code;
}

void wiring_release(struct wiring *w)
{
	for (size_t n = 0; n < WIRING_LISTS; n++) {
		strbuf_release(&w->lists[n].before);
		strbuf_release(&w->lists[n].after);
	}
	*w = (struct wiring){0};
}

/* If Postfix rejects its main.cf, `postfix status` fails as well, but says why only on a terminal.
 * postmap(1) reads everything that the daemons read and always says why it fails. */
static int check_main(const struct postfix *p, struct err *err)
{
	static const char *const asks[] = {"-q", "x", "static:x", NULL};
	struct err words = {{0}};
	int code = postfix_tool(p, "postmap", asks, &words);

	if (code <= 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "Postfix refuses its configuration in '%s': running daemons keep the previous "
	    "settings, and no Postfix tool works: %s",
	    p->config_directory, words.text);
}

int wiring_postfix_runs(const struct postfix *p, struct err *err)
{
	static const char *const asks[] = {"status", NULL};
	struct err words = {{0}};
	int code = postfix_tool(p, "postfix", asks, &words);

	if (code > 0)
		return check_main(p, err);
	if (code < 0)
		return err_set(err, code, "failed to ask whether Postfix runs (%s)",
		    words.text[0] ? words.text : err_word(code));
	return 1;
}

int wiring_reload(const struct postfix *p, struct err *err)
{
	static const char *const asks[] = {"reload", NULL};
	int code = wiring_postfix_runs(p, err);

	if (code <= 0)
		return code;
	code = postfix_tool(p, "postfix", asks, err);
	return code == 0 ? 1 : code > 0 ? ERR_CHILD : code;
}
