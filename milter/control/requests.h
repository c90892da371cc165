/* SPDX-License-Identifier: ISC */
/* Answers the command's requests to the index, the rules, and the flood watch. */
#pragma once

#include "milter/control/control.h"
#include "milter/flood/floodkeeper.h"
#include "milter/indexkeeper.h"
#include "milter/rules/rulekeeper.h"

struct requests {
	struct indexkeeper *index;
	struct rulekeeper *rules;
	struct floodkeeper *floods;
};

/* A control_config.work; arg is a struct requests. */
void requests_answer(void *arg, struct control_work *w);
