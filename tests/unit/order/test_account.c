/* SPDX-License-Identifier: ISC */
/* The account: begun before anything is touched, true however the command ends, and bounded. */
#include "tests/unit/order/account.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "order/account/account_log.h"

/* ---- the file */

/* Free it. */
static char *read_log(const struct walk *w, const char *name)
{
	char path[128];
	struct stat st;
	char *text;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->rig.directory, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(io_read_all(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	return text;
}

static size_t count_words(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		count++;
	return count;
}

/* ---- before, and after */

static void test_before_the_first_message(void **state)
{
	struct walk w;
	char *text;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	rig_postsuper(&w.rig, "cp ../state/log ../seen; honest");
	w.order.reason = "a \"flood\"";
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	text = read_log(&w, "seen");
	assert_int_equal(count_words(text, "{\"begin\":1,"), 1);
	assert_non_null(strstr(text, "a \\\"flood\\\""));
	assert_int_equal(count_words(text, "{\"chunk\":1,\"part\":1,"), 1);
	for (size_t n = 0; n < MAILS; n++)
		assert_non_null(strstr(text, w.ids[n].text));
	assert_null(strstr(text, "{\"done\""));
	free(text);
	text = read_log(&w, "state/log");
	assert_int_equal(count_words(text, "{\"done\":1,\"part\":1}"), 1);
	assert_int_equal(count_words(text, "{\"facts\":1,"), 1);
	assert_non_null(strstr(text, "\"senders\":[{\"is\":\"bad.example\",\"count\":8}]"));
	assert_non_null(strstr(text, "\"clients\":[{\"is\":\"192.0.2.1\",\"count\":8}]"));
	assert_int_equal(count_words(text, "{\"end\":1,"), 1);
	free(text);
	close_walk(&w);
}

static void test_fields(void **state)
{
	static const struct {
		const char *name, *user, *want;
	} cases[] = {{"by name", "joe", "joe"}, {"without one", NULL, "uid "}};
	struct batches batches;

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		const struct batch *b;
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		fill(&w, QUEUE_DEFERRED);
		w.order.user = cases[n].user;
		w.order.reason = "night\x1b[31m";
		w.order.token = "T";
		w.order.rules_set = 2;
		run_domain(&w);
		b = newest(&w, &batches);
		case_assert(cases[n].name, str_starts(b->user, cases[n].want));
		case_assert_text(cases[n].name, b->reason, "night?[31m");
		case_assert_text(cases[n].name, b->verb, "purge");
		case_assert_text(cases[n].name, b->command, "purge bad.example");
		case_assert_text(cases[n].name, b->selector, "bad.example");
		case_assert_text(cases[n].name, b->token, "T");
		case_assert(cases[n].name, b->uid == 0);
		case_assert(cases[n].name, b->matched == MAILS && b->done == MAILS);
		case_assert(cases[n].name, b->rules_set == 2);
		case_assert(cases[n].name, b->state == ACCOUNT_DONE && !b->running);
		case_assert(cases[n].name, clock_wall() - b->time < 60 * USEC_PER_SEC);
		batches_release(&batches);
		close_walk(&w);
	}
}

/* The reasons for waiting are read before the messages go, and folded. */
static void test_reasons(void **state)
{
	static const char defer[] =
	    "recipient=u@dest.example\nreason=host mx.dest.example[192.0.2.9] said: 451 4.7.1 "
	    "come back\n\n";
	char path[256], *text;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	for (size_t n = 0; n < 3; n++) {
		int fd;

		snprintf(path, sizeof(path), "%s/defer/%s", w.rig.spool, w.ids[n].text);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		assert_int_equal(io_write_all(fd, defer, strlen(defer)), 0);
		close(fd);
		rig_own(&w.rig, path);
	}
	run_domain(&w);
	text = read_log(&w, "state/log");
	assert_non_null(strstr(text, "\"reasons\":[{\"is\":\"host HOST[IP] said: 451 4.7.1"));
	assert_non_null(strstr(text, "come back\",\"count\":3}]"));
	free(text);
	close_walk(&w);
}

/* If the disk takes no account, a purge goes on and says so. */
static void test_no_account(void **state)
{
	enum how { MISSING, UNWRITABLE, A_DIRECTORY, CASES };
	char path[128];

	(void)state;
	for (enum how how = MISSING; how < CASES; how++) {
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		fill(&w, QUEUE_DEFERRED);
		rig_postsuper(&w.rig, "touch ../called; honest");
		log_path(&w, path);
		if (how == MISSING)
			w.settings.state_directory = (char *)"/nonexistent/state";
		else if (how == UNWRITABLE)
			assert_int_equal(chmod(w.state, 0500), 0);
		else
			rig_directory(&w.rig, path);
		ask_for(&w, &w.selector.author, "bad.example");
		assert_int_equal(order_run(&w.order, &w.outcome, &w.err), 0);
		assert_non_null(strstr(w.outcome.trouble.text, "the account could not be written"));
		assert_false(w.outcome.accounted);
		assert_int_equal(w.outcome.tally.results[RESULT_DONE], w.outcome.tally.matched);
		assert_true(w.outcome.tally.matched > 0);
		snprintf(path, sizeof(path), "%s/called", w.rig.directory);
		assert_int_equal(access(path, F_OK), 0);
		close_walk(&w);
	}
}

/* ---- another command has the lock */

static volatile sig_atomic_t stop;

static void stop_now(int signal)
{
	(void)signal;
	stop = 1;
}

static void test_locked(void **state)
{
	const struct itimerval soon = {.it_value.tv_usec = 200000};
	struct account_log log;
	int64_t began;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	assert_int_equal(account_log_open(&log, w.state, true, &w.err), 0);
	assert_int_equal(account_log_lock(&log, &w.err), 0);
	rig_own(&w.rig, w.state);
	assert_int_equal(fchown(log.fd, w.rig.p.owner.uid, w.rig.p.owner.gid), 0);
	assert_int_equal(fchown(log.lock, w.rig.p.owner.uid, w.rig.p.owner.gid), 0);
	stop = 0;
	w.order.stop = &stop;
	began = clock_steady();
	signal(SIGALRM, stop_now);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	run_domain(&w);
	signal(SIGALRM, SIG_DFL);
	assert_true(clock_steady() - began < 5 * USEC_PER_SEC);
	assert_true(w.outcome.interrupted);
	assert_int_equal(results(&w, RESULT_UNTOUCHED), MAILS);
	account_log_close(&log);
	close_walk(&w);
}

/* ---- a log that was moved away */

static void test_highest(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {{"", 0}, {"17\n", 17}, {"00000000000000000099\n", 99},
	    {"00000000000000000099", 99}, {"junk", 0}, {"-1\n", 0},
	    {"1099511627775\n", 1099511627775}, {"1099511627776\n", 0},
	    {"99999999999999999999\n", 0}, {"123456789012345678901234567890\n", 0}};
	struct account_log log;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		assert_int_equal(account_log_open(&log, w.state, true, &w.err), 0);
		assert_int_equal(ftruncate(log.lock, 0), 0);
		assert_int_equal(pwrite(log.lock, cases[n].text, strlen(cases[n].text), 0),
		    (ssize_t)strlen(cases[n].text));
		case_assert(cases[n].text, account_log_highest(&log) == cases[n].want);
		account_log_keep(&log, 123);
		case_assert(cases[n].text, account_log_highest(&log) == 123);
		account_log_close(&log);
	}
	close_walk(&w);
}

/* ---- foreign content in the file */

static void test_torn_line(void **state)
{
	static const char torn[] = "{\"begin\":1,\"time\":17000000";
	struct batches batches;
	struct walk w;
	char *text;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	append_log(&w, torn, strlen(torn));
	assert_int_equal(account_list(&w.settings, NULL, &batches, &w.err), 0);
	assert_int_equal(batches.count, 0);
	batches_release(&batches);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(newest(&w, &batches)->done, MAILS);
	assert_int_equal(batches.count, 1);
	batches_release(&batches);
	text = read_log(&w, "state/log");
	assert_non_null(strstr(text, "17000000\n{\"begin\":1,\"time\":"));
	free(text);
	close_walk(&w);
}

/* Any content is only text: it is not believed, and never fatal. */
static void test_garbage(void **state)
{
	static const char garbage[] =
	    "\n\n{}\nnull\n{\"begin\":0,\"x\":1}\n{\"begin\":-3}\n{\"begin\":99999999999999999999}"
	    "\n"
	    "{\"begin\":5,\"verb\":7}\n{\"begin\":4,\"verb\":\"hold\"}\n{\"end\":8,\"done\":1}\n"
	    "{\"chunk\":5,\"part\":1,\"ids\":\"../../etc/passwd 1\"}\n{\"done\":5,\"part\":1}\n"
	    "{\"begin\":6,\"verb\":\"hold\",\"user\":\"\\u001b[2J\"}\n"
	    "{\"chunk\":6,\"part\":1,\"ids\":\"ALL 1 0AAAA1 x 0AAAA2 "
	    "5\"}\n{\"done\":6,\"part\":1}\n"
	    "{\"begin\":7,\"verb\":\"hold\"}{\"begin\":\n\0\0\0\n{\"end\":6,\"undid\":[\"x\",5,{}]}"
	    "\n";
	struct batches batches;
	struct account_entries holds = {0};
	struct holds_lost lost;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	append_log(&w, garbage, sizeof(garbage) - 1);
	assert_int_equal(account_list(&w.settings, &w.rig.p, &batches, &w.err), 0);
	assert_int_equal(batches.count, 2); /* 6, 5 */
	assert_string_equal(batches.list[0].user, "?[2J");
	batches_release(&batches);
	assert_int_equal(holds_read(&w.order, &holds, &lost, &w.err), 0);
	assert_int_equal(holds.count, 0);
	account_entries_release(&holds);
	run_domain(&w);
	assert_int_equal(w.outcome.tally.batch, 9); /* no number is reused */
	close_walk(&w);
}

static void test_two_commands_at_once(void **state)
{
	enum { COMMANDS = 6 };
	struct batches batches;
	struct walk w;
	pid_t pids[COMMANDS];

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (int n = 0; n < COMMANDS; n++) {
		pids[n] = fork();
		if (pids[n] == 0) {
			struct account_entries doubt = {0};
			struct writer *writer = NULL;
			struct strbuf end = {0};
			uint64_t done;
			int code = writer_open(&w.order, &writer, &done, &doubt, NULL);

			if (code == 0)
				strbuf_printf(&end, "{\"end\":%llu,\"done\":%d}\n",
				    (unsigned long long)writer_batch(writer), 1);
			_exit(code == 0 && writer_end(writer, &end, NULL) == 0 ? 0 : 1);
		}
	}
	for (int n = 0; n < COMMANDS; n++) {
		int status;

		assert_int_equal(waitpid(pids[n], &status, 0), pids[n]);
		assert_int_equal(status, 0);
	}
	newest(&w, &batches);
	assert_int_equal(batches.count, COMMANDS);
	for (size_t n = 0; n < COMMANDS; n++) {
		assert_int_equal(batches.list[n].number, COMMANDS - n);
		assert_int_equal(batches.list[n].state, ACCOUNT_DONE);
	}
	batches_release(&batches);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_before_the_first_message), cmocka_unit_test(test_fields),
    cmocka_unit_test(test_reasons), cmocka_unit_test(test_no_account),
    cmocka_unit_test(test_locked), cmocka_unit_test(test_highest), cmocka_unit_test(test_torn_line),
    cmocka_unit_test(test_garbage), cmocka_unit_test(test_two_commands_at_once))
