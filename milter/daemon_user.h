/* SPDX-License-Identifier: ISC */
/* The user that the daemon runs as, who also owns its directories: the setting `user` if root
 * started the daemon, otherwise the user who started it. */
#pragma once

#include "base/role.h"
#include "base/settings/settings.h"

struct daemon_user {
	const struct settings *settings;
	bool root;
	struct role role;   /* assumed if started as root; else uid is (uid_t)-1 */
	gid_t socket_group; /* of the settings; (gid_t)-1: there is none */
};

/* ERR_CONFIG: root started it, and no such user or group exists. */
int daemon_user_find(
    const struct settings *settings, struct daemon_user *ret, struct err *err) NODISCARD;
/* Makes index_directory and state_directory if they are missing. */
int daemon_user_make_directories(const struct daemon_user *u, struct err *err) NODISCARD;
/* Sets the umask. As root also becomes that user for good, and fails if that user cannot read
 * the rules. */
int daemon_user_become(const struct daemon_user *u, struct err *err) NODISCARD;
