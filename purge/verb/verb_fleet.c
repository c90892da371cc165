/* SPDX-License-Identifier: ISC */
/* pqpurge-idx fleet, and verbs with '--fleet'. */
#include "purge/fleet/fleet_order.h"
#include "purge/interrupt.h"

static int run(struct fleet *f, struct err *err)
{
	static const struct {
		int (*verb)(struct session *s, struct err *err);
		int (*fleet)(struct fleet *f, struct err *err);
	} rows[] = {{verb_act, fleet_act}, {verb_block, fleet_block}, {verb_unblock, fleet_block},
	    {verb_list, fleet_look}, {verb_top, fleet_look}, {verb_why, fleet_look},
	    {verb_status, fleet_look}, {verb_fleet, fleet_admin}};

	for (size_t n = 0; n < COUNT_OF(rows); n++)
		if (f->s->verb->run == rows[n].verb)
			return rows[n].fleet(f, err);
	return err_set(err, ERR_USAGE, "the fleet cannot be ordered to '%s'", f->s->verb->name);
}

int verb_fleet(struct session *s, struct err *err)
{
	struct fleet f;
	int code = s->verb->run == verb_fleet ? fleet_admin_check(&s->options, err) : 0;

	if (code < 0)
		return code;
	interrupt_catch();
	code = fleet_open(&f, s, err);
	code = code ?: run(&f, err);
	fleet_close(&f);
	return code;
}
