/* SPDX-License-Identifier: ISC */
/*
 * The flood keeper: the daemon's detector (flood/flood.h) under a lock of its own, and what comes
 * of an incident: a line in the log, a rule that expires (flood_watch = act), and orders to the
 * door: hold what came before, run the hook.
 *
 * Sessions only count. Each second the upkeep thread takes what happened, logs, and sets or renews
 * rules; a thread of its own talks to the door, which may take long. Peaks and incidents are kept
 * in state_directory/floods (JSON lines), written beside and renamed.
 */
#pragma once

#include "base/settings/settings.h"
#include "milter/indexkeeper.h"
#include "milter/rules/rulekeeper.h"

#define FLOODKEEPER_FILE "floods"

struct floodkeeper;

/* With flood_watch = off all calls do nothing. settings and rules outlive it. */
int floodkeeper_open(const struct settings *settings, struct rulekeeper *rules,
    struct floodkeeper **ret, struct err *err) NODISCARD;
/* Reads the file, starts the thread; as the daemon's user, with the lock of state_directory held.
 */
void floodkeeper_begin(struct floodkeeper *k);
/* Saves. The thread is left where it is at work. NULL is fine. */
void floodkeeper_stop(struct floodkeeper *k);
void floodkeeper_close(struct floodkeeper *k); /* of one that never began; NULL is fine */

/* Counts an accepted message. Any thread; waits for no disk. */
void floodkeeper_feed(struct floodkeeper *k, const struct message *m);
/* The upkeep thread's. */
void floodkeeper_each_second(struct floodkeeper *k);

/*
 * A catch-up's update was applied to the index. Mail in it that came while nobody counted (no
 * daemon ran, or it was killed before it saved) is counted now. And how much of what busy accounts
 * sent is still queued? At most once a minute; takes as long as a selection. body: the update's, of
 * serve.h. Any thread that has borrowed the index.
 */
void floodkeeper_caught_up(struct floodkeeper *k, struct index *index, int body);

/*
 * Requests of the control protocol. 0, or a negative code and words.
 *
 * - {"do":"floods","all":BOOL,"id":N}: "floods": [incident, ...], newest first; without "all" and
 *   "id" the open ones. An incident: id, kind, key, since, until (absent: open), recipients,
 *   messages, rate, signal, limit, usual, networks, senders, undelivered, window, clients,
 *   queue_ids, action, expires, held, mark.
 * - {"do":"flood-mark","id":N,"mark":"normal"|"bad"}: "flood": the incident as it is now
 * - {"do":"flood-named","subjects":[TEXT, ...]}, of rules ("login:joe"): a command purges, holds or
 *   blocks this; open incidents of these keys are bad unless marked before: "marked": how many
 * - {"do":"flood-learn","lines":TEXT}, lines of the file about peaks: "learned": how many, "wrong"
 */
bool floodkeeper_is_mine(const char *word);
int floodkeeper_answer(struct floodkeeper *k, const struct json *request, struct json *reply,
    struct err *err) NODISCARD;
/* "flood_watch", "floods_open", and "floods": the first ten open ones. Waits for no disk. */
void floodkeeper_status(struct floodkeeper *k, struct json *reply);
