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

static int64_t seconds_of(const char *text)
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
	bool meant = s->facts->tempfail && action == buf && strcmp(action, "tempfail") == 0;
	advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	findings_add(s->to, "default_action", meant ? FINDING_NOTE : FINDING_FAULT,
	    strbuf_text(&command),
	    "%s has default_action=%s: while the daemon is down all mail is %s",
	    scope_place(s, s->list, where, sizeof(where)), action, words);
	strbuf_release(&command);
}

void check_timeout(const struct scope *s)
{
	char command_buf[64], content_buf[64], where[128];
	const char *command_text, *content_text;
	struct strbuf command = {0};
	struct milter m;

	if (!scope_find_ours(s, &m))
		return;
	command_text = attribute(
	    s, &m, "command_timeout", "milter_command_timeout", command_buf, sizeof(command_buf));
	content_text = attribute(
	    s, &m, "content_timeout", "milter_content_timeout", content_buf, sizeof(content_buf));
	int64_t commands = seconds_of(command_text), content = seconds_of(content_text);
	scope_place(s, s->list, where, sizeof(where));
	advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	if (commands > TIMEOUT_MAX)
		findings_add(s->to, "command_timeout", FINDING_FAULT, strbuf_text(&command),
		    "%s has command_timeout=%s: so long every session waits for a daemon that "
		    "hangs",
		    where, command_text);
	else if (commands >= 0 && commands <= s->facts->commit_timeout)
		findings_add(s->to, "command_timeout", FINDING_FAULT, strbuf_text(&command),
		    "%s has command_timeout=%s, which is not above the daemon's commit_timeout: "
		    "Postfix gives up first, and the rest of the session is not recorded",
		    where, command_text);
	else if (content >= 0 && content <= s->facts->commit_timeout)
		findings_add(s->to, "command_timeout", FINDING_FAULT, strbuf_text(&command),
		    "%s has content_timeout=%s, which is not above the daemon's commit_timeout: "
		    "Postfix gives up first, and the rest of the session is not recorded",
		    where, content_text);
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
	if (strcmp(action, "accept") == 0 && seconds_of(time) <= TIMEOUT_MAX)
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
	const char *ours = milter_path(f->socket), *path;
	struct strbuf seen = {0}, command = {0};
	struct milter m;

	if (!s->service || !ours || !scope_find_ours(s, &m) || !(path = milter_path(m.endpoint)))
		return;
	bypass_seen_path(f, s->service, path, &seen);
	const char *text = strbuf_text(&seen);
	size_t len = strlen(f->queue_directory);
	bool below = str_starts(ours, f->queue_directory) && ours[len] == '/';
	if (strcmp(text, ours) != 0 && !(f->same_file && f->same_file(text, ours))) {
		if (below || !s->service->chroot)
			advice_milters(f, scope_owner(s, s->list), s->list, &command);
		else
			advice_column(f, s->service, "chroot", "n", &command);
		if (!findings_have(s->to, "socket_unreachable", strbuf_text(&command)))
			findings_add(s->to, "socket_unreachable", FINDING_FAULT,
			    strbuf_text(&command),
			    "%s (%s) looks for the socket at %s, %s chroot; the daemon listens at "
			    "%s",
			    s->service->name, s->service->program, text,
			    s->service->chroot ? "from its" : "without a", ours);
	}
	strbuf_release(&seen);
	strbuf_release(&command);
}
