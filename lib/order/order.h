/* SPDX-License-Identifier: ISC */
/*
 * The walk of every verb: select, prove, ask, act, catch up, account. It returns a value, from
 * which others make text and JSON, and knows no terminal: it asks through a callback.
 *
 * The queue is the truth. order_run asks the index, walks the names in the queue, and reads each
 * file that the index does not know or has not read (without an index all files). So it covers
 * every complete message that is in the queue when it starts. If somebody is asked, or only looks,
 * it reads first; otherwise deletion begins at the same time.
 *
 * A message is touched only if its file is proven by the index's row (mail/identity.h), or itself
 * matches what was asked. Its ID is on disk, in the account, before postsuper gets it.
 */
#pragma once

#include "base/settings/settings.h"
#include "index/control/client.h"
#include "postfix/spool/spool.h"
#include "postfix/tool/postsuper.h"

enum action {
	ACTION_LIST,
	ACTION_DELETE,
	ACTION_HOLD,
	ACTION_RELEASE,
	ACTION_REQUEUE, /* release as new mail, with a new queue ID */
	ACTION_RETRY,   /* only looks, as LIST: the verb itself asks Postfix */
	ACTION_COUNT,
};

struct action_row {
	const char *verb, *doing;        /* "delete", "deleting" */
	const char *done, *ready;        /* result words: "deleted", "would-delete" */
	const char *ready_key;           /* of the summary, beside `done`: "would_delete" */
	enum postsuper_action postsuper; /* if it changes something */
	bool changes;                    /* postsuper is run */
	bool leaves;                     /* the ID is in no queue afterwards, except maildrop */
	bool stays;                      /* the message must be in the queue afterwards */
	bool only_ours;                  /* only what our hold batches hold, unless order.foreign */
	unsigned idle;                   /* bits of the queues where there is nothing to do */
	unsigned needs;                  /* bits of the queues where a done message lies; 0 none */
	unsigned unable;                 /* bits of the queues where postsuper cannot do it */
	const char *failed;    /* the reason if postsuper says done, and the queue does not */
	const char *cut_short; /* the reason in a queue of `unable` */
};
extern const struct action_row action_rows[ACTION_COUNT];

enum result {
	RESULT_NONE,      /* not looked at yet */
	RESULT_READY,     /* proven; would be acted on */
	RESULT_DONE,      /* deleted, held, released, as the action says */
	RESULT_GONE,      /* left the queue, not by us */
	RESULT_CHANGED,   /* the ID names another message, which was not asked for */
	RESULT_UNPROVEN,  /* identity is not proven, and the file itself does not match */
	RESULT_FAILED,    /* still there; `reason` */
	RESULT_UNTOUCHED, /* interrupted before its turn */
	RESULT_EXCLUDED,  /* not meant after all (arrival, size, queue, --limit), nothing to do, or
			     gone and never seen in the queue */
	RESULT_COUNT,
};

struct item {
	const struct candidate *candidate;
	struct proof proof; /* the last look at its file */
	enum result result;
	bool was_active; /* when acted on: a running delivery may finish */
	bool idle;       /* EXCLUDED: meant, but there is nothing to do */
	bool from_queue; /* found by reading its queue file: the index did not know it */
	bool bounce;     /* a notice of this host, for order.bounces */
	bool unheard;    /* GONE, named by --id: only its queue ID is known */
	uint32_t other_recipients;
	const char *reason; /* of FAILED; static or owned by the outcome */
	/* Private. */
	int64_t recorded; /* when it arrived, by its row */
	uint8_t before;   /* result of the previous pass, until this one looks at it */
	bool fresh;       /* selected in this pass */
	bool confirmed;   /* by the last selection */
	bool refuted;     /* its file was read and contradicts its row */
	bool again;       /* an earlier message of this ID was acted on */
	bool replaced;    /* a later message has this ID */
	bool reread;      /* its file was read because its row was not proven */
	bool looked;      /* gone, and looked for a second time */
	bool dropped;     /* the index was told that it left */
	bool limited;     /* an expression hit its limit on its subject or a reason */
	bool doubted;     /* what could not be read of these decides */
};

struct tally {
	uint64_t matched;                   /* ready, done, changed, unproven, failed, untouched */
	uint64_t by_envelope, by_from_only; /* of these */
	uint64_t given_only; /* of these: only by the client's words, not by the queue file */
	uint64_t from_queue; /* of these: found by reading the queue */
	uint64_t joined;     /* of these: only by the login or client of their first pass */
	uint64_t results[RESULT_COUNT];
	uint64_t bytes;  /* of what is ready or done, as what follows */
	uint64_t shared; /* messages with other recipients */
	uint64_t other_recipients;
	uint64_t bounces; /* notices, for order.bounces */
	/* What follows is not counted by items. */
	uint64_t unjoined;   /* back from a filter: --login and --client cannot judge them */
	uint64_t unreadable; /* complete queue files, and directories */
	uint64_t undecided; /* what could not be read decides: recipients, authors, a login, subject
			       or reason */
	uint64_t limits;    /* expressions that hit their match limit */
	/* Unknown to the index, and not readable yet: still being received (mode 0600), or in
	 * maildrop, readable only by their submitter. */
	uint64_t arriving, maildrop;
	uint64_t batch; /* 0: no account was kept (dry run, nothing matched) */
};

struct outcome;

/*
 * Writes messages to files before they are deleted: DIRECTORY/QUEUEID.eml, 0600, by mail_owner,
 * with the time of arrival as the file's time. Each file is whole or missing: temporary names, one
 * sync of the file system, then the names.
 */
struct save {
	const char *name; /* of the directory, for messages */
	int directory;    /* open when the first message is to be saved */
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
	bool index_only;      /* LIST: does not look at the queue; --queue selects nothing */
	bool untold;          /* LIST: the index is not told what was read: no catch-up for it */
	bool bounces;         /* also this host's notices to addresses that the patterns mean */
	bool sweep;           /* repeat until a pass finds nothing; at most 10 minutes */
	bool foreign;         /* RELEASE: also what no hold batch of ours holds */
	bool rule_held;       /* RELEASE: also what a rule held (MESSAGE_HELD) */
	bool overdue;         /* RELEASE: also what would bounce at once (maximal_queue_lifetime) */
	const uint64_t *undo; /* RELEASE: what these hold batches still hold, instead of selector */
	size_t undo_count;
	const struct save *save; /* DELETE: first write messages there; may be NULL */
	size_t limit;            /* only the oldest; 0 = all */
	/* For the account; NULL as "". A hold adopts an unfinished hold batch of the same
	 * selector_text (which must always have the same form) and token. */
	const char *verb, *command_line, *reason, *user, *selector_text, *token;
	uid_t uid;          /* of whose order it is; for the account, too */
	bool stays;         /* the batch is accounted for also where nothing matched */
	uint32_t rules_set; /* by the same command; ask may set it */
	/*
	 * Called once, with everything selected and proven, before anything is touched; also if
	 * nothing matched. Not on a dry run or for LIST, whose outcome is the preview. NULL: go on
	 * at once. It may set rules_set and open save's directory.
	 */
	enum order_answer (*ask)(void *arg, struct order *order, const struct outcome *preview);
	void *ask_arg;
	const volatile sig_atomic_t *stop; /* set by SIGINT or SIGTERM; may be NULL */
	/* Whether the order was taken back meanwhile: the rest stays untouched. Asked between two
	 * steps of some messages; may be NULL. */
	bool (*taken_back)(void *arg);
	void *taken_back_arg;
	/* Often, and at the begin of each step. doing: "reading the queue", "proving", "deleting",
	 * ...; static. of: 0 where it is not known how much there is. */
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
	bool accounted;   /* the account is on disk, or there was nothing to write */
	unsigned passes;  /* of a sweep */
	bool sweep_cut;   /* it did not end by itself */
	uint64_t foreign; /* RELEASE: left alone, for others hold them */
	uint64_t overdue; /* RELEASE: past lifetime; left alone, or with order.overdue released */
	int64_t as_of;    /* LIST with index_only: the last catch-up, wall; 0 = never */
	struct strbuf unreadable; /* packed list: "deferred/A: Permission denied" */
	struct err trouble;       /* what went wrong beside the items (exit 2); "" if nothing */
	struct err note;          /* undo: for a person, no trouble; "" if nothing */
	struct err no_index_why;
	/* Private. */
	struct outcome_memory *memory;
};

/*
 * The whole walk. The caller is root, or with dry_run or ACTION_LIST may read the spool. Returns an
 * error only if nothing was touched, and ret stays empty. Later errors make items RESULT_FAILED, or
 * stand in trouble. ERR_INSTANCE: the queue directory is not the one that the index knows, and none
 * of its messages lies there. ERR_USAGE: order.undo names no hold batch.
 *
 * If the account cannot be written (no state_directory, a full disk despite the reserve) the walk
 * goes on, for the flood may have filled the disk: trouble says so, and `accounted` is false.
 */
int order_run(struct order *order, struct outcome *ret, struct err *err) NODISCARD;
void outcome_release(struct outcome *outcome); /* zeroes; accepts a zeroed one */

/*
 * The batch of a verb that acts itself on the READY of an outcome, and then ends it. begin: its
 * line is on disk, and tally.batch set; NULL if there is no memory. If the account cannot be
 * written, or order->stop is set meanwhile, trouble says so or `accounted` is false; the verb may
 * go on.
 */
struct run;
struct run *order_batch_begin(struct order *order, struct outcome *outcome) NODISCARD;
void order_batch_end(struct run *run); /* takes NULL */

/* `result` of a JSON line: "deleted", "would-delete", "gone", ... */
const char *result_word(enum result result, enum action action);

/* ---- a catch-up alone: `sync`, and the timer */

struct sync_counts {
	struct queue_place place;
	uint64_t queued;             /* names in the queue */
	uint64_t rows;               /* IDs that the index knew */
	uint64_t changes;            /* index_changes then; 0 unknown */
	uint64_t read;               /* queue files */
	uint64_t left_to_index;      /* files not read, for the index knows what they say */
	uint64_t added;              /* of these, unknown before */
	uint64_t dropped;            /* rows of messages that left */
	uint64_t arriving, maildrop; /* not read (struct spool_reading) */
	uint64_t unreadable;         /* files and directories */
	uint64_t limits, unjoined;   /* of what was read without the index */
	bool indexed;                /* the index was asked, and told all */
	bool certain;                /* an ID without a name has left */
	bool elsewhere;              /* the index is of another queue directory */
	bool adopted;                /* it is now of this one */
};
struct sync {
	const struct settings *settings;
	const struct postfix *postfix;
	bool dry_run;
	const volatile sig_atomic_t *stop;
	void (*progress)(void *arg, const char *doing, size_t done, size_t of);
	void *progress_arg;
	/* Results; of a dry run what would be. */
	struct sync_counts counts;
	struct strbuf unreadable_names; /* packed list */
	bool by_daemon;
};
int sync_run(struct sync *sync, struct err *err) NODISCARD;
void sync_release(struct sync *sync);
