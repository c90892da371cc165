/* SPDX-License-Identifier: ISC */
/*
 * Settings files. An accepted file can be printed and read again with the same meaning. A refused
 * one is refused with file and line, and leaves no trace in the next one.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/settings/settings.h"
#include "tests/fuzz/fuzz.h"

static int load(const void *text, size_t len, struct settings *ret, struct err *err)
{
	char path[64];
	int fd = memfd_create("settings", MFD_CLOEXEC);

	fuzz_require(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int code = settings_load(path, ret, err);
	close(fd);
	return code;
}

/* Free it. */
static char *print(const struct settings *s, size_t *ret_len)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, ret_len);

	fuzz_require(to != NULL);
	settings_print(s, to);
	fclose(to);
	return text;
}

static void check_accepted(struct settings *s)
{
	struct settings again = {0};
	struct err err = {{0}};
	size_t len, len_again;
	char *text = print(s, &len);
	int code = load(text, len, &again, &err);

	if (code != 0)
		fprintf(stderr, "%s\n%s", err.text, text);
	fuzz_require(code == 0);
	char *text_again = print(&again, &len_again);
	fuzz_require(len == len_again && memcmp(text, text_again, len) == 0);
	fuzz_require(s->max_recipients >= 1 && s->max_recipients <= 100000);
	fuzz_require(s->postsuper_jobs >= 0 && s->postsuper_jobs <= 64);
	fuzz_require(s->index_map_size > 0 && s->index_directory[0] == '/');
	free(text);
	free(text_again);
	settings_release(&again);
}

static void check_next(void)
{
	static const char plain[] = "origin = \"next.example\"\n";
	struct settings s = {0};
	struct err err = {{0}};

	fuzz_require(load(plain, sizeof(plain) - 1, &s, &err) == 0);
	fuzz_require(strcmp(s.origin, "next.example") == 0);
	settings_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s = {0};
	struct err err = {{0}};

	if (load(data, size, &s, &err) == 0) {
		check_accepted(&s);
		settings_release(&s);
	} else {
		fuzz_require(strncmp(err.text, "/proc/self/fd/", 14) == 0 ||
			     strstr(err.text, "failed to read"));
		fuzz_require(s.socket == NULL);
	}
	check_next();
	return 0;
}
