/* SPDX-License-Identifier: ISC */
#include <pwd.h>

#include "base/io.h"
#include "purge/door/behalf.h"
#include "purge/floods/floods.h"
#include "purge/ids.h"
#include "purge/interrupt.h"
#include "purge/session.h"

#define COMMAND_LINE_MAX 4096 /* of a batch */

static char *join_words(int argc, char **argv)
{
	struct strbuf line = {0};

	strbuf_puts(&line, "pqpurge-idx");
	for (int i = 1; i < argc && line.len < COMMAND_LINE_MAX; i++)
		strbuf_printf(&line, " %s", argv[i]);
	if (line.failed)
		strbuf_release(&line);
	return line.text;
}

int session_parse(struct session *s, int argc, char **argv, struct err *err)
{
	*s = (struct session){0};
	s->client = (struct index_client){.settings = &s->settings, .stop = &interrupt_stop};
	s->command_line = join_words(argc, argv);
	if (!s->command_line)
		return err_set(err, -ENOMEM, "out of memory");
	return options_parse(argc, argv, &s->options, &s->verb, err);
}

/* Under sudo the account should have the person's name. */
static void find_user(char *buf, size_t size)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = getpwuid(getuid());

	if (sudo && *sudo)
		str_scrub(buf, size, sudo);
	else if (pw)
		str_scrub(buf, size, pw->pw_name);
	else
		snprintf(buf, size, "uid %lu", (unsigned long)getuid());
}

const char *session_config(const struct session *s)
{
	const char *named = getenv(SETTINGS_ENV);

	return s->options.config ? s->options.config : named && *named ? named : NULL;
}

char *session_command(const struct session *s, const char *words, char *buf, size_t size)
{
	const char *config = s->options.config;

	snprintf(buf, size, "pqpurge-idx %s%s%s%s", config ? "-c " : "", config ? config : "",
	    config ? " " : "", words);
	return buf;
}

/* Whether sudo(8), doas(1) or pkexec(1) started us. */
static bool is_by_sudo(void)
{
	static const char *const names[][2] = {
	    {"SUDO_UID", "0"}, {"DOAS_USER", "root"}, {"PKEXEC_UID", "0"}};
	bool found = false;

	for (size_t n = 0; n < COUNT_OF(names); n++) {
		const char *whom = getenv(names[n][0]);

		found |= whom && *whom && strcmp(whom, names[n][1]) != 0;
	}
	return found;
}

/* The settings file names programs that root runs, and a link may lead anywhere. */
static int load_settings(struct session *s, struct err *err)
{
	const char *named = session_config(s);
	char real[PATH_MAX];

	if (!named || !is_by_sudo())
		return settings_load(named, &s->settings, err);
	if (!realpath(named, real))
		return err_sys(err, errno, "failed to read '%s'", named);
	if (io_is_roots(real))
		return settings_load(real, &s->settings, err);
	return err_set(err, ERR_CONFIG,
	    "'%s' names programs that root runs: under sudo, it and the directories above it must "
	    "belong to root, and others must not be able to write to them",
	    named);
}

/* A hash tells lists apart in the account. */
static int read_ids(struct session *s, struct err *err)
{
	struct options *o = &s->options;
	int code = ids_read(stdin, stderr, &o->selector, &s->bad_ids, err);

	if (code < 0)
		return code;
	selector_seal(&o->selector);
	strbuf_printf(&o->selected, " (%zu IDs, %08zx)", o->selector.ids.count,
	    (size_t)bytes_hash(
		o->selector.ids.list, o->selector.ids.count * sizeof(*o->selector.ids.list)) &
		0xffffffff);
	return 0;
}

int session_open(struct session *s, struct err *err)
{
	if (geteuid() != 0 || getuid() != 0)
		return err_set(err, -EPERM,
		    "pqpurge-idx must be run by root, because postsuper(1) needs root");
	int code = load_settings(s, err);
	if (code < 0)
		return code;
	if (s->verb->flags & VERB_POSTFIX)
		code = postfix_read(s->settings.postfix_config_directory, &s->postfix, err);
	s->postfix.stop = &interrupt_stop;
	if (code == 0 && s->options.ids_from_stdin)
		code = read_ids(s, err);
	if (code == 0 && s->options.flood)
		code = floods_select(s, s->options.flood, err);
	if (code == 0 && selector_set_login_case(&s->options.selector, s->settings.login_exact) < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code < 0)
		return code;
	selector_seal(&s->options.selector);
	if (s->behalf)
		str_scrub(s->user, sizeof(s->user), s->behalf->user);
	else
		find_user(s->user, sizeof(s->user));
	return 0;
}

int session_open_plain(struct session *s, struct err *err)
{
	int code = load_settings(s, err);

	find_user(s->user, sizeof(s->user));
	return code;
}

void session_release(struct session *s)
{
	options_release(&s->options);
	settings_release(&s->settings);
	postfix_release(&s->postfix);
	free(s->command_line);
}

bool session_can_ask(const struct session *s)
{
	return !s->options.yes && isatty(STDIN_FILENO);
}

int session_check_all(const struct session *s, struct err *err)
{
	const struct options *o = &s->options;

	if (!o->selector.all || o->dry_run || o->yes || session_can_ask(s) ||
	    (s->behalf && s->behalf->answered))
		return 0;
	return err_set(err, ERR_USAGE, "'--all' without a terminal needs '-y'; nothing was done");
}

int session_written(int code, struct err *err)
{
	return code < 0 ? err_sys(err, -code, "the output could not be written") : code;
}

int session_exit_of(int code)
{
	static const int begun_nothing[] = {ERR_USAGE, ERR_CONFIG, ERR_SYNTAX, ERR_NO_INDEX,
	    ERR_VERSION, ERR_DAMAGED, ERR_INSTANCE, -EPERM, -EACCES, -ENOENT};

	if (code == ERR_STOPPED)
		return EXIT_INTERRUPTED;
	for (size_t i = 0; i < COUNT_OF(begun_nothing); i++)
		if (code == begun_nothing[i])
			return EXIT_CANNOT;
	return EXIT_SOME_FAILED;
}
