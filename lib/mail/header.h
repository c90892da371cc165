/* SPDX-License-Identifier: ISC */
/* What is recorded of a message's header. The milter's session and the reader of queue files share
 * this, so that the two halves of a row agree. */
#pragma once

#include "mail/address/from.h"
#include "mail/message.h"

/* Zero-initialise; header_clear empties it for the next message. */
struct header {
	struct from_list from; /* of all From fields */
	/* The first one with its <>, or its first word; without comments and blanks. */
	char message_id[MESSAGE_TEXT_MAX + 1];
	bool cut_text; /* the Message-ID was longer */
};

void header_clear(struct header *h); /* keeps memory and from's callback */
void header_release(struct header *h);
/* name without the colon; value folded or not. */
void header_take(
    struct header *h, const char *name, size_t name_len, const char *value, size_t len);
/* Whether this is the name of the field, case ignored. */
bool header_is(const char *name, size_t name_len, const char *field);
