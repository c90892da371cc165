/* SPDX-License-Identifier: ISC */
/* The policy front's socket, server and state. Every call accepts NULL, which means that there is
 * no policy front. */
#pragma once

#include "base/settings/settings.h"
#include "milter/policy/front.h"

struct policy;

/* Opens `policy_socket`; *ret is NULL if that is not set. Hold the daemon's lock, so that no other
 * daemon of ours has this socket. As root, makes the socket's directory, and gives directory and
 * socket to uid and group (listener_give); without root, tries to. ERR_LOCKED: a process listens
 * there. */
int policy_open(const struct settings *settings, uid_t uid, gid_t group, struct policy **ret,
    struct err *err) NODISCARD;
int policy_start(struct policy *p, const struct glue_config *config, struct err *err) NODISCARD;
void policy_remove_socket(struct policy *p);
/* As policy_server_stop. policy_status may still be called. */
bool policy_stop(struct policy *p, int64_t timeout);
void policy_free(struct policy *p); /* after policy_stop */
void policy_status(struct policy *p, struct json *out);
