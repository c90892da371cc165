/* SPDX-License-Identifier: ISC */
/*
 * Selection and proof as the command does them, apart from all else: bench_spool SPOOL OWNER INDEX
 * DOMAIN, on a queue that make_queue made. Lines as those of bench_index.
 */
#include <inttypes.h>
#include <pwd.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "index/rows/select.h"
#include "postfix/spool/spool.h"

#define ROUNDS 7

static void __attribute__((noreturn)) die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench_spool: %s: %s\n", what, err->text);
	exit(1);
}

/* CPU of the children that ended, in microseconds. */
static int64_t used(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
		return 0;
	return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void tell(const char *what, uint64_t count, int64_t began, int64_t cpu)
{
	(void)printf("%s\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\n", what, count,
	    clock_steady() - began, used() - cpu);
}

static const struct message *message_at(void *arg, size_t n)
{
	static struct message message;

	message = candidate_message(&((const struct candidates *)arg)->list[n]);
	return &message;
}

static void measure(const struct postfix *p, const char *index, const struct selector *s)
{
	struct candidates c;
	struct proof *proofs;
	struct err err = {0};
	int64_t began = clock_steady(), cpu = used();
	uint64_t same = 0;

	if (index_select(index, s, &c, &err) != 0)
		die("index_select", &err);
	tell("select", c.count, began, cpu);
	began = clock_steady();
	cpu = used();
	if (spool_prove(p, message_at, &c, c.count, &proofs, &err) != 0)
		die("spool_prove", &err);
	tell("prove", c.count, began, cpu);
	for (size_t n = 0; n < c.count; n++)
		same += proofs[n].state == PROOF_SAME;
	if (same != c.count)
		(void)fprintf(stderr, "bench_spool: %" PRIu64 " of %zu proven\n", same, c.count);
	free(proofs);
	candidates_release(&c);
}

int main(int argc, char **argv)
{
	struct postfix p = {.hashed_queues = QUEUE_DEFERRED, .hash_depth = 1};
	struct passwd *owner;
	struct selector s;
	struct pattern pattern;
	struct err err = {0};

	if (argc != 5) {
		(void)fprintf(stderr, "usage: bench_spool SPOOL OWNER INDEX DOMAIN\n");
		return 1;
	}
	owner = getpwnam(argv[2]);
	if (!owner)
		return 1;
	p.queue_directory = argv[1];
	p.owner = (struct role){.uid = owner->pw_uid, .gid = owner->pw_gid};
	selector_init(&s);
	if (pattern_parse(argv[4], &pattern, &err) != 0 ||
	    pattern_set_add(&s.author, &pattern) != 0)
		die(argv[4], &err);
	selector_seal(&s);
	for (int round = 0; round < ROUNDS; round++)
		measure(&p, argv[3], &s);
	selector_release(&s);
	return 0;
}
