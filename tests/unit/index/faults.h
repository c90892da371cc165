/* SPDX-License-Identifier: ISC */
/*
 * LMDB's functions, each of which can be made to fail: these definitions override the library's.
 * Only test files that include this get them.
 */
#ifndef PQPURGE_TESTS_INDEX_FAULTS_H
#define PQPURGE_TESTS_INDEX_FAULTS_H

#include <dlfcn.h>
#include <stdatomic.h>

#define FAULT_MAP_FULL  (-30792) /* MDB_MAP_FULL */
#define FAULT_CORRUPTED (-30796) /* MDB_CORRUPTED */
#define FAULT_PANIC     (-30795) /* MDB_PANIC */

/* After this many calls, `times` calls fail with code; 0: none fails. */
static struct {
	atomic_long after, times;
	atomic_int code;
} faults = {.times = 1L << 60};

static inline int fault(void)
{
	if (faults.code == 0 || atomic_fetch_sub(&faults.after, 1) > 0)
		return 0;
	return atomic_fetch_sub(&faults.times, 1) > 0 ? faults.code : 0;
}

static inline void faults_set(long after, long times, int code)
{
	faults.after = after;
	faults.times = times;
	faults.code = code;
}

/* Called from several threads. */
static inline void *real_call(void *_Atomic *found, const char *name)
{
	void *call = atomic_load(found);

	if (!call) {
		call = dlsym(RTLD_NEXT, name);
		assert_non_null(call);
		atomic_store(found, call);
	}
	return call;
}

#define FAULTY(name, parameters, arguments)                                                        \
	int name parameters;                                                                       \
	int name parameters                                                                        \
	{                                                                                          \
		static void *_Atomic found;                                                        \
		int(*real) parameters;                                                             \
		int code = fault();                                                                \
                                                                                                   \
		*(void **)&real = real_call(&found, #name);                                        \
		return code != 0 ? code : real arguments;                                          \
	}

FAULTY(
    mdb_txn_begin, (void *env, void *parent, unsigned flags, void **ret), (env, parent, flags, ret))
/* The number of snapshots given up. */
static atomic_long renewals;
#define RENEWED(txn) ((void)atomic_fetch_add(&renewals, 1), (txn))
FAULTY(mdb_txn_renew, (void *txn), (RENEWED(txn)))
FAULTY(mdb_get, (void *txn, unsigned table, void *key, void *value), (txn, table, key, value))
FAULTY(mdb_put, (void *txn, unsigned table, void *key, void *value, unsigned flags),
    (txn, table, key, value, flags))
FAULTY(mdb_del, (void *txn, unsigned table, void *key, void *value), (txn, table, key, value))
FAULTY(mdb_stat, (void *txn, unsigned table, void *ret), (txn, table, ret))
FAULTY(mdb_cursor_open, (void *txn, unsigned table, void **ret), (txn, table, ret))
FAULTY(
    mdb_cursor_get, (void *cursor, void *key, void *value, unsigned op), (cursor, key, value, op))

/* A transaction whose commit fails is freed. */
int mdb_txn_commit(void *txn);
int mdb_txn_commit(void *txn)
{
	static void *_Atomic found, *_Atomic found_abort;
	int (*real)(void *txn);
	void (*abort_real)(void *txn);
	int code = fault();

	*(void **)&real = real_call(&found, "mdb_txn_commit");
	*(void **)&abort_real = real_call(&found_abort, "mdb_txn_abort");
	if (code == 0)
		return real(txn);
	abort_real(txn);
	return code;
}

#endif
