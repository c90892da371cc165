/* SPDX-License-Identifier: ISC */
/* A command line as the spec of a fleet order: in normal form, so that every host reads it
 * alike. */
#pragma once

#include "base/json.h"
#include "purge/options.h"

#define FLEET_TOKEN_SIZE 37

/* Makes {"v":1,...}, the caller's to free. ERR_USAGE with words: an option that a fleet order
 * cannot have. */
int fleet_spec(const struct options *o, struct json **ret, struct err *err) NODISCARD;
/* A new UUID. */
int fleet_token(char buf[FLEET_TOKEN_SIZE], struct err *err) NODISCARD;
