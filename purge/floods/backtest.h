/* SPDX-License-Identifier: ISC */
/* The alarms that the flood watch would have given for these logs, with the limits of the settings,
 * halved and doubled. Memory is fixed: three detectors and the messages in progress. */
#pragma once

#include "base/settings/settings.h"
#include "flood/flood_config.h"

struct backtest_file {
	const char *name;
	int fd;
	int64_t mtime, size;
	int64_t first; /* time stamp; 0: none */
	bool gz;
};

struct backtest {
	const struct settings *settings;
	struct backtest_file *files;
	size_t count;
	bool json, learn;
};

/* Reads all files, beginning with the oldest first stamp; a child `gzip -dc` unpacks compressed
 * ones. Writes the report to `to`. With learn it also writes a line after a byte 2 for each peak
 * learned, and a line "DONE OF" after a byte 3: bytes read, and all. ERR_SYNTAX: a file has no time
 * stamp. */
int backtest_run(struct backtest *b, FILE *to, struct err *err) NODISCARD;
