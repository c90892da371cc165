/* SPDX-License-Identifier: ISC */
#include "postfix/config/mailconf.h"

#define NAMES_MAX 32

/* At a compatibility level below 1 (Postfix before 3.0) "-" means yes. */
static bool is_chrooted(const struct mailconf *c, const char *column)
{
	if (*column == '-')
		return atoi(mailconf_value(c, NULL, "compatibility_level")) < 1;
	return *column == 'y';
}

/* "smtp inet n - y - - smtpd -o ...", cut in place. */
static bool parse_service(const struct mailconf *c, char *line, struct service *ret)
{
	char *words[8], *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		words[count++] = word;
		if (count == COUNT_OF(words))
			break;
	}
	if (count < COUNT_OF(words))
		return false;
	/* postconf -P joins name and type by a slash. */
	char *name = words[0];
	size_t len = strlen(name), type_len = strlen(words[1]);
	memmove(name + len + 1, words[1], type_len + 1);
	name[len] = '/';
	const char *slash = strrchr(words[7], '/');
	*ret = (struct service){.name = name,
	    .program = slash ? slash + 1 : words[7],
	    .chroot = is_chrooted(c, words[4])};
	return true;
}

int mailconf_parse(struct mailconf *c)
{
	size_t lines = 1;
	char *rest = NULL;

	if (c->main.failed || c->master.failed || c->overrides.failed)
		return -ENOMEM;
	postconf_cut(&c->main);
	postconf_cut(&c->overrides);
	for (size_t n = 0; n < c->master.len; n++)
		lines += c->master.text[n] == '\n';
	c->services = calloc(lines, sizeof(*c->services));
	if (!c->services)
		return -ENOMEM;
	for (char *line = c->master.text ? strtok_r(c->master.text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		if (parse_service(c, line, &c->services[c->service_count]))
			c->service_count++;
	return 0;
}

void mailconf_release(struct mailconf *c)
{
	strbuf_release(&c->main);
	strbuf_release(&c->master);
	strbuf_release(&c->overrides);
	free(c->services);
	*c = (struct mailconf){0};
}

int mailconf_read(
    const struct postfix *p, const char *const *names, struct mailconf *ret, struct err *err)
{
	static const char *const none[] = {NULL}, *const expanded[] = {"-x", NULL};
	const char *words[NAMES_MAX] = {"compatibility_level"}, *directory = p->config_directory;
	struct mailconf c = {0};

	for (size_t n = 1; names[n - 1] && n + 1 < COUNT_OF(words); n++)
		words[n] = names[n - 1];
	int code = postconf_run(directory, "-x", words, &c.main, err);
	code = code ?: postconf_run(directory, "-M", none, &c.master, err);
	if (code == 0 && postfix_master_mentions(p, names))
		code = postconf_run(directory, "-P", expanded, &c.overrides, err);
	if (code == 0 && (code = mailconf_parse(&c)) < 0)
		err_sys(err, -code, "failed to keep the Postfix configuration");
	if (code < 0)
		mailconf_release(&c);
	else
		*ret = c;
	return code;
}

bool service_runs(const struct service *s, const char *program)
{
	return strcmp(s->program, program) == 0;
}

bool mailconf_overrides(const struct mailconf *c, const struct service *service, const char *name)
{
	return service && postconf_find(&c->overrides, service->name, name);
}

const char *mailconf_value(
    const struct mailconf *c, const struct service *service, const char *name)
{
	const char *value = service ? postconf_find(&c->overrides, service->name, name) : NULL;

	if (!value)
		value = postconf_find(&c->main, "", name);
	return value ? value : "";
}
