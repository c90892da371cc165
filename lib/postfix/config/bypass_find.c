/* SPDX-License-Identifier: ISC */
#include <grp.h>

#include "postfix/config/bypass_private.h"
#include "postfix/config/lookup.h"

#define GROUPS_MAX 64

/* Runs as mail_owner with only its primary group. Writes 0 or errno. */
static int try_socket(void *arg, struct bytes *out, struct err *err)
{
	(void)err;
	bytes_put_u32(out, access(arg, W_OK) == 0 ? 0 : (uint32_t)errno);
	return 0;
}

/* Postfix's processes also have mail_owner's other groups, which the child lacks. */
static bool may_by_group(const struct role *owner, const struct stat *st)
{
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (st->st_gid == owner->gid || !(st->st_mode & S_IWGRP))
		return false;
	if (getgrouplist(owner->name, owner->gid, groups, &count) < 0)
		return true; /* too many groups to tell */
	for (int n = 0; n < count; n++)
		if (groups[n] == st->st_gid)
			return true;
	return false;
}

static void check_socket(const struct postfix *p, const char *path, struct findings *to)
{
	AUTO(blob_release) struct blob blob = {0};
	struct stat st;

	if (stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		findings_add(to, "socket_missing", FINDING_FAULT, "",
		    "the daemon's socket %s is gone: Postfix cannot connect until the daemon is "
		    "restarted",
		    path);
		return;
	}
	if (role_ask(&p->owner, p->stop, ROLE_TIME, try_socket, (void *)path, &blob, NULL) == 0) {
		struct reader r = reader_of(blob.at, blob.len);
		int error = (int)reader_u32(&r);

		if (error && !may_by_group(&p->owner, &st))
			findings_add(to, "socket_denied", FINDING_FAULT, "",
			    "user %s may not connect to %s (%s): see socket_group and socket_mode "
			    "in pqpurge.conf(5), and the directories above",
			    p->mail_owner, path, strerror(error));
	}
}

int bypass_find(const struct postfix *p, const char *socket, const char *policy_socket,
    bool daemon_runs, struct findings *to, struct err *err)
{
	AUTO(mailconf_release) struct mailconf conf = {0};
	struct bypass_facts facts = {&conf, p, socket, policy_socket, lookup_has};
	int code = mailconf_read(p, bypass_parameters, &conf, err);

	if (code < 0)
		return code;
	bypass_check(&facts, to);
	if (daemon_runs && milter_path(socket))
		check_socket(p, milter_path(socket), to);
	if (daemon_runs && policy_socket && milter_path(policy_socket))
		check_socket(p, milter_path(policy_socket), to);
	return 0;
}

static void look_at_instance(const char *directory, const char *socket, struct findings *to)
{
	AUTO(mailconf_release) struct mailconf conf = {0};
	struct postfix p;
	struct bypass_facts facts = {&conf, &p, socket, NULL, lookup_has};

	if (postfix_read(directory, &p, NULL) < 0)
		return;
	if (mailconf_read(&p, bypass_parameters, &conf, NULL) == 0 && bypass_names_socket(&facts))
		findings_add(to, "shared_socket", FINDING_NOTE, "",
		    "the Postfix instance in %s (queue %s) uses this daemon's socket, too: its "
		    "mail needs a pqpurge.conf of its own (-c), with postfix_config_directory = "
		    "\"%s\"",
		    p.config_directory, p.queue_directory, p.config_directory);
	postfix_release(&p);
}

static void add_directories(const struct postfix *p, struct strbuf *to)
{
	static const char *const names[] = {
	    "multi_instance_directories", "alternate_config_directories", NULL};
	struct strbuf values[2] = {0};

	if (postfix_parameters(p, names, values, NULL) == 0)
		strbuf_printf(to, " %s %s", strbuf_text(&values[0]), strbuf_text(&values[1]));
	for (size_t n = 0; n < COUNT_OF(values); n++)
		strbuf_release(&values[n]);
}

/* Looks at the instances that p names, the default instance, and those that it names. */
void bypass_find_others(const struct postfix *p, const char *socket, struct findings *to)
{
	AUTO(strbuf_release) struct strbuf all = {0};
	char *rest = NULL;
	struct postfix first;

	add_directories(p, &all);
	/* Without a main.cf postconf(1) sleeps for a second before it complains. */
	if (!bypass_same_file("/etc/postfix", p->config_directory) &&
	    access("/etc/postfix/main.cf", F_OK) == 0 &&
	    postfix_read("/etc/postfix", &first, NULL) == 0) {
		add_directories(&first, &all);
		strbuf_puts(&all, " /etc/postfix");
		postfix_release(&first);
	}
	for (char *one = all.failed ? NULL : strtok_r(all.text, ", \t", &rest); one;
	     one = strtok_r(NULL, ", \t", &rest))
		if (*one == '/' && !bypass_same_file(one, p->config_directory))
			look_at_instance(one, socket, to);
}
