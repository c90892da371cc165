/* SPDX-License-Identifier: ISC */
/* One command, from its words to its exit status. Only here do errors become words. */
#pragma once

struct behalf;

/*
 * Runs it: output on stdout, problems on stderr. behalf (purge/door/behalf.h) is the user of the
 * order door and what root allows them; NULL for the user who started this process.
 */
int command_run(int argc, char **argv, const struct behalf *behalf);
