/* SPDX-License-Identifier: ISC */
/* Commands that put settings of Postfix right. */
#include "postfix/config/bypass_advice.h"

#include <sys/stat.h>

/* ---- the daemon's place, as Postfix sees it */

/* "pqpurge/milter.sock" of a path: the directory's name and the file's. */
static const char *last_two(const char *path)
{
	const char *at = path + strlen(path);
	unsigned slashes = 0;

	while (at > path && (slashes += at[-1] == '/') < 2)
		at--;
	return at;
}

const char *bypass_mark(const struct bypass_facts *facts, char *buf, size_t size)
{
	const char *path = milter_path(facts->socket);

	if (path)
		return last_two(path);
	return str_starts(facts->socket, "fd:") ? "pqpurge" : milter_port(facts->socket, buf, size);
}

bool bypass_is_ours(const struct bypass_facts *facts, const struct milter *m)
{
	const char *theirs = milter_path(m->endpoint), *ours = milter_path(facts->socket);
	char a[16], b[16];

	if (theirs && ours)
		return strcmp(last_two(theirs), last_two(ours)) == 0;
	if (str_starts(facts->socket, "fd:")) /* systemd knows where it is, we do not */
		return strstr(m->endpoint, "pqpurge") != NULL;
	if (theirs || ours)
		return false;
	return *milter_port(facts->socket, b, sizeof(b)) &&
	       strcmp(milter_port(m->endpoint, a, sizeof(a)), b) == 0;
}

void bypass_seen_path(const struct bypass_facts *facts, const struct service *service,
    const char *path, struct strbuf *ret)
{
	strbuf_clear(ret);
	if (*path != '/')
		strbuf_printf(ret, "%s/%s", facts->p->queue_directory, path);
	else
		strbuf_printf(
		    ret, "%s%s", service && service->chroot ? facts->p->queue_directory : "", path);
}

bool bypass_is_below(const char *path, const char *directory)
{
	return str_starts(path, directory) && path[strlen(directory)] == '/';
}

bool bypass_same_file(const char *a, const char *b)
{
	struct stat one, other;

	return strcmp(a, b) == 0 || (stat(a, &one) == 0 && stat(b, &other) == 0 &&
					one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

struct bypass_chroots bypass_chroots_of(const struct bypass_facts *facts)
{
	struct bypass_chroots chroots = {.all = true};

	for (size_t n = 0; n < facts->conf->service_count; n++) {
		const struct service *s = &facts->conf->services[n];

		if (strcmp(s->program, "smtpd") != 0 && strcmp(s->program, "cleanup") != 0)
			continue;
		chroots.any |= s->chroot;
		chroots.all &= s->chroot;
	}
	return chroots;
}

/* Postfix's processes all work in the queue directory, so a relative path is right with and without
 * a chroot. */
static void put_endpoint(const struct bypass_facts *facts, struct strbuf *ret)
{
	struct bypass_chroots chroots = bypass_chroots_of(facts);
	const char *path = milter_path(facts->socket);
	const char *queue = facts->p->queue_directory;

	if (path && chroots.any && bypass_is_below(path, queue))
		strbuf_printf(ret, "unix:%s", path + strlen(queue) + !chroots.all);
	else if (path)
		strbuf_printf(ret, "unix:%s", path);
	else if (str_starts(facts->socket, "fd:")) /* as pqpurge-milter.socket has it */
		strbuf_printf(ret, "unix:%s%spqpurge/milter.sock", chroots.any ? "" : queue,
		    chroots.any && !chroots.all ? "" : "/");
	else {
		const char *host = strchr(facts->socket, '@');
		char port[16];

		strbuf_printf(ret, "inet:%s:%s", host && host[1] ? host + 1 : "127.0.0.1",
		    milter_port(facts->socket, port, sizeof(port)));
	}
}

/* ---- commands */

/* For the shell. */
static void put_quoted(struct strbuf *ret, const char *text)
{
	strbuf_putc(ret, '\'');
	for (; *text; text++)
		if (*text == '\'')
			strbuf_puts(ret, "'\\''");
		else
			strbuf_putc(ret, *text);
	strbuf_putc(ret, '\'');
}

static void put_program(const struct bypass_facts *facts, const char *program, struct strbuf *ret)
{
	strbuf_puts(ret, program);
	if (strcmp(facts->p->config_directory, "/etc/postfix") == 0)
		return;
	strbuf_puts(ret, " -c ");
	strbuf_puts(ret, facts->p->config_directory);
}

/* "postconf OPTION 'words' && postfix reload" */
static void put_postconf(
    const struct bypass_facts *facts, const char *option, const char *words, struct strbuf *ret)
{
	strbuf_clear(ret);
	put_program(facts, "postconf", ret);
	strbuf_printf(ret, " %s ", option);
	put_quoted(ret, words);
	strbuf_puts(ret, " && ");
	put_program(facts, "postfix", ret);
	strbuf_puts(ret, " reload");
}

void advice_show(const struct bypass_facts *facts, const struct service *service, const char *name,
    struct strbuf *ret)
{
	strbuf_clear(ret);
	put_program(facts, "postconf", ret);
	if (service)
		strbuf_printf(ret, " -P '%s/%s'", service->name, name);
	else
		strbuf_printf(ret, " %s", name);
}

void advice_set(
    const struct bypass_facts *facts, const char *name, const char *value, struct strbuf *ret)
{
	struct strbuf words = {0};

	strbuf_printf(&words, "%s =%s%s", name, *value ? " " : "", value);
	put_postconf(facts, "-e", strbuf_text(&words), ret);
	strbuf_release(&words);
}

void advice_column(const struct bypass_facts *facts, const struct service *service,
    const char *column, const char *value, struct strbuf *ret)
{
	struct strbuf words = {0};

	strbuf_printf(&words, "%s/%s=%s", service->name, column, value);
	put_postconf(facts, "-F", strbuf_text(&words), ret);
	strbuf_release(&words);
}

/* Without blanks: each run of blanks and commas becomes one comma, or nothing beside braces and =.
 */
static void compact(const char *list, struct strbuf *ret)
{
	bool between = false;

	for (; *list; list++) {
		char last = ret->len ? ret->text[ret->len - 1] : '{';

		if (strchr(", \t\r\n", *list)) {
			between = true;
			continue;
		}
		if (between && !strchr("{=,", last) && !strchr("}=", *list))
			strbuf_putc(ret, ',');
		strbuf_putc(ret, *list);
		between = false;
	}
}

void bypass_entry(const struct bypass_facts *facts, struct strbuf *ret)
{
	strbuf_puts(ret, "{ ");
	put_endpoint(facts, ret);
	strbuf_puts(ret, ", default_action=accept, command_timeout=10s }");
}

void advice_milters(const struct bypass_facts *facts, const struct service *service,
    const char *list, struct strbuf *ret)
{
	const char *at = mailconf_value(facts->conf, service, list);
	struct strbuf value = {0}, words = {0};
	struct milter m;

	bypass_entry(facts, &value);
	while (milter_next(&at, &m))
		if (!bypass_is_ours(facts, &m)) {
			strbuf_puts(&value, ", ");
			strbuf_add(&value, m.text.at, m.text.len);
		}
	if (service) {
		strbuf_printf(&words, "%s/%s=", service->name, list);
		compact(strbuf_text(&value), &words);
		put_postconf(facts, "-P", strbuf_text(&words), ret);
	} else {
		advice_set(facts, list, strbuf_text(&value), ret);
	}
	strbuf_release(&words);
	strbuf_release(&value);
}
