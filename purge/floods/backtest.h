/* SPDX-License-Identifier: ISC */
/*
 * A backtest: what the flood watch would have reported of these logs with the limits of the
 * settings, with half and with twice those. Memory is fixed: three detectors and the messages under
 * way.
 */
#pragma once

#include "base/settings/settings.h"
#include "flood/flood_config.h"

struct backtest_file {
	const char *name;
	int fd;
	int64_t mtime, size;
	int64_t first; /* its first stamp; 0: none */
	bool gz;
};

struct backtest {
	const struct settings *settings;
	struct backtest_file *files;
	size_t count;
	bool json, learn;
};

/*
 * Reads all files, the one with the oldest first stamp first; compressed ones by a child `gzip
 * -dc`. Writes the report to `to`; with learn also a line, after a byte 2, for each peak that was
 * learned, and after a byte 3 "DONE OF": bytes read of all. ERR_SYNTAX: a file has no time stamp.
 */
int backtest_run(struct backtest *b, FILE *to, struct err *err) NODISCARD;
