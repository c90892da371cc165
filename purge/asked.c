/* SPDX-License-Identifier: ISC */
/* The IDs that --id asked for and that the index does not know. */
#include <errno.h>

#include "order/meant.h"
#include "purge/asked.h"

/*
 * Looks where each of ids lies now. Those that are gone are kept, and those whose file the whole
 * selection means, or perhaps means.
 */
static int look(const struct session *s, const struct queue_id *ids, size_t count,
    struct stranger *into, size_t *ret_count, struct err *err)
{
	struct proof *states = NULL;
	enum meant *meant = calloc(count, sizeof(*meant));
	int code;

	if (!meant)
		return err_sys(err, ENOMEM, "failed to look at %zu messages", count);
	code = spool_states(&s->postfix, ids, count, &states, err);
	if (code == 0)
		code =
		    meant_find(&s->postfix, &s->options.selector, ids, states, count, meant, err);
	for (size_t i = 0; code == 0 && i < count; i++)
		if (meant[i] != MEANT_NOT)
			into[(*ret_count)++] = (struct stranger){
			    .queue_id = ids[i], .gone = states[i].state == PROOF_GONE};
	free(states);
	free(meant);
	return code;
}

int asked_strangers(
    const struct session *s, struct stranger **ret, size_t *ret_count, struct err *err)
{
	const struct selector *selector = &s->options.selector;
	struct stranger *strangers = NULL;
	struct queue_id *ids = NULL;
	uint32_t *unknown = NULL;
	size_t count = 0, kept = 0;
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
	code = look(s, ids, count, strangers, &kept, err);
	if (code < 0)
		goto out;
	*ret = strangers;
	*ret_count = kept;
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
