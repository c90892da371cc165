/* SPDX-License-Identifier: ISC */
/* A JSON object as lines of text for people, so that what programs get need not be told twice. */
#ifndef PQPURGE_PURGE_SHEET_H
#define PQPURGE_PURGE_SHEET_H

#include "base/json.h"

/*
 * A line for each member of o, which is still under construction: "queue id        4jYDxc1HnKz1b".
 * Of an array each member has a line; an object in it is its first value, and the others behind.
 * Numbers are shown as times and sizes where the key ends with _time or _size. False is left out.
 */
void sheet_say(FILE *to, const struct json *o);

#endif
