/* SPDX-License-Identifier: ISC */
/*
 * Opens an index, begins a read transaction and stays in it until its standard input ends: a reader
 * that was stopped. For tests; to be run as the index's owner.
 *
 *   hold_reader INDEX
 */
#include <err.h>

#include "index/store.h"

int main(int argc, char **argv)
{
	struct store_config config = {.read_only = true};
	struct store *store;
	struct err err = {{0}};
	struct txn txn;

	if (argc != 2)
		errx(1, "usage: hold_reader INDEX");
	config.directory = argv[1];
	if (store_open_lmdb(&config, &store, &err) != 0 || txn_begin(store, false, &txn) != 0)
		errx(1, "%s", err.text);
	puts("reading");
	fflush(stdout);
	while (getchar() != EOF)
		;
	txn_abort(&txn);
	store_close(store);
	return 0;
}
