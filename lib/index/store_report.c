/* SPDX-License-Identifier: ISC */
/* What the real store tells of failures and readers. */
#include <errno.h>
#include <unistd.h>

#include "index/store_report.h"

/* The size as pqpurge.conf(5) writes it. */
static const char *map_text(uint64_t bytes, char *buf, size_t size)
{
	if (bytes % (UINT64_C(1) << 30) == 0)
		(void)snprintf(buf, size, "%lluG", (unsigned long long)(bytes >> 30));
	else if (bytes % (UINT64_C(1) << 20) == 0)
		(void)snprintf(buf, size, "%lluM", (unsigned long long)(bytes >> 20));
	else
		(void)snprintf(buf, size, "%llu bytes", (unsigned long long)bytes);
	return buf;
}

int store_failure_words(const struct store_failure *f, struct err *err)
{
	char size[32];

	if (f->full_map != 0)
		return err_set(err, f->code, "the index is full (index_map_size %s)",
		    map_text(f->full_map, size, sizeof size));
	switch (f->code) {
	case ERR_FULL:
		return err_set(err, f->code, "failed %s index '%s' (no space left on its disk)",
		    f->what, f->directory);
	case ERR_DAMAGED:
		return err_set(err, f->code, "index '%s' is damaged (%s)", f->directory, f->reason);
	case ERR_VERSION:
		return err_set(
		    err, f->code, "index '%s' was made by another version of LMDB", f->directory);
	case ERR_STALE:
		return err_set(
		    err, f->code, "index '%s' must be opened again (%s)", f->directory, f->reason);
	case ERR_NO_INDEX:
		return err_set(err, f->code, "no index in '%s'", f->directory);
	case -ENOMEM:
		return err_set(err, f->code,
		    "failed %s index '%s' (no memory, or a limit on address space below "
		    "index_map_size)",
		    f->what, f->directory);
	case -EACCES:
	case -EPERM:
		return err_set(err, -EACCES, "failed %s index '%s' (%s; only its owner may)",
		    f->what, f->directory, f->reason);
	default:
		return err_set(
		    err, f->code, "failed %s index '%s' (%s)", f->what, f->directory, f->reason);
	}
}

/* A line is "pid thread txnid"; outside a transaction the last is "-". */
void store_reader_line(const char *line, struct store_reader *oldest)
{
	unsigned long long txnid;
	int pid;

	if (sscanf(line, "%d %*s %llu", &pid, &txnid) != 2 || pid == getpid())
		return;
	if (oldest->pid == 0 || txnid < oldest->txnid)
		*oldest = (struct store_reader){.pid = pid, .txnid = txnid};
}

bool store_reader_is_behind(const struct store_reader *oldest, uint64_t last_txnid)
{
	return oldest->pid != 0 && oldest->txnid < last_txnid;
}
