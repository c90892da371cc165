/* SPDX-License-Identifier: ISC */
/* pqpurge-idx log: past batches, the newest last. */
#include "base/array.h"
#include "order/account/account.h"
#include "purge/session.h"
#include "purge/standing.h"
#include "purge/tell/field.h"
#include "purge/tell/progress.h"
#include "purge/tell/table.h"

#define FIELDS_MAX 20

static size_t fields_of(const struct batch *b, bool terminal, struct field ret[FIELDS_MAX])
{
	const char *command = terminal ? strchr(b->command, ' ') : NULL;
	const enum field_kind rare = terminal ? FIELD_COUNT : FIELD_NUMBER;
	const char *state = b->running ? "running" : account_state_word(b->state);
	const struct field fields[] = {
	    {"batch", "BATCH", FIELD_NUMBER, .n = (int64_t)b->number},
	    {"time", "TIME", FIELD_TIME, .n = b->time},
	    {"user", "USER", FIELD_TEXT, .text = b->user},
	    {"uid", NULL, FIELD_NUMBER, .n = b->uid},
	    {"verb", "VERB", FIELD_TEXT, .text = b->verb},
	    {"matched", NULL, FIELD_NUMBER, .n = (int64_t)b->matched},
	    {"done", "DONE", FIELD_NUMBER, .n = (int64_t)b->done},
	    {"gone", "GONE", rare, .n = (int64_t)b->gone},
	    {"changed", "CHANGED", rare, .n = (int64_t)b->changed},
	    {"failed", "FAILED", rare, .n = (int64_t)b->failed},
	    {"rules_set", "RULES", rare, .n = b->rules_set},
	    {"state", NULL, FIELD_TEXT, .text = account_state_word(b->state)},
	    {NULL, "STATE", FIELD_TEXT, .text = terminal && b->state == ACCOUNT_DONE ? "" : state},
	    {"running", NULL, FIELD_BOOL, .n = b->running ? 1 : -1},
	    {"reason", "REASON", FIELD_TEXT, .text = b->reason, .cut = true},
	    {"command", "COMMAND", FIELD_TEXT, .text = command ? command + 1 : b->command,
		.cut = true},
	};

	_Static_assert(COUNT_OF(fields) <= FIELDS_MAX, "FIELDS_MAX is too small");
	memcpy(ret, fields, sizeof(fields));
	return COUNT_OF(fields);
}

/* The columns to show, as bits: on a terminal only those with a value. */
static uint32_t used_columns(const struct batch *list, size_t count, bool terminal)
{
	struct field fields[FIELDS_MAX];
	char buf[FIELD_TEXT_SIZE];
	uint32_t used = 0;

	for (size_t n = 0; n < count; n++) {
		size_t width = fields_of(&list[n], terminal, fields);

		for (size_t i = 0; i < width; i++)
			if (fields[i].label && (!terminal || *field_words(&fields[i], buf)))
				used |= 1u << i;
	}
	return used;
}

static struct table *begin(const struct batch *any, uint32_t used)
{
	struct table_column columns[FIELDS_MAX];
	struct field fields[FIELDS_MAX];
	size_t count = fields_of(any, false, fields), width = 0;

	for (size_t i = 0; i < count; i++)
		if (used & 1u << i)
			columns[width++] = (struct table_column){.name = fields[i].label,
			    .right = fields[i].kind == FIELD_NUMBER,
			    .cut = fields[i].cut};
	return table_new(stdout, columns, width);
}

static void add_row(struct table *t, const struct batch *b, bool terminal, uint32_t used)
{
	char text[FIELDS_MAX][FIELD_TEXT_SIZE];
	const char *cells[FIELDS_MAX];
	struct field fields[FIELDS_MAX];
	size_t count = fields_of(b, terminal, fields), width = 0;

	for (size_t i = 0; i < count; i++)
		if (used & 1u << i)
			cells[width++] = field_words(&fields[i], text[i]);
	table_add(t, cells);
}

static int put_table(const struct batch *list, size_t count)
{
	bool terminal = isatty(STDOUT_FILENO);
	uint32_t used = used_columns(list, count, terminal);
	struct table *t = count ? begin(list, used) : NULL;

	for (size_t n = count; n-- > 0;)
		add_row(t, &list[n], terminal, used);
	return count ? table_end(t) : 0;
}

static int put_lines(const struct batch *list, size_t count)
{
	struct field fields[FIELDS_MAX];
	int code = 0;

	for (size_t n = count; n-- > 0 && code == 0;) {
		struct json *o = json_new();

		fields_put(o, fields, fields_of(&list[n], false, fields));
		code = json_line(stdout, o);
	}
	return code;
}

/* For a standing order whose batch is no longer in the account. */
static int add_standing(struct batches *batches, const struct standing *standing)
{
	struct batch b = {.number = standing->number,
	    .uid = standing->uid,
	    .user = strdup(standing->user),
	    .verb = strdup(standing->action == ACTION_HOLD ? "hold" : "purge"),
	    .command = strdup(standing->command),
	    .reason = strdup(standing->reason)};

	if (b.user && b.verb && b.command && b.reason && array_add(batches, b) == 0)
		return 0;
	free(b.user);
	free(b.verb);
	free(b.command);
	free(b.reason);
	return -ENOMEM;
}

/* Root's own directory says which orders stand. */
static int mark_standing(const struct session *s, struct batches *batches)
{
	AUTO(standings_release) struct standings all = {0};
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
	return code;
}

int verb_log(struct session *s, struct err *err)
{
	size_t limit = s->options.limit, count;
	AUTO(batches_release) struct batches batches = {0};
	AUTO(postfix_release) struct postfix p = {0};
	struct progress progress;
	/* the account can be read without Postfix, too */
	bool there = postfix_read(s->settings.postfix_config_directory, &p, NULL) == 0;

	progress_init(&progress, !s->options.quiet);
	progress_show(&progress, "reading the account", 0, 0);
	int code = account_list(&s->settings, there ? &p : NULL, &batches, err);
	progress_end(&progress);
	if (code == 0 && mark_standing(s, &batches) < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code < 0)
		return code;
	count = limit && limit < batches.count ? limit : batches.count;
	code = (s->options.json ? put_lines : put_table)(batches.list, count);
	return session_written(code, err);
}
