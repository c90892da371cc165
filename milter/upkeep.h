/* SPDX-License-Identifier: ISC */
/* The upkeep thread calls each_second, reloads rules on request, and tends the index
 * (indexkeeper.h). A hanging file system blocks only this thread. */
#pragma once

#include "milter/indexkeeper.h"

struct upkeep;

struct upkeep_config {
	struct indexkeeper *index;
	void (*reload)(void *arg);
	void (*each_second)(void *arg);
	void (*last)(void *arg); /* before the thread ends */
	void *arg;
};

int upkeep_start(
    struct upkeep **ret, const struct upkeep_config *config, struct err *err) NODISCARD;
/* Returns at once. Any thread. */
void upkeep_reload(struct upkeep *u);
/* False if the thread did not end within timeout microseconds and is left behind. Accepts NULL. */
bool upkeep_stop(struct upkeep *u, int64_t timeout);
