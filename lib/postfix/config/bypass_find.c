/* SPDX-License-Identifier: ISC */
/* The facts of a living Postfix, gathered for bypass_check. */
#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postfix/config/bypass_advice.h"
#include "postfix/config/checks.h"

#define GROUPS_MAX 64

static bool same_file(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static int look(void *arg, const char *table, const char *action, struct err *err)
{
	return checks_have(arg, table, action, err);
}

/* As mail_owner, with its primary group alone: 0 or the errno of what stands in the way. */
static int try_socket(void *arg, struct bytes *out, struct err *err)
{
	(void)err;
	bytes_put_u32(out, access(arg, W_OK) == 0 ? 0 : (uint32_t)errno);
	return 0;
}

/* Postfix's processes have mail_owner's other groups, too, which the child has not. */
static bool may_by_group(const struct role *owner, const struct stat *st)
{
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (st->st_gid == owner->gid || !(st->st_mode & S_IWGRP))
		return false;
	if (getgrouplist(owner->name, owner->gid, groups, &count) < 0)
		return true; /* too many to know */
	for (int n = 0; n < count; n++)
		if (groups[n] == st->st_gid)
			return true;
	return false;
}

static void check_socket(const struct postfix *p, const char *path, struct findings *to)
{
	struct blob blob = {0};
	struct stat st;

	if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		findings_add(to, "socket_missing", FINDING_FAULT,
		    "systemctl restart pqpurge-milter",
		    "the daemon's socket %s is gone; Postfix cannot connect", path);
		return;
	}
	if (role_collect(&p->owner, try_socket, (void *)path, &blob, NULL) == 0) {
		struct reader r = reader_of(blob.at, blob.len);
		int error = (int)reader_u32(&r);

		if (error && !may_by_group(&p->owner, &st))
			findings_add(to, "socket_denied", FINDING_FAULT, "",
			    "user %s may not connect to %s (%s): see socket_group and socket_mode "
			    "in pqpurge.conf(5), and the directories above",
			    p->mail_owner, path, strerror(error));
	}
	blob_release(&blob);
}

int bypass_find(const struct postfix *p, const struct bypass_facts *facts, bool daemon_runs,
    struct findings *to, struct err *err)
{
	const char *path = milter_path(facts->socket);
	struct bypass_facts all = *facts;
	struct mailconf conf = {0};
	int code = mailconf_read(p, bypass_parameters, &conf, err);

	if (code < 0)
		return code;
	all.conf = &conf;
	all.config_directory = p->config_directory;
	all.queue_directory = p->queue_directory;
	all.same_file = same_file;
	all.look = look;
	all.arg = (void *)p;
	bypass_check(&all, to);
	if (daemon_runs && path)
		check_socket(p, path, to);
	mailconf_release(&conf);
	return 0;
}
