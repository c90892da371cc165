/* SPDX-License-Identifier: ISC */
#include "postfix/config/bypass_private.h"

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

void bypass_seen_path(const struct bypass_facts *facts, const struct service *service,
    const char *path, struct strbuf *ret)
{
	bool in_queue = *path != '/' || service->chroot;

	strbuf_printf(ret, "%s%s%s", in_queue ? facts->p->queue_directory : "",
	    *path == '/' ? "" : "/", path);
}

struct bypass_chroots bypass_chroots_of(const struct bypass_facts *facts)
{
	struct bypass_chroots chroots = {.all = true};

	for (size_t n = 0; n < facts->conf->service_count; n++) {
		const struct service *s = &facts->conf->services[n];

		if (!service_runs(s, "smtpd") && !service_runs(s, "cleanup"))
			continue;
		chroots.any |= s->chroot;
		chroots.all &= s->chroot;
	}
	return chroots;
}

/* Postfix's processes work in the queue directory: a relative path is right with any chroot. */
static void put_endpoint(const struct bypass_facts *facts, struct strbuf *ret)
{
	struct bypass_chroots chroots = bypass_chroots_of(facts);
	const char *path = milter_path(facts->socket), *queue = facts->p->queue_directory;
	const char *host = strchr(facts->socket, '@');
	char port[16];

	if (path && chroots.any && bypass_is_below(path, queue))
		strbuf_printf(ret, "unix:%s", path + strlen(queue) + !chroots.all);
	else if (path)
		strbuf_printf(ret, "unix:%s", path);
	else if (str_starts(facts->socket, "fd:")) /* the address in pqpurge-milter.socket */
		strbuf_printf(ret, "unix:%s%spqpurge/milter.sock", chroots.any ? "" : queue,
		    chroots.any && !chroots.all ? "" : "/");
	else
		strbuf_printf(ret, "inet:%s:%s", host && host[1] ? host + 1 : "127.0.0.1",
		    milter_port(facts->socket, port, sizeof(port)));
}

void bypass_entry(const struct bypass_facts *facts, struct strbuf *ret)
{
	strbuf_puts(ret, "{ ");
	put_endpoint(facts, ret);
	strbuf_puts(ret, ", default_action=accept, command_timeout=10s }");
}

static void put_program(const struct bypass_facts *facts, const char *program, struct strbuf *ret)
{
	const char *directory = facts->p->config_directory;
	bool usual = strcmp(directory, "/etc/postfix") == 0;

	strbuf_printf(ret, "%s%s%s", program, usual ? "" : " -c ", usual ? "" : directory);
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

void advice_postconf(
    const struct bypass_facts *facts, const char *option, const char *words, struct strbuf *ret)
{
	strbuf_clear(ret);
	put_program(facts, "postconf", ret);
	strbuf_printf(ret, " %s '", option);
	for (; *words; words++)
		if (*words == '\'')
			strbuf_puts(ret, "'\\''");
		else
			strbuf_putc(ret, *words);
	strbuf_puts(ret, "' && ");
	put_program(facts, "postfix", ret);
	strbuf_puts(ret, " reload");
}

/* postconf -P takes no blanks. Each run of blanks and commas becomes one comma, or nothing beside
 * braces and =. */
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

void advice_milters(const struct bypass_facts *facts, const struct service *service,
    const char *list, struct strbuf *ret)
{
	const char *at = mailconf_value(facts->conf, service, list);
	AUTO(strbuf_release) struct strbuf value = {0}, words = {0};
	struct milter m;

	bypass_entry(facts, &value);
	while (milter_next(&at, &m))
		if (!milter_is_daemon(&m, facts->socket))
			strbuf_printf(&value, ", %.*s", (int)m.text.len, (const char *)m.text.at);
	if (service) {
		strbuf_printf(&words, "%s/%s=", service->name, list);
		compact(strbuf_text(&value), &words);
	} else {
		strbuf_printf(&words, "%s = %s", list, strbuf_text(&value));
	}
	advice_postconf(facts, service ? "-P" : "-e", strbuf_text(&words), ret);
}
