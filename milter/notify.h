/* SPDX-License-Identifier: ISC */
/* sd_notify(3) in a few lines of our own, as its manual recommends. */
#ifndef PQPURGE_MILTER_NOTIFY_H
#define PQPURGE_MILTER_NOTIFY_H

/* Sends state ("READY=1") to the service manager; does nothing where there is none. */
void notify(const char *state);

#endif
