/* SPDX-License-Identifier: ISC */
/* A reason of `why --fleet`: the hosts' details beside the numbers. */
#pragma once

#include "purge/fleet/fleet_order.h"
#include "purge/fleet/fleet_sums.h"

/* Adds a host's line, with its domains; the example is that of the host with most of the group.
 * fleet: the fleet's name, or NULL. -ENOMEM. */
int fleet_why_take(struct fleet_sums *s, const struct fleet_result *from, const char *fleet,
    const struct json *line) NODISCARD;
/* "example" {"host","fleet","queue_id","address","delay_reason"}, once, and "domains", the largest
 * of those that the hosts listed. */
void fleet_why_put(struct json *o, struct fleet_group *g);
