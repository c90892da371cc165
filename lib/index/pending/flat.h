/* SPDX-License-Identifier: ISC */
/* The given half of a message in one piece, written as fast as possible. It is read within the same
 * boot and version. */
#pragma once

#include "base/bytes.h"
#include "mail/message.h"

/* fields: header From fields that are not in m->from yet. Returns the length, or 0 if it does not
 * fit, or if there is a queued half. */
size_t flat_write(
    const struct message *m, const struct strlist *fields, unsigned char *to, size_t size);
/* The bytes may be hostile. The results have views of them. Returns 0 or ERR_SYNTAX. */
int flat_read(struct span from, struct message *ret, struct strlist *ret_fields) NODISCARD;
