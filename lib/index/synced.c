/* SPDX-License-Identifier: ISC */
/* The last sync's count. */
#include "index/synced.h"

#include <errno.h>

#include "index/home.h"

#define ROW_VERSION 1

static struct span key(void)
{
	return (struct span){.at = HOME_META_SYNCED, .len = strlen(HOME_META_SYNCED)};
}

void synced_encode(const struct synced *synced, struct bytes *out)
{
	bytes_put_u8(out, ROW_VERSION);
	bytes_put_i64(out, synced->time);
	bytes_put_u64(out, synced->unindexed);
	bytes_put_u64(out, synced->maildrop);
	bytes_put_u64(out, synced->arriving);
}

int synced_decode(struct span stored, struct synced *ret)
{
	struct reader r = reader_of(stored.at, stored.len);
	uint8_t version = reader_u8(&r);
	struct synced synced = {.time = reader_i64(&r)};

	synced.unindexed = reader_u64(&r);
	synced.maildrop = reader_u64(&r);
	synced.arriving = reader_u64(&r);
	if (!reader_done(&r) || version != ROW_VERSION || synced.time <= 0)
		return ERR_DAMAGED;
	*ret = synced;
	return 0;
}

void synced_put(struct txn *txn, const struct synced *synced)
{
	struct bytes value = {0};

	synced_encode(synced, &value);
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	else
		txn_put(txn, STORE_META, key(), bytes_span(&value), false);
	bytes_release(&value);
}

int synced_get(struct txn *txn, struct synced *ret)
{
	struct span stored;

	*ret = (struct synced){0};
	if (txn_get(txn, STORE_META, key(), &stored) == 1 && synced_decode(stored, ret) < 0)
		*ret = (struct synced){0};
	return txn->code;
}

void synced_forget(struct txn *txn)
{
	(void)txn_delete(txn, STORE_META, key());
}

bool synced_holds(const struct synced *synced, const struct gaps *gaps)
{
	if (synced->time == 0)
		return false;
	for (size_t n = 0; n < gaps->count; n++)
		if (gaps->list[n].to == 0 || gaps->list[n].to >= synced->time)
			return false;
	return true;
}
