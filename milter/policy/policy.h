/* SPDX-License-Identifier: ISC */
/* The policy front as the daemon sees it: its socket, its server, its state. NULL is no policy
 * front, and fine everywhere. */
#pragma once

#include "base/settings/settings.h"
#include "milter/policy/front.h"

struct policy;

/* Opens `policy_socket`, if that is set, else *ret is NULL. Root makes its directory and gives it
 * away like the milter's socket; without root that is tried. uid and group as for listener_give.
 * The daemon's lock must be held: no other daemon of ours has this socket. ERR_LOCKED: somebody
 * listens there. */
int policy_open(const struct settings *settings, uid_t uid, gid_t group, struct policy **ret,
    struct err *err) NODISCARD;
/* Begins to answer. */
int policy_start(struct policy *p, const struct glue_config *config, struct err *err) NODISCARD;
void policy_remove_socket(struct policy *p);
/* As policy_server_stop; status may still be asked. */
bool policy_stop(struct policy *p, int64_t timeout);
void policy_free(struct policy *p); /* of one that stopped, or never began */
void policy_status(struct policy *p, struct json *out);
