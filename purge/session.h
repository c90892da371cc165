/* SPDX-License-Identifier: ISC */
/* One run of the command: its options, settings, Postfix and user. */
#pragma once

#include "base/settings/settings.h"
#include "index/control/client.h"
#include "postfix/config/instance.h"
#include "purge/options.h"
#include "purge/verbs.h"

struct behalf;

struct session {
	const struct verb *verb;
	const struct behalf *behalf; /* the order door's user; NULL: who started us */
	struct options options;
	struct settings settings;
	struct postfix postfix; /* if VERB_POSTFIX */
	struct index_client client;
	char *command_line; /* for the account */
	char user[64];      /* SUDO_USER or login name */
	size_t bad_ids;     /* lines of --id - without a queue ID */
};

/* Only parses the command line, so that its errors come first. Release s in any case. */
int session_parse(struct session *s, int argc, char **argv, struct err *err) NODISCARD;
/* Checks for root, then reads the settings, Postfix's configuration, and IDs from stdin. Under
 * sudo, a settings file that -c or PQPURGE_CONF names must be writable by root only, because it
 * names programs that root runs. */
int session_open(struct session *s, struct err *err) NODISCARD;
/* For VERB_PLAIN and the fleet: reads only the settings and the user's name, without root. */
int session_open_plain(struct session *s, struct err *err) NODISCARD;
void session_release(struct session *s);

/* The settings file named by -c or PQPURGE_CONF, or NULL. */
const char *session_config(const struct session *s);
/* "pqpurge-idx -c FILE VERB..." as this run was called, for advice. Returns buf. */
char *session_command(const struct session *s, const char *words, char *buf, size_t size);

/* ERR_USAGE for --all if no question can be asked. */
int session_check_all(const struct session *s, struct err *err) NODISCARD;
/* Whether stdin is a terminal and --yes was not given. */
bool session_can_ask(const struct session *s);

/* Returns code, or adds words if the report could not be written. */
int session_written(int code, struct err *err) NODISCARD;
/* The exit status of an error. */
int session_exit_of(int code);

enum { EXIT_DONE = 0, EXIT_CANNOT = 1, EXIT_SOME_FAILED = 2, EXIT_INTERRUPTED = 3 };
