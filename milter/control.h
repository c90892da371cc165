/* SPDX-License-Identifier: ISC */
/*
 * The control server: one thread that answers the command over INDEX/control.sock, reads SIGUSR1,
 * and once a second looks whether its socket is still there and calls the daemon's own each_second.
 * It never blocks on a client and never on the writer: requests go to the writer, whose thread
 * hands the answers back. STATUS is answered at once; SETTLE goes to the writer when what was in
 * flight as it came (milter/flight.h) has ended.
 */
#ifndef PQPURGE_MILTER_CONTROL_H
#define PQPURGE_MILTER_CONTROL_H

#include "base/str.h"
#include "milter/writer.h"

#define CONTROL_PEERS_MAX 16

struct control;

struct control_config {
	const char *directory;
	struct writer *writer;
	void (*status)(void *arg, struct strbuf *out);
	void (*reload)(void *arg); /* SIGUSR1 came */
	void (*each_second)(void *arg);
	void *arg;
};

/*
 * Starts the thread. SIGUSR1 must be blocked in every thread. A directory that is not there yet is
 * no failure: the socket is made when it is. ERR_CONFIG: the path is too long for a socket.
 */
int control_start(
    struct control **ret, const struct control_config *config, struct err *err) NODISCARD;
/* Ends the thread and removes the socket. Answers may still come in; NULL is fine. */
void control_stop(struct control *c);
/* After control_stop, and only when the writer has stopped for good. NULL is fine. */
void control_free(struct control *c);

#endif
