/* SPDX-License-Identifier: ISC */
/* Store drivers that wrap another: one that fails on command, one whose commits block. Real code
 * for reaching error paths. */
#ifndef PQPURGE_INDEX_STORE_DOUBLE_H
#define PQPURGE_INDEX_STORE_DOUBLE_H

#include "index/store.h"

/* Where it fails. */
enum store_faults_at {
	FAULTS_ANYWHERE,
	FAULTS_AT_COMMIT,
	FAULTS_AT_MESSAGE, /* where a row of STORE_MESSAGE is put; smaller ones have room */
};

/* What the failing driver does; the test owns it and changes it from its own thread (fields are
 * atomic). */
struct store_faults {
	_Atomic int fail_code;   /* the code that failing operations return; 0 = none fail */
	_Atomic long fail_after; /* operations that still succeed before the first failure */
	_Atomic int at;          /* enum store_faults_at */
	_Atomic long operations; /* counted, of those that may fail */
};
/* Takes inner over. NULL on no memory. */
struct store *store_open_failing(struct store *inner, struct store_faults *faults);

/* While *blocked is true, commits wait (polling every millisecond); everything else passes through.
 * Takes inner over. */
struct store *store_open_blocking(struct store *inner, _Atomic bool *blocked);

#endif
