/* SPDX-License-Identifier: ISC */
/* The daemon as it is now: what it answers over its control socket, and whether it runs at all. */
#ifndef PQPURGE_PURGE_LIVE_H
#define PQPURGE_PURGE_LIVE_H

#include "base/err.h"
#include "base/str.h"
#include "index/gaps.h"

enum live_state {
	LIVE_DOWN,    /* none runs */
	LIVE_ANSWERS, /* all below is known */
	LIVE_SILENT,  /* one runs and does not answer in time, or cannot be reached */
	LIVE_UNKNOWN, /* it could not be asked */
};

/* Zero-initialise. */
struct live {
	enum live_state state;
	struct strbuf lines; /* "key=value", see milter/writer.h and milter/daemon.c */
	struct err err;      /* SILENT, UNKNOWN: why */
};

/* Asks the daemon of that index and waits at most timeout microseconds. Never fails. */
void live_read(const char *directory, int64_t timeout, struct live *ret);
void live_release(struct live *live);

/* One value: the text into buf (returned; "" where there is none), or a number. */
const char *live_text(const struct live *live, const char *key, char *buf, size_t size);
int64_t live_number(const struct live *live, const char *key, int64_t otherwise);

/* What gaps_make needs of it. buf holds the reason of an open gap. */
struct gaps_now live_now(const struct live *live, int64_t last_sign, char *buf, size_t size);

#endif
