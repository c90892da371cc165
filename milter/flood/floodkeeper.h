/* SPDX-License-Identifier: ISC */
/* The daemon's flood detector (flood/flood.h) under its own lock, and an incident's effects: a
 * log line, an expiring rule (flood_watch = act), and orders to the door to hold earlier mail
 * and run the hook.
 *
 * Sessions only count. Each second the upkeep thread takes new events, logs them, and sets or
 * renews rules. Another thread talks to the door, which may take long. Peaks and incidents are
 * kept in state_directory/floods (JSON lines), which is replaced as a whole. */
#pragma once

#include "base/settings/settings.h"
#include "milter/indexkeeper.h"
#include "milter/rules/rulekeeper.h"

#define FLOODKEEPER_FILE "floods"

struct floodkeeper;

/* With flood_watch = off no call does anything. settings and rules must outlive it. */
int floodkeeper_open(const struct settings *settings, struct rulekeeper *rules,
    struct floodkeeper **ret, struct err *err) NODISCARD;
/* Reads the file and starts the thread. Call it as the daemon's user with state_directory
 * locked. */
void floodkeeper_begin(struct floodkeeper *k);
/* Saves. Leaves a busy thread behind. Accepts NULL. */
void floodkeeper_stop(struct floodkeeper *k);
void floodkeeper_close(struct floodkeeper *k); /* if it never began */

/* Counts an accepted message. Any thread; never waits for a disk. */
void floodkeeper_feed(struct floodkeeper *k, const struct message *m);
/* The upkeep thread's. */
void floodkeeper_each_second(struct floodkeeper *k);

/* Call it after a catch-up's update was applied to the index. Counts mail that came while nobody
 * counted (no daemon ran, or it was killed before saving). At most once a minute it also counts
 * the mail of busy accounts that is still queued, which takes as long as a selection. body: the
 * update's, see serve.h. Any thread that has borrowed the index. */
void floodkeeper_caught_up(struct floodkeeper *k, struct index *index, int body);

/* Requests of the control protocol. 0, or a negative code and words; ERR_USAGE for another one.
 *
 * - {"do":"floods","all":BOOL,"id":N}: "floods": [incident, ...], newest first; without "all" and
 *   "id" the open ones. An incident: id, kind, key, since, until (absent: open), recipients,
 *   messages, rate, signal, limit, usual, networks, senders, undelivered, window, clients,
 *   queue_ids, action, expires, held, mark.
 * - {"do":"flood-mark","id":N,"mark":"normal"|"bad"}: "flood": the incident as it is now
 * - {"do":"flood-named","subjects":[TEXT, ...]}: a command purges, holds or blocks the rules'
 *   subjects ("login:joe"). Their open incidents become bad unless marked before; "marked": how
 *   many
 * - {"do":"flood-learn","lines":TEXT}, lines of the file about peaks: "learned": how many, "wrong":
 *   how many */
int floodkeeper_answer(struct floodkeeper *k, const struct json *request, struct json *reply,
    struct err *err) NODISCARD;
/* Adds "flood_watch", "floods_open", and "floods": the first ten open ones. Never waits for a
 * disk. */
void floodkeeper_status(struct floodkeeper *k, struct json *reply);
