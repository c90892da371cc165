/* SPDX-License-Identifier: ISC */
/* pqpurge-idx fleet, and verbs with '--fleet'. */
#include "purge/fleet/fleet_order.h"
#include "purge/interrupt.h"

int verb_fleet(struct session *s, struct err *err)
{
	struct fleet f;
	int code = s->verb->run == verb_fleet ? fleet_admin_check(&s->options, err) : 0;

	if (code < 0)
		return code;
	interrupt_catch();
	code = fleet_open(&f, s, err);
	code = code ?: s->verb->on_fleet(&f, err);
	fleet_close(&f);
	return code;
}
