/* SPDX-License-Identifier: ISC */
#include <langinfo.h>

#include "base/clock.h"
#include "purge/interrupt.h"
#include "purge/screen/painter.h"
#include "purge/screen/tasks.h"
#include "purge/tell/say.h"

#define LOOK_EACH  (2 * USEC_PER_SEC)
#define SYNC_EACH  (10 * USEC_PER_SEC)
#define COST_SHARE 5 /* if `top` counts, rest for this many times its duration */

struct screen {
	struct session *s;
	struct screen_model model;
	struct task tasks[TASK_KINDS];
	struct job jobs[TASK_KINDS];
	int64_t next_look, next_sync; /* steady */
	bool dirty, resized, quits;
	char text_title[SCREEN_NOTE_MAX];
};

static void start(struct screen *v, enum task_kind kind, job_work *work)
{
	job_release(&v->jobs[kind]);
	if (job_start(&v->jobs[kind], work, &v->tasks[kind]) < 0)
		model_note(&v->model, "No process could be started.");
}

static void look_at_groups(struct screen *v)
{
	struct task *t = &v->tasks[TASK_GROUPS];

	t->kind = v->model.kind;
	snprintf(t->like, sizeof(t->like), "%s", v->model.typing ? "" : v->model.filter);
	t->limit = model_wants(&v->model);
	v->next_look = INT64_MAX; /* until the answer comes */
	start(v, TASK_GROUPS, task_groups);
}

/* Ends the previous job of a verb that looks, and makes its words. False: there is nothing to look
 * at. */
static bool begin_words(
    struct screen *v, enum task_kind kind, const char *verb, enum screen_effect effect)
{
	AUTO(strbuf_release) struct strbuf words = {0};
	int code = model_words(&v->model, effect, &words);

	job_release(&v->jobs[kind]);
	task_words(&v->tasks[kind], verb);
	task_add_all(&v->tasks[kind], &words);
	if (code == 0)
		return true;
	v->model.loading = false;
	return false;
}

static void look_at_messages(struct screen *v)
{
	char limit[16];

	if (!begin_words(v, TASK_MESSAGES, "list", EFFECT_MESSAGES))
		return;
	snprintf(limit, sizeof(limit), "%d", SCREEN_MESSAGES);
	task_add(&v->tasks[TASK_MESSAGES], "--json");
	task_add(&v->tasks[TASK_MESSAGES], "--limit");
	task_add(&v->tasks[TASK_MESSAGES], limit);
	start(v, TASK_MESSAGES, task_command);
}

static void look_at_text(struct screen *v)
{
	const enum screen_effect effect = v->model.shown;

	if (!begin_words(v, TASK_TEXT, effect == EFFECT_SHOW ? "show" : "why", effect))
		return;
	snprintf(v->text_title, sizeof(v->text_title), "%s", v->model.title);
	start(v, TASK_TEXT, task_text);
}

static void take_groups(struct screen *v, const char *complaint)
{
	const struct job *job = &v->jobs[TASK_GROUPS];
	const char *text = strbuf_text(&job->out);
	AUTO(screen_groups_release) struct screen_groups groups = {0};
	AUTO(json_release) struct json *answer = NULL;
	int64_t took = clock_steady() - job->began, rest = LOOK_EACH;
	int code = ERR_SYNTAX;

	if (*text == TASK_KEPT)
		code = json_parse(text + 1, strcspn(text + 1, "\n"), &answer, NULL);
	if (code == 0)
		code = screen_groups_read(answer, &groups);
	else if (*text == TASK_COUNTED)
		code = screen_groups_read_top(
		    text + 1, job->out.len - 1, clock_wall(), v->tasks[TASK_GROUPS].like, &groups);
	if (!groups.kept && took * COST_SHARE > rest)
		rest = took * COST_SHARE;
	v->next_look = clock_steady() + rest;
	snprintf(v->model.state, sizeof(v->model.state), "%s", complaint);
	if (code == 0)
		model_groups(&v->model, &groups);
	else if (!*complaint)
		model_note(&v->model, "The counts are invalid.");
}

static void take_messages(struct screen *v, const char *complaint)
{
	const struct job *job = &v->jobs[TASK_MESSAGES];
	AUTO(screen_messages_release) struct screen_messages messages = {0};

	if (screen_messages_read(strbuf_text(&job->out), job->out.len, &messages) == 0)
		model_messages(&v->model, &messages);
	if (*complaint && messages.count == 0 && v->model.messages.count == 0)
		model_note(&v->model, "%s", complaint);
	v->model.loading = v->model.loading && v->model.view != VIEW_MESSAGES;
}

static void take_text(struct screen *v)
{
	const struct job *job = &v->jobs[TASK_TEXT];

	/* if the user went back meanwhile, the text is not shown */
	if (v->model.view == VIEW_TEXT && !v->model.helping &&
	    strcmp(v->model.title, v->text_title) == 0)
		model_text(&v->model, v->text_title, strbuf_text(&job->out), job->out.len);
}

static void take_sync(struct screen *v, int status, const char *complaint)
{
	if (status > EXIT_DONE && *complaint)
		model_note(&v->model, "%s", complaint);
	if (v->model.view == VIEW_MESSAGES && !v->jobs[TASK_MESSAGES].pid)
		look_at_messages(v);
}

static void take(struct screen *v, enum task_kind kind)
{
	char complaint[SCREEN_NOTE_MAX];
	int status = job_finish(&v->jobs[kind], complaint, sizeof(complaint));

	if (kind == TASK_GROUPS)
		take_groups(v, complaint);
	else if (kind == TASK_MESSAGES)
		take_messages(v, complaint);
	else if (kind == TASK_TEXT)
		take_text(v);
	else
		take_sync(v, status, complaint);
	if (v->jobs[kind].cut)
		model_note(&v->model, "It is more than the screen can hold; the rest is left out.");
	job_release(&v->jobs[kind]);
	v->dirty = true;
}

/* Pushes the number of the account's last batch, if it can be undone. */
static bool find_batch(struct screen *v, struct strbuf *packed)
{
	struct task t = {.s = v->s};
	AUTO(job_release) struct job job = {0};
	AUTO(json_release) struct json *batch = NULL;
	char complaint[SCREEN_NOTE_MAX] = "", number[24];

	task_words(&t, "log");
	task_add(&t, "--json");
	task_add(&t, "--limit");
	task_add(&t, "1");
	if (job_start(&job, task_command, &t) == 0) {
		while (job_read(&job))
			;
		(void)job_finish(&job, complaint, sizeof(complaint));
	}
	strbuf_release(&t.words);
	(void)!json_parse(
	    strbuf_text(&job.out), strcspn(strbuf_text(&job.out), "\n"), &batch, NULL);
	const char *verb = json_words(batch, "verb"), *state = json_words(batch, "state");
	bool can = strcmp(verb, "hold") == 0 || strcmp(state, "standing") == 0;

	snprintf(number, sizeof(number), "%" PRId64, json_int(batch, "batch", 0));
	if (!batch)
		model_note(&v->model, "%s", *complaint ? complaint : "There is no batch yet.");
	else if (!can)
		model_note(&v->model, "The last batch, %s, is '%s'; only a hold can be undone.",
		    number, verb);
	else
		strlist_push(packed, number, strlen(number));
	return can;
}

static void act(struct screen *v, const char *verb, enum screen_effect effect)
{
	const bool dry = v->s->options.dry_run;
	struct task t = {.s = v->s};
	AUTO(strbuf_release) struct strbuf words = {0};
	bool known = effect == EFFECT_UNDO ? find_batch(v, &words)
					   : model_words(&v->model, effect, &words) == 0;

	if (known) {
		task_words(&t, verb);
		if (dry)
			task_add(&t, "--dry-run");
		task_add_all(&t, &words);
		painter_leave();
		(void)job_act(effect == EFFECT_BLOCK && !dry ? task_block : task_act, &t);
		painter_return();
		v->next_sync = 0;
		look_at_groups(v);
		if (v->model.view == VIEW_MESSAGES)
			look_at_messages(v);
		else if (v->model.view == VIEW_TEXT)
			look_at_text(v);
	}
	strbuf_release(&t.words);
}

static void draw(struct screen *v, void (*paint)(const struct page *p))
{
	AUTO(page_release) struct page page = {0};

	if (page_make(&v->model, clock_wall(), &page) == 0)
		paint(&page);
	v->dirty = false;
}

static void carry_out(struct screen *v, enum screen_effect effect)
{
	static const char *const verbs[] = {[EFFECT_HOLD] = "hold",
	    [EFFECT_PURGE] = "purge",
	    [EFFECT_BLOCK] = "block",
	    [EFFECT_UNDO] = "undo"};

	v->quits |= effect == EFFECT_QUIT;
	if (effect == EFFECT_REPAINT)
		draw(v, painter_repaint);
	else if (effect == EFFECT_GROUPS)
		look_at_groups(v);
	else if (effect == EFFECT_MESSAGES)
		look_at_messages(v);
	else if (effect == EFFECT_SHOW || effect == EFFECT_WHY)
		look_at_text(v);
	else if (effect >= EFFECT_HOLD)
		act(v, verbs[effect], effect);
}

static void look_if_due(struct screen *v)
{
	int64_t now = clock_steady();

	if (now >= v->next_look && !v->jobs[TASK_GROUPS].pid)
		look_at_groups(v);
	/* if `top` counts, it reads the queue itself */
	if (!v->model.groups.kept || now < v->next_sync || v->jobs[TASK_SYNC].pid)
		return;
	v->next_sync = now + SYNC_EACH;
	task_words(&v->tasks[TASK_SYNC], "sync");
	task_add(&v->tasks[TASK_SYNC], "--quiet");
	start(v, TASK_SYNC, task_command);
}

static int patience(const struct screen *v)
{
	int64_t next = v->next_look, now = clock_steady();

	if (v->model.groups.kept && !v->jobs[TASK_SYNC].pid && v->next_sync < next)
		next = v->next_sync;
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)((next - now) / 1000 + 1) : 0;
}

static void read_keys(struct screen *v)
{
	int key;

	while (!v->quits && !interrupt_stop && (key = painter_key(&v->resized)) != SCREEN_NO_KEY) {
		carry_out(v, model_key(&v->model, key));
		v->dirty = true;
	}
	if (v->resized) {
		size_t rows, columns;

		painter_size(&rows, &columns);
		model_resize(&v->model, rows, columns);
		v->resized = false;
		v->dirty = true;
	}
}

static void wait_and_read(struct screen *v)
{
	struct pollfd list[TASK_KINDS + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};

	for (size_t i = 0; i < TASK_KINDS; i++)
		list[i + 1] =
		    (struct pollfd){.fd = v->jobs[i].pid ? v->jobs[i].fd : -1, .events = POLLIN};
	if (poll(list, COUNT_OF(list), patience(v)) < 0)
		list[0].revents = POLLIN; /* after a signal: the size may have changed */
	for (size_t i = 0; i < TASK_KINDS; i++)
		if (list[i + 1].revents && v->jobs[i].pid && v->jobs[i].fd == list[i + 1].fd &&
		    !job_read(&v->jobs[i]))
			take(v, (enum task_kind)i);
	if (list[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		v->quits = true;
	else if (list[0].revents)
		read_keys(v);
}

/* Comes before the terminal is touched, so that a user without the right sees the same error as
 * from top. */
static int first_look(struct screen *v)
{
	struct job *job = &v->jobs[TASK_GROUPS];
	char complaint[SCREEN_NOTE_MAX];

	look_at_groups(v);
	while (job->pid && !interrupt_stop && job_read(job))
		;
	if (!job->pid || interrupt_stop)
		return interrupt_stop ? EXIT_INTERRUPTED : EXIT_CANNOT;
	int status = job_finish(job, complaint, sizeof(complaint));
	if (status == EXIT_CANNOT || job->out.len == 0) {
		say(stderr, "%s\n", complaint);
		return EXIT_CANNOT;
	}
	take_groups(v, complaint);
	job_release(job);
	return EXIT_DONE;
}

static int run(struct screen *v, struct err *err)
{
	int code = painter_check(err);

	code = code ?: first_look(v);
	code = code ?: painter_open(err);
	if (code != 0)
		return code;
	painter_size(&v->model.rows, &v->model.columns);
	for (v->dirty = true; !v->quits && !interrupt_stop;) {
		look_if_due(v);
		if (v->dirty)
			draw(v, painter_draw);
		wait_and_read(v);
	}
	painter_close();
	return EXIT_DONE;
}

int verb_screen(struct session *s, struct err *err)
{
	struct screen v = {.s = s};

	model_init(&v.model);
	v.model.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	for (size_t i = 0; i < TASK_KINDS; i++)
		v.tasks[i].s = s;
	interrupt_catch();
	int code = run(&v, err);
	for (size_t i = 0; i < TASK_KINDS; i++) {
		job_release(&v.jobs[i]);
		strbuf_release(&v.tasks[i].words);
	}
	model_release(&v.model);
	return code;
}
