/* SPDX-License-Identifier: ISC */
/* Messages that the milter front has in hand, from MAIL to end of message. The policy front passes
 * them: the milter judges and records them with more, and nothing is counted twice. One set for the
 * process; any thread. */
#pragma once

#include "base/net.h"

#define OVERLAP_PORT_SIZE 8

/* An SMTP connection: both ends, since one client may use one port towards two of ours. */
struct overlap_key {
	struct net_address client;
	uint16_t client_port;
	char server[NET_TEXT_SIZE], server_port[OVERLAP_PORT_SIZE]; /* as Postfix tells them */
};
/* server and server_port may be NULL. */
void overlap_set_server(struct overlap_key *key, const char *server, const char *server_port);

/* Part of a milter session; zero-initialise. */
struct overlap {
	struct overlap_key key;
	bool in_hand;
	struct overlap *next, **at;
};
void overlap_begin(struct overlap *o); /* key must stay as it is until overlap_end */
void overlap_end(struct overlap *o);
bool overlap_has(const struct overlap_key *key);
