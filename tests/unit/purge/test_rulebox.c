/* SPDX-License-Identifier: ISC */
/* All rules as the command sees them, of a file and of an index that lives. */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "index/home.h"
#include "index/rulebook.h"
#include "purge/rules/rulebox.h"

#define MAP_SIZE (INT64_C(16) << 20)
#define WALL     1000

struct fixture {
	char directory[64], file[80];
	struct settings settings;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-rulebox.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->file, sizeof(f->file), "%s/rules", f->directory);
	f->settings.index_directory = f->directory;
	f->settings.rules_file = f->file;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {
	    "data.mdb", "lock.mdb", "lock", "run", "journal", "rules"};
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->directory, names[i]);
		unlink(path);
	}
	rmdir(f->directory);
	free(f);
	return 0;
}

static void write_file(const struct fixture *f, const char *text)
{
	FILE *to = fopen(f->file, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

/* An index with these rules, a line each as in the file; "" ends them. */
static void write_index(const struct fixture *f, const char *const *lines)
{
	struct home home;
	struct err err;
	struct rule r;
	struct txn txn;

	assert_int_equal(home_open(f->directory, MAP_SIZE, false, &home, &err), 0);
	assert_int_equal(txn_begin(home.store, true, &txn), 0);
	for (; **lines; lines++) {
		assert_int_equal(rule_parse(*lines, &r, NULL), 0);
		assert_int_equal(rulebook_set(&txn, &r), 0);
		rule_release(&r);
	}
	rulebook_add_hits(&txn, "bad.example", 7);
	rulebook_add_file_hits(&txn, "file.example", 5);
	assert_int_equal(txn_commit(&txn, &err), 0);
	home_close(&home);
}

static struct rulebox read_box(const struct fixture *f, const struct rulebox_question *question)
{
	struct rulebox box;
	struct err err = {{0}};

	if (rulebox_read(&f->settings, WALL, question, &box, &err) != 0)
		fail_msg("%s", err.text);
	return box;
}

static void test_both_as_text(void **state)
{
	static const char *const lines[] = {"/spam[0-9]/ HOLD", "bad.example REJECT", ""};
	struct fixture *f = *state;

	write_file(f, "# file\nfile.example DEFER\n");
	write_index(f, lines);
	struct rulebox box = read_box(f, NULL);
	assert_int_equal(box.command.count, 2);
	assert_string_equal(box.command.list[0].subject, "/spam[0-9]/");
	assert_null(box.command.list[0].regex);
	assert_string_equal(box.command.list[1].subject, "bad.example");
	assert_int_equal(box.command.list[1].hits, 7);
	assert_int_equal(box.file.count, 1);
	assert_int_equal(box.file.list[0].hits, 5);
	assert_int_equal(box.file.list[0].line, 2);
	assert_null(box.decides);
	rulebox_release(&box);
}

/* What decides is found where it may be compiled, and named by its place. */
static void test_deciding(void **state)
{
	static const char *const lines[] = {
	    "/spam[0-9]/ HOLD", "bad.example REJECT", "warn.example WARN", ""};
	static const struct {
		const char *address, *decides, *warned;
	} rows[] = {
	    {"a@bad.example", "bad.example", NULL},
	    {"spam1@x.example", "/spam[0-9]/", NULL},
	    {"a@file.example", "file.example", NULL},
	    {"a1@file.test", "/1@file/", NULL},
	    {"spam1@warn.example", "/spam[0-9]/", "warn.example"},
	    {"a@good.example", NULL, NULL},
	};
	struct fixture *f = *state;

	write_file(f, "file.example DEFER\n/1@file/ OK\n");
	for (unsigned turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			struct address address;
			const struct ruleset_query query = {.address = &address, .wall = WALL};
			const struct rulebox_question question = {.query = &query};
			bool of_file = rows[i].decides && strstr(rows[i].decides, "file");

			address_envelope(rows[i].address, NULL, &address);
			struct rulebox box = read_box(f, &question);
			case_assert(rows[i].address, box.no_index == (turn == 0));
			if (rows[i].decides && (turn > 0 || of_file)) {
				case_assert(rows[i].address, box.decides != NULL);
				case_assert_text(
				    rows[i].address, box.decides->subject, rows[i].decides);
			} else {
				case_assert(rows[i].address, !box.decides);
			}
			case_assert(rows[i].address, !box.warned == !(turn > 0 && rows[i].warned));
			rulebox_release(&box);
		}
		if (turn == 0)
			write_index(f, lines);
	}
}

static void test_outranking(void **state)
{
	static const char *const lines[] = {"a@bad.example OK", "b@bad.example OK",
	    "c@bad.example OK", "d@bad.example OK", "x@other.example OK", ""};
	struct fixture *f = *state;
	struct rule_list blocked = {0};
	const struct rulebox_question question = {.blocked = &blocked};
	struct rule r;

	assert_int_equal(rule_make("bad.example", RULE_REJECT, NULL, &r, NULL), 0);
	assert_int_equal(rule_list_add(&blocked, &r), 0);
	write_file(f, "file@bad.example OK\n");
	struct rulebox box = read_box(f, &question);
	assert_int_equal(box.outranking_count, 1);
	assert_string_equal(box.outranking[0].passing->subject, "file@bad.example");
	assert_ptr_equal(box.outranking[0].blocked, &blocked.list[0]);
	rulebox_release(&box);

	write_index(f, lines);
	box = read_box(f, &question);
	assert_int_equal(box.outranking_count, 5);
	assert_string_equal(box.outranking[0].passing->subject, "a@bad.example");
	assert_string_equal(box.outranking[4].passing->subject, "file@bad.example");
	rulebox_release(&box);

	write_file(f, "file@bad.example OK\nmore@bad.example OK\n");
	box = read_box(f, &question);
	assert_int_equal(box.outranking_count, 6);
	rulebox_release(&box);
	rule_list_release(&blocked);
}

static void test_wrong_file(void **state)
{
	static const char *const lines[] = {"bad.example REJECT", ""};
	struct fixture *f = *state;

	write_file(f, "what is this\n");
	write_index(f, lines);
	struct rulebox box = read_box(f, NULL);
	assert_non_null(strstr(box.broken.text, "rules:1:"));
	assert_int_equal(box.file.count, 0);
	assert_int_equal(box.command.count, 1);
	rulebox_release(&box);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(
    TEST(test_both_as_text), TEST(test_deciding), TEST(test_outranking), TEST(test_wrong_file))
