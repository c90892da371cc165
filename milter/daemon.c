/* SPDX-License-Identifier: ISC */
#include "milter/daemon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "index/control/status.h"
#include "milter/control/control.h"
#include "milter/control/requests.h"
#include "milter/daemon_lock.h"
#include "milter/daemon_user.h"
#include "milter/flood/floodkeeper.h"
#include "milter/glue.h"
#include "milter/listener.h"
#include "milter/policy/policy.h"
#include "milter/tally.h"
#include "milter/upkeep.h"

#define DRAIN_TIMEOUT (5 * USEC_PER_SEC)
#define STOP_TIMEOUT  (5 * USEC_PER_SEC)
#define LOCK_PATIENCE (2 * USEC_PER_SEC) /* a command may hold it to edit the rules */
/* a command may hold the index's lock so long */
#define INDEX_PATIENCE USEC_PER_SEC

struct daemon {
	const struct settings *settings;
	struct daemon_user user;
	struct endpoint listener;
	bool listening;
	struct daemon_lock lock;
	struct rulekeeper *rules;
	struct floodkeeper *floods;
	struct indexkeeper *index;
	struct upkeep *upkeep;
	struct requests requests;
	struct control *control;
	struct glue_config glue;
	struct policy *policy; /* NULL: none */
	int64_t started;
	/* set by libmilter's thread at its end */
	pthread_t main;
	atomic_bool ended;
	int code;
	struct err err;
};

int daemon_check(const struct settings *settings, struct err *err)
{
	AUTO(rule_list_release) struct rule_list rules = {0};
	return rules_file_read(settings->rules_file, &rules, err);
}

/* SIGTERM and SIGINT stop the daemon, SIGHUP and SIGUSR1 reload the rules. */
static sigset_t awaited(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	return set;
}

/* The main thread takes signals by sigwaitinfo. Every peer that goes away would cause a SIGPIPE. */
static void block_signals(void)
{
	sigset_t set = awaited();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Each of Postfix's connections takes a descriptor. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			log_debug("failed to raise the limit of open files (%s)", strerror(errno));
	}
}

static int read_files(struct daemon *d, struct err *err)
{
	int code = endpoint_parse(d->settings->socket, &d->listener, err);

	code = code ?: rulekeeper_open(d->settings, &d->rules, err);
	return code ? code : floodkeeper_open(d->settings, d->rules, &d->floods, err);
}

static int lock_state(struct daemon *d, struct err *err)
{
	d->lock = (struct daemon_lock){
	    .directory = d->settings->state_directory,
	    .uid = d->user.role.uid,
	    .gid = d->user.role.gid,
	    .fd = -1,
	};
	return daemon_lock_take(&d->lock, LOCK_PATIENCE, err);
}

static int open_glue(void *arg, struct err *err)
{
	const struct daemon *d = arg;

	return glue_open_socket(d->settings->socket, err);
}

static int open_sockets(struct daemon *d, struct err *err)
{
	const struct listener_config config = {
	    .uid = d->user.role.uid,
	    .gid = d->user.socket_group,
	    .mode = (mode_t)d->settings->socket_mode,
	    .open = open_glue,
	    .arg = d,
	};
	int code = listener_open(&d->listener, &config, err);

	d->listening = code == 0;
	return code ?: policy_open(d->settings, config.uid, config.gid, &d->policy, err);
}

static int begin_rules_and_index(struct daemon *d, struct err *err)
{
	rulekeeper_begin(d->rules);
	floodkeeper_begin(d->floods);
	d->index = indexkeeper_new(d->settings->index_directory, d->settings->index_map_size);
	if (!d->index)
		return err_sys(err, ENOMEM, "failed to open the index");
	indexkeeper_tell(d->index, glue_settled, d->floods);
	indexkeeper_start(d->index, INDEX_PATIENCE);
	return 0;
}

static void reload(void *arg)
{
	const struct daemon *d = arg;

	rulekeeper_reload(d->rules);
}

static void each_second(void *arg)
{
	struct daemon *d = arg;

	daemon_lock_keep(&d->lock);
	rulekeeper_each_second(d->rules);
	indexkeeper_settle(d->index); /* of sessions whose clients are silent */
	floodkeeper_each_second(d->floods);
}

static void last(void *arg)
{
	const struct daemon *d = arg;

	indexkeeper_settle(d->index);
	floodkeeper_stop(d->floods);
	rulekeeper_stop(d->rules);
}

static int start_upkeep(struct daemon *d, struct err *err)
{
	const struct upkeep_config config = {
	    .index = d->index,
	    .reload = reload,
	    .each_second = each_second,
	    .last = last,
	    .arg = d,
	};

	return upkeep_start(&d->upkeep, &config, err);
}

static void put_status(void *arg, struct json *out)
{
	const struct daemon *d = arg;

	json_put_int(out, STATUS_PID, getpid());
	json_put_text(out, STATUS_VERSION, PQPURGE_VERSION);
	json_put_int(out, STATUS_STARTED, d->started);
	json_put_bool(out, STATUS_RAN_BEFORE, d->lock.ran_before);
	json_put_text(out, STATUS_SOCKET, d->settings->socket);
	indexkeeper_status(d->index, out);
	rulekeeper_status(d->rules, out);
	floodkeeper_status(d->floods, out);
	glue_status(out);
	policy_status(d->policy, out);
	tally_status(out);
}

static void work(void *arg, struct control_work *w)
{
	struct daemon *d = arg;

	requests_answer(&d->requests, w);
}

static int start_control(struct daemon *d, struct err *err)
{
	const struct control_config config = {
	    .directory = d->settings->index_directory,
	    .status = put_status,
	    .work = work,
	    .arg = d,
	};

	d->requests = (struct requests){.index = d->index, .rules = d->rules, .floods = d->floods};
	return control_start(&d->control, &config, err);
}

/* sd_notify(3) */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@') /* abstract */
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

static void *serve_main(void *arg)
{
	struct daemon *d = arg;

	d->code = glue_main(&d->glue, &d->err);
	atomic_store(&d->ended, true);
	pthread_kill(d->main, SIGUSR1); /* wakes wait_for_end */
	return NULL;
}

/* Libmilter would stop up to five seconds after a signal, or never: its pool destroys the mutex
 * that a worker holds (8.17, worker.c, mi_pool_controller), which froze all sessions under load.
 * So the daemon hides signals from it (glue.c, sigwait), and it runs until the process ends. */
static int wait_for_end(struct daemon *d, struct err *err)
{
	const sigset_t set = awaited();

	while (!atomic_load(&d->ended)) {
		int number = sigwaitinfo(&set, NULL);

		if (number == SIGHUP || number == SIGUSR1)
			upkeep_reload(d->upkeep);
		else if (number > 0)
			return 0;
	}
	*err = d->err;
	return d->code;
}

static int start_policy(struct daemon *d, struct err *err)
{
	const struct settings *s = d->settings;

	d->glue = (struct glue_config){
	    .session = {.origin = s->origin,
		.max_recipients = (unsigned)s->max_recipients,
		.record_subject = s->record_subject},
	    .rules = d->rules,
	    .floods = d->floods,
	    .index = d->index,
	};
	return policy_start(d->policy, &d->glue, err);
}

static int serve(struct daemon *d, struct err *err)
{
	const struct settings *s = d->settings;
	pthread_t thread;

	d->main = pthread_self();
	int errnum = pthread_create(&thread, NULL, serve_main, d);
	if (errnum)
		return err_sys(err, errnum, "failed to start a thread");
	log_info("ready, socket %s, index %s", s->socket, s->index_directory);
	notify("READY=1");
	return wait_for_end(d, err);
}

/* Ends callbacks, then the command's requests, then closes the index. Every wait is bounded; an
 * index that is not closed is still consistent. */
static void stop(struct daemon *d)
{
	notify("STOPPING=1");
	log_info("stopping");
	listener_remove(&d->listener);
	policy_remove_socket(d->policy);
	bool answered = policy_stop(d->policy, DRAIN_TIMEOUT);
	if (!glue_drain(DRAIN_TIMEOUT) || !answered)
		log_warning("some messages were not answered in time");
	bool quiet = control_stop(d->control, STOP_TIMEOUT);
	if (!upkeep_stop(d->upkeep, STOP_TIMEOUT))
		log_warning("the upkeep thread did not end in time");
	else if (!quiet || !indexkeeper_close(d->index, STOP_TIMEOUT))
		log_warning("a request of the command did not end in time");
	log_info("stopped");
}

static int start(struct daemon *d, struct err *err)
{
	block_signals();
	raise_limits();
	int code = daemon_user_find(d->settings, &d->user, err);
	code = code ?: read_files(d, err);
	code = code ?: daemon_user_make_directories(&d->user, err);
	code = code ?: lock_state(d, err);
	code = code ?: open_sockets(d, err);
	code = code ?: daemon_user_become(&d->user, err);
	code = code ?: begin_rules_and_index(d, err);
	code = code ?: start_upkeep(d, err);
	code = code ?: start_policy(d, err);
	return code ?: start_control(d, err);
}

/* Frees everything that a hanging thread cannot use. */
static void undo_start(struct daemon *d)
{
	if (d->listening)
		listener_remove(&d->listener);
	policy_remove_socket(d->policy);
	if (!policy_stop(d->policy, STOP_TIMEOUT) || !control_stop(d->control, STOP_TIMEOUT) ||
	    !upkeep_stop(d->upkeep, STOP_TIMEOUT))
		return;
	policy_free(d->policy); /* nobody asks for its status any more */
	if (d->index && indexkeeper_close(d->index, STOP_TIMEOUT))
		indexkeeper_free(d->index);
	rulekeeper_close(d->rules);
	io_close(&d->lock.fd);
}

int daemon_run(const struct settings *settings, struct err *err)
{
	struct daemon d = {.settings = settings, .lock = {.fd = -1}, .started = clock_wall()};
	int code = start(&d, err);

	if (code) {
		undo_start(&d);
		return code;
	}
	code = serve(&d, err);
	if (code)
		log_error("%s", err->text);
	stop(&d);
	/* Nothing is freed: libmilter's threads may still use this memory. */
	_exit(code ? 1 : 0);
}
