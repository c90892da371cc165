/* SPDX-License-Identifier: ISC */
/* The statements of a host between its connection and its report, which the simulated hosts of
 * tests/bench share. Parameters and columns are those of migrations/0001.sql. */
#pragma once

#define FLEET_LISTEN "LISTEN pqpurge"
#define FLEET_HELLO  "SELECT * FROM pqpurge.fleet_hello($1)"
#define FLEET_RULES  "SELECT * FROM pqpurge.fleet_rules($1)"
#define FLEET_CLAIM  "SELECT * FROM pqpurge.fleet_claim($1)"
#define FLEET_REPORT "SELECT pqpurge.fleet_report($1, $2, $3, $4, $5, $6, $7, $8)"

#define FLEET_REPORT_PARAMS 8
