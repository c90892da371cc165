/* SPDX-License-Identifier: ISC */
/* The rest of lib/order asks this table, never which action it is. */
#include "order/order.h"

#define ALL_BUT_HOLD (QUEUE_ALL & ~(unsigned)QUEUE_HOLD)
#define NOT_MOVED    "postsuper said that it moved the message, but the message is where it was"
#define RELEASES                                                                                   \
	.done = "released", .ready = "would-release", .ready_key = "would_release",                \
	.changes = true, .only_ours = true, .idle = ALL_BUT_HOLD, .needs = ALL_BUT_HOLD,           \
	.failed = NOT_MOVED

const struct action_row action_rows[ACTION_COUNT] = {
    [ACTION_LIST] = {.verb = "list",
	.doing = "proving",
	.done = "queued",
	.ready = "queued",
	.ready_key = "queued"},
    [ACTION_DELETE] = {.verb = "delete",
	.doing = "deleting",
	.done = "deleted",
	.ready = "would-delete",
	.ready_key = "would_delete",
	.postsuper = POSTSUPER_DELETE,
	.changes = true,
	.leaves = true,
	.failed = "postsuper said that it removed the message, but the message is still there"},
    [ACTION_HOLD] = {.verb = "hold",
	.doing = "holding",
	.done = "held",
	.ready = "would-hold",
	.ready_key = "would_hold",
	.postsuper = POSTSUPER_HOLD,
	.changes = true,
	.stays = true,
	.idle = QUEUE_HOLD,
	.needs = QUEUE_HOLD,
	.unable = QUEUE_MAILDROP,
	.failed = NOT_MOVED,
	.cut_short = "it is in maildrop, where mail cannot be held"},
    [ACTION_RELEASE] = {.verb = "release",
	.doing = "releasing",
	.postsuper = POSTSUPER_RELEASE,
	RELEASES},
    [ACTION_REQUEUE] = {.verb = "requeue",
	.doing = "requeueing",
	.postsuper = POSTSUPER_REQUEUE,
	.leaves = true,
	RELEASES},
    [ACTION_RETRY] = {.verb = "retry",
	.doing = "proving",
	.done = "retried",
	.ready = "would-retry",
	.ready_key = "would_retry"},
};

const char *result_word(enum result result, enum action action)
{
	static const char *const words[RESULT_COUNT] = {
	    [RESULT_NONE] = "unknown",
	    [RESULT_GONE] = "gone",
	    [RESULT_CHANGED] = "changed",
	    [RESULT_UNPROVEN] = "unproven",
	    [RESULT_FAILED] = "failed",
	    [RESULT_UNTOUCHED] = "untouched",
	    [RESULT_EXCLUDED] = "excluded",
	};

	if (result == RESULT_DONE)
		return action_rows[action].done;
	return result == RESULT_READY ? action_rows[action].ready : words[result];
}
