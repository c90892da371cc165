/* SPDX-License-Identifier: ISC */
/* The user that the daemon runs as, and that owns its directories: that of the settings if root
 * started it, else whoever did. What such a user may not do is a warning in the log. */
#pragma once

#include "base/role.h"
#include "base/settings/settings.h"

struct daemon_user {
	const struct settings *settings;
	bool root;
	struct role role;   /* assumed if started as root; else uid is (uid_t)-1 */
	gid_t socket_group; /* of the settings; (gid_t)-1: there is none */
};

/* ERR_CONFIG: root, and there is no such user or group. */
int daemon_user_find(
    const struct settings *settings, struct daemon_user *ret, struct err *err) NODISCARD;
/* Makes index_directory and state_directory if they are missing. */
int daemon_user_make_directories(const struct daemon_user *u, struct err *err) NODISCARD;
/* Sets the umask, and if root becomes that user for good. An error if it cannot read the rules. */
int daemon_user_become(const struct daemon_user *u, struct err *err) NODISCARD;
