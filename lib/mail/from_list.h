/* SPDX-License-Identifier: ISC */
/* Between the header From scanner (from.c) and its list: mailboxes in, and what they cost. */
#ifndef PQPURGE_MAIL_FROM_LIST_H
#define PQPURGE_MAIL_FROM_LIST_H

#include "mail/from.h"

#define FROM_KNOWN     8   /* domains of one field that are remembered, of those that are costly */
#define FROM_KNOWN_LEN 255 /* and not longer */

/* Domains that are not ASCII, as they were read and in normal form. Zero-initialise. */
struct from_costly {
	struct known_domain {
		size_t len; /* 0: none */
		char raw[FROM_KNOWN_LEN];
		bool cut;
		struct domain normal;
	} known[FROM_KNOWN];
	unsigned next;
};

/* A mailbox, its parts as they stand in the field, but for what nobody sees. */
void from_list_add(struct from_list *list, struct from_costly *costly, const char *local,
    size_t local_len, const char *domain, size_t domain_len);

#endif
