/* SPDX-License-Identifier: ISC */
/*
 * Installing for real: what has to be done on this host so that Postfix asks the daemon, as a list
 * of steps that is made first, shown, and then done; and the same for taking it back. A step knows
 * what was there before, so that showing it and undoing it need no second look.
 */
#ifndef PQPURGE_PURGE_SETUP_H
#define PQPURGE_PURGE_SETUP_H

#include <limits.h>

#include "postfix/config/wiring.h"
#include "purge/session.h"
#include "purge/setup/setup_record.h"

enum setup_kind {
	SETUP_USER,           /* subject: its name */
	SETUP_MAKE_DIRECTORY, /* subject: path; after: mode, owner and group, as tmpfiles.d(5) */
	SETUP_CONF,           /* subject: file; before, after: one of its lines */
	SETUP_RESTORE_CONF,   /* subject: file */
	SETUP_START,          /* subject: unit, from here on to STOP */
	SETUP_RESTART,
	SETUP_STOP,
	SETUP_LIST,             /* subject: smtpd_milters; before, after: its value */
	SETUP_RELOAD,           /* Postfix */
	SETUP_REMOVE_DIRECTORY, /* subject: path */
};

struct setup_step {
	enum setup_kind kind;
	char *subject;
	char *before, *after; /* NULL: nothing is there */
	size_t at;            /* LIST: which of the wiring's */
};

#define SETUP_STEPS_MAX 24

/* Zero-initialise; release in every case. */
struct setup {
	const struct session *s;
	struct postfix postfix;
	char conf[PATH_MAX];        /* the settings file; it may be missing */
	char record_path[PATH_MAX]; /* beside it: what setup did */
	struct setup_record record;
	struct wiring wiring;
	struct strbuf conf_before, conf_after; /* the settings file's text, where it changes */
	bool sets_origin;                      /* in it */
	bool wrote_conf;                       /* in this run */
	/* As the settings will say. */
	char index_directory[PATH_MAX], state_directory[PATH_MAX];
	/* Removal: nobody else has changed main.cf, so it becomes what it was, at the first step
	 * that wants it. */
	bool restores_main_cf, restored_main_cf;
	struct setup_step steps[SETUP_STEPS_MAX];
	size_t step_count;
	bool failed;         /* no memory for a step */
	struct strbuf notes; /* packed: what to tell beside the steps */
};

/* Both find out what has to be done, and touch nothing. ERR_CONFIG and what their parts say. */
int setup_plan(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
int setup_plan_removal(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
void setup_release(struct setup *setup);

/* For the planners. Texts are copied; NULL stays NULL. */
void setup_add(struct setup *setup, enum setup_kind kind, const char *subject, const char *before,
    const char *after);
void setup_note(struct setup *setup, const char *format, ...) FORMAT(2, 3);
/* Postfix, and where the settings file and its record lie. */
int setup_open(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
/* A step for each list that changes. */
void setup_add_lists(struct setup *setup);

/* The steps as sentences and as changed lines, and the notes. */
void setup_show(FILE *to, const struct setup *setup);
/* One step as a line of JSON: result "would-do", "done" or "failed" with the reason. */
int setup_json(
    FILE *to, const struct setup_step *step, const char *result, const char *reason) NODISCARD;
int setup_json_notes(FILE *to, const struct setup *setup) NODISCARD;

/*
 * Does one step. What it did is in the record before the next one; SETUP_RELOAD of a Postfix that
 * does not run is no error.
 */
int setup_do(struct setup *setup, const struct setup_step *step, struct err *err) NODISCARD;

#endif
