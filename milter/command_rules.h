/* SPDX-License-Identifier: ISC */
/*
 * The command's rules as the writer knows them: those in the index, and those that could not be
 * written there (disk full, index gone). The latter are in force all the same and are written with
 * the first transaction that succeeds. The writer's thread alone uses it.
 */
#ifndef PQPURGE_MILTER_COMMAND_RULES_H
#define PQPURGE_MILTER_COMMAND_RULES_H

#include "index/store.h"
#include "milter/rulepack.h"

/* Zero-initialise. */
struct command_rules {
	struct rulepack in_force, loaded;
	struct rule_list unsaved;      /* set, not in the index */
	int64_t first_expiry;          /* of the index's, as last loaded; 0 = not loaded yet */
	struct strbuf unsaved_removed; /* packed list of subjects: unset, yet still in the index */
};
void command_rules_release(struct command_rules *c);

/* Writes what is unsaved (failures are the transaction's sticky code). After command_rules_load and
 * the commit: command_rules_saved. */
void command_rules_save(struct command_rules *c, struct txn *txn);
void command_rules_saved(struct command_rules *c);
bool command_rules_all_saved(const struct command_rules *c);

/* Reads all from the transaction into *ret; command_rules_saved makes them those in force. */
int command_rules_load(
    struct command_rules *c, struct txn *txn, int64_t wall, struct rule_list *ret) NODISCARD;

/*
 * Puts a RULE_SET or RULE_UNSET in force that cannot be written: *ret gets all rules, *ret_value
 * the reply's value. ERR_SYNTAX for a request that makes no sense.
 */
int command_rules_force(struct command_rules *c, struct span request, struct rule_list *ret,
    uint64_t *ret_value, struct err *err) NODISCARD;

/* The index that held them is gone: all that is in force is unsaved from now on. */
int command_rules_lost(struct command_rules *c) NODISCARD;

#endif
