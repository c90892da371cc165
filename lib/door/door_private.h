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

/* Writes or reads an order: each function puts a member into `out`, or sets it from what `in` has
 * next. So one description of an order's members serves both ways. */
struct codec {
	struct bytes *out; /* NULL: reads */
	struct reader in;
	int code; /* the last error; its words are in err */
	struct err *err;
};
void codec_u8(struct codec *c, uint8_t *n);
void codec_flag(struct codec *c, bool *flag);
void codec_u32(struct codec *c, uint32_t *n);
void codec_u64(struct codec *c, uint64_t *n);
void codec_i64(struct codec *c, int64_t *n);
void codec_text(struct codec *c, const char **text);
void codec_list(struct codec *c, struct strbuf *packed);
/* The count of an array. Reading allocates it, zeroed, with one element more. Returns the array;
 * NULL, and count 0, if it would have more than max members or there is no memory. */
void *codec_array(struct codec *c, void *list, size_t *count, size_t size, uint32_t max);

void door_fleet_members(struct codec *c, struct door_order *order);
int door_fleet_check(const struct door_order *order, struct err *err) NODISCARD;
void door_rules_members(struct codec *c, struct door_order *order);
int door_rules_check(const struct door_order *order, struct err *err) NODISCARD;
