/* SPDX-License-Identifier: ISC */
/* Collects what a report is made of: the account, the daemon's floods, the queue now. */
#pragma once

#include "purge/report/incident.h"
#include "purge/rules/rulebox.h"
#include "purge/top/top.h"
#include "purge/walk.h"
#include "purge/why/why.h"

struct gathered {
	struct batches batches;
	struct recall recall;
	struct json *floods;
	struct rulebox rules;
	struct walk walk;
	bool walked;
	char *words; /* of a batch's selection */
	struct strbuf asked;
	struct err why_left; /* why it is not known what is left */
	struct incident incident;
};

/* ERR_USAGE: there is no such batch or flood. Release *ret in any case. */
int gather(struct session *s, struct gathered *ret, struct err *err) NODISCARD;
void gathered_release(struct gathered *g);
