/* SPDX-License-Identifier: ISC */
/* pqpurge-idx screen: the full-screen view. */
#include "purge/screen/screen.h"

int verb_screen(struct session *s, struct err *err)
{
	return screen_run(s, err);
}
