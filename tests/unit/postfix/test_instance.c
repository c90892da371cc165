/* SPDX-License-Identifier: ISC */
/* Reading main.cf through postconf(1), and running programs within bounds. */
#include "tests/unit/postfix/rig.h"

#include "base/clock.h"

/* ---- programs */

static volatile sig_atomic_t stopped;

static void set_stopped(int number)
{
	(void)number;
	stopped = 1;
}

static int run(const char *script, size_t max, int64_t timeout, struct strbuf *out, struct err *err)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	return postfix_run(argv, max, timeout, NULL, out, err);
}

static void test_run(void **state)
{
	static const struct {
		const char *name, *script;
		int code;
		const char *out, *err; /* err: a part of it; "" = untouched */
	} cases[] = {
	    {"output", "echo hello", 0, "hello\n", ""},
	    {"no output", "true", 0, "", ""},
	    {"chatter on stderr", "echo warning >&2; echo hello", 0, "hello\n", ""},
	    {"exit status", "echo first >&2; echo 'no such\033[31m parameter' >&2; exit 3", 3, "",
		"no such?[31m parameter"},
	    {"exit without a word", "exit 4", 4, "", "said nothing"},
	    {"a signal", "kill -9 $$", ERR_CHILD, NULL, "signal 9"},
	    {"too much", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", ERR_LIMIT,
		NULL, "ended"},
	    {"endless stderr is forgotten", "head -c 300000 /dev/zero >&2; echo ok", 0, "ok\n", ""},
	    {"stdin is empty", "cat; echo end", 0, "end\n", ""},
	    {"own process group", "test $(ps -o pgid= -p $$) -eq $$ && echo yes", 0, "yes\n", ""},
	    {"environment", "echo \"$PATH|$MAIL_CONFIG|$SECRET\"", 0,
		"/usr/sbin:/usr/bin:/sbin:/bin||\n", ""},
	};

	(void)state;
	setenv("MAIL_CONFIG", "/nowhere", 1);
	setenv("SECRET", "word", 1);
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf out = {0};
		struct err err = {{0}};
		int code = run(cases[n].script, 4096, 20 * USEC_PER_SEC, &out, &err);

		if (code != cases[n].code)
			case_fail(cases[n].name, "got %d (%s)", code, err.text);
		if (cases[n].out)
			case_assert_text(cases[n].name, strbuf_text(&out), cases[n].out);
		if (cases[n].err[0])
			case_assert(cases[n].name, strstr(err.text, cases[n].err));
		else
			case_assert_text(cases[n].name, err.text, "");
		strbuf_release(&out);
	}
}

/* Two ways to outlast the bound: with pipes open, and with pipes closed. */
static void test_run_timeout(void **state)
{
	static const char *const scripts[] = {"sleep 60", "exec >&- 2>&-; sleep 60"};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(scripts); n++) {
		int64_t began = clock_steady();
		struct strbuf out = {0};
		struct err err = {{0}};

		assert_int_equal(run(scripts[n], 4096, 100000, &out, &err), ERR_TIMEOUT);
		assert_true(clock_steady() - began < 20 * USEC_PER_SEC);
		assert_null(out.text);
	}
}

/* A signal that interrupts no system call sets the flag meanwhile. */
static void test_run_stopped(void **state)
{
	static const char *const scripts[] = {
	    "kill -USR1 $PPID; sleep 60", "exec >&- 2>&-; kill -USR1 $PPID; sleep 60"};
	struct sigaction action = {.sa_handler = set_stopped, .sa_flags = SA_RESTART}, before;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	for (size_t n = 0; n < COUNT_OF(scripts); n++) {
		const char *argv[] = {"/bin/sh", "-c", scripts[n], NULL};
		int64_t began = clock_steady();
		struct strbuf out = {0};
		struct err err = {{0}};

		stopped = 0;
		assert_int_equal(
		    postfix_run(argv, 4096, 50 * USEC_PER_SEC, &stopped, &out, &err), ERR_STOPPED);
		assert_true(clock_steady() - began < 20 * USEC_PER_SEC);
		assert_null(out.text);
	}
	sigaction(SIGUSR1, &before, NULL);
}

static void test_run_leaks_nothing(void **state)
{
	struct strbuf out = {0};
	struct err err = {{0}};
	int fd = open("/dev/null", O_RDONLY); /* not close-on-exec */

	(void)state;
	assert_true(fd > 2);
	assert_int_equal(
	    run("ls /proc/self/fd | tr '\\n' ' '", 4096, 20 * USEC_PER_SEC, &out, &err), 0);
	assert_string_equal(strbuf_text(&out), "0 1 2 3 "); /* 3 is the directory that ls reads */
	strbuf_release(&out);
	close(fd);
}

static void test_run_missing_program(void **state)
{
	const char *argv[] = {"/nonexistent/postconf", NULL};
	struct strbuf out = {0};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(postfix_run(argv, 1, USEC_PER_SEC, NULL, &out, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/postconf"));
}

/* ---- main.cf */

static void write_file(const struct rig *rig, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", rig->directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void read_instance(const char *directory, struct postfix *ret)
{
	struct err err;

	if (postfix_read(directory, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static bool no_postconf(void)
{
	return access("/usr/sbin/postconf", X_OK) < 0 && access("/usr/bin/postconf", X_OK) < 0 &&
	       access("/usr/local/sbin/postconf", X_OK) < 0;
}

static void test_read(void **state)
{
	struct postfix p;
	struct err err = {{0}};
	struct strbuf value = {0};
	const char *several[] = {"maximal_queue_lifetime", "queue_directory", NULL};
	struct strbuf both[2] = {0};
	struct rig rig;

	(void)state;
	if (no_postconf())
		skip();
	rig_open(&rig);
	write_file(&rig, "main.cf",
	    "compatibility_level = 3.6\nqueue_directory = /some/where\nmail_owner = nobody\n"
	    "myhostname = mx.example\nmyorigin = $mydomain\nmydestination = $myhostname,\n  "
	    "localhost\n"
	    "hash_queue_names = Deferred, defer hold\nhash_queue_depth = 3\n"
	    "enable_long_queue_ids = yes\nmaximal_queue_lifetime = 7d\n"
	    "alias_maps = hash:$config_directory/aliases\n");
	read_instance(rig.directory, &p);
	assert_string_equal(p.config_directory, rig.directory);
	assert_string_equal(p.queue_directory, "/some/where");
	assert_string_equal(p.mail_owner, "nobody");
	assert_string_equal(p.owner.name, "nobody");
	assert_string_equal(p.myhostname, "mx.example");
	assert_string_equal(p.myorigin, "example");
	assert_string_equal(p.mydestination, "mx.example, localhost");
	assert_int_equal(p.hashed_queues, QUEUE_DEFERRED | QUEUE_HOLD);
	assert_int_equal(p.hash_depth, 3);
	assert_int_equal(postfix_parameter(&p, "maximal_queue_lifetime", &value, &err), 0);
	assert_string_equal(strbuf_text(&value), "7d");
	/* main.cf is new; see postconf_run. */
	assert_int_equal(postfix_parameter(&p, "alias_maps", &value, &err), 0);
	assert_string_equal(
	    strbuf_text(&value) + strlen("hash:") + strlen(rig.directory), "/aliases");
	assert_int_equal(postfix_parameter(&p, "no_such_parameter", &value, &err), ERR_CONFIG);
	assert_int_equal(postfix_parameters(&p, several, both, &err), 0);
	assert_string_equal(strbuf_text(&both[0]), "7d");
	assert_string_equal(strbuf_text(&both[1]), "/some/where");
	several[1] = "no_such_parameter";
	assert_int_equal(postfix_parameters(&p, several, both, &err), ERR_CONFIG);
	strbuf_release(&both[0]);
	strbuf_release(&both[1]);
	strbuf_release(&value);
	postfix_release(&p);
	rig_close(&rig);
}

static void test_read_service_names(void **state)
{
	struct postfix p;
	struct strlist names;
	struct rig rig;

	(void)state;
	if (no_postconf())
		skip();
	rig_open(&rig);
	write_file(&rig, "main.cf",
	    "compatibility_level = 3.6\nqueue_directory = /some/where\nmail_owner = nobody\n"
	    "mydomain = example.test\nmyhostname = mx.example.test\n");
	write_file(&rig, "master.cf",
	    "smtp inet n - n - - smtpd\n"
	    "587 inet n - n - - smtpd\n  -o myhostname=out.$mydomain\n"
	    "465 inet n - n - - smtpd -o syslog_name=x -o { myhostname = tls.example.test }\n");
	read_instance(rig.directory, &p);
	names = strlist_of(&p.service_names);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.first, "out.example.test");
	assert_string_equal(names.first + strlen(names.first) + 1, "tls.example.test");
	postfix_release(&p);

	write_file(&rig, "master.cf", "smtp inet n - n - - smtpd\n");
	read_instance(rig.directory, &p);
	assert_int_equal(strlist_of(&p.service_names).count, 0);
	postfix_release(&p);
	rig_close(&rig);
}

static void test_read_origin_file(void **state)
{
	struct postfix p;
	char text[256];
	struct rig rig;

	(void)state;
	if (no_postconf())
		skip();
	rig_open(&rig);
	snprintf(text, sizeof(text),
	    "compatibility_level = 3.6\nqueue_directory = /q\nmail_owner = nobody\n"
	    "myorigin = %s/mailname\nmydestination =\n",
	    rig.directory);
	write_file(&rig, "main.cf", text);
	write_file(&rig, "mailname", "origin.example\nmore\n");
	read_instance(rig.directory, &p);
	/* Debian's postconf may have resolved it already; both ways the name counts. */
	assert_string_equal(p.myorigin, "origin.example");
	assert_string_equal(p.mydestination, "");
	postfix_release(&p);
	rig_close(&rig);
}

static void test_read_failures(void **state)
{
	static const struct {
		const char *name, *main_cf, *want;
	} cases[] = {
	    {"no main.cf", NULL, "main.cf"},
	    {"unknown owner", "mail_owner = no-such-user-here\nqueue_directory = /q\n",
		"no-such-user-here"},
	    {"root", "mail_owner = root\nqueue_directory = /q\n", "is root"},
	    {"depth", "mail_owner = nobody\nhash_queue_depth = 99\n", "hash_queue_depth"},
	    {"relative queue", "mail_owner = nobody\nqueue_directory = spool\n", "queue_directory"},
	};

	(void)state;
	if (no_postconf())
		skip();
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct postfix p = {0};
		struct err err = {{0}};
		struct rig rig;

		rig_open(&rig);
		if (cases[n].main_cf)
			write_file(&rig, "main.cf", cases[n].main_cf);
		case_assert(cases[n].name, postfix_read(rig.directory, &p, &err) == ERR_CONFIG);
		if (!strstr(err.text, cases[n].want))
			case_fail(cases[n].name, "%s", err.text);
		case_assert(cases[n].name, !p.queue_directory);
		rig_close(&rig);
	}
	struct postfix p;
	struct err err = {{0}};
	assert_int_equal(postfix_read("/nonexistent/postfix", &p, &err), ERR_CONFIG);
}

/* ---- other hash settings */

static bool has(const struct postfix *p, const char *name, const char *want)
{
	struct strbuf value = {0};
	struct err err = {{0}};
	bool same;

	if (postfix_parameter(p, name, &value, &err) < 0)
		fail_msg("%s", err.text);
	same = strcmp(strbuf_text(&value), want) == 0;
	if (!same)
		print_message("%s is '%s'\n", name, strbuf_text(&value));
	strbuf_release(&value);
	return same;
}

/* The same instance with another layout: nothing in it depends on the place of main.cf, and nothing
 * of other instances is in it. */
static void test_with_layout(void **state)
{
	struct postfix p, made, again;
	struct err err = {{0}};
	char path[256], directory[128];
	struct stat st;
	struct rig rig;

	(void)state;
	if (no_postconf())
		skip();
	rig_open(&rig);
	write_file(&rig, "main.cf",
	    "compatibility_level = 3.6\nqueue_directory = $config_directory/spool\n"
	    "mail_owner = nobody\nmyhostname = mx.example\nsyslog_name = a$$b\n"
	    "hash_queue_names = incoming\nhash_queue_depth = 2\nhash_queue_depth = 3\n"
	    "multi_instance_name = postfix-in\nmulti_instance_enable = yes\n"
	    "multi_instance_directories = /etc/postfix-out\n"
	    "smtpd_recipient_restrictions = check_policy_service inet:$myhostname:1\n");
	/* Postfix 3.10 expands $config_directory wrongly right after main.cf was changed. */
	snprintf(path, sizeof(path), "%s/main.cf", rig.directory);
	assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[2]){{0}}, 0), 0);
	snprintf(path, sizeof(path), "%s/defer/A", rig.spool);
	rig_directory(&rig, path);
	read_instance(rig.directory, &p);
	if (postfix_with_layout(&p, QUEUE_DEFERRED | QUEUE_HOLD, 1, &made, &err) < 0)
		fail_msg("%s", err.text);
	snprintf(directory, sizeof(directory), "%s", made.config_directory);
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(made.hashed_queues, QUEUE_DEFERRED | QUEUE_HOLD);
	assert_int_equal(made.hash_depth, 1);
	assert_string_equal(made.queue_directory, rig.spool);
	assert_string_equal(made.command_directory, p.command_directory);
	read_instance(directory, &again);
	assert_string_equal(again.queue_directory, rig.spool);
	assert_string_equal(again.myhostname, "mx.example");
	assert_int_equal(again.hashed_queues, QUEUE_DEFERRED | QUEUE_HOLD);
	assert_int_equal(again.hash_depth, 1);
	assert_true(has(&again, "hash_queue_names", "none deferred hold defer"));
	assert_true(has(&again, "syslog_name", "a$b"));
	assert_true(has(&again, "multi_instance_directories", ""));
	assert_true(has(&again, "multi_instance_enable", "no"));
	assert_true(has(&again, "multi_instance_name", ""));
	postfix_release(&again);
	postfix_release(&made);
	assert_int_equal(stat(directory, &st), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(stat(rig.directory, &st), 0);
	postfix_release(&p);
	rig_close(&rig);
}

static void test_with_layout_failures(void **state)
{
	struct postfix made = {0};
	struct err err = {{0}};
	struct rig rig;

	(void)state;
	if (no_postconf())
		skip();
	rig_open(&rig); /* without a main.cf */
	assert_int_equal(postfix_with_layout(&rig.p, QUEUE_DEFERRED, 1, &made, &err), ERR_CONFIG);
	assert_null(made.config_directory);
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_run), cmocka_unit_test(test_run_timeout),
    cmocka_unit_test(test_run_stopped), cmocka_unit_test(test_run_leaks_nothing),
    cmocka_unit_test(test_run_missing_program), cmocka_unit_test(test_read),
    cmocka_unit_test(test_read_service_names), cmocka_unit_test(test_read_origin_file),
    cmocka_unit_test(test_read_failures), cmocka_unit_test(test_with_layout),
    cmocka_unit_test(test_with_layout_failures))
