/* SPDX-License-Identifier: ISC */
/* pqpurge-idx log: past batches, the newest last. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "order/account.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/table.h"

static int put_json(const struct batch *b)
{
	struct json *o = json_new();

	json_put_int(o, "batch", (int64_t)b->number);
	json_put_int(o, "time", b->time / USEC_PER_SEC);
	json_put_text(o, "user", b->user);
	json_put_int(o, "uid", b->uid);
	json_put_text(o, "verb", b->verb);
	json_put_text(o, "command", b->command);
	json_put_text(o, "reason", b->reason);
	json_put_int(o, "matched", (int64_t)b->matched);
	json_put_int(o, "done", (int64_t)b->done);
	json_put_int(o, "gone", (int64_t)b->gone);
	json_put_int(o, "changed", (int64_t)b->changed);
	json_put_int(o, "failed", (int64_t)b->failed);
	json_put_int(o, "rules_set", b->rules_set);
	json_put_text(o, "state", account_state_word(b->state));
	if (b->running)
		json_put_bool(o, "running", true);
	return json_line(stdout, o);
}

/* ---- as a table */

/* A column; on a terminal one that says nothing about any batch is left out. */
enum {
	NUMBER,
	TIME,
	USER,
	VERB,
	DONE,
	GONE,
	CHANGED,
	FAILED,
	RULES,
	STATE,
	REASON,
	COMMAND,
	COLUMNS
};
static const struct table_column all_columns[COLUMNS] = {
    [NUMBER] = {.name = "BATCH", .right = true},
    [TIME] = {.name = "TIME"},
    [USER] = {.name = "USER"},
    [VERB] = {.name = "VERB"},
    [DONE] = {.name = "DONE", .right = true},
    [GONE] = {.name = "GONE", .right = true},
    [CHANGED] = {.name = "CHANGED", .right = true},
    [FAILED] = {.name = "FAILED", .right = true},
    [RULES] = {.name = "RULES", .right = true},
    [STATE] = {.name = "STATE"},
    [REASON] = {.name = "REASON", .cut = true},
    [COMMAND] = {.name = "COMMAND", .cut = true},
};
#define SOMETIMES (1u << GONE | 1u << CHANGED | 1u << FAILED | 1u << RULES | 1u << STATE)

struct cells {
	char text[COLUMNS][32];
	const char *at[COLUMNS];
};

static void make_cells(const struct batch *b, bool terminal, struct cells *c)
{
	const uint64_t numbers[COLUMNS] = {[NUMBER] = b->number,
	    [DONE] = b->done,
	    [GONE] = b->gone,
	    [CHANGED] = b->changed,
	    [FAILED] = b->failed,
	    [RULES] = b->rules_set};
	const char *command = terminal ? strchr(b->command, ' ') : NULL;

	for (int i = 0; i < COLUMNS; i++) {
		snprintf(c->text[i], sizeof(c->text[i]), "%" PRIu64, numbers[i]);
		c->at[i] = c->text[i];
	}
	c->at[TIME] = clock_text(b->time, c->text[TIME], sizeof(c->text[TIME]));
	c->at[USER] = b->user;
	c->at[VERB] = b->verb;
	c->at[STATE] = b->running ? "running" : account_state_word(b->state);
	c->at[REASON] = b->reason;
	/* The program's name is always the same. */
	c->at[COMMAND] = command ? command + 1 : b->command;
}

static unsigned columns_of(const struct batches *batches, size_t count, bool terminal)
{
	unsigned used = terminal ? ~SOMETIMES : ~0u;

	for (size_t n = 0; n < count; n++) {
		const struct batch *b = &batches->list[n];

		used |= (b->gone > 0) << GONE | (b->changed > 0) << CHANGED |
			(b->failed > 0) << FAILED | (b->rules_set > 0) << RULES |
			(b->state != ACCOUNT_DONE) << STATE;
	}
	return used;
}

static int put_table(const struct batches *batches, size_t count)
{
	bool terminal = isatty(STDOUT_FILENO);
	unsigned used = columns_of(batches, count, terminal);
	struct table_column columns[COLUMNS];
	size_t width = 0;
	struct table *t;

	for (int i = 0; i < COLUMNS; i++)
		if (used & 1u << i)
			columns[width++] = all_columns[i];
	t = table_new(stdout, columns, width);
	for (size_t n = count; n-- > 0;) {
		const char *row[COLUMNS];
		struct cells c;

		make_cells(&batches->list[n], terminal, &c);
		width = 0;
		for (int i = 0; i < COLUMNS; i++)
			if (used & 1u << i)
				row[width++] = c.at[i];
		table_add(t, row);
	}
	return table_end(t);
}

static int put_lines(const struct batches *batches, size_t count)
{
	int code = 0;

	for (size_t n = count; n-- > 0 && code == 0;)
		code = put_json(&batches->list[n]);
	return code;
}

/* An order that stays in force, whose batch the account has lost. */
static int add_standing(struct batches *batches, const struct standing *standing)
{
	struct batch b = {.number = standing->number,
	    .uid = standing->uid,
	    .user = strdup(standing->user),
	    .verb = strdup(action_rows[standing->action].verb),
	    .command = strdup(standing->command),
	    .reason = strdup(standing->reason)};

	return b.user && b.verb && b.command && b.reason ? array_add(batches, b) : -ENOMEM;
}

/* What stands is what root's own directory says. */
static int mark_standing(const struct session *s, struct batches *batches)
{
	struct standings all = {0};
	int code = 0;

	standing_read(s, &all);
	for (size_t n = 0; code == 0 && n < all.count; n++) {
		size_t at = 0;

		while (at < batches->count && batches->list[at].number != all.list[n].number)
			at++;
		if (at == batches->count)
			code = add_standing(batches, &all.list[n]);
		if (code == 0)
			batches->list[at].state = ACCOUNT_STANDING;
	}
	standings_release(&all);
	return code;
}

int verb_log(struct session *s, struct err *err)
{
	size_t limit = s->options.limit, count;
	struct batches batches = {0};
	struct postfix p = {0};
	/* Without Postfix the account is still worth reading. */
	bool there = postfix_read(s->settings.postfix_config_directory, &p, NULL) == 0;
	int code = account_list(&s->settings, there ? &p : NULL, &batches, err);

	postfix_release(&p);
	if (code == 0 && mark_standing(s, &batches) < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code < 0)
		return code;
	count = limit && limit < batches.count ? limit : batches.count;
	code = (s->options.json ? put_lines : put_table)(&batches, count);
	batches_release(&batches);
	return code < 0 ? err_sys(err, -code, "failed to write the batches") : 0;
}
