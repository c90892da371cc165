/* SPDX-License-Identifier: ISC */
/* The messages that the milter front handles, from MAIL to end of message. The policy front
 * leaves them alone, so nothing is counted twice. One set for the process; any thread. */
#pragma once

#include <sys/queue.h>

#include "base/net.h"

#define OVERLAP_PORT_SIZE 8

/* An SMTP connection, by both ends: one client may use the same port towards two of our ports. */
struct overlap_key {
	struct net_address client;
	uint16_t client_port;
	char server[NET_TEXT_SIZE], server_port[OVERLAP_PORT_SIZE]; /* as Postfix writes them */
};
/* server and server_port may be NULL. */
void overlap_set_server(struct overlap_key *key, const char *server, const char *server_port);

/* Part of a milter session; zero-initialise. */
struct overlap {
	struct overlap_key key;
	bool in_hand;
	LIST_ENTRY(overlap) same; /* in its bucket */
};
void overlap_begin(struct overlap *o); /* key must not change until overlap_end */
void overlap_end(struct overlap *o);
bool overlap_has(const struct overlap_key *key);
