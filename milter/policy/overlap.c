/* SPDX-License-Identifier: ISC */
#include "milter/policy/overlap.h"

#include "base/bytes.h"
#include "base/lock.h"

#define BUCKETS 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(bucket, overlap) buckets[BUCKETS];

void overlap_set_server(struct overlap_key *key, const char *server, const char *server_port)
{
	snprintf(key->server, sizeof(key->server), "%s", server ? server : "");
	snprintf(key->server_port, sizeof(key->server_port), "%s", server_port ? server_port : "");
}

static struct bucket *bucket_of(const struct overlap_key *key)
{
	const struct net_address *client = &key->client;

	return &buckets[bytes_hash_seeded(client->at, sizeof(client->at), key->client_port) %
			BUCKETS];
}

static bool is_equal(const struct overlap_key *a, const struct overlap_key *b)
{
	return a->client_port == b->client_port && net_equal(&a->client, &b->client) &&
	       strcmp(a->server, b->server) == 0 && strcmp(a->server_port, b->server_port) == 0;
}

void overlap_begin(struct overlap *o)
{
	if (o->in_hand)
		return;
	LOCKED(&lock);
	LIST_INSERT_HEAD(bucket_of(&o->key), o, same);
	o->in_hand = true;
}

void overlap_end(struct overlap *o)
{
	if (!o->in_hand)
		return;
	LOCKED(&lock);
	LIST_REMOVE(o, same);
	o->in_hand = false;
}

bool overlap_has(const struct overlap_key *key)
{
	const struct overlap *o;

	LOCKED(&lock);
	LIST_FOREACH (o, bucket_of(key), same)
		if (is_equal(&o->key, key))
			return true;
	return false;
}
