/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_site.h"

#define NAME_SIZE 128

static int add_site(struct fleet *f, const char *name, size_t len, struct err *err)
{
	for (size_t n = 0; name && n < f->count; n++)
		if (strlen(f->sites[n].name) == len && strncmp(f->sites[n].name, name, len) == 0)
			return 0;
	if (f->count == FLEET_SITES_MAX)
		return err_set(err, ERR_USAGE, "'--fleet' takes %d names", FLEET_SITES_MAX);
	f->sites[f->count] =
	    (struct fleet_site){.name = name ? strndup(name, len) : NULL, .link = {.fd = -1}};
	if (name && !f->sites[f->count].name)
		return err_set(err, -ENOMEM, "out of memory");
	f->count++;
	return 0;
}

static int add_sites(struct fleet *f, const char *list, struct err *err)
{
	int code = list ? 0 : add_site(f, NULL, 0, err);
	size_t len;

	for (const char *name; code == 0 && list && (name = str_part(&list, ",", &len));)
		code = add_site(f, name, len, err);
	return code == 0 && f->count == 0
		   ? err_set(err, ERR_USAGE, "'--fleet=' does not name a fleet")
		   : code;
}

static int add_tagged(struct fleet_site *site, const char *tag, bool *ret_found, struct err *err)
{
	struct json *request = json_request("tags");
	AUTO(json_release) struct json *answer = NULL;
	struct strbuf packed = {0};

	strlist_push(&packed, tag, strlen(tag));
	json_put_packed(request, "tags", &packed);
	int code = fleet_link_ask(&site->link, request, &answer, err);
	size_t before = site->hosts.len;
	json_list(answer, "hosts", SIZE_MAX, &site->hosts);
	*ret_found |= site->hosts.len > before;
	return code;
}

int fleet_site_has(struct fleet_site *site, const char *name, struct err *err)
{
	int code =
	    site->known ? 0 : fleet_link_ask(&site->link, json_request("hosts"), &site->known, err);

	for (size_t n = 0; code == 0 && n < json_count(site->known, "hosts"); n++) {
		const struct json *host = json_at(site->known, "hosts", n);

		code = strcmp(json_words(host, "name"), name) == 0 &&
		       strcmp(json_words(host, "state"), "retired") != 0;
	}
	return code;
}

/* With several fleets, the name goes to those that have such a host. A single fleet checks it when
 * the order is placed. */
static int add_named(struct fleet_site *site, const char *name, bool *ret_found, struct err *err)
{
	int code = fleet_site_has(site, name, err);

	if (code > 0)
		strlist_push(&site->hosts, name, strlen(name));
	*ret_found |= code > 0;
	return code < 0 ? code : 0;
}

static int add_host(struct fleet *f, const char *name, struct err *err)
{
	const bool is_tag = name[0] == '@';
	bool found = false;
	int code = 0;

	if (f->count == 1 && !is_tag) {
		strlist_push(&f->sites[0].hosts, name, strlen(name));
		return 0;
	}
	for (size_t n = 0; code == 0 && n < f->count; n++)
		code = is_tag ? add_tagged(&f->sites[n], name + 1, &found, err)
			      : add_named(&f->sites[n], name, &found, err);
	if (code < 0 || found)
		return code;
	return is_tag ? err_set(err, ERR_USAGE, "no host has the tag '%s'", name + 1)
		      : err_set(err, ERR_USAGE, "no named fleet has a host '%s'", name);
}

static int read_hosts(struct fleet *f, const char *list, struct err *err)
{
	size_t named = 0, len;
	int code = 0;

	for (const char *part; code == 0 && (part = str_part(&list, ",", &len));) {
		char name[NAME_SIZE];

		if (len >= sizeof(name))
			return err_set(err, ERR_USAGE, "'%s' is not the name of a host", part);
		snprintf(name, sizeof(name), "%.*s", (int)len, part);
		code = add_host(f, name, err);
	}
	for (size_t n = 0; n < f->count; n++) {
		f->sites[n].left_out = f->sites[n].hosts.len == 0;
		named += !f->sites[n].left_out;
	}
	return code == 0 && named == 0 ? err_set(err, ERR_USAGE, "'--host' does not name a host")
				       : code;
}

static int connect_to(struct fleet *f, struct fleet_site *site, struct err *err)
{
	AUTO(strbuf_release) struct strbuf service = {0};

	if (site->name)
		strbuf_printf(&service, "service=%s", site->name);
	return service.failed
		   ? err_set(err, -ENOMEM, "out of memory")
		   : fleet_link_open(&site->link, site->name ? service.text : f->s->settings.fleet,
			 site->name, err);
}

/* If one fleet cannot be reached, nothing is ordered: people could take an order in some fleets for
 * an order in all. */
static int fail_all(
    const struct fleet *f, const struct fleet_site *failed, int code, struct err *err)
{
	AUTO(strbuf_release) struct strbuf others = {0};

	for (size_t n = 0; n < f->count; n++)
		if (&f->sites[n] != failed)
			strbuf_printf(&others, "%s%s", others.len ? "," : "", f->sites[n].name);
	if (f->count < 2)
		return code;
	return err_within(err, code,
	    "nothing was done in any fleet (without this one: '--fleet=%s')", strbuf_text(&others));
}

int fleet_open(struct fleet *f, struct session *s, struct err *err)
{
	*f = (struct fleet){.s = s};
	int code = add_sites(f, s->options.fleets, err);

	for (size_t n = 0; code == 0 && n < f->count; n++) {
		code = connect_to(f, &f->sites[n], err);
		if (code < 0)
			return fail_all(f, &f->sites[n], code, err);
	}
	return code == 0 && s->options.hosts ? read_hosts(f, s->options.hosts, err) : code;
}

void fleet_close(struct fleet *f)
{
	for (size_t n = 0; n < f->count; n++) {
		fleet_link_close(&f->sites[n].link);
		strbuf_release(&f->sites[n].hosts);
		json_free(f->sites[n].known);
		free(f->sites[n].name);
	}
	f->count = 0;
}

int fleet_only(struct fleet *f, const char *what, struct fleet_site **ret, struct err *err)
{
	if (f->count != 1)
		return err_set(err, ERR_USAGE, "'%s' is for one fleet at a time", what);
	*ret = &f->sites[0];
	return 0;
}
