/* SPDX-License-Identifier: ISC */
/* Turns fleet_order.spec, the JSON of an operator's command, into the pairs for root
 * (lib/door/door.h), who checks the keys. */
#pragma once

#include "door/door.h"

#define SPEC_VERSION 1
#define SPEC_MAX     (64u << 10) /* bytes of JSON */

struct spec {
	struct door_pair *list; /* owned, with keys and values */
	size_t count, cap;
};
/* ERR_SYNTAX: not an object, a nested value, a fraction, more than SPEC_MAX bytes or DOOR_PAIRS_MAX
 * pairs. ERR_VERSION. -ENOMEM. */
int spec_read(const char *json, struct spec *ret, struct err *err) NODISCARD;
void spec_release(struct spec *s); /* zeroes */
