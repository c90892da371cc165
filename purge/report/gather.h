/* SPDX-License-Identifier: ISC */
/* Collects the facts for a report from the account, the daemon's floods, and the queue as it is
 * now. */
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
	struct err why_left; /* why the rest in the queue is unknown */
	struct incident incident;
};

/* ERR_USAGE: there is no such batch or flood. Release *ret in any case. */
int gather(struct session *s, struct gathered *ret, struct err *err) NODISCARD;
void gathered_release(struct gathered *g);
