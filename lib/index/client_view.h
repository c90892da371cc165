/* SPDX-License-Identifier: ISC */
/*
 * What a call's child hands over of an answer (client_take_...), and how the parent takes it in
 * (client_view_...): whatever the child says is input like any other. A selection is viewed by
 * select_view. All return 0 or ERR_CHILD.
 */
#ifndef PQPURGE_INDEX_CLIENT_VIEW_H
#define PQPURGE_INDEX_CLIENT_VIEW_H

#include "index/client.h"
#include "index/client_child.h"

int client_take_selection(const struct client_answer *answer, struct bytes *out);
int client_take_names(const struct client_answer *answer, struct bytes *out);
int client_take_updated(const struct client_answer *answer, struct bytes *out);
int client_take_counts(const struct client_answer *answer, struct bytes *out);

/* n->memory is what came. */
int client_view_names(struct client_names *n) NODISCARD;
/* The numbers are at the end, and are taken off it: what is left is a selection. */
int client_view_updated(struct blob *memory, struct index_updated *ret) NODISCARD;
int client_view_counts(
    const struct blob *memory, struct index_counts *c, bool *ret_by_daemon) NODISCARD;

#endif
