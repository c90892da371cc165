/* SPDX-License-Identifier: ISC */
/* The command's requests that may take long: the index's and the rules'. */
#ifndef PQPURGE_MILTER_REQUESTS_H
#define PQPURGE_MILTER_REQUESTS_H

#include "milter/control.h"
#include "milter/indexkeeper.h"
#include "milter/rulekeeper.h"

struct requests {
	struct indexkeeper *index;
	struct rulekeeper *rules;
};

/* A control_config.work; arg is a struct requests. */
void requests_answer(void *arg, struct control_work *w);

#endif
