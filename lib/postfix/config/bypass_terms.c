/* SPDX-License-Identifier: ISC */
/* What Postfix does when the daemon does not answer, and where it looks for it. */
#include "base/clock.h"
#include "postfix/config/bypass_scope.h"

#define TIMEOUT_MAX (10 * USEC_PER_SEC) /* what a daemon that hangs may cost a session */

/* The daemon's attribute in the list, or main.cf's for all milters. */
static const char *attribute(const struct scope *s, const struct milter *m, const char *name,
    const char *parameter, char *buf, size_t size)
{
	return milter_attribute(m, name, buf, size) ? buf : scope_value(s, parameter);
}

static int64_t time_of(const char *text)
{
	int64_t usec;

	return clock_parse_span(text, &usec) == 0 ? usec : -1;
}

void check_action(const struct scope *s)
{
	static const struct {
		const char *action, *words;
	} actions[] = {
	    {"tempfail", "deferred"},
	    {"reject", "refused"},
	    {"quarantine", "put on hold"},
	    {"shutdown", "cut off"},
	};
	char buf[64], where[128];
	const char *action, *words = "not taken";
	struct strbuf command = {0};
	struct milter m;

	if (!scope_find_ours(s, &m))
		return;
	action = attribute(s, &m, "default_action", "milter_default_action", buf, sizeof(buf));
	if (strcmp(action, "accept") == 0)
		return;
	for (size_t n = 0; n < COUNT_OF(actions); n++)
		if (strcmp(action, actions[n].action) == 0)
			words = actions[n].words;
	advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	findings_add(s->to, "default_action", FINDING_FAULT, strbuf_text(&command),
	    "%s has default_action=%s: while the daemon is down all mail is %s",
	    scope_place(s, s->list, where, sizeof(where)), action, words);
	strbuf_release(&command);
}

void check_timeout(const struct scope *s)
{
	struct strbuf command = {0};
	char buf[64], where[128];
	const char *text;
	struct milter m;

	if (!scope_find_ours(s, &m))
		return;
	text = attribute(s, &m, "command_timeout", "milter_command_timeout", buf, sizeof(buf));
	if (time_of(text) <= TIMEOUT_MAX)
		return;
	advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	findings_add(s->to, "command_timeout", FINDING_FAULT, strbuf_text(&command),
	    "%s has command_timeout=%s: each session waits that long for a daemon that hangs",
	    scope_place(s, s->list, where, sizeof(where)), text);
	strbuf_release(&command);
}

/* With a socket that systemd listens on, Postfix connects although nobody answers. */
void check_activation(const struct scope *s)
{
	char action_buf[64], time_buf[64], where[128];
	struct strbuf command = {0};
	struct milter m;

	if (!str_starts(s->facts->socket, "fd:") || !scope_find_ours(s, &m))
		return;
	const char *action = attribute(
	    s, &m, "default_action", "milter_default_action", action_buf, sizeof(action_buf));
	const char *time = attribute(
	    s, &m, "command_timeout", "milter_command_timeout", time_buf, sizeof(time_buf));
	if (strcmp(action, "accept") == 0 && time_of(time) <= TIMEOUT_MAX)
		return;
	advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	findings_add(s->to, "socket_activation", FINDING_FAULT, strbuf_text(&command),
	    "%s: systemd listens for the daemon, so while it is down every session waits %s and "
	    "then gets default_action=%s",
	    scope_place(s, s->list, where, sizeof(where)), time, action);
	strbuf_release(&command);
}

/* The service that connects must find the daemon's socket where the list says that it is. */
void check_reach(const struct scope *s)
{
	const struct bypass_facts *f = s->facts;
	const char *ours = milter_path(f->socket), *queue = f->queue_directory, *path;
	struct strbuf seen = {0}, command = {0};
	struct milter m;

	if (!ours || !scope_find_ours(s, &m) || !(path = milter_path(m.endpoint)))
		return;
	bypass_seen_path(f, s->service, path, &seen);
	const char *text = strbuf_text(&seen);
	if (strcmp(text, ours) == 0 || (f->same_file && f->same_file(text, ours)))
		goto out;
	bool below = str_starts(ours, queue) && ours[strlen(queue)] == '/';
	if (below || !s->service->chroot)
		advice_milters(f, scope_owner(s, s->list), s->list, &command);
	else
		advice_column(f, s->service, "chroot", "n", &command);
	if (!findings_have(s->to, "socket_unreachable", strbuf_text(&command)))
		findings_add(s->to, "socket_unreachable", FINDING_FAULT, strbuf_text(&command),
		    "%s (%s) looks for the socket at %s, %s chroot; the daemon listens at %s%s",
		    s->service->name, s->service->program, text,
		    s->service->chroot ? "from its" : "without a", ours,
		    below || !s->service->chroot
			? ""
			: ", which a chroot cannot reach: put it below the queue directory (socket "
			  "in pqpurge.conf), or");
out:
	strbuf_release(&seen);
	strbuf_release(&command);
}
