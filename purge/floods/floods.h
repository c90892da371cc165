/* SPDX-License-Identifier: ISC */
/*
 * Incidents of the flood watch, as the daemon tells them. Its account is hostile to root: numbers
 * are bounded, words are scrubbed by whoever prints them, and a key becomes a selector that means
 * exactly that key.
 */
#pragma once

#include "purge/session.h"
#include "rules/rules_file.h"

/* Asks for one incident (id), or for the open or all ones (id 0). *ret is the daemon's answer, its
 * member "floods" the list; json_free it. ERR_NO_DAEMON, ERR_USAGE where there is no such. */
int floods_ask(
    const struct session *s, uint32_t id, bool all, struct json **ret, struct err *err) NODISCARD;
/* A verb refuses, deletes or holds what these rules' subjects name: open incidents of such a key
 * are no longer learned from. Says how many, but not as JSON. Best effort. */
void floods_named(const struct session *s, const struct rule_list *rules);
/* The same for what a verb was to select; options.flood, too. */
void floods_selected(const struct session *s);
/* Tells the daemon what an incident was: "normal" or "bad". */
int floods_mark(const struct session *s, uint32_t id, const char *mark, struct err *err) NODISCARD;

/*
 * --flood ID: narrows the session's selector to what the incident's key sent from the begin of its
 * window until its end. A record keeps no incident, for mail from before its begin is as much a
 * part of it, and mail that no milter saw has none: so key and window decide.
 *
 * Through the door a dry run and the order that follows are two processes, and the daemon might
 * name another sender to the second. So the first tells its client what it meant
 * (behalf_answer.flood, "KIND:WINDOW:UNTIL:KEY"), and the order has that in place of a question
 * (options.flood_meaning).
 */
int floods_select(struct session *s, uint32_t id, struct err *err) NODISCARD;
/* The same of an incident that floods_ask told. */
int floods_select_of(struct session *s, const struct json *incident, struct err *err) NODISCARD;

int floods_list(const struct session *s, const struct json *answer) NODISCARD;
void floods_show(FILE *to, const struct session *s, const struct json *incident);

/* floods --try, floods --learn: see try.c. An exit status or a code. */
int floods_try(struct session *s, struct err *err) NODISCARD;
