/* SPDX-License-Identifier: ISC */
/* The systemd units of a settings file. */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Whether systemd is this host's init. */
bool setup_systemd_runs(void);
/* NAME for /etc/pqpurge/NAME.conf, "" for the default file; NULL for any other. */
const char *setup_instance_of(const char *conf, char *buf, size_t size);
/* The installed units of a settings file, a packed list: pqpurge-milter.service and
 * pqpurge-sync.timer for the default one, their instances (pqpurge-milter@NAME.service) for
 * /etc/pqpurge/NAME.conf, none for others. With socket "fd:N" also the socket unit that hands the
 * daemon its socket. */
void setup_units_of(const char *conf, const char *socket, struct strbuf *ret_packed);
/* ERR_CHILD with its output. option and unit may be NULL. */
int setup_systemctl(
    const char *verb, const char *option, const char *unit, struct err *err) NODISCARD;
bool setup_unit_is_enabled(const char *unit);
bool setup_unit_is_active(const char *unit);
