/* SPDX-License-Identifier: ISC */
/* A fleet order as the words of a command line: what its keys mean, and what its age changes. */
#pragma once

#include "door/door.h"

/* Microseconds: a host spares mail that came later than this after the order. Not 0, since the
 * clocks of hosts differ. */
#define FLEET_SPARE (60 * INT64_C(1000000))

struct fleet_words {
	struct strbuf packed; /* the words */
	const char **list;    /* of them */
	size_t count;
	char line[4096]; /* the command as the account has it */
};

/*
 * Builds the words of an order that door_decode took. Every value follows "--OPTION=" or "--", so
 * none can be an option. Ages are counted from the moment when the order was placed. If that is
 * more than FLEET_SPARE ago, an acting verb spares later mail. undo gets the numbers of the batches
 * in place of the tokens. -ENOMEM with words; release ret in any case.
 */
int fleet_words_make(const struct door_fleet *order, const uint64_t *batches, size_t batch_count,
    struct fleet_words *ret, struct err *err) NODISCARD;
void fleet_words_release(struct fleet_words *words);

/* purge, hold, release, undo: the verbs that have a batch. */
bool fleet_verb_acts(const char *verb);
