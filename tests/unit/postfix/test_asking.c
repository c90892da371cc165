/* SPDX-License-Identifier: ISC */
/* A proof's answer about Subject and reasons: doubt wherever something is missing. */
#include "tests/unit/postfix/rig.h"

#include <dlfcn.h>

#define ARRIVAL INT64_C(1700000000123456)

enum damage { NONE, CUT_OFF, ARRIVING, UNPROVEN, UNREADABLE_LOG };

struct row {
	const char *name, *subject, *why; /* asked for; NULL: not asked */
	const char *header;               /* a line; NULL: without a Subject */
	const char *reason;               /* NULL: no log */
	enum damage damage;
	enum proof_asked want;
	bool limited;
};

static const struct row rows[] = {
    {"nothing asked", NULL, NULL, "Subject: a", "b", NONE, ASKED_NOTHING, false},
    {"subject", "/^a$/", NULL, "Subject: a", NULL, NONE, ASKED_YES, false},
    {"another subject", "/^b$/", NULL, "Subject: a", NULL, NONE, ASKED_NO, false},
    {"encoded", "/^a b$/", NULL, "SUBJECT : =?utf-8?Q?a_b?=", NULL, NONE, ASKED_YES, false},
    {"no subject", "/^$/", NULL, "X-Subject: a", NULL, NONE, ASKED_YES, false},
    {"subject, cut off behind it", "/^a$/", NULL, "Subject: a", NULL, CUT_OFF, ASKED_YES, false},
    {"another, cut off behind it", "/^b$/", NULL, "Subject: a", NULL, CUT_OFF, ASKED_UNSURE, false},
    {"subject, arriving", "/^a$/", NULL, "Subject: a", NULL, ARRIVING, ASKED_NOTHING, false},
    {"subject, not proven", "/^a$/", NULL, "Subject: a", NULL, UNPROVEN, ASKED_YES, false},
    {"too costly", "/^(a+)+$/", NULL, "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", NULL,
	NONE, ASKED_NO, true},
    {"reason", NULL, "/refused/", "Subject: a", "it refused", NONE, ASKED_YES, false},
    {"another reason", NULL, "/refused/", "Subject: a", "it accepted", NONE, ASKED_NO, false},
    {"no log", NULL, "/./", "Subject: a", NULL, NONE, ASKED_NO, false},
    {"no log, empty reason", NULL, "/^$/", "Subject: a", NULL, NONE, ASKED_NO, false},
    {"a log that cannot be read", NULL, "/./", "Subject: a", "x", UNREADABLE_LOG, ASKED_UNSURE,
	false},
    {"reason, too costly", NULL, "/^(a+)+$/", "Subject: a",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", NONE, ASKED_NO, true},
    {"both", "/^a$/", "/^x$/", "Subject: a", "x", NONE, ASKED_YES, false},
    {"only the subject", "/^a$/", "/^y$/", "Subject: a", "x", NONE, ASKED_NO, false},
    {"only the reason", "/^b$/", "/^x$/", "Subject: a", "x", NONE, ASKED_NO, false},
    {"subject and doubt", "/^a$/", "/^x$/", "Subject: a", "x", UNREADABLE_LOG, ASKED_UNSURE, false},
    {"doubt and another subject", "/^b$/", "/^x$/", "Subject: a", "x", UNREADABLE_LOG, ASKED_NO,
	false},
};

static struct queue_id place(struct rig *rig, const struct row *row)
{
	struct bytes file = {0};
	char text[64];
	struct queue_id id;

	rig_record(&file, 'C', "           1234             635               1               0");
	snprintf(text, sizeof(text), "%lld 123456",
	    (long long)ARRIVAL / 1000000 + (row->damage == UNPROVEN ? 3600 : 0));
	rig_record(&file, 'T', text);
	rig_record(&file, 'S', "a@bad.example");
	rig_record(&file, 'A', "client_address=192.0.2.1");
	rig_record(&file, 'A', "client_port=1025");
	rig_record(&file, 'R', "u@dest.example");
	rig_record(&file, 'M', "");
	rig_record(&file, 'N', "From: a@bad.example");
	rig_record(&file, 'N', row->header);
	if (row->damage != CUT_OFF) {
		rig_record(&file, 'N', "X-Last: x");
		rig_record(&file, 'N', "");
		rig_record(&file, 'N', "Subject: of the body");
		rig_record(&file, 'X', "");
		rig_record(&file, 'E', "");
	}
	id = rig_put(rig, QUEUE_DEFERRED, &file, row->damage == ARRIVING ? 0600 : 0700);
	bytes_release(&file);
	return id;
}

static void put_log(const struct rig *rig, const struct row *row, const struct queue_id *id)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/defer/%s", rig->spool, id->text);
	/* The tests may run as root, from whom a mode hides nothing; a symbolic link does. */
	if (row->damage == UNREADABLE_LOG) {
		assert_int_equal(symlink("/dev/null", path), 0);
		return;
	}
	FILE *file = row->reason ? fopen(path, "we") : NULL;
	if (!file)
		return;
	fprintf(file,
	    "recipient=v@dest.example\nreason=other\n\n"
	    "recipient=u@dest.example\nreason=%s\n\n",
	    row->reason);
	fclose(file);
	rig_own(rig, path);
}

static void ask(struct pattern_set *set, const char *text)
{
	struct pattern p = {0};

	if (!text)
		return;
	assert_int_equal(pattern_parse(text, &p, NULL), 0);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

static const struct message *get(void *arg, size_t n)
{
	return (const struct message *)arg + n;
}

static void test_rows(void **state)
{
	struct spool_proving *proving = NULL;
	struct proof *proofs = NULL;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct queue_id id = place(&rig, row);
		struct selector s;
		struct message m;

		put_log(&rig, row, &id);
		rig_recorded(&m, &id, ARRIVAL);
		selector_init(&s);
		ask(&s.subject, row->subject);
		ask(&s.why, row->why);
		assert_int_equal(
		    spool_prove_start(&rig.p, get, &m, 1, 0, 0, &s, &proving, NULL), 0);
		assert_int_equal(spool_prove_finish(proving, &proofs, NULL, NULL), 0);
		if (proofs->asked != row->want)
			case_fail(row->name, "asked %d in state %d", proofs->asked, proofs->state);
		case_assert(row->name, proofs->limited == row->limited);
		case_assert(row->name, (proofs->state == PROOF_SAME) ==
					   (row->damage == NONE || row->damage == CUT_OFF ||
					       row->damage == UNREADABLE_LOG));
		free(proofs);
		selector_release(&s);
	}
	rig_close(&rig);
}

/* ---- the first message's name is reused while the second one is asked */

enum { FIRST, SECOND, OTHER, COUNT };
static struct queue_id ids[COUNT];
static char paths[COUNT][256];

int openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) =
	    (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	const char *last = strrchr(path, '/');

	if (last && strcmp(last + 1, ids[SECOND].text) == 0 && access(paths[OTHER], F_OK) == 0)
		assert_int_equal(rename(paths[OTHER], paths[FIRST]), 0);
	return next(dir, path, flags);
}

static void test_proof_is_young(void **state)
{
	static const struct row mail = {.header = "Subject: a"};
	struct spool_proving *proving = NULL;
	struct proof *proofs = NULL;
	struct message messages[SECOND + 1];
	struct selector s;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < COUNT; n++) {
		ids[n] = place(&rig, &mail);
		rig_path(&rig, QUEUE_DEFERRED, &ids[n], paths[n]);
		if (n <= SECOND)
			rig_recorded(&messages[n], &ids[n], ARRIVAL);
	}
	selector_init(&s);
	ask(&s.subject, "/^a$/");
	assert_int_equal(
	    spool_prove_start(&rig.p, get, messages, SECOND + 1, 0, 0, &s, &proving, NULL), 0);
	assert_int_equal(spool_prove_finish(proving, &proofs, NULL, NULL), 0);
	assert_int_equal(access(paths[OTHER], F_OK), -1);
	assert_int_equal(proofs[FIRST].state, PROOF_UNPROVEN);
	assert_int_equal(proofs[FIRST].asked, ASKED_UNSURE);
	assert_int_equal(proofs[SECOND].state, PROOF_SAME);
	assert_int_equal(proofs[SECOND].asked, ASKED_YES);
	free(proofs);
	selector_release(&s);
	ids[SECOND] = (struct queue_id){0};
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_rows), cmocka_unit_test(test_proof_is_young))
