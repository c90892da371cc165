/* SPDX-License-Identifier: ISC */
/* The daemon's two lines in main.cf. */
#include <errno.h>

#include "base/clock.h"
#include "postfix/config/bypass_advice.h"
#include "postfix/config/wiring.h"

#define TIMEOUT    (30 * USEC_PER_SEC)
#define OUTPUT_MAX ((size_t)1 << 20)

static const char *const list_names[WIRING_LISTS] = {"smtpd_milters", "non_smtpd_milters"};

/* ---- reading */

/* "name = value" where the line stands in main.cf, else nothing at all. */
static int read_list(
    const struct postfix *p, const char *name, struct wiring_list *ret, struct err *err)
{
	const char *words[] = {name, NULL}, *value;
	struct strbuf out = {0};
	int code = postconf_run(p->config_directory, "-n", words, &out, err);

	ret->name = name;
	value = code == 0 ? postconf_value(strbuf_text(&out), name) : NULL;
	ret->was_set = value != NULL;
	if (value)
		strbuf_add(&ret->before, value, strcspn(value, "\n"));
	strbuf_release(&out);
	return code;
}

/* ---- planning */

/* One plan in the making. */
struct plan {
	const struct postfix *p;
	struct bypass_facts facts;
	struct mailconf conf;
	struct strbuf ours;
	struct strbuf joined[WIRING_LISTS]; /* what a reference to either list will mean */
	struct strbuf value;                /* of the reference looked up last */
};

static bool is_ours(void *arg, const struct milter *m)
{
	return bypass_is_ours(&((struct plan *)arg)->facts, m);
}

static const char *value_of(void *arg, const char *name)
{
	struct plan *plan = arg;

	for (size_t n = 0; n < WIRING_LISTS; n++)
		if (strcmp(name, list_names[n]) == 0)
			return strbuf_text(&plan->joined[n]);
	if (postfix_parameter(plan->p, name, &plan->value, NULL) < 0)
		return NULL;
	return strbuf_text(&plan->value);
}

/* A service in a chroot sees nothing outside the queue directory. */
static int check_reach(const struct plan *plan, struct err *err)
{
	const char *path = milter_path(plan->facts.socket), *queue = plan->p->queue_directory;
	struct bypass_chroots chroots = bypass_chroots_of(&plan->facts);

	if (!path || !chroots.any || bypass_is_below(path, queue))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "services of Postfix run in a chroot at %s and cannot reach the socket %s; set socket "
	    "= \"unix:%s/pqpurge/milter.sock\"",
	    queue, path, queue);
}

static int plan_open(
    struct plan *plan, const struct postfix *p, const char *socket, struct err *err)
{
	int code = mailconf_read(p, bypass_parameters, &plan->conf, err);

	plan->p = p;
	plan->facts = (struct bypass_facts){.conf = &plan->conf, .p = p, .socket = socket};
	if (code < 0)
		return code;
	bypass_entry(&plan->facts, &plan->ours);
	return plan->ours.failed ? err_sys(err, ENOMEM, "failed to plan") : 0;
}

static void plan_release(struct plan *plan)
{
	mailconf_release(&plan->conf);
	strbuf_release(&plan->ours);
	strbuf_release(&plan->value);
	for (size_t n = 0; n < WIRING_LISTS; n++)
		strbuf_release(&plan->joined[n]);
}

static int join_lists(
    struct plan *plan, struct milter_list *list, struct wiring *w, struct err *err)
{
	int code = 0;

	/* First as if no reference could be followed: that is what references will mean. */
	for (size_t n = 0; code >= 0 && n < WIRING_LISTS; n++)
		code =
		    milter_list_join(list, strbuf_text(&w->lists[n].before), &plan->joined[n], err);
	list->value = value_of;
	for (size_t n = 0; code >= 0 && n < WIRING_LISTS; n++) {
		struct wiring_list *one = &w->lists[n];

		code = milter_list_join(list, strbuf_text(&one->before), &one->after, err);
		one->will_be_set = one->was_set || code > 0;
	}
	return code;
}

static int leave_lists(const struct milter_list *list, struct wiring *w, struct err *err)
{
	int code = 0;

	for (size_t n = 0; code >= 0 && n < WIRING_LISTS; n++) {
		struct wiring_list *one = &w->lists[n];

		code = milter_list_leave(list, strbuf_text(&one->before), &one->after, err);
		one->will_be_set = one->was_set && (code == 0 || one->after.len > 0);
	}
	return code;
}

static int make(
    const struct postfix *p, const char *socket, bool join, struct wiring *ret, struct err *err)
{
	struct plan plan = {0};
	int code = plan_open(&plan, p, socket, err);

	if (code == 0 && join)
		code = check_reach(&plan, err);
	for (size_t n = 0; code == 0 && n < WIRING_LISTS; n++)
		code = read_list(p, list_names[n], &ret->lists[n], err);
	if (code == 0) {
		struct milter_list list = {
		    .ours = strbuf_text(&plan.ours), .is_ours = is_ours, .arg = &plan};

		code = join ? join_lists(&plan, &list, ret, err) : leave_lists(&list, ret, err);
		code =
		    code < 0 ? err_within(err, ERR_CONFIG, "the lists of milters in main.cf") : 0;
	}
	plan_release(&plan);
	if (code < 0)
		wiring_release(ret);
	return code;
}

int wiring_join(const struct postfix *p, const char *socket, struct wiring *ret, struct err *err)
{
	return make(p, socket, true, ret, err);
}

int wiring_leave(const struct postfix *p, const char *socket, struct wiring *ret, struct err *err)
{
	return make(p, socket, false, ret, err);
}

void wiring_release(struct wiring *w)
{
	for (size_t n = 0; n < WIRING_LISTS; n++) {
		strbuf_release(&w->lists[n].before);
		strbuf_release(&w->lists[n].after);
	}
	*w = (struct wiring){0};
}

bool wiring_list_changes(const struct wiring_list *list)
{
	return list->was_set != list->will_be_set ||
	       strcmp(strbuf_text(&list->before), strbuf_text(&list->after)) != 0;
}

bool wiring_changes(const struct wiring *w)
{
	for (size_t n = 0; n < WIRING_LISTS; n++)
		if (wiring_list_changes(&w->lists[n]))
			return true;
	return false;
}

/* ---- writing */

static int write_list(const struct postfix *p, const struct wiring_list *list, struct err *err)
{
	struct strbuf line = {0}, out = {0};
	const char *words[] = {list->name, NULL};
	int code;

	if (list->will_be_set) {
		strbuf_printf(&line, "%s = %s", list->name, strbuf_text(&list->after));
		words[0] = strbuf_text(&line);
	}
	code = line.failed ? err_sys(err, ENOMEM, "failed to write main.cf")
			   : postconf_run(p->config_directory, list->will_be_set ? "-e" : "-X",
				 words, &out, err);
	strbuf_release(&line);
	strbuf_release(&out);
	return code;
}

int wiring_write(const struct postfix *p, const struct wiring *w, struct err *err)
{
	for (size_t n = 0; n < WIRING_LISTS; n++) {
		int code = wiring_list_changes(&w->lists[n]) ? write_list(p, &w->lists[n], err) : 0;

		if (code < 0)
			return code;
	}
	return 0;
}

/* Runs `postfix WORD`: its exit status, or a negative code. */
static int run_postfix(const struct postfix *p, const char *word, struct err *err)
{
	struct strbuf program = {0}, out = {0};
	int code = -ENOMEM;

	strbuf_printf(&program, "%s/postfix", p->command_directory);
	const char *argv[] = {strbuf_text(&program), "-c", p->config_directory, word, NULL};
	if (!program.failed)
		code = postfix_run(argv, OUTPUT_MAX, TIMEOUT, &out, err);
	strbuf_release(&out);
	strbuf_release(&program);
	return code;
}

int wiring_postfix_runs(const struct postfix *p, struct err *err)
{
	struct err words = {{0}};
	int code = run_postfix(p, "status", &words);

	if (code < 0)
		return err_set(err, code, "failed to ask whether Postfix runs (%s)",
		    words.text[0] ? words.text : err_word(code));
	return code == 0;
}

int wiring_reload(const struct postfix *p, struct err *err)
{
	int code = wiring_postfix_runs(p, err);

	if (code <= 0)
		return code;
	code = run_postfix(p, "reload", err);
	return code == 0 ? 1 : code > 0 ? ERR_CHILD : code;
}
