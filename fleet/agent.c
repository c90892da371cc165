/* SPDX-License-Identifier: ISC */
/* One connection, at most three children, no threads. */
#include "fleet/agent.h"

#include <sys/random.h>

#include "base/io.h"
#include "base/log.h"
#include "fleet/agent_private.h"
#include "postfix/config/instance.h"

static volatile sig_atomic_t stop;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stop = 1;
}

/* The name is also a role's and a certificate's CN, so it is in lower case. */
static int find_name(struct agent *a, struct err *err)
{
	const struct settings *s = a->settings;
	AUTO(postfix_release) struct postfix p = {0};
	const char *name = s->fleet_name;
	int code = 0;

	if (!*name)
		code = postfix_read(s->postfix_config_directory, &p, err);
	if (code == 0 && !*name)
		name = p.myhostname;
	if (code == 0 && strlen(name) > AGENT_NAME_MAX)
		code = err_set(err, ERR_CONFIG,
		    "'%s' is longer than %d bytes: set fleet_name in pqpurge.conf", name,
		    AGENT_NAME_MAX);
	if (code == 0)
		snprintf(a->name, sizeof(a->name), "%s", name);
	str_lower_all(a->name, strlen(a->name));
	return code;
}

static int begin(struct agent *a, struct err *err)
{
	unsigned seed;

	if (!a->settings->fleet[0])
		return err_set(err, ERR_CONFIG, "this host is in no fleet: 'fleet' is not set");
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (unsigned)getpid();
	srandom(seed);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	a->pause = AGENT_PAUSE;
	a->asked = -1;
	return find_name(a, err);
}

bool agent_may_log(struct agent *a)
{
	const int64_t now = clock_steady();
	const int64_t due = a->lines_due > now ? a->lines_due : now;

	if (due + AGENT_LINE - now > AGENT_LINES * AGENT_LINE) {
		a->left_out++;
		return false;
	}
	a->lines_due = due + AGENT_LINE;
	if (a->left_out > 0)
		log_warning(
		    "fleet: %u lines were left out because there were too many", a->left_out);
	a->left_out = 0;
	return true;
}

/* Forgets the connection's own state; the order and the rules stay. */
static void leave(struct agent *a, int code, const struct err *err)
{
	const char *words = err->text[0] ? err->text : err_word(code);

	bool is_new = strcmp(a->trouble, words) != 0 && clock_steady() >= a->told_at + AGENT_TELL;

	if (!a->trouble[0] || is_new) {
		log_warning("fleet: %s; rules stay in force, and orders wait", words);
		snprintf(a->trouble, sizeof(a->trouble), "%s", words);
		a->told_at = clock_steady();
	}
	pg_close(a->pg);
	a->pg = NULL;
	a->asked = -1;
	a->listening = a->greeted = false;
	a->retry_at = clock_steady() + a->pause / 2 + random() % a->pause;
	a->pause = a->pause * 2 < AGENT_PAUSE_MAX ? a->pause * 2 : AGENT_PAUSE_MAX;
}

static void connect_again(struct agent *a)
{
	struct err err = {{0}};
	int code = pg_open(a->settings->fleet, a->name, a->turn++, &a->pg, &err);

	if (code < 0)
		leave(a, code, &err);
}

static void take_hints(struct agent *a, int64_t now)
{
	const char *payload;

	while ((payload = pg_notice(a->pg))) {
		agent_hint(a, payload);
		a->quiet_until = now + AGENT_QUIET;
	}
}

static void ask(struct agent *a, int64_t now)
{
	struct err err = {{0}};
	int code = agent_ask(a, now, &err);

	if (code < 0)
		leave(a, code, &err);
}

static void take_answer_and_ask(struct agent *a, int64_t now)
{
	struct err err = {{0}};
	int event = pg_step(a->pg, &err), code = event;

	if (event == PG_ANSWERED)
		code = agent_take(a, &err);
	if (code >= 0)
		take_hints(a, now);
	if (code < 0)
		leave(a, code, &err);
	else if (pg_is_idle(a->pg))
		ask(a, now);
}

enum { DATABASE, ORDER, RULES, HEALTH, EARS };

static struct pollfd ear_of(const struct job *job)
{
	return (struct pollfd){job->pid > 0 ? job->fd : -1, POLLIN, 0};
}

/* Notifications gather for AGENT_QUIET between questions, so that many cost one wake-up. */
static bool is_quiet(const struct agent *a, int64_t now)
{
	return pg_is_idle(a->pg) && now < a->quiet_until;
}

static int64_t wait_until(const struct agent *a, int64_t now)
{
	int64_t until = a->stopping ? a->leave_by : INT64_MAX, next;

	if (!a->pg)
		next = a->retry_at;
	else if (!pg_is_idle(a->pg))
		next = pg_deadline(a->pg);
	else
		next = agent_next(a);
	if (a->pg && is_quiet(a, now) && a->quiet_until < next)
		next = a->quiet_until;
	return next < until ? next : until;
}

static void await(struct agent *a, struct pollfd ears[EARS], int64_t now)
{
	int64_t until = wait_until(a, now), left = until > now ? until - now : 0;
	struct timespec timeout = {
	    (time_t)(left / USEC_PER_SEC), (long)(left % USEC_PER_SEC) * 1000};
	sigset_t none, blocked;

	ears[DATABASE] = (struct pollfd){-1, 0, 0};
	if (a->pg && !is_quiet(a, now))
		ears[DATABASE] = (struct pollfd){pg_fd(a->pg), pg_poll_events(a->pg), 0};
	ears[ORDER] = ear_of(&a->order.job);
	ears[RULES] = ear_of(&a->rules.job);
	ears[HEALTH] = ear_of(&a->health.job);
	/* a signal between the test of `stop` and the wait must not be lost */
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	if (stop && !a->stopping)
		timeout = (struct timespec){0, 0};
	if (ppoll(ears, EARS, until == INT64_MAX ? NULL : &timeout, &none) < 0)
		for (size_t n = 0; n < EARS; n++)
			ears[n].revents = 0;
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void turn(struct agent *a)
{
	struct pollfd ears[EARS];

	await(a, ears, clock_steady());
	int64_t now = clock_steady();
	if (ears[ORDER].revents)
		order_hear(a);
	if (ears[RULES].revents)
		rules_hear(a);
	if (ears[HEALTH].revents)
		health_hear(a);
	if (a->greeted && now >= a->beat_at && a->health.job.pid == 0 && !a->health.fresh &&
	    !a->stopping)
		health_begin(a);
	if (!a->pg && now >= a->retry_at)
		connect_again(a);
	else if (a->pg && !is_quiet(a, now))
		take_answer_and_ask(a, now);
	else if (a->pg)
		ask(a, now);
}

/* A running order may end and is still reported; no new one begins. */
static void begin_to_leave(struct agent *a)
{
	a->stopping = true;
	a->leave_by = clock_steady() + AGENT_LEAVE;
}

static bool is_done(const struct agent *a, int64_t now)
{
	bool told = a->order.state == ORDER_NONE || a->order.state == ORDER_CLAIMED;

	return a->stopping && ((told && (!a->pg || pg_is_idle(a->pg))) || now >= a->leave_by);
}

int agent_run(const struct settings *settings, struct err *err)
{
	struct agent a = {.settings = settings};
	int code = begin(&a, err);

	while (code == 0 && !is_done(&a, clock_steady())) {
		turn(&a);
		if (stop && !a.stopping)
			begin_to_leave(&a);
	}
	if (a.stopping)
		log_info("fleet: leaving");
	order_forget(&a);
	job_end(&a.rules.job);
	job_end(&a.health.job);
	strbuf_release(&a.health.coming);
	strbuf_release(&a.health.text);
	pg_close(a.pg);
	return code;
}
