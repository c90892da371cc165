/* SPDX-License-Identifier: ISC */
#include "milter/policy/transactions.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/lock.h"

#define BUCKETS 1024

TAILQ_HEAD(uses, transaction);
LIST_HEAD(bucket, transaction);

struct transactions {
	pthread_mutex_t lock;
	struct uses by_use;
	unsigned count;
	size_t bytes;
	struct bucket buckets[BUCKETS];
};

struct transactions *transactions_new(void)
{
	struct transactions *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	TAILQ_INIT(&t->by_use);
	return t;
}

static void discard(struct transaction *one)
{
	if (!one)
		return;
	session_free(one->session);
	free(one);
}

static void discard_all(struct uses *list)
{
	for (struct transaction *one; (one = TAILQ_FIRST(list));) {
		TAILQ_REMOVE(list, one, use);
		discard(one);
	}
}

void transactions_free(struct transactions *t)
{
	if (!t)
		return;
	discard_all(&t->by_use);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* By the process ID. */
static struct bucket *bucket_of(struct transactions *t, const char *instance)
{
	return &t->buckets[bytes_hash(instance, strcspn(instance, ".")) % BUCKETS];
}

static bool is_same_process(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return len == strcspn(b, ".") && memcmp(a, b, len) == 0;
}

static void unlink_one(struct transactions *t, struct transaction *one)
{
	LIST_REMOVE(one, same);
	TAILQ_REMOVE(&t->by_use, one, use);
	t->count--;
	t->bytes -= one->bytes;
}

static struct transaction *find_last_and_unlink(struct transactions *t, const char *instance)
{
	struct transaction *one;

	LIST_FOREACH (one, bucket_of(t, instance), same)
		if (is_same_process(one->instance, instance))
			break;
	if (one)
		unlink_one(t, one);
	return one;
}

struct transaction *transactions_take(struct transactions *t, const char *instance)
{
	struct transaction *one = NULL;

	if (strlen(instance) > INSTANCE_MAX)
		instance = "";
	if (instance[0])
		one = UNDER(&t->lock, find_last_and_unlink(t, instance));
	if (one && strcmp(one->instance, instance) != 0) {
		discard(one);
		one = NULL;
	}
	if (!one)
		one = calloc(1, sizeof(*one));
	if (one)
		snprintf(one->instance, sizeof(one->instance), "%s", instance);
	return one;
}

static void link_one(struct transactions *t, struct transaction *one)
{
	LIST_INSERT_HEAD(bucket_of(t, one->instance), one, same);
	TAILQ_INSERT_HEAD(&t->by_use, one, use);
	t->count++;
	one->bytes = sizeof(*one) + (one->session ? session_bytes(one->session) : 0);
	t->bytes += one->bytes;
}

static bool has_surplus(const struct transactions *t, int64_t now)
{
	const struct transaction *oldest = TAILQ_LAST(&t->by_use, uses);

	return oldest && (t->count > TRANSACTIONS_MAX || t->bytes > TRANSACTIONS_BYTES ||
			     now - oldest->used >= TRANSACTIONS_PATIENCE);
}

/* The caller discards surplus without the lock. */
static void shrink(struct transactions *t, int64_t now, struct uses *surplus)
{
	/* Drops two for each new one, so that the table shrinks again, and all that exceed the
	 * bytes. */
	for (unsigned i = 0; has_surplus(t, now) && (i < 2 || t->bytes > TRANSACTIONS_BYTES); i++) {
		struct transaction *one = TAILQ_LAST(&t->by_use, uses);

		unlink_one(t, one);
		TAILQ_INSERT_HEAD(surplus, one, use);
	}
}

void transactions_put(struct transactions *t, struct transaction *one)
{
	struct uses surplus = TAILQ_HEAD_INITIALIZER(surplus);

	if (!one->instance[0]) {
		discard(one);
		return;
	}
	int64_t now = one->used = clock_steady();
	pthread_mutex_lock(&t->lock);
	/* No smtpd(8) sends two requests of a message at once, but other peers may. */
	struct transaction *same = find_last_and_unlink(t, one->instance);
	link_one(t, one);
	shrink(t, now, &surplus);
	pthread_mutex_unlock(&t->lock);
	discard(same);
	discard_all(&surplus);
}

unsigned transactions_count(struct transactions *t)
{
	LOCKED(&t->lock);
	return t->count;
}
