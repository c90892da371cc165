/* SPDX-License-Identifier: ISC */
/* A directory for a configuration, and settings read from text written there. */
#ifndef PQPURGE_TESTS_BASE_SETTINGS_FIXTURE_H
#define PQPURGE_TESTS_BASE_SETTINGS_FIXTURE_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/settings/settings.h"
#include "base/str.h"

static char directory[64], path[128];

static inline int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/pqpurge-settings-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/x.conf", directory);
	return 0;
}

static inline int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static inline int load_bytes(const char *text, size_t len, struct settings *s, struct err *err)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, len), 0);
	io_close(&fd);
	return settings_load(path, s, err);
}

static inline int load_text(const char *text, struct settings *s, struct err *err)
{
	return load_bytes(text, strlen(text), s, err);
}

/* Free it. */
static inline char *printed(const struct settings *s)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	settings_print(s, to);
	fclose(to);
	return text;
}

static const char defaults[] =
    "socket = \"unix:/var/spool/postfix/pqpurge/milter.sock\"\n"
    "socket_group = \"postfix\"\n"
    "socket_mode = 0660\n"
    "policy_socket = \"\"\n"
    "user = \"pqpurge\"\n"
    "index_directory = \"/run/pqpurge\"\n"
    "state_directory = \"/var/lib/pqpurge\"\n"
    "index_map_size = \"256M\"\n"
    "rules_file = \"/etc/pqpurge/rules\"\n"
    "postfix_config_directory = \"/etc/postfix\"\n"
    "postsuper_jobs = 0\n"
    "log = \"syslog\"\n"
    "record_subject = false\n"
    "max_recipients = 1000\n"
    "origin = \"\"\n"
    "login_case = \"ignore\"\n"
    "own_networks = \"127.0.0.0/8 ::1\"\n"
    "order_directory = \"/run/pqpurge-order\"\n"
    "standing_directory = \"/var/lib/pqpurge-standing\"\n"
    "operator_group = \"\"\n"
    "operator_allow = \"list top why hold release\"\n"
    "hook_user = \"nobody\"\n"
    "fleet = \"\"\n"
    "fleet_name = \"\"\n"
    "fleet_user = \"pqpurge-fleet\"\n"
    "fleet_allow = \"purge hold release undo list top why status block\"\n"
    "fleet_max_messages = 0\n"
    "flood_watch = \"warn\"\n"
    "flood_exempt = {}\n"
    "flood_hook = \"\"\n";

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

#endif
