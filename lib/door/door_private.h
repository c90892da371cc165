/* SPDX-License-Identifier: ISC */
/* Private to lib/door. */
#pragma once

#include "door/door.h"
#include "mail/selector/pattern.h"

#define DOOR_LOWER   "abcdefghijklmnopqrstuvwxyz"
#define DOOR_UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DOOR_DECIMAL "0123456789"

/* Valid UTF-8 without control characters, and at most DOOR_TEXT_MAX bytes. */
bool door_is_text(const char *text);
/* 1 to max bytes, all of them in allowed. */
bool door_consists_of(const char *text, const char *allowed, size_t max);
/* A pattern in normal form means the same here as where it was written. Expressions are refused,
 * because root does not compile them. */
bool door_is_normal(const char *value, enum pattern_kind *ret);
/* A network in its one spelling. */
bool door_is_client(const char *value);

/* Reads a count and allocates a zeroed array for one element more. NULL with *ret_code set:
 * ERR_LIMIT if there are more than max, or -ENOMEM. */
void *door_read_array(
    struct reader *r, uint32_t max, size_t size, size_t *ret_count, int *ret_code, struct err *err);

int door_fleet_check(const struct door_fleet *f, struct err *err) NODISCARD;
int door_fleet_read(struct reader *r, struct door_fleet *ret, struct err *err) NODISCARD;
void door_fleet_put(struct bytes *b, const struct door_fleet *f);

int door_rules_check(const struct door_rules *rules, struct err *err) NODISCARD;
int door_rules_read(struct reader *r, struct door_rules *ret, struct err *err) NODISCARD;
void door_rules_put(struct bytes *b, const struct door_rules *rules);
