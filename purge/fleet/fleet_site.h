/* SPDX-License-Identifier: ISC */
/* The fleets that a command is about, each a database with hosts, orders and rules of its own: the
 * one of the setting, or those of --fleet=NAME,NAME, each a service that libpq knows. */
#pragma once

#include "purge/fleet/fleet_link.h"
#include "purge/session.h"

#define FLEET_SITES_MAX 8

struct fleet_site {
	char *name; /* NULL: the setting's */
	struct fleet_link link;
	struct strbuf hosts; /* packed: --host, tags resolved; empty: all */
	bool left_out;       /* --host names none of its hosts */
	struct json *known;  /* its hosts, once asked for */
};
struct fleet {
	struct session *s;
	struct fleet_site sites[FLEET_SITES_MAX];
	size_t count;
};

/* Connects to all, and resolves --host. ERR_USAGE: a name or tag that none of them knows; the code
 * of the first one that cannot be reached. fleet_close in any case. */
int fleet_open(struct fleet *f, struct session *s, struct err *err) NODISCARD;
void fleet_close(struct fleet *f);
/* The only one. ERR_USAGE: there are several, and `what` is for one. */
int fleet_only(
    struct fleet *f, const char *what, struct fleet_site **ret, struct err *err) NODISCARD;
