/* SPDX-License-Identifier: ISC */
/*
 * Messages written to files before they are deleted: DIRECTORY/QUEUEID.eml, 0600, by mail_owner,
 * with the time of arrival as the file's time. Each is there as a whole or not at all: temporary
 * names, one sync of the file system, then the names.
 */
#ifndef PQPURGE_ORDER_SAVE_H
#define PQPURGE_ORDER_SAVE_H

#include "order/order.h"

struct save {
	const char *name; /* of the directory, for messages */
	int directory;    /* open, when the first message is to be saved */
};

/*
 * Saves every item that is RESULT_READY, after all were proven and before anything is deleted. A
 * message that cannot be saved becomes RESULT_FAILED. Where the directory can take no more (a full
 * disk, a quota) all items do, so nothing is deleted. Errors: only where no child could be started.
 */
int order_save(const struct order *order, struct outcome *outcome, struct err *err) NODISCARD;

#endif
