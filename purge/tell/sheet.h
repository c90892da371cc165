/* SPDX-License-Identifier: ISC */
/* A JSON object as lines of text for people. */
#pragma once

#include "base/json.h"

/* A line for each member of o, which is still under construction; for an array a line for each
 * element, where an object is its first value, then the others. Keys with _time or _size are shown
 * as such. False is left out. */
void sheet_say(FILE *to, const struct json *o);
