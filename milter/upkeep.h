/* SPDX-License-Identifier: ISC */
/*
 * The upkeep thread: what the daemon does beside mail and beside the command. Each second it looks
 * at the rules file, saves hits, and does whatever the daemon adds; it reads the rules again when
 * asked; it looks after the index (indexkeeper.h). A file system that hangs holds this thread
 * alone.
 */
#ifndef PQPURGE_MILTER_UPKEEP_H
#define PQPURGE_MILTER_UPKEEP_H

#include "milter/indexkeeper.h"

struct upkeep;

struct upkeep_config {
	struct indexkeeper *index;
	void (*reload)(void *arg); /* was asked for */
	void (*each_second)(void *arg);
	void (*last)(void *arg); /* before the thread ends */
	void *arg;
};

int upkeep_start(
    struct upkeep **ret, const struct upkeep_config *config, struct err *err) NODISCARD;
/* Asks for a reload; returns at once. Any thread. */
void upkeep_reload(struct upkeep *u);
/*
 * Ends the thread. False where it hangs for longer than timeout microseconds: it is left behind.
 * NULL is fine.
 */
bool upkeep_stop(struct upkeep *u, int64_t timeout);

#endif
