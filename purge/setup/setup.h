/* SPDX-License-Identifier: ISC */
/*
 * What has to be done on this host so that Postfix asks the daemon, and how to take it back: a list
 * of steps that is planned first, then shown, then done. A step knows what was there before.
 */
#pragma once

#include "postfix/config/wiring.h"
#include "purge/session.h"
#include "purge/setup/setup_record.h"

enum setup_kind {
	SETUP_USER,           /* subject: its name */
	SETUP_MAKE_DIRECTORY, /* subject: path; after: "MODE OWNER GROUP" */
	SETUP_CONF,           /* subject: the settings file; before, after: one of its lines */
	SETUP_RESTORE_CONF,   /* subject: the settings file */
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
};

#define SETUP_STEPS_MAX 24

/* Zero-initialise; release in every case. */
struct setup {
	const struct session *s;
	struct postfix postfix;
	char record_path[PATH_MAX]; /* beside the settings file: what setup did */
	struct strbuf made;         /* in it, see setup_record_load */
	struct wiring wiring;
	struct setup_text conf, main_cf; /* the settings file may be missing */
	bool sets_origin;                /* in the settings file */
	/* As the settings will say. */
	char index_directory[PATH_MAX], state_directory[PATH_MAX];
	struct setup_step steps[SETUP_STEPS_MAX];
	size_t step_count;
	bool failed;         /* out of memory for a step */
	struct strbuf notes; /* packed: what to tell beside the steps */
};

/* Both find out what has to be done, and change nothing. ERR_CONFIG and what their parts say. */
int setup_plan(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
int setup_plan_removal(struct setup *setup, const struct session *s, struct err *err) NODISCARD;
void setup_release(struct setup *setup);

/* Does one step. What it did is in the record before the next one. A Postfix that does not run is
 * not reloaded, which is no error. */
int setup_do(struct setup *setup, const struct setup_step *step, struct err *err) NODISCARD;
