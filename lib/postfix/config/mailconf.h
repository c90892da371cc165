/* SPDX-License-Identifier: ISC */
/* main.cf and master.cf as postconf(1) prints them: the values of a few parameters, the services,
 * and each service's `-o` overrides. Values are expanded. */
#pragma once

#include "postfix/config/instance.h"

struct service {
	const char *name;    /* "smtp/inet", as postconf -P and -F write it */
	const char *program; /* "smtpd" */
	bool chroot;
};

struct mailconf {
	/* Lines; mailconf_parse cuts them. */
	struct strbuf main;      /* "name = value" of postconf -x */
	struct strbuf master;    /* of postconf -M */
	struct strbuf overrides; /* "smtp/inet/name = value" of postconf -P -x; may be
				    empty if it sets none of the names asked for */
	struct service *services;
	size_t service_count;
};

/* Reads the parameters names (ended by NULL) and master.cf. ERR_CONFIG with words. */
int mailconf_read(const struct postfix *p, const char *const *names, struct mailconf *ret,
    struct err *err) NODISCARD;
/* For the three texts that the caller filled in: mailconf_read's second half, for tests. */
int mailconf_parse(struct mailconf *c) NODISCARD;
void mailconf_release(struct mailconf *c);

bool service_runs(const struct service *s, const char *program);
/* Whether `-o` sets the parameter; false if service is NULL. */
bool mailconf_overrides(const struct mailconf *c, const struct service *service, const char *name);
/* The value in force for this service (NULL: in main.cf), or "". */
const char *mailconf_value(
    const struct mailconf *c, const struct service *service, const char *name);
