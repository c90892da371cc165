/* SPDX-License-Identifier: ISC */
/* A fleet order as the words of a command line. */
#pragma once

#include "door/door.h"

/* Microseconds. A late order spares mail that came more than this after it was placed: the hosts'
 * clocks may differ by so much. */
#define FLEET_SPARE (60 * INT64_C(1000000))

struct fleet_words {
	struct strbuf packed; /* one after the other */
	const char **list;    /* into packed */
	size_t count;
	char line[4096]; /* the command for the account */
};

/* For an order that door_decode accepted. Every value follows "--OPTION=" or "--", so none can
 * become an option. Ages count from the moment when the order was placed. If that was more than
 * FLEET_SPARE ago, an acting verb spares later mail. undo gets the numbers of the batches in place
 * of the tokens. -ENOMEM with words; release ret in any case. */
int fleet_words_make(const struct door_fleet *order, const uint64_t *batches, size_t batch_count,
    struct fleet_words *ret, struct err *err) NODISCARD;
void fleet_words_release(struct fleet_words *words);

/* Whether the verb makes a batch. */
bool fleet_verb_acts(const char *verb);
