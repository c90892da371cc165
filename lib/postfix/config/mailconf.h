/* SPDX-License-Identifier: ISC */
/* main.cf and master.cf as postconf(1) prints them: the values of a few parameters, the
 * services, and what `-o` in master.cf changes for each service. Values are expanded. */
#pragma once

#include "postfix/config/instance.h"

struct service {
	const char *name;    /* "smtp/inet", as postconf -P and -F call it */
	const char *program; /* "smtpd" */
	bool chroot;
};

/* Zero-initialise. */
struct mailconf {
	/* Lines, each terminated (mailconf_parse cuts them). */
	struct strbuf main;      /* "name = value" of postconf -x */
	struct strbuf master;    /* of postconf -M */
	struct strbuf overrides; /* "smtp/inet/name = value" of postconf -P -x */
	struct service *services;
	size_t service_count;
};

/* Runs postconf for these parameters (NULL ends them) and for master.cf. ERR_CONFIG with words. */
int mailconf_read(const struct postfix *p, const char *const *names, struct mailconf *ret,
    struct err *err) NODISCARD;
/* Its second half, for tests: the three texts are filled in. -ENOMEM. */
int mailconf_parse(struct mailconf *c) NODISCARD;
void mailconf_release(struct mailconf *c); /* zeroes; accepts a zeroed one */

/* Whether `-o` sets it for this service (NULL: no). */
bool mailconf_overrides(const struct mailconf *c, const struct service *service, const char *name);
/* The value in force for this service (NULL: in main.cf); "" if there is none. */
const char *mailconf_value(
    const struct mailconf *c, const struct service *service, const char *name);
