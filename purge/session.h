/* SPDX-License-Identifier: ISC */
/* One run of the command: what was asked, with which settings, on which Postfix, and by whom. */
#ifndef PQPURGE_PURGE_SESSION_H
#define PQPURGE_PURGE_SESSION_H

#include "base/settings.h"
#include "index/client.h"
#include "postfix/config/instance.h"
#include "purge/options.h"
#include "purge/verbs.h"

struct behalf;

struct session {
	const struct verb *verb;
	const struct behalf *behalf; /* whose order this is; NULL: of whoever started us */
	struct options options;
	struct settings settings;
	struct postfix postfix;     /* where the verb has VERB_POSTFIX */
	struct index_client client; /* stops at interrupt_stop */
	char *command_line;         /* the words as given, for the account */
	char user[64];  /* login name of whoever is behind it; SUDO_USER where there is one */
	size_t bad_ids; /* lines of --id - that were no queue ID */
};

/* Reads the command line alone, so that its errors come before those of root, files and Postfix.
 * Release in every case. */
int session_parse(struct session *s, int argc, char **argv, struct err *err) NODISCARD;
/*
 * Root, settings, Postfix, IDs from stdin. -EPERM, ERR_CONFIG and what the parts say. Lines of
 * stdin that are no queue ID are told on stderr and counted. Under sudo only root may be able to
 * write a settings file that was named: it names programs that root runs.
 */
int session_open(struct session *s, struct err *err) NODISCARD;
void session_release(struct session *s);

/* The file that was named, by -c or PQPURGE_CONF; NULL: none was. */
const char *session_config(const struct session *s);
/* "pqpurge-idx -c FILE VERB..." as this run was called, for advice; returns buf. */
char *session_command(const struct session *s, const char *words, char *buf, size_t size);

/* ERR_USAGE where --all would touch everything and nobody can be asked. */
int session_check_all(const struct session *s, struct err *err) NODISCARD;
/* Whether somebody can be asked: a terminal on stdin and no --yes. */
bool session_can_ask(const struct session *s);

/* Passes code on; of a report that could not be written it says so. */
int session_written(int code, struct err *err) NODISCARD;
/* The exit status of an error: 1 where nothing could be begun, 3 interrupted, else 2. */
int session_exit_of(int code);

enum { EXIT_DONE = 0, EXIT_CANNOT = 1, EXIT_SOME_FAILED = 2, EXIT_INTERRUPTED = 3 };

#endif
