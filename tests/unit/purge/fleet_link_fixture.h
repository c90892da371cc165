/* SPDX-License-Identifier: ISC */
/* The command with a script as its link. The script is a file beside the test program, so only one
 * test at a time may use this. */
#pragma once

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/io.h"
#include "purge/command.h"
#include "purge/fleet/fleet_link.h"
#include "purge/interrupt.h"

static char program[4096], requests[4096], conf[4096], errors[4096];

static inline void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static inline char *read_file(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	text[len] = '\0';
	if (file)
		fclose(file);
	return text;
}

/* A link that answers its n-th request with the n-th line, and then ends. */
static inline void answer_with(const char *answers)
{
	struct strbuf script = {0};

	strbuf_printf(&script,
	    "#!/bin/sh\nwhile IFS= read -r answer <&3; do IFS= read -r line || exit; "
	    "printf '%%s\\n' \"$line\" >>%s; printf '%%s\\n' \"$answer\"; done 3<<'END'\n%sEND\n",
	    requests, answers);
	assert_false(script.failed);
	unlink(requests);
	write_file(program, script.text, 0755);
	strbuf_release(&script);
}

/* Runs a line in a child; *ret_out is its output. */
static inline int run(const char *line, char **ret_out)
{
	static char text[65536];
	char words[512], *rest = NULL, *argv[24] = {(char[]){"pqpurge-idx"}, (char[]){"-c"}, conf};
	int argc = 3, pipes[2], status;
	ssize_t len;
	pid_t child;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &rest); word && argc < 23;
	     word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		FILE *null = freopen("/dev/null", "r", stdin), *err = freopen(errors, "w", stderr);

		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		interrupt_begin();
		status = null && err ? command_run(argc, argv, NULL) : 99;
		fflush(NULL);
		_exit(status);
	}
	close(pipes[1]);
	len = io_read_all(pipes[0], text, sizeof(text) - 1);
	close(pipes[0]);
	text[len > 0 ? len : 0] = '\0';
	assert_int_equal(waitpid(child, &status, 0), child);
	*ret_out = text;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The link must be beside the program, so beside the test. */
static inline int make_link(void **state)
{
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 64);
	char directory[4096];

	(void)state;
	assert_true(len > 0);
	program[len] = '\0';
	*strrchr(program, '/') = '\0';
	memcpy(directory, program, sizeof(directory));
	snprintf(requests, sizeof(requests), "%.4000s/fleet-link.requests", directory);
	snprintf(conf, sizeof(conf), "%.4000s/fleet-link.conf", directory);
	snprintf(errors, sizeof(errors), "%.4000s/fleet-link.errors", directory);
	snprintf(program, sizeof(program), "%.4000s/" FLEET_LINK_PROGRAM, directory);
	write_file(conf, "fleet = \"service=test\"\n", 0644);
	return 0;
}

static inline int clear_link(void **state)
{
	(void)state;
	unlink(program);
	unlink(requests);
	unlink(conf);
	unlink(errors);
	return 0;
}
