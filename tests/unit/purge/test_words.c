/* SPDX-License-Identifier: ISC */
/* Small parts: addresses as text, suggestions, exit codes, the owner of a settings file. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/io.h"
#include "base/str.h"
#include "purge/session.h"
#include "purge/tell/wording.h"

static void test_address(void **state)
{
	static const struct {
		const char *name, *normal, *want;
	} cases[] = {
	    {"plain", "a.b@example.com", "a.b@example.com"},
	    {"null sender", "", "MAILER-DAEMON"},
	    {"blank", "a b@example.com", "\"a b\"@example.com"},
	    {"at sign", "a@b@example.com", "\"a@b\"@example.com"},
	    {"quote and backslash", "a\"\\b@example.com", "\"a\\\"\\\\b\"@example.com"},
	    {"leading dot", ".a@example.com", "\".a\"@example.com"},
	    {"trailing dot", "a.@example.com", "\"a.\"@example.com"},
	    {"two dots", "a..b@example.com", "\"a..b\"@example.com"},
	    {"8 bits", "\303\274@example.com", "\303\274@example.com"},
	    {"no domain", "root", "root"},
	    {"empty local part", "@example.com", "\"\"@example.com"},
	};
	struct strbuf got = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		wording_address(cases[i].normal, &got);
		case_assert_text(cases[i].name, strbuf_text(&got), cases[i].want);
	}
	strbuf_release(&got);
}

static void test_address_text(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(wording_address_text("", buf, sizeof(buf)), "<>");
	assert_string_equal(wording_address_text("a@b.example", buf, sizeof(buf)), "a@b.example");
	assert_string_equal(
	    wording_address_text("long@domain.example", buf, sizeof(buf)), "long@domain....");
	assert_string_equal(
	    wording_address_text("abcdefghijk\303\274lmno@d.example", buf, sizeof(buf)),
	    "abcdefghijk...");
	assert_null(strpbrk(wording_address_text("\033[1m@b", buf, sizeof(buf)), "\033"));
}

static void test_spell(void **state)
{
	static const char *const words[] = {"purge", "hold", "release", "list", "rules"};
	static const struct {
		const char *name, *want;
	} cases[] = {{"purg", "purge"}, {"pruge", "purge"}, {"lst", "list"}, {"rule", "rules"},
	    {"relaese", "release"}, {"x", NULL}, {"frobnicate", NULL}, {"", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spell spell = {0};

		for (size_t w = 0; w < COUNT_OF(words); w++)
			spell_consider(&spell, cases[i].name, words[w]);
		if (!cases[i].want)
			case_assert(cases[i].name, spell.best == NULL);
		else {
			case_assert(cases[i].name, spell.best != NULL);
			case_assert_text(cases[i].name, spell.best, cases[i].want);
		}
	}
}

/* 1 = nothing was begun, 2 = something failed. */
static void test_exit_of(void **state)
{
	(void)state;
	assert_int_equal(session_exit_of(ERR_USAGE), 1);
	assert_int_equal(session_exit_of(ERR_CONFIG), 1);
	assert_int_equal(session_exit_of(ERR_NO_INDEX), 1);
	assert_int_equal(session_exit_of(ERR_DAMAGED), 1);
	assert_int_equal(session_exit_of(-EPERM), 1);
	assert_int_equal(session_exit_of(ERR_INSTANCE), 1);
	assert_int_equal(session_exit_of(ERR_STOPPED), 3);
	assert_int_equal(session_exit_of(ERR_CHILD), 2);
	assert_int_equal(session_exit_of(ERR_TIMEOUT), 2);
	assert_int_equal(session_exit_of(-ENOMEM), 2);
}

/* A settings file is not root's if others can change the file or its directory. */
static void test_is_roots(void **state)
{
	char directory[] = "/tmp/unit.XXXXXX", file[64], inner[64];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(directory));
	snprintf(inner, sizeof(inner), "%s/in", directory);
	snprintf(file, sizeof(file), "%s/in/conf", directory);
	assert_int_equal(mkdir(inner, 0755), 0);
	fclose(fopen(file, "w"));
	assert_int_equal(chmod(file, 0644), 0);
	assert_true(io_is_roots(file)); /* /tmp is sticky */
	assert_int_equal(chmod(file, 0664), 0);
	assert_false(io_is_roots(file));
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(chmod(inner, 0777), 0);
	assert_false(io_is_roots(file));
	assert_int_equal(chmod(inner, 0755), 0);
	assert_int_equal(chown(inner, 1, 0), 0);
	assert_false(io_is_roots(file));
	assert_int_equal(chown(inner, 0, 0), 0);
	assert_int_equal(chown(file, 1, 0), 0);
	assert_false(io_is_roots(file));
	unlink(file);
	assert_false(io_is_roots(file));
	assert_int_equal(symlink("/etc", file), 0);
	assert_true(io_is_roots(file));
	assert_int_equal(lchown(file, 1, 0), 0);
	assert_false(io_is_roots(file));
	unlink(file);
	rmdir(inner);
	rmdir(directory);
}

static void test_command(void **state)
{
	struct session s = {0};
	char buf[64];

	(void)state;
	assert_string_equal(session_command(&s, "sync", buf, sizeof(buf)), "pqpurge-idx sync");
	s.options.config = "/x.conf";
	assert_string_equal(
	    session_command(&s, "sync", buf, sizeof(buf)), "pqpurge-idx -c /x.conf sync");
}

UNIT_MAIN(cmocka_unit_test(test_address), cmocka_unit_test(test_address_text),
    cmocka_unit_test(test_spell), cmocka_unit_test(test_exit_of), cmocka_unit_test(test_is_roots),
    cmocka_unit_test(test_command))
