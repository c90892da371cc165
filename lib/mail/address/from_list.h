/* SPDX-License-Identifier: ISC */
/* Private to from.c and from_list.c. */
#pragma once

#include "mail/address/from.h"

#define FROM_KNOWN     8   /* non-ASCII domains of one field that are remembered */
#define FROM_KNOWN_LEN 255 /* longer domains are not remembered */

struct from_costly {
	struct known_domain {
		size_t len; /* 0: free */
		char raw[FROM_KNOWN_LEN];
		bool cut;
		struct domain normal;
	} known[FROM_KNOWN];
	unsigned next;
};

void from_list_add(struct from_list *list, struct from_costly *costly, const char *local,
    size_t local_len, const char *domain, size_t domain_len);
