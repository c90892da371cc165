/* SPDX-License-Identifier: ISC */
/* Incidents of the flood watch, from the daemon. The daemon is not trusted: numbers are bounded,
 * words are scrubbed when printed, and a key becomes a selector of exactly that key. */
#pragma once

#include "purge/session.h"
#include "rules/rules_file.h"

/* Asks the daemon for incident id; if id is 0, for the open incidents or all. *ret, which the
 * caller frees, is its answer with the list "floods". ERR_NO_DAEMON, or ERR_USAGE: no such
 * incident. */
int floods_ask(
    const struct session *s, uint32_t id, bool all, struct json **ret, struct err *err) NODISCARD;
/* Call it when a verb refuses, deletes or holds mail of the rules' subjects: the daemon marks
 * their open incidents as bad. Reports their number, except in JSON. Failures are
 * ignored. */
void floods_named(const struct session *s, const struct rule_list *rules);
/* For the session's selector and --flood. */
void floods_selected(const struct session *s);
/* mark: "normal" or "bad". */
int floods_mark(const struct session *s, uint32_t id, const char *mark, struct err *err) NODISCARD;

/* --flood ID: narrows the session's selector to what the incident's key sent from the begin of its
 * window until its end. Key and time decide, since rows do not name incidents: mail in the window
 * before the alarm is included, and so is mail that no milter saw.
 *
 * Through the door, a dry run and its order are two processes, and a hostile daemon might name
 * another key to the second. So the first reports the meaning (behalf_answer.flood,
 * "KIND:WINDOW:UNTIL:KEY"), and the order carries it (options.flood_meaning). */
int floods_select(struct session *s, uint32_t id, struct err *err) NODISCARD;
/* For an incident that floods_ask returned. */
int floods_select_of(struct session *s, const struct json *incident, struct err *err) NODISCARD;

int floods_list(const struct session *s, const struct json *answer) NODISCARD;
void floods_show(FILE *to, const struct session *s, const struct json *incident);

/* floods --try and --learn. An exit status or a code. */
int floods_try(struct session *s, struct err *err) NODISCARD;
