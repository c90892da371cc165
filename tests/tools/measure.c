/* SPDX-License-Identifier: ISC */
/*
 * Runs a command and writes to FILE the bytes of memory of its largest process. It is small, since
 * the kernel counts what a process was before exec(), and quick, since tests run it a thousand
 * times.
 *
 *   measure FILE COMMAND...
 */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *path, long long bytes)
{
	FILE *out = fopen(path, "w");

	if (!out || fprintf(out, "%lld", bytes) < 0 || fclose(out) != 0)
		err(125, "%s", path);
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status;

	if (argc < 3)
		errx(125, "usage: measure FILE COMMAND...");
	pid_t child = fork();
	if (child < 0)
		err(125, "fork");
	if (child == 0) {
		execv(argv[2], argv + 2);
		err(125, "%s", argv[2]);
	}
	if (wait4(child, &status, 0, &used) != child)
		err(125, "wait4");
	tell(argv[1], 1024LL * used.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
