/* SPDX-License-Identifier: ISC */
#include <locale.h>

#include "base/io.h"
#include "base/log.h"
#include "purge/command.h"
#include "purge/interrupt.h"
#include "purge/session.h"

/* A closed stdout becomes an unwritable one, so that a lost report is an error. */
static int guard_stdio(void)
{
	bool no_stdout = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	int code = io_guard_stdio();

	if (code == 0 && no_stdout) {
		AUTO(io_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
			code = -errno;
	}
	return code;
}

int main(int argc, char **argv)
{
	if (guard_stdio() < 0)
		return EXIT_CANNOT;
	setlocale(LC_CTYPE, "");
	interrupt_begin();
	log_open("pqpurge-idx", LOG_TO_SYSLOG, false);
	return command_run(argc, argv, NULL);
}
