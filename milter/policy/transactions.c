/* SPDX-License-Identifier: ISC */
#include "milter/policy/transactions.h"

#include "base/clock.h"
#include "base/lock.h"

#define BUCKETS 1024

struct transactions {
	pthread_mutex_t lock;
	struct transaction *newest, *oldest;
	unsigned count;
	size_t bytes;
	struct transaction *buckets[BUCKETS];
};

struct transactions *transactions_new(void)
{
	struct transactions *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void discard(struct transaction *one)
{
	if (!one)
		return;
	session_free(one->session);
	free(one);
}

void transactions_free(struct transactions *t)
{
	if (!t)
		return;
	while (t->newest) {
		struct transaction *next = t->newest->older;

		discard(t->newest);
		t->newest = next;
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* By the process, with FNV-1a. */
static struct transaction **bucket_of(struct transactions *t, const char *instance)
{
	uint32_t hash = 2166136261u;

	for (const char *c = instance; *c && *c != '.'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return &t->buckets[hash % BUCKETS];
}

static bool is_same_process(const char *a, const char *b)
{
	size_t len = strcspn(a, ".");

	return len == strcspn(b, ".") && memcmp(a, b, len) == 0;
}

static void unlink_one(struct transactions *t, struct transaction *one)
{
	struct transaction **at = bucket_of(t, one->instance);

	while (*at != one)
		at = &(*at)->same;
	*at = one->same;
	*(one->newer ? &one->newer->older : &t->newest) = one->older;
	*(one->older ? &one->older->newer : &t->oldest) = one->newer;
	t->count--;
	t->bytes -= one->bytes;
}

static struct transaction *find_last_and_unlink(struct transactions *t, const char *instance)
{
	struct transaction *one = *bucket_of(t, instance);

	while (one && !is_same_process(one->instance, instance))
		one = one->same;
	if (one)
		unlink_one(t, one);
	return one;
}

struct transaction *transactions_take(struct transactions *t, const char *instance)
{
	struct transaction *one = NULL;

	if (strlen(instance) > INSTANCE_MAX)
		instance = "";
	if (instance[0]) {
		pthread_mutex_lock(&t->lock);
		one = find_last_and_unlink(t, instance);
		pthread_mutex_unlock(&t->lock);
	}
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
	struct transaction **bucket = bucket_of(t, one->instance);

	one->same = *bucket;
	*bucket = one;
	one->newer = NULL;
	one->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = one;
	t->newest = one;
	t->count++;
	one->bytes = sizeof(*one) + (one->session ? session_bytes(one->session) : 0);
	t->bytes += one->bytes;
}

static bool has_surplus(const struct transactions *t, int64_t now)
{
	return t->oldest && (t->count > TRANSACTIONS_MAX || t->bytes > TRANSACTIONS_BYTES ||
				now - t->oldest->used >= TRANSACTIONS_PATIENCE);
}

/* Unlinks what must go. Returns a list by `same`, which the caller discards without the lock. */
static struct transaction *shrink(struct transactions *t, int64_t now)
{
	struct transaction *surplus = NULL;

	/* Two for each new one, so that the table shrinks again. Large ones go at once. */
	for (unsigned i = 0; has_surplus(t, now) && (i < 2 || t->bytes > TRANSACTIONS_BYTES); i++) {
		struct transaction *one = t->oldest;

		unlink_one(t, one);
		one->same = surplus;
		surplus = one;
	}
	return surplus;
}

void transactions_put(struct transactions *t, struct transaction *one)
{
	if (!one->instance[0]) {
		discard(one);
		return;
	}
	int64_t now = one->used = clock_steady();
	pthread_mutex_lock(&t->lock);
	/* No smtpd sends two requests of a message at once, but other peers may. */
	struct transaction *same = find_last_and_unlink(t, one->instance);
	link_one(t, one);
	struct transaction *surplus = shrink(t, now);
	pthread_mutex_unlock(&t->lock);
	discard(same);
	while (surplus) {
		struct transaction *next = surplus->same;

		discard(surplus);
		surplus = next;
	}
}

unsigned transactions_count(struct transactions *t)
{
	LOCKED(&t->lock);
	return t->count;
}
