/* SPDX-License-Identifier: ISC */
/*
 * What of a message's header is recorded: From and Message-ID. The milter's session and the reader
 * of queue files feed the same, field by field, so that the two halves of a row agree.
 */
#ifndef PQPURGE_MAIL_HEADER_H
#define PQPURGE_MAIL_HEADER_H

#include "mail/from.h"
#include "mail/message.h"

/* Zero-initialise; header_clear empties it for the next message, header_release once. */
struct header {
	struct from_list from; /* of all From fields; set from.taken to be told of each mailbox */
	/*
	 * The first, with its <>; without any, its first word. "" if there is none. Comments and
	 * blanks are no part of it.
	 */
	char message_id[MESSAGE_TEXT_MAX + 1];
	bool cut_text; /* the Message-ID was longer */
};

void header_clear(struct header *h); /* keeps memory, and who is told */
void header_release(struct header *h);

/* A field: its name without the colon, its value as it stands, folded or not. */
void header_take(
    struct header *h, const char *name, size_t name_len, const char *value, size_t len);

/* Whether name, of that length, is that of the field, case ignored. */
bool header_is(const char *name, size_t name_len, const char *field);

#endif
