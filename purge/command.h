/* SPDX-License-Identifier: ISC */
/* One command, from its words to its exit status. Errors become words here, and nowhere else. */
#pragma once

struct behalf;

/*
 * Runs it: output on stdout, problems on stderr. behalf (purge/door/behalf.h): whoever asked for it
 * through the order door, and what root lets them do; NULL for whoever started this process.
 */
int command_run(int argc, char **argv, const struct behalf *behalf);
