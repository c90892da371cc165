/* SPDX-License-Identifier: ISC */
/* The recorded facts of a header. The milter's session and the reader of queue files share it, so
 * that the two halves of a row agree. */
#pragma once

#include "mail/address/from.h"
#include "mail/message.h"

/* Of one message; header_clear empties it for the next. */
struct header {
	struct from_list from; /* of all From fields */
	/* The first Message-ID with its <>, or else its first word; without comments and blanks. */
	char message_id[MESSAGE_TEXT_MAX + 1];
	bool cut_text; /* the Message-ID was too long */
};

void header_clear(struct header *h); /* keeps memory and from's callback */
void header_release(struct header *h);
/* name is without the colon, in any case; value may be folded. */
void header_take(struct header *h, const char *name, const char *value, size_t len);
