/* SPDX-License-Identifier: ISC */
/* The fleets of a command, each a database with its own hosts, orders and rules: the setting's, or
 * those of --fleet=NAME,NAME, which are libpq services. */
#pragma once

#include "purge/fleet/fleet_link.h"
#include "purge/session.h"

#define FLEET_SITES_MAX 8

struct fleet_site {
	char *name; /* NULL: the setting's */
	struct fleet_link link;
	struct strbuf hosts; /* packed: --host, tags resolved; empty: all */
	bool left_out;       /* --host names none of its hosts */
	struct json *known;  /* the hosts, once fetched */
};
struct fleet {
	struct session *s;
	struct fleet_site sites[FLEET_SITES_MAX];
	size_t count;
};

/* Connects to all, and resolves --host. ERR_USAGE: no fleet knows a name or tag. If fleets cannot
 * be reached, the first one's code. fleet_close in any case. */
int fleet_open(struct fleet *f, struct session *s, struct err *err) NODISCARD;
void fleet_close(struct fleet *f);
/* 1: the fleet has such a host, which is not retired; 0; or a code of fleet_link_ask. */
int fleet_site_has(struct fleet_site *site, const char *name, struct err *err) NODISCARD;
/* ERR_USAGE: there are several, and `what` takes one. */
int fleet_only(
    struct fleet *f, const char *what, struct fleet_site **ret, struct err *err) NODISCARD;
