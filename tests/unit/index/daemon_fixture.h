/* SPDX-License-Identifier: ISC */
/* Daemons of various behaviour, each in a child that listens on an index directory's socket. */
#ifndef PQPURGE_TESTS_DAEMON_FIXTURE_H
#define PQPURGE_TESTS_DAEMON_FIXTURE_H

#include "tests/unit/index/update_fixture.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/io.h"
#include "index/control/client.h"

/* A daemon's behaviour on one connection, once it has read the request. */
struct manner {
	const char *name;
	void (*answer)(int fd, struct json *request, int body);
	/* The command's result. */
	int want;
	const char *words;
};

static inline void send_line(int fd, const char *text, int memory)
{
	struct strbuf line = {0};

	strbuf_puts(&line, text);
	strbuf_putc(&line, '\n');
	(void)!wire_send_text(fd, &line, memory, clock_steady() + USEC_PER_SEC);
	strbuf_release(&line);
}

static inline void talk(int listener, void (*answer)(int fd, struct json *request, int body))
{
	for (;;) {
		int fd = accept(listener, NULL, NULL), body = -1;
		struct json *request = NULL;
		struct wire wire;

		wire_init(&wire, fd);
		if (wire_receive(
			&wire, &request, &body, clock_steady() + 10 * USEC_PER_SEC, NULL) == 1)
			answer(fd, request, body);
		json_free(request);
		wire_release(&wire);
		if (body >= 0)
			(void)close(body);
		(void)close(fd);
	}
}

/* The daemon listens before this returns. */
static inline pid_t start_daemon(
    const char *dir, void (*answer)(int fd, struct json *request, int body))
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct role owner;
	pid_t pid;

	fixture_role(&owner);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/" INDEX_SOCKET, dir);
	(void)unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(chmod(address.sun_path, 0666), 0);
	assert_int_equal(listen(listener, 5), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		if (role_assume(&owner, false, NULL) != 0)
			_exit(1);
		talk(listener, answer);
		_exit(0);
	}
	assert_int_equal(close(listener), 0);
	return pid;
}

/* ---- the command's side */

static struct settings client_settings;

static inline struct index_client client_of(const char *dir)
{
	static char networks[] = "10.0.0.0/8";

	client_settings = (struct settings){.index_directory = (char *)(uintptr_t)dir,
	    .index_map_size = MAP_SIZE,
	    .own_networks = networks};
	return (struct index_client){.settings = &client_settings};
}

static inline struct selector select_all(void)
{
	struct selector s;

	selector_init(&s);
	s.all = true;
	return s;
}

#endif
