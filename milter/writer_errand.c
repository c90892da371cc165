/* SPDX-License-Identifier: ISC */
/* The command's requests, each in a transaction of its own. */
#include "base/clock.h"
#include "base/log.h"
#include "milter/writer_private.h"

/*
 * A request in its own transaction. *ret_refused: the request itself is wrong, the store is not.
 * The journal's records go with it only where it needs them: a rule is small, and has room where
 * they have none.
 */
static int apply_request(struct writer *w, struct span request, bool rules_too,
    struct rule_list *rules, struct reply *reply, bool *ret_refused, struct err *err)
{
	bool behind_journal = request_touches_messages(request_kind_of(request));
	struct txn txn;
	int code;

	txn_begin(w->home.store, true, &txn);
	if (behind_journal)
		journal_replay(w->home.journal, &txn);
	if (rules_too)
		command_rules_save(&w->rules, &txn);
	code = request_apply(&txn, request, &reply->value, err);
	if (code < 0 && txn.code == 0) {
		*ret_refused = true;
		txn_abort(&txn);
		return code;
	}
	if (rules_too && txn.code == 0) {
		code = command_rules_load(&w->rules, &txn, clock_wall(), rules);
		if (code) {
			txn_abort(&txn);
			return err_set(err, code, "failed to read the rules (%s)", err_word(code));
		}
	}
	code = txn_commit(&txn, err);
	if (!code && behind_journal)
		journal_rewind(w->home.journal);
	return code;
}

/* Rules are put in force in any case; saved or not is part of the answer. */
static int serve_rules(struct writer *w, struct span request, struct reply *reply, struct err *err)
{
	struct rule_list rules = {0};
	bool refused = false;
	int code = ERR_NO_INDEX;

	if (w->open)
		code = apply_request(w, request, true, &rules, reply, &refused, err);
	else
		err_set(err, code, "the index is not open");
	if (refused)
		return code;
	if (code == 0) {
		command_rules_saved(&w->rules);
	} else {
		struct err why = *err;

		rule_list_release(&rules);
		rules = (struct rule_list){0};
		code = command_rules_force(&w->rules, request, &rules, &reply->value, err);
		if (code)
			return code;
		log_warning("a rule is in force but not saved (%s)", why.text);
		reply->saved = false;
		err_set(err, 0, "in force, not saved (%s)", why.text);
	}
	writer_rules_changed(w, &rules);
	return 0;
}

static int serve_rows(struct writer *w, struct span request, struct reply *reply, struct err *err)
{
	bool refused = false;

	if (!w->open) {
		reply->saved = false;
		pthread_mutex_lock(&w->lock);
		struct err why = w->last_error;
		pthread_mutex_unlock(&w->lock);
		return err_set(err, ERR_NO_INDEX, "the daemon has no index open (%s)", why.text);
	}
	int code = apply_request(w, request, false, NULL, reply, &refused, err);
	reply->saved = code == 0;
	if (code && !refused)
		writer_store_failed(w, code, err);
	return code;
}

void writer_serve(struct writer *w, struct errand *e)
{
	struct span request = {e->request, e->len};
	struct reply reply = {.saved = true, .status = ""};
	struct err err = {{0}};
	struct bytes frame = {0};
	int kind = request_kind_of(request);

	if (kind == REQUEST_HITS && w->open)
		writer_tend_rules(w);
	if (kind == REQUEST_SETTLE)
		writer_commit(w);
	else if (kind < 0)
		reply.code =
		    err_set(&err, kind, "the request is not understood (%s)", err_word(kind));
	else if (request_touches_rules(kind))
		reply.code = serve_rules(w, request, &reply, &err);
	else
		reply.code = serve_rows(w, request, &reply, &err);
	if (reply.code == 0 && reply.saved)
		err.text[0] = '\0';
	reply.text = err.text;
	reply_encode(&reply, &frame);
	e->done(e->arg, bytes_span(&frame));
	bytes_release(&frame);
	free(e);
}
