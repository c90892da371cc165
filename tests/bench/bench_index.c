/* SPDX-License-Identifier: ISC */
/*
 * How fast the index is, apart from everything else. Not a test. A tenth of the rows is one
 * domain's, and one in 1,000 has the login "mallory".
 *
 *   bench_index fill DIRECTORY FROM ROWS THREADS   records rows, one a commit
 *   bench_index read DIRECTORY FROM ROWS           completes them, as a catch-up does
 *   bench_index ask DIRECTORY [NAME]               selections, names, opening; each several times
 *   bench_index leave DIRECTORY FROM ROWS          drops them, as a catch-up does
 *   bench_index beside DIRECTORY THREADS SECONDS   commits beside finds, names, updates, prunes
 *
 * Each measurement is one line: a name, how many, microseconds passed, microseconds of CPU (this
 * process and the children it waited for), with tabs between them. `beside` tells of commits: how
 * many, the median and the 99.9th percentile of their microseconds, and the longest.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/index_changes.h"

#define ROUNDS   5
#define MAP_SIZE (INT64_C(8) << 30)

/* ---- asking */

/* A question; NULL: not asked in this way. */
static const struct question {
	const char *name, *author, *login, *recipient;
} questions[] = {
    {"domain", "bad.example", NULL, NULL},
    {"domain-few", "d42.example", NULL, NULL},
    {"login", NULL, "mallory", NULL},
    {"recipient", NULL, NULL, "r1.example.net"},
    {"expression", "/^user1@bad/", NULL, NULL},
};

static void add_pattern(struct pattern_set *set, const char *text)
{
	struct pattern p;
	struct err err = {{0}};

	if (text && (pattern_parse(text, &p, &err) != 0 || pattern_set_add(set, &p) != 0))
		die(text, &err);
}

static void select_by(const struct question *q, struct selector *ret)
{
	selector_init(ret);
	add_pattern(&ret->author, q->author);
	add_pattern(&ret->recipient, q->recipient);
	if (q->login && selector_add_login(ret, q->login) != 0)
		abort();
	selector_seal(ret);
}

static void ask(struct index *ix, const struct question *q)
{
	struct selector s;
	struct err err;

	select_by(q, &s);
	for (int round = 0; round < ROUNDS; round++) {
		struct bytes out = {0};
		struct since began = begin();
		struct reader r;

		if (index_find(ix, &s, INT64_MAX, &out, &err) != 0)
			die(q->name, &err);
		r = reader_of(out.at, out.len);
		tell(q->name, reader_u64(&r), began);
		bytes_release(&out);
	}
	selector_release(&s);
}

static void ask_names(struct index *ix)
{
	struct err err;

	for (int round = 0; round < ROUNDS; round++) {
		struct bytes out = {0};
		struct since began = begin();

		if (index_names(ix, INT64_MAX, &out, &err) != 0)
			die("names", &err);
		tell("names", out.len / sizeof(struct packed_id), began);
		bytes_release(&out);
	}
}

/* As the command asks: through children. */
static void ask_as_command(char *directory, const char *only)
{
	struct settings settings = {.index_directory = directory, .index_map_size = MAP_SIZE};
	struct index_client c = {.settings = &settings};
	struct client_names names;
	struct err err;

	for (int round = 0; round < ROUNDS; round++) {
		struct since began;

		for (size_t i = 0; i < COUNT_OF(questions); i++) {
			struct candidates rows;
			struct selector s;
			char name[64];

			if (only && strcmp(only, questions[i].name) != 0)
				continue;
			select_by(&questions[i], &s);
			(void)snprintf(name, sizeof name, "%s-command", questions[i].name);
			began = begin();
			if (client_select(&c, &s, &rows, &err) != 0)
				die(name, &err);
			tell(name, rows.count, began);
			candidates_release(&rows);
			selector_release(&s);
		}
		began = begin();
		if (client_names(&c, &names, &err) != 0)
			die("names-command", &err);
		tell("names-command", names.count, began);
		client_names_release(&names);
	}
}

/* ---- opening */

static void open_once(const char *directory, const char *name)
{
	struct since began = begin();
	struct index *ix;
	struct err err;

	if (index_open(directory, MAP_SIZE, &ix, NULL, &err) != 0)
		die(name, &err);
	tell(name, ROUNDS, began);
	index_close(ix);
}

static void open_and_die(const char *directory)
{
	pid_t pid = fork();
	struct index *ix;

	if (pid == 0)
		_exit(index_open(directory, MAP_SIZE, &ix, NULL, NULL) != 0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		abort();
}

/* A closed index has a sum; one whose owner was killed is read completely. */
static void open_both(const char *directory)
{
	for (int round = 0; round < ROUNDS; round++) {
		open_once(directory, "open");
		open_and_die(directory);
		open_once(directory, "open-killed");
	}
}

/* ---- commits beside everything else */

struct beside {
	struct index *ix;
	_Atomic bool stop;
	_Atomic uint64_t next;
	uint64_t rows; /* that existed */
};
struct session {
	pthread_t thread;
	struct beside *b;
	uint32_t *took;
	size_t count, cap;
};

static void *commit_rows(void *arg)
{
	struct session *s = arg;
	struct made made = {0};
	struct err err;

	while (!s->b->stop && s->count < s->cap) {
		int64_t began;

		make(s->b->next++, false, &made);
		began = clock_steady();
		if (index_record(s->b->ix, &made.m, &err) != 0)
			die("record", &err);
		s->took[s->count++] = (uint32_t)(clock_steady() - began);
		/* A session does other things between two messages. */
		(void)usleep(1000 + (unsigned)(s->b->next % 64) * 1000);
	}
	release(&made);
	return NULL;
}

static void drop_part(struct index *ix, uint64_t from, size_t count)
{
	struct packed_id left[500];
	struct update u = empty_update();
	struct index_updated sum = {0};

	for (size_t i = 0; i < count; i++) {
		struct queue_id id;

		make_id(from + i, &id);
		if (queue_id_pack(&id, &left[i]) != 0)
			abort();
	}
	u.left = left;
	u.left_count = (uint32_t)count;
	update(ix, &u, &sum);
}

/* The work of the daemon's other threads, one after the other without a pause. */
static void *everything_else(void *arg)
{
	struct beside *b = arg;
	struct index_updated sum = {0};
	struct selector s;
	struct err err;

	select_by(&questions[2], &s);
	for (uint64_t n = 0; !b->stop; n++) {
		struct bytes out = {0};

		read_part(b->ix, n * 2000 % (b->rows + 1), 2000, &sum);
		if (index_find(b->ix, &s, INT64_MAX, &out, &err) != 0 ||
		    index_names(b->ix, INT64_MAX, &out, &err) != 0)
			die("look", &err);
		drop_part(b->ix, (b->rows / 2 + n * 500) % (b->rows + 1), 500);
		if (index_prune(b->ix, &err) < 0)
			die("prune", &err);
		bytes_release(&out);
	}
	selector_release(&s);
	return NULL;
}

static int compare_times(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void tell_times(struct session *sessions, unsigned count)
{
	uint32_t *all = NULL;
	size_t total = 0, at = 0;

	for (unsigned i = 0; i < count; i++)
		total += sessions[i].count;
	all = calloc(total + 1, sizeof *all);
	for (unsigned i = 0; i < count; i++) {
		memcpy(all + at, sessions[i].took, sessions[i].count * sizeof *all);
		at += sessions[i].count;
	}
	qsort(all, total, sizeof *all, compare_times);
	(void)printf("beside\t%zu\t%u\t%u\t%u\n", total, all[total / 2], all[total * 999 / 1000],
	    all[total - 1]);
	free(all);
}

static void beside(struct index *ix, unsigned threads, unsigned seconds)
{
	struct session *sessions = calloc(threads, sizeof *sessions);
	struct beside b = {.ix = ix};
	pthread_t rest;
	struct index_counts c;
	struct err err;

	if (index_count(ix, &c, &err) != 0)
		die("count", &err);
	b.rows = c.rows;
	b.next = c.rows;
	if (pthread_create(&rest, NULL, everything_else, &b) != 0)
		abort();
	for (unsigned i = 0; i < threads; i++) {
		sessions[i] = (struct session){.b = &b, .cap = seconds * 1000};
		sessions[i].took = calloc(sessions[i].cap, sizeof(uint32_t));
		if (pthread_create(&sessions[i].thread, NULL, commit_rows, &sessions[i]) != 0)
			abort();
	}
	(void)sleep(seconds);
	b.stop = true;
	for (unsigned i = 0; i < threads; i++)
		(void)pthread_join(sessions[i].thread, NULL);
	(void)pthread_join(rest, NULL);
	tell_times(sessions, threads);
	for (unsigned i = 0; i < threads; i++)
		free(sessions[i].took);
	free(sessions);
}

static void run(struct index *ix, char **argv, const uint64_t numbers[3])
{
	const char *only = argv[3];

	if (strcmp(argv[1], "fill") == 0)
		fill(ix, numbers[0], numbers[1], numbers[2] ? (unsigned)numbers[2] : 1);
	else if (strcmp(argv[1], "read") == 0)
		read_all(ix, numbers[0], numbers[1]);
	else if (strcmp(argv[1], "leave") == 0)
		leave(ix, numbers[0], numbers[1]);
	else if (strcmp(argv[1], "beside") == 0)
		beside(ix, (unsigned)numbers[0], (unsigned)numbers[1]);
	else if (strcmp(argv[1], "ask") == 0) {
		for (size_t i = 0; i < COUNT_OF(questions); i++)
			if (!only || strcmp(only, questions[i].name) == 0)
				ask(ix, &questions[i]);
		ask_names(ix);
	}
}

int main(int argc, char **argv)
{
	uint64_t numbers[3] = {0};
	struct err err = {{0}};
	struct index *ix;

	if (argc < 3) {
		(void)fprintf(
		    stderr, "usage: bench_index fill|read|ask|leave|beside DIRECTORY [N...]\n");
		return 1;
	}
	for (int i = 3; i < argc && i < 6; i++)
		numbers[i - 3] = strtoull(argv[i], NULL, 10);
	/* Freed memory goes back at once, as if the command had just begun: a child that inherited
	 * it would copy it page by page. */
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	if (index_open(argv[2], MAP_SIZE, &ix, NULL, &err) != 0)
		die("open", &err);
	run(ix, argv, numbers);
	index_close(ix);
	if (strcmp(argv[1], "ask") == 0) {
		ask_as_command(argv[2], argv[3]);
		open_both(argv[2]);
	}
	return 0;
}
