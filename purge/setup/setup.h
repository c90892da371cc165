/* SPDX-License-Identifier: ISC */
/* The steps that make Postfix on this host ask the daemon, or that take it back: planned, shown,
 * done. */
#pragma once

#include "postfix/config/wiring.h"
#include "purge/session.h"
#include "purge/setup/setup_record.h"

enum setup_kind {
	SETUP_USER,           /* subject: its name */
	SETUP_MAKE_DIRECTORY, /* subject: path; after: "MODE OWNER GROUP" */
	SETUP_CONF,           /* subject: the settings file; before, after: one of its lines */
	SETUP_RESTORE_CONF,   /* subject: the settings file */
	SETUP_START,          /* subject: the unit; until SETUP_STOP */
	SETUP_RESTART,
	SETUP_STOP,
	SETUP_LIST,             /* subject: smtpd_milters; before, after: its value */
	SETUP_RELOAD,           /* Postfix */
	SETUP_REMOVE_DIRECTORY, /* subject: path */
};

struct setup_step {
	enum setup_kind kind;
	char *subject;
	char *before, *after; /* NULL: nothing exists */
};

#define SETUP_STEPS_MAX 24

/* Zero-initialise; release in any case. */
struct setup {
	const struct session *s;
	struct postfix postfix;
	char record_path[PATH_MAX]; /* setup's record, beside the settings file */
	struct strbuf made;         /* its content, see setup_record_load */
	struct wiring wiring;
	struct setup_text conf, main_cf; /* the settings file may not exist yet */
	bool sets_origin;                /* by the settings file */
	/* as the settings will be */
	char index_directory[PATH_MAX], state_directory[PATH_MAX];
	struct setup_step steps[SETUP_STEPS_MAX];
	size_t step_count;
	bool failed;         /* no memory for a step */
	struct strbuf notes; /* packed: remarks beside the steps */
};

/* Change nothing. ERR_CONFIG, and the codes of their parts. */
int setup_plan(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
int setup_plan_removal(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
void setup_release(struct setup *setup);

extern const struct setup_row {
	const char *word;     /* in JSON */
	const char *sentence; /* NULL: the changed lines are shown */
	int (*carry_out)(struct setup *setup, const struct setup_step *step, struct err *err);
} setup_rows[]; /* by kind */
/* Records the step before the next one. A reload of a Postfix that does not run is no error. */
int setup_do(struct setup *setup, const struct setup_step *step, struct err *err) NODISCARD;
