/* SPDX-License-Identifier: ISC */
/* Turns a command line into the spec of a fleet order, in normal form, so that all hosts read it
 * alike. */
#pragma once

#include "base/json.h"
#include "purge/options.h"

#define FLEET_TOKEN_SIZE 37

/* Makes {"v":1,...}, which the caller frees. ERR_USAGE with words: a fleet order cannot have this
 * option. */
int fleet_spec(const struct options *o, struct json **ret, struct err *err) NODISCARD;
/* A new UUID. */
int fleet_token(char buf[FLEET_TOKEN_SIZE], struct err *err) NODISCARD;
