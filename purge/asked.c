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

size_t asked_not_found(const struct outcome *outcome, struct stranger *strangers, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t n = 0; n < outcome->count && !found; n++)
			found = outcome->items[n].scanned &&
				queue_id_equal(&strangers[i].queue_id,
				    &outcome->items[n].candidate->message.queue_id);
		if (!found)
			strangers[kept++] = strangers[i];
	}
	return kept;
}
