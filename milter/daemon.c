/* SPDX-License-Identifier: ISC */
/* The start as a checklist, and the stop. */
#include "milter/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/role.h"
#include "milter/control.h"
#include "milter/glue.h"
#include "milter/listener.h"
#include "milter/notify.h"

#define DRAIN_TIMEOUT (5 * USEC_PER_SEC)
#define STOP_TIMEOUT  (5 * USEC_PER_SEC)
#define LOCK_PATH     "%s/daemon.lock"
#define LOCK_FLAGS    (O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC)

struct daemon {
	const struct settings *settings;
	bool root;
	struct role role;   /* root only: whom it becomes */
	gid_t socket_group; /* root only */
	struct endpoint listener;
	bool listening;
	int lock;
	struct rulekeeper *rules;
	struct writer *writer;
	struct control *control;
	struct glue_config glue;
	int64_t started;
	/* libmilter's thread, and what it ended with. */
	pthread_t main;
	atomic_bool ended;
	int code;
	struct err err;
};

int daemon_check(const struct settings *settings, struct err *err)
{
	struct rule_list rules = {0};
	int code = rules_file_read(settings->rules_file, &rules, err);

	rule_list_release(&rules);
	return code;
}

static void fill_ends(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
}

/*
 * The first thread waits for what ends the daemon, the control server for SIGUSR1; other threads
 * must not be hit by them. SIGPIPE would come from every peer that goes away.
 */
static void block_signals(void)
{
	sigset_t set;

	fill_ends(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* One descriptor for each connection of Postfix. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			log_debug("failed to raise the limit of open files (%s)", strerror(errno));
	}
}

static int parse_socket(struct daemon *d, struct err *err)
{
	return endpoint_parse(d->settings->socket, &d->listener, err);
}

static int read_rules(struct daemon *d, struct err *err)
{
	return rulekeeper_open(d->settings->rules_file, &d->rules, err);
}

/* Who it becomes and whose the socket will be. Somebody who is not root stays who he is. */
static int find_roles(struct daemon *d, struct err *err)
{
	const struct group *group;

	d->root = geteuid() == 0;
	d->socket_group = (gid_t)-1;
	group = getgrnam(d->settings->socket_group);
	if (group)
		d->socket_group = group->gr_gid;
	if (!d->root)
		return 0;
	if (!group)
		return err_set(err, ERR_CONFIG, "socket_group: there is no group '%s'",
		    d->settings->socket_group);
	return role_of_user(d->settings->user, &d->role, err);
}

/*
 * An index directory that root made for it and nobody used yet, as mkdir(1) leaves it: without this
 * mail would go unrecorded until somebody reads the log. What is not empty stays whose it is.
 */
static int adopt_index(const struct daemon *d, struct err *err)
{
	const char *path = d->settings->index_directory;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int code = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && d->role.uid != 0 &&
	    io_is_empty_directory(fd) && fchown(fd, d->role.uid, d->role.gid) != 0)
		code = err_sys(err, errno, "failed to give directory '%s' away", path);
	io_close(&fd);
	return code;
}

static int make_directories(struct daemon *d, struct err *err)
{
	uid_t uid = d->root ? d->role.uid : (uid_t)-1;
	int code =
	    listener_make_directory(d->settings->index_directory, 0700, uid, d->role.gid, err);

	if (code && !d->root) {
		log_warning("%s", err->text); /* the writer goes on trying */
		code = 0;
	}
	if (!code && d->root)
		code = adopt_index(d, err);
	if (!code && d->root)
		code = listener_prepare(&d->listener, uid, d->socket_group, err);
	return code;
}

static int locked_by_another(int fd, const char *path, struct err *err)
{
	char text[32];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(err, ERR_LOCKED,
	    "another daemon runs on this index, process %s ('%s' is locked)",
	    text[0] ? text : "unknown", path);
}

static int take_lock(const struct daemon *d, int fd, const char *path, struct err *err)
{
	struct stat st;
	char text[32];

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return locked_by_another(fd, path, err);
	/* The directory is another user's: root writes only into what is a plain file with no other
	 * name. */
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(err, ERR_REFUSED, "'%s' is not a plain file", path);
	if (d->root && fchown(fd, d->role.uid, d->role.gid) != 0)
		return err_sys(err, errno, "failed to give '%s' away", path);
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		log_debug("failed to write '%s' (%s)", path, strerror(errno));
	return 0;
}

/* Before the socket: libmilter would silently take the socket's path from a daemon that lives. */
static int be_the_only_one(struct daemon *d, struct err *err)
{
	char path[PATH_MAX];
	int code = 0;

	snprintf(path, sizeof(path), LOCK_PATH, d->settings->index_directory);
	d->lock = open(path, LOCK_FLAGS, 0600);
	if (d->lock >= 0)
		code = take_lock(d, d->lock, path, err);
	else /* Nothing is there to guard. The index has a lock of its own. */
		log_warning("failed to open '%s' (%s), going on", path, strerror(errno));
	return code ? code : listener_probe(&d->listener, err);
}

/*
 * Where the directory was replaced, or has come late, the lock is taken in the new one. That of the
 * old one keeps nobody out, and keeps its file system from being unmounted.
 */
static void keep_lock(struct daemon *d)
{
	struct stat ours, there;
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), LOCK_PATH, d->settings->index_directory);
	if (d->lock >= 0 && fstat(d->lock, &ours) == 0 && lstat(path, &there) == 0 &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
		return;
	fd = open(path, LOCK_FLAGS, 0600);
	if (fd < 0)
		return;
	if (take_lock(d, fd, path, NULL) == 0) {
		io_close(&d->lock);
		d->lock = fd;
	} else {
		io_close(&fd);
	}
}

static int open_socket(struct daemon *d, struct err *err)
{
	/* The mode comes from the umask alone, so that the socket is never open wider than wanted.
	 */
	mode_t before = umask(~(mode_t)d->settings->socket_mode & 0777);
	int code = glue_open_socket(d->settings->socket, err);

	umask(before);
	if (code)
		return code;
	d->listening = true;
	code = listener_give(&d->listener, d->root ? d->role.uid : (uid_t)-1, d->socket_group, err);
	if (code && !d->root) {
		log_warning("%s", err->text);
		code = 0;
	}
	return code;
}

static int drop_privileges(struct daemon *d, struct err *err)
{
	int code = d->root ? role_assume(&d->role, true, err) : 0;

	umask(0077);
	if (code)
		return code;
	/* They were read as root; a reload must not be the first to find out. */
	if (access(d->settings->rules_file, R_OK) != 0 && errno != ENOENT)
		return err_sys(err, errno, "user '%s' cannot read '%s'", d->settings->user,
		    d->settings->rules_file);
	return 0;
}

static int start_writer(struct daemon *d, struct err *err)
{
	const struct writer_config config = {
	    .settings = d->settings,
	    .rules_changed = rulekeeper_set_command,
	    .collect_hits = rulekeeper_collect_hits,
	    .arg = d->rules,
	};

	return writer_start(&d->writer, &config, err);
}

static void put_status(void *arg, struct strbuf *out)
{
	const struct daemon *d = arg;

	strbuf_printf(out, "pid=%ld\nversion=%s\nstarted=%lld\nsocket=%s\n", (long)getpid(),
	    PQPURGE_VERSION, (long long)d->started, d->settings->socket);
	writer_status(d->writer, out);
	rulekeeper_status(d->rules, out);
	glue_status(out);
}

static void reload(void *arg)
{
	const struct daemon *d = arg;

	rulekeeper_reload(d->rules, true);
}

static void each_second(void *arg)
{
	struct daemon *d = arg;

	keep_lock(d);
	rulekeeper_reload(d->rules, false);
	rulekeeper_tell_limits(d->rules);
}

static int start_control(struct daemon *d, struct err *err)
{
	const struct control_config config = {
	    .directory = d->settings->index_directory,
	    .writer = d->writer,
	    .status = put_status,
	    .reload = reload,
	    .each_second = each_second,
	    .arg = d,
	};

	return control_start(&d->control, &config, err);
}

static void *serve_main(void *arg)
{
	struct daemon *d = arg;

	d->code = glue_main(&d->glue, &d->err);
	atomic_store(&d->ended, true);
	pthread_kill(d->main, SIGHUP); /* blocked there, and waited for */
	return NULL;
}

/*
 * libmilter waits for these signals in a thread of its own. It would end up to five seconds after
 * one, and not at all where its pool destroys the mutex that a worker holds at that moment (8.17,
 * worker.c, mi_pool_controller): under load it then stood still with all its sessions. So they are
 * taken here, by the thread that Linux prefers (kernel/signal.c, complete_signal: the first, if it
 * waits for the signal), and libmilter is left at work until the process ends. Where it gets one
 * all the same, it ends as it can.
 */
static int wait_for_end(struct daemon *d, struct err *err)
{
	sigset_t ends;
	int number;

	fill_ends(&ends);
	while (sigwait(&ends, &number) != 0)
		continue;
	if (!atomic_load(&d->ended))
		return 0;
	*err = d->err;
	return d->code;
}

static int serve(struct daemon *d, struct err *err)
{
	const struct settings *s = d->settings;
	pthread_t thread;
	int errnum;

	d->glue = (struct glue_config){
	    .session = {.origin = s->origin,
		.max_recipients = (unsigned)s->max_recipients,
		.record_subject = s->record_subject},
	    .tempfail_on_index_error = s->tempfail_on_index_error,
	    .rules = d->rules,
	    .writer = d->writer,
	};
	d->main = pthread_self();
	errnum = pthread_create(&thread, NULL, serve_main, d);
	if (errnum)
		return err_sys(err, errnum, "failed to start a thread");
	log_info("ready, socket %s, index %s", s->socket, s->index_directory);
	notify("READY=1");
	return wait_for_end(d, err);
}

/* Nobody new comes; callbacks end, for they wait for the writer; then the last commit. Everything
 * is bounded. */
static void stop(struct daemon *d)
{
	notify("STOPPING=1");
	log_info("stopping");
	listener_remove(&d->listener);
	if (!glue_drain(DRAIN_TIMEOUT))
		log_warning("some messages did not get their answer in time");
	control_stop(d->control);
	if (!writer_stop(d->writer, STOP_TIMEOUT))
		log_warning(
		    "the last commit did not return in time; the end of recording is not written");
	log_info("stopped");
}

static int start(struct daemon *d, struct err *err)
{
	static int (*const checklist[])(struct daemon * d, struct err * err) = {
	    parse_socket,
	    find_roles,
	    read_rules,
	    make_directories,
	    be_the_only_one,
	    open_socket,
	    drop_privileges,
	    start_writer,
	    start_control,
	};

	block_signals();
	raise_limits();
	for (size_t i = 0; i < COUNT_OF(checklist); i++) {
		int code = checklist[i](d, err);

		if (code)
			return code;
	}
	return 0;
}

/* What a failed start leaves is given back, but for a writer that hangs in its first commit. */
static void undo_start(struct daemon *d)
{
	if (d->listening)
		listener_remove(&d->listener);
	if (!writer_stop(d->writer, STOP_TIMEOUT))
		return;
	writer_free(d->writer);
	rulekeeper_close(d->rules);
	io_close(&d->lock);
}

int daemon_run(const struct settings *settings, struct err *err)
{
	struct daemon d = {.settings = settings, .lock = -1, .started = clock_wall()};
	int code = start(&d, err);

	if (code) {
		undo_start(&d);
		return code;
	}
	code = serve(&d, err);
	if (code)
		log_error("%s", err->text);
	stop(&d);
	/* Threads of libmilter may still be at work on what is here: nothing is freed, nothing
	 * unwinds. */
	_exit(code ? 1 : 0);
}
