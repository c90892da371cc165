/* SPDX-License-Identifier: ISC */
#include "purge/screen/tasks.h"

#include "purge/interrupt.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"
#include "purge/top/top.h"

void task_add(struct task *t, const char *word)
{
	strlist_push(&t->words, word, strlen(word));
}

void task_words(struct task *t, const char *verb)
{
	strbuf_clear(&t->words);
	task_add(t, "pqpurge-idx");
	if (t->s->options.config) {
		task_add(t, "-c");
		task_add(t, t->s->options.config);
	}
	task_add(t, verb);
}

void task_add_all(struct task *t, const struct strbuf *packed)
{
	strbuf_add(&t->words, strbuf_text(packed), packed->len);
}

static int ask_daemon(const struct task *t, struct err *err)
{
	struct json *answer = NULL;
	int code = kept_ask(&t->s->client, t->kind, t->like, t->limit, &answer, err);

	if (code < 0)
		return code;
	putchar(TASK_KEPT);
	answer = json_reopen(answer);
	return json_line(stdout, answer);
}

int task_groups(void *arg)
{
	struct task *t = arg;
	struct err err = {{0}};

	if (geteuid() == 0 && ask_daemon(t, &err) == 0)
		return EXIT_DONE;
	if (geteuid() == 0)
		complain("%s", err.text);
	putchar(TASK_COUNTED);
	task_words(t, "top");
	task_add(t, "--json");
	task_add(t, "--by");
	task_add(t, group_word(t->kind));
	return job_command(&t->words);
}

int task_command(void *arg)
{
	return job_command(&((struct task *)arg)->words);
}

int task_text(void *arg)
{
	if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return EXIT_CANNOT;
	return task_command(arg);
}

static void say_words(const struct strbuf *words)
{
	struct strlist list = strlist_of(words);
	AUTO(strbuf_release) struct strbuf line = {0};

	strlist_each (word, &list)
		strbuf_printf(&line, "%s%s", line.len ? " " : "", word);
	say(stdout, "\n# %s\n", strbuf_text(&line));
	fflush(stdout);
}

static int say_and_run(const struct strbuf *words)
{
	say_words(words);
	int status = job_command(words);

	fflush(stdout);
	return status;
}

static void wait_for_enter(void)
{
	char c = 0;

	say(stdout, "\nEnter: back to the screen. ");
	fflush(stdout);
	interrupt_stop = 0;
	interrupt_catch();
	while (c != '\n' && interrupt_wait(STDIN_FILENO) && read(STDIN_FILENO, &c, 1) == 1)
		;
}

int task_act(void *arg)
{
	const struct task *t = arg;

	ask_afresh();
	int status = say_and_run(&t->words);
	wait_for_enter();
	return status;
}

int task_block(void *arg)
{
	const struct task *t = arg;
	AUTO(strbuf_release) struct strbuf dry = {0};
	struct strlist list = strlist_of(&t->words);
	int status;

	ask_afresh();
	strlist_each (word, &list) {
		if (strcmp(word, "--") == 0)
			strlist_push(&dry, "--dry-run", strlen("--dry-run"));
		strlist_push(&dry, word, strlen(word));
	}
	status = say_and_run(&dry);
	if (status == EXIT_DONE && ask_yes(STDIN_FILENO, stderr, "Block this?") == ANSWER_YES)
		status = say_and_run(&t->words);
	else
		say(stderr, "Nothing was blocked.\n");
	wait_for_enter();
	return status;
}
