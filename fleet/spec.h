/* SPDX-License-Identifier: ISC */
/* Turns fleet_order.spec, JSON that an operator's command made, into the pairs that go to root
 * (lib/door/door.h). Keys are not checked here: root refuses those that it does not know. */
#pragma once

#include "door/door.h"

#define SPEC_VERSION 1
#define SPEC_MAX     (64u << 10) /* bytes of JSON */

struct spec {
	struct door_pair *pairs; /* the spec owns keys and values */
	size_t count, cap;
};
/* ERR_SYNTAX: no object, a nested value, a fraction, over SPEC_MAX or DOOR_PAIRS_MAX; ERR_VERSION;
 * -ENOMEM. */
int spec_read(const char *json, struct spec *ret, struct err *err) NODISCARD;
void spec_release(struct spec *s); /* zeroes */
