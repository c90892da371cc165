/* SPDX-License-Identifier: ISC */
/* Configurations as files: the installed one, files that are none, random bytes. */
#include "tests/unit/base/settings_fixture.h"

/* The printed defaults form a settings file, as in the documentation's table. */
static void test_defaults_can_be_read(void **state)
{
	struct settings s;
	struct err err = {{0}};
	char *text;

	(void)state;
	assert_int_equal(load_text(defaults, &s, &err), 0);
	assert_int_equal(s.socket_mode, 0660);
	assert_int_equal(s.index_map_size, INT64_C(256) << 20);
	assert_false(s.login_exact);
	text = printed(&s);
	assert_string_equal(text, defaults);
	free(text);
	settings_release(&s);
}

/*
 * The installed file has each key with its default, commented out: without the comments nothing
 * changes, and no key is missing. Needs the source tree as working directory.
 */
static void test_installed_file(void **state)
{
	static const char file[] = "conf/pqpurge.conf";
	char line[1024], *text;
	struct strbuf taken_in = {0};
	struct settings s;
	struct err err = {{0}};
	size_t keys = 0;
	FILE *in = fopen(file, "r");

	(void)state;
	if (!in)
		skip();
	while (fgets(line, sizeof(line), in)) {
		bool is_key = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';

		keys += is_key;
		strbuf_puts(&taken_in, line + is_key);
	}
	fclose(in);
	assert_int_equal(settings_load(file, &s, &err), 0);
	settings_release(&s);
	if (load_text(strbuf_text(&taken_in), &s, &err) != 0)
		case_fail(file, "%s", err.text);
	text = printed(&s);
	assert_string_equal(text, defaults);
	for (const char *at = text; *at; at++)
		keys -= *at == '\n';
	assert_int_equal(keys, 0);
	free(text);
	settings_release(&s);
	strbuf_release(&taken_in);
}

static void test_odd_bytes(void **state)
{
	struct settings s;
	struct err err;
	size_t size = ((size_t)1 << 20) + 1;
	char *big = malloc(size);

	(void)state;
	assert_non_null(big);
	assert_int_equal(load_bytes("user = a\0b\n", 11, &s, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "NUL"));
	memset(big, '\n', size);
	assert_int_equal(load_bytes(big, size, &s, &err), ERR_CONFIG);
	assert_non_null(strstr(err.text, "File too large"));
	assert_int_equal(load_bytes(big, size - 1, &s, &err), 0);
	settings_release(&s);
	free(big);
}

static void test_files(void **state)
{
	struct settings s;
	struct err err = {{0}};
	char want[256];

	(void)state;
	assert_int_equal(settings_load("/no/such/file", &s, &err), ERR_CONFIG);
	assert_string_equal(err.text, "failed to open '/no/such/file' (No such file or directory)");
	assert_int_equal(settings_load(directory, &s, &err), ERR_CONFIG);
	snprintf(want, sizeof(want), "failed to read '%s' (Is a directory)", directory);
	assert_string_equal(err.text, want);
	assert_int_equal(settings_load("/dev/null", &s, &err), 0);
	settings_release(&s);
	settings_release(&s);
	if (access(SETTINGS_DEFAULT_FILE, F_OK) == 0)
		return;
	assert_int_equal(settings_load(NULL, &s, &err), 0);
	assert_string_equal(s.user, "pqpurge");
	settings_release(&s);
}

/* In a child, since the limit would stay. Not under sanitizers, which need more than any limit. */
static void test_address_space(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)state;
	skip();
#else
	struct rlimit limit = {.rlim_cur = 1u << 30, .rlim_max = 1u << 30};
	struct settings s;
	struct err err = {{0}};
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setrlimit(RLIMIT_AS, &limit) < 0)
			_exit(1);
		if (load_text("\nindex_map_size = 2G", &s, &err) != ERR_CONFIG)
			_exit(2);
		if (!strstr(err.text, ":2: index_map_size does not fit"))
			_exit(3);
		if (load_text("", &s, &err) != 0)
			_exit(4);
		_exit(load_text("index_map_size = 512M", &s, &err) == 0 ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
#endif
}

UNIT_MAIN(IN_DIRECTORY(test_defaults_can_be_read), IN_DIRECTORY(test_installed_file),
    IN_DIRECTORY(test_odd_bytes), IN_DIRECTORY(test_files), IN_DIRECTORY(test_address_space))
