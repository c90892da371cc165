/* SPDX-License-Identifier: ISC */
/* The command's rules as the index keeps them: one row per subject. Written only inside the
 * writer's transaction. */
#ifndef PQPURGE_INDEX_RULEBOOK_H
#define PQPURGE_INDEX_RULEBOOK_H

#include "index/store.h"
#include "rules/rules_file.h"

/*
 * Reads all rules that have not expired at wall; rows that cannot be decoded are skipped and
 * counted. ret_first_expiry (may be NULL) gets when the first of all rows expires, those included
 * that have; INT64_MAX: none ever does. Before then rulebook_expire has nothing to do.
 */
int rulebook_load(struct txn *txn, int64_t wall, struct rule_list *ret, uint64_t *ret_damaged,
    int64_t *ret_first_expiry) NODISCARD;
/*
 * 1 replaced, 0 new (ERR_LIMIT past RULES_MAX), or the sticky code. Keeps the hits of what it
 * replaces; a rule that had expired when r was set is none.
 */
int rulebook_set(struct txn *txn, const struct rule *r);
/* 1 removed, 0 was not there, or the sticky code. */
int rulebook_unset(struct txn *txn, const char *subject);
/* Removes rules that expired before wall, at most 1000; returns how many. */
size_t rulebook_expire(struct txn *txn, int64_t wall);
void rulebook_add_hits(struct txn *txn, const char *subject, uint64_t hits);

/* The rules file's rules have no rows; their hits are kept in META, by subject. */
void rulebook_add_file_hits(struct txn *txn, const char *subject, uint64_t hits);
uint64_t rulebook_file_hits(struct txn *txn, const char *subject); /* 0 where none are known */

#endif
