/* SPDX-License-Identifier: ISC */
/* A command line as the spec of a fleet order: what every host must read alike, in normal form. */
#pragma once

#include "base/json.h"
#include "purge/options.h"

#define FLEET_TOKEN_SIZE 37

/* {"v":1,...}. ERR_USAGE with words for an option that a fleet order cannot have. */
int fleet_spec(const struct options *o, struct json **ret, struct err *err) NODISCARD;
/* A new UUID. */
int fleet_token(char buf[FLEET_TOKEN_SIZE], struct err *err) NODISCARD;
