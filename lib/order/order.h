/* SPDX-License-Identifier: ISC */
/*
 * The walk that every verb takes: select, prove, ask, act, catch up, account. Its result is a
 * value; text and JSON are made from it elsewhere. It knows no terminal: the one question goes
 * through the `ask` callback.
 *
 * The queue is the truth. order_run asks the index for what it knows, walks the queue's names,
 * reads what the index does not know or has not read, and so covers every complete message that is
 * in the queue when it starts. Where somebody is asked, or only looks, that comes first; otherwise
 * deletion begins beside it, and what it brought is acted on after. Without an index all queue
 * files are read.
 *
 * Nothing is touched unless its file is proven: by the index's row (mail/identity.h), or because
 * the file itself matches what was asked. IDs are on disk, in the account, before postsuper gets
 * them.
 */
#ifndef PQPURGE_ORDER_ORDER_H
#define PQPURGE_ORDER_ORDER_H

#include <signal.h>

#include "base/settings.h"
#include "index/client.h"
#include "postfix/spool/spool.h"
#include "postfix/tool/postsuper.h"

enum action {
	ACTION_LIST,
	ACTION_DELETE,
	ACTION_HOLD,
	ACTION_RELEASE,
	ACTION_REQUEUE, /* release as new mail, with a new queue ID */
	ACTION_RETRY,   /* looked at alone, as LIST: the verb asks Postfix */
	ACTION_COUNT,
};

/* What an action is: one row of one table (action.c). */
struct action_row {
	const char *verb, *doing;        /* "delete", "deleting" */
	const char *done, *ready;        /* result words: "deleted", "would-delete" */
	const char *ready_key;           /* of the summary: "would_delete"; `done` is its other */
	enum postsuper_action postsuper; /* of an action that changes something */
	bool changes;                    /* postsuper is run */
	bool leaves;     /* the message, under this ID, is in no queue behind maildrop afterwards */
	bool stays;      /* it has to be in the queue afterwards */
	bool only_ours;  /* only what a hold batch of ours holds, unless order.foreign */
	unsigned idle;   /* bits of the queues in which there is nothing to do */
	unsigned needs;  /* bits of the queues in which its effect shows; 0 = none */
	unsigned unable; /* bits of the queues in which postsuper cannot do it */
	const char *failed;    /* why it failed where postsuper's words and the queue differ */
	const char *cut_short; /* why it failed in a queue of `unable` */
};
extern const struct action_row action_rows[ACTION_COUNT];

enum result {
	RESULT_NONE,      /* not looked at yet */
	RESULT_READY,     /* proven; would be acted on */
	RESULT_DONE,      /* deleted, held, released, as the action says */
	RESULT_GONE,      /* was in the queue once, is in no queue now, and not by us */
	RESULT_CHANGED,   /* the ID names another message, which was not asked for */
	RESULT_UNPROVEN,  /* identity is not proven and the file itself does not match */
	RESULT_FAILED,    /* still there; `reason` */
	RESULT_UNTOUCHED, /* interrupted before its turn */
	RESULT_EXCLUDED,  /* not meant after all (arrival, size, queue, --limit), nothing to do, or
			     left without ever having been seen in the queue */
	RESULT_COUNT,
};

struct item {
	const struct candidate *candidate;
	struct proof proof; /* the last look; of what has left, the last one at its file */
	enum result result;
	bool was_active; /* lay in active when acted on: a running delivery may finish */
	bool idle;       /* EXCLUDED: meant, but there is nothing to do */
	bool from_queue; /* found by reading its queue file: the index did not know it */
	bool bounce;     /* a notice of this host that order.bounces asked for */
	bool unheard;    /* GONE, named by --id: nothing but its queue ID is known */
	uint32_t other_recipients;
	const char *reason; /* FAILED: why; static or owned by the outcome */
	/* Private. */
	int64_t recorded; /* when it arrived, by its row */
	uint8_t before;   /* result of the pass before, until this one has got to it */
	bool fresh;       /* selected in this pass */
	bool confirmed;   /* by the last selection */
	bool refuted;     /* its file was read, and does not say what its row said */
	bool again;       /* an earlier message of this ID was acted on */
	bool replaced;    /* a later message has this ID */
	bool reread;      /* its file was read after its row was not proven */
	bool looked;      /* it was gone, and was looked for once more */
	bool dropped;     /* the index was told that it left */
};

struct tally {
	/* Meant and in the queue, or tried: ready, done, changed, unproven, failed, untouched. */
	uint64_t matched;
	uint64_t by_envelope, by_from_only; /* of these */
	uint64_t given_only; /* of these: only by what the client said, not by the queue file */
	uint64_t from_queue; /* of these: found by reading the queue */
	uint64_t joined;     /* of these: by the login or client of their first pass alone */
	uint64_t results[RESULT_COUNT];
	uint64_t bytes;  /* of what is ready or done */
	uint64_t shared; /* messages of these with other recipients */
	uint64_t other_recipients;
	uint64_t bounces; /* notices that order.bounces asked for, ready or done */
	/* All above are counted by the items; what follows is not. */
	uint64_t unjoined;   /* back from a filter, and --login or --client cannot judge them */
	uint64_t unreadable; /* complete queue files and directories that could not be read */
	uint64_t undecided;  /* --recipient hangs on recipients that could not be read */
	uint64_t limits;     /* expressions that hit their match limit */
	/* Not known to the index, and nobody can say yet whether they match: still being received
	 * (mode 0600), and in maildrop where only their submitter can read them. */
	uint64_t arriving, maildrop;
	uint64_t batch; /* 0: no account was kept (dry run, nothing matched) */
};

struct outcome;

/*
 * Messages written to files before they are deleted: DIRECTORY/QUEUEID.eml, 0600, by mail_owner,
 * with the time of arrival as the file's time. Each is there as a whole or not at all: temporary
 * names, one sync of the file system, then the names.
 */
struct save {
	const char *name; /* of the directory, for messages */
	int directory;    /* open, when the first message is to be saved */
};

enum order_answer {
	ORDER_NO,    /* nothing is touched */
	ORDER_GO,    /* on with what was shown */
	ORDER_AGAIN, /* on, but select anew: a rule came into force meanwhile */
};

struct order {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector;
	enum action action;
	bool dry_run;
	bool index_only; /* LIST: from the index alone, without a look at the queue: proof.queue is
			    0, and nothing is known to lie in a queue of --queue */
	bool bounces;    /* also this host's bounces and delay notices to what the patterns mean */
	bool sweep;      /* repeat until a pass finds nothing; at most 10 minutes */
	bool foreign;    /* RELEASE: also what no hold batch of ours holds */
	bool rule_held;  /* RELEASE: also what a rule held (MESSAGE_HELD) */
	bool overdue; /* RELEASE: also what is past maximal_queue_lifetime and would bounce at once
		       */
	const uint64_t *undo; /* RELEASE: what these hold batches still hold, instead of selector */
	size_t undo_count;
	const struct save *save; /* DELETE: where each message is written first; or NULL.
				    Its directory may be opened by ask, after the answer. */
	size_t limit;            /* the oldest so many; 0 = all */
	/*
	 * For the account; NULL as "". selector_text: the words that select, always in the same
	 * form; a hold adopts an unfinished hold batch of the same text.
	 */
	const char *verb, *command_line, *reason, *user, *selector_text, *token;
	uid_t uid;          /* of whose order it is; for the account, too */
	bool stays;         /* the batch is accounted for also where nothing matched */
	uint32_t rules_set; /* rules that the same command set; ask may set it */
	/*
	 * Called once, with everything selected and proven, before anything is touched; also where
	 * nothing matched. Not on a dry run or for LIST, whose outcome is the preview. NULL: go on
	 * at once. The order may be changed by it (rules_set, save's directory).
	 */
	enum order_answer (*ask)(void *arg, struct order *order, const struct outcome *preview);
	void *ask_arg;
	const volatile sig_atomic_t *stop; /* set by SIGINT or SIGTERM; may be NULL */
	/* doing: "reading the queue", "proving", "deleting", ... */
	void (*progress)(void *arg, const char *doing, size_t done, size_t of); /* may be NULL */
	void *progress_arg;
};

struct outcome {
	struct item *items; /* each message once, the oldest first */
	size_t count;
	struct tally tally;
	bool interrupted; /* something is RESULT_UNTOUCHED */
	bool refused;     /* ask said no; items are UNTOUCHED */
	bool no_index;    /* answered from the queue files alone; `no_index_why` */
	bool accounted;   /* the account is on disk, or there was nothing to tell */
	unsigned passes;  /* of a sweep */
	bool sweep_cut;   /* it did not end by itself */
	uint64_t foreign; /* RELEASE: left alone, for other hands hold them */
	uint64_t overdue; /* RELEASE: left alone (or, with order.overdue, released) past lifetime */
	int64_t as_of;    /* LIST with index_only: the last catch-up, wall; 0 = never */
	struct strbuf unreadable; /* packed list: "deferred/A: Permission denied" */
	struct err trouble;       /* what went wrong beside the items (exit 2); "" if nothing */
	struct err note;          /* undo: what is no trouble, for a person; "" if nothing */
	struct err no_index_why;
	/* Private. */
	struct outcome_memory *memory;
};

/*
 * The whole walk. Must be root, or with dry_run or ACTION_LIST whoever may read the spool. Errors
 * are returned only where nothing was touched (the queue is not there); ret is empty then. Later
 * ones make items RESULT_FAILED, or stand in trouble.
 *
 * Among them: ERR_INSTANCE, the queue directory is not the one that the index knows and none of
 * its messages lies there; ERR_USAGE, order.undo names what is no hold batch.
 *
 * The account is begun before mail is touched. Where it cannot be written (no state_directory, a
 * full disk in spite of the room that is kept in reserve) the walk goes on, for the flood may be
 * what filled the disk; trouble says so and `accounted` is false.
 */
int order_run(struct order *order, struct outcome *ret, struct err *err) NODISCARD;
void outcome_release(struct outcome *outcome); /* zeroes; accepts a zeroed one */

/* "deleted", "would-delete", "gone", ...: how `result` of a JSON line reads. */
const char *result_word(enum result result, enum action action);

/* ---- catch-up alone: `sync`, and the timer */

struct sync_counts {
	struct queue_place place;
	uint64_t queued;             /* names in the queue */
	uint64_t rows;               /* IDs that the index knew */
	uint64_t read;               /* queue files */
	uint64_t added;              /* of these, not known before */
	uint64_t dropped;            /* rows of messages that left */
	uint64_t arriving, maildrop; /* of what was to be read */
	uint64_t unreadable;         /* files and directories */
	uint64_t limits, unjoined;   /* of what was read without the index */
	bool indexed;                /* the index was asked, and told all */
	bool certain;                /* what has no name has left */
	bool elsewhere;              /* the index is of another queue directory */
	bool adopted;                /* it now stands for this one */
};
struct sync {
	const struct settings *settings;
	const struct postfix *postfix;
	bool dry_run;
	const volatile sig_atomic_t *stop;
	void (*progress)(void *arg, const char *doing, size_t done, size_t of);
	void *progress_arg;
	/* Results. On a dry run what would be. */
	struct sync_counts counts;
	struct strbuf unreadable_names; /* packed list */
	bool by_daemon;
};
int sync_run(struct sync *sync, struct err *err) NODISCARD;
void sync_release(struct sync *sync);

#endif
