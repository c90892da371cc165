/* SPDX-License-Identifier: ISC */
/* A policy front with its own rules, flood watch and index; its answers and its rows. */
#ifndef PQPURGE_TESTS_FRONT_FIXTURE_H
#define PQPURGE_TESTS_FRONT_FIXTURE_H

#include "tests/unit/milter/rulekeeper_fixture.h"

#include <ftw.h>

#include "base/settings/settings_table.h"
#include "index/rows/select.h"
#include "milter/policy/front.h"

#define FRONT_ID "1B2C3D4E5F"

struct front_fixture {
	struct fixture *rules;
	char index[96];
	struct glue_config config;
	struct front *front;
};

static inline int front_remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st, (void)flag, (void)f;
	return remove(path);
}

static inline int front_setup_with(void **state, const char *rules)
{
	struct front_fixture *f = calloc(1, sizeof(*f));
	struct err err;
	void *made;

	assert_int_equal(setup(&made), 0);
	f->rules = made;
	f->rules->settings.flood_watch = FLOOD_WATCH_WARN;
	settings_flood_init(&f->rules->settings);
	write_rules(f->rules, rules);
	open_keeper(f->rules);
	snprintf(f->index, sizeof(f->index), "%s/index", f->rules->directory);
	assert_int_equal(mkdir(f->index, 0700), 0);
	f->config = (struct glue_config){
	    .session = {.origin = "origin.example", .max_recipients = 3},
	    .rules = f->rules->keeper,
	    .index = indexkeeper_new(f->index, INT64_C(16) << 20),
	};
	assert_int_equal(
	    floodkeeper_open(&f->rules->settings, f->rules->keeper, &f->config.floods, &err), 0);
	indexkeeper_start(f->config.index, 0);
	f->front = front_new(&f->config);
	assert_non_null(f->front);
	*state = f;
	return 0;
}

static inline int front_teardown(void **state)
{
	struct front_fixture *f = *state;
	void *made = f->rules;

	front_free(f->front);
	assert_true(indexkeeper_close(f->config.index, 0));
	indexkeeper_free(f->config.index);
	floodkeeper_close(f->config.floods);
	assert_int_equal(nftw(f->index, front_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return teardown(&made);
}

/* Without "action=" and line ends. */
static inline const char *answer_to(
    const struct front_fixture *f, const struct policy_request *asked)
{
	static char text[FRONT_ANSWER_SIZE];
	struct policy_request r = *asked;
	const char **all[] = {&r.instance, &r.queue_id, &r.sender, &r.recipient, &r.login,
	    &r.client, &r.client_port, &r.server, &r.server_port};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (!*all[i])
			*all[i] = "";
	front_answer(f->front, &r, text);
	size_t len = strlen(text);
	assert_true(len > 9 && memcmp(text, "action=", 7) == 0);
	assert_string_equal(text + len - 2, "\n\n");
	assert_null(memchr(text, '\n', len - 2));
	text[len - 2] = '\0';
	return text + 7;
}
#define ASK(f, ...) answer_to(f, &(struct policy_request){__VA_ARGS__})

static inline struct candidates front_rows(const struct front_fixture *f)
{
	struct index *index = indexkeeper_borrow(f->config.index);
	struct bytes out = {0};
	struct candidates rows;
	struct selector all;

	assert_non_null(index);
	selector_init(&all);
	all.all = true;
	assert_int_equal(
	    index_find(index, &all, clock_steady() + 60 * USEC_PER_SEC, &out, NULL), 0);
	indexkeeper_give_back(f->config.index);
	struct blob blob = {.at = out.at, .len = out.len};
	assert_int_equal(select_view(&blob, &rows, NULL), 0);
	rows.made = out;
	selector_release(&all);
	return rows;
}

static inline size_t front_count(const struct front_fixture *f)
{
	struct candidates rows = front_rows(f);
	size_t count = rows.count;

	candidates_release(&rows);
	return count;
}

#endif
