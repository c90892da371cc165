/* SPDX-License-Identifier: ISC */
/* The IDs that --id asked for and that the index does not know. */
#include <errno.h>

#include "purge/asked.h"

/* Looks where each of ids lies now, and says which are gone. */
static int look(const struct session *s, const struct queue_id *ids, size_t count,
    struct stranger *into, struct err *err)
{
	struct proof *states = NULL;
	int code = spool_states(&s->postfix, ids, count, &states, err);

	for (size_t i = 0; code == 0 && i < count; i++)
		into[i] =
		    (struct stranger){.queue_id = ids[i], .gone = states[i].state == PROOF_GONE};
	free(states);
	return code;
}

int asked_strangers(
    const struct session *s, struct stranger **ret, size_t *ret_count, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	struct stranger *strangers = NULL;
	struct queue_id *ids = NULL;
	uint32_t *unknown = NULL;
	size_t count = 0;
	int code;

	if (selector->id_count == 0)
		return 0;
	code = index_unknown(
	    s->settings.index_directory, selector->ids, selector->id_count, &unknown, &count, err);
	if (code < 0 || count == 0)
		goto out;
	code = -ENOMEM;
	ids = calloc(count, sizeof(*ids));
	strangers = calloc(count, sizeof(*strangers));
	if (!ids || !strangers) {
		err_set(err, code, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		ids[i] = selector->ids[unknown[i]];
	code = look(s, ids, count, strangers, err);
	if (code < 0)
		goto out;
	*ret = strangers;
	*ret_count = count;
	strangers = NULL;
out:
	free(strangers);
	free(ids);
	free(unknown);
	return code < 0 ? code : 0;
}

static int compare_ids(const void *left, const void *right)
{
	return strcmp(
	    ((const struct queue_id *)left)->text, ((const struct queue_id *)right)->text);
}

/* The IDs of what a scan found, sorted; NULL where there is none, or no memory. */
static struct queue_id *scanned_ids(const struct outcome *outcome, size_t *ret_count)
{
	struct queue_id *ids = calloc(outcome->count + 1, sizeof(*ids));
	size_t count = 0;

	for (size_t n = 0; ids && n < outcome->count; n++)
		if (outcome->items[n].scanned)
			ids[count++] = candidate_id(outcome->items[n].candidate);
	if (count > 1)
		qsort(ids, count, sizeof(*ids), compare_ids);
	*ret_count = count;
	return ids;
}

size_t asked_not_found(const struct outcome *outcome, struct stranger *strangers, size_t count)
{
	struct queue_id *ids = NULL;
	size_t kept = 0, id_count = 0;

	if (count > 0)
		ids = scanned_ids(outcome, &id_count);
	for (size_t i = 0; i < count; i++)
		if (id_count == 0 ||
		    !bsearch(&strangers[i].queue_id, ids, id_count, sizeof(*ids), compare_ids))
			strangers[kept++] = strangers[i];
	free(ids);
	return kept;
}
