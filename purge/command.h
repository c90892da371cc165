/* SPDX-License-Identifier: ISC */
/* One command, from its words to its exit status. Errors become words only here. */
#pragma once

struct behalf;

/* Output goes to stdout, problems to stderr. behalf (purge/door/behalf.h) is the order door's user
 * and what root allows them; NULL: the user who started this process. */
int command_run(int argc, char **argv, const struct behalf *behalf);
