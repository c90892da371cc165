/* SPDX-License-Identifier: ISC */
/* The writer's index: opened, lost, opened again. */
#include "base/clock.h"
#include "base/log.h"
#include "milter/writer_private.h"

static void note_recording(struct writer *w, bool recording)
{
	pthread_mutex_lock(&w->lock);
	if (recording != w->recording || !w->tried)
		w->since = clock_wall();
	w->recording = recording;
	w->tried = true;
	pthread_cond_broadcast(&w->started);
	pthread_mutex_unlock(&w->lock);
}

/* Keeps the words for status. True if they are news. */
static bool note_error(struct writer *w, const struct err *err)
{
	pthread_mutex_lock(&w->lock);
	bool news = strcmp(w->last_error.text, err->text) != 0;
	w->last_error = *err;
	pthread_mutex_unlock(&w->lock);
	return news;
}

void writer_rules_changed(struct writer *w, struct rule_list *rules)
{
	if (w->config.rules_changed)
		w->config.rules_changed(w->config.arg, rules);
	else
		rule_list_release(rules);
}

/* Lets go of an index that is gone, damaged, or must be opened again. The rules that it held stay
 * in force. */
void writer_abandon_index(struct writer *w, const struct err *err)
{
	log_warning("index is given up: %s; it is opened again", err->text);
	note_error(w, err);
	if (command_rules_lost(&w->rules) != 0)
		log_error("failed to keep the rules of the lost index in memory");
	home_abandon(&w->home);
	w->open = false;
	intake_close(&w->intake, err->text);
	note_recording(w, false);
	w->next_tick = 0;
}

void writer_store_failed(struct writer *w, int code, const struct err *err)
{
	note_error(w, err);
	if (code == ERR_FULL)
		w->upkeep.no_room = true;
	if (code != ERR_STALE && code != ERR_DAMAGED)
		return; /* full, or an input error: the next one may succeed */
	writer_abandon_index(w, err);
	if (code == ERR_DAMAGED) {
		struct err failure;

		if (home_set_aside(w->config.settings->index_directory, &failure) != 0)
			log_error("%s", failure.text);
	}
}

int writer_sync_rules(struct writer *w, struct err *err)
{
	struct rule_list rules = {0};
	struct txn txn;
	int code;

	txn_begin(w->home.store, true, &txn);
	command_rules_save(&w->rules, &txn);
	int loaded = command_rules_load(&w->rules, &txn, clock_wall(), &rules);
	code = txn_commit(&txn, err);
	if (!code && loaded)
		code = err_set(err, loaded, "failed to read the rules (%s)", err_word(loaded));
	if (code) {
		rule_list_release(&rules);
		return code;
	}
	command_rules_saved(&w->rules);
	writer_rules_changed(w, &rules);
	return 0;
}

static int open_home(struct writer *w, struct err *err)
{
	const struct settings *s = w->config.settings;
	int (*open_it)(const char *, int64_t, bool, struct home *, struct err *) =
	    w->config.open_home ? w->config.open_home : home_open;
	int code = open_it(s->index_directory, s->index_map_size, true, &w->home, err);

	if (code != ERR_DAMAGED)
		return code;
	log_error("index is damaged (%s); it is set aside and begun anew", err->text);
	code = home_set_aside(s->index_directory, err);
	if (!code)
		code = open_it(s->index_directory, s->index_map_size, true, &w->home, err);
	return code;
}

void writer_open_index(struct writer *w)
{
	struct err err = {{0}};

	if (open_home(w, &err) != 0) {
		if (note_error(w, &err))
			log_error("%s; mail is not recorded, trying again each second", err.text);
		intake_close(&w->intake, err.text);
		note_recording(w, false);
		return;
	}
	w->open = true;
	if (w->last_error.text[0])
		log_info("index '%s' is open again", w->config.settings->index_directory);
	note_error(w, &(struct err){{0}});
	int code = writer_sync_rules(w, &err);
	if (code) {
		log_error("failed to load the rules of the index: %s", err.text);
		writer_store_failed(w, code, &err);
		if (!w->open)
			return;
	}
	intake_close(&w->intake, NULL);
	note_recording(w, true);
}
