/* SPDX-License-Identifier: ISC */
/* The walk behind every verb: select, prove, ask, act, catch up, account. It returns a value, from
 * which others make text and JSON. It knows no terminal: it asks through a callback.
 *
 * The queue is the truth. order_run asks the index, walks the names in the queue, and reads each
 * file that the index does not know or has not read (without an index, all files). So it covers
 * every complete message that is in the queue when it starts. If it has to ask, or only looks, it
 * reads everything first; otherwise deletion begins meanwhile.
 *
 * A message is touched only if its row in the index proves its file (mail/identity.h), or if the
 * file itself matches the selector. Its ID is in the account on disk before postsuper gets it. */
#pragma once

#include "base/array.h"
#include "base/settings/settings.h"
#include "index/control/client.h"
#include "postfix/spool/spool.h"
#include "postfix/tool/postsuper.h"

enum action {
	ACTION_LIST,
	ACTION_DELETE,
	ACTION_HOLD,
	ACTION_RELEASE,
	ACTION_REQUEUE, /* released as new mail, with a new queue ID */
	ACTION_RETRY,   /* only looks, like LIST: the verb itself asks Postfix */
	ACTION_COUNT,
};

struct action_row {
	const char *verb, *doing;        /* "delete", "deleting" */
	const char *done, *ready;        /* for a result: "deleted", "would-delete" */
	const char *ready_key;           /* in the summary, beside `done`: "would_delete" */
	enum postsuper_action postsuper; /* only if `changes` */
	bool changes;                    /* runs postsuper */
	bool leaves;                     /* afterwards the ID is in no queue, except maildrop */
	bool stays;                      /* afterwards the message must be in the queue */
	/* Only what our hold batches hold, unless order.foreign. */
	bool only_ours;
	unsigned idle;         /* queues in which there is nothing to do, as bits */
	unsigned needs;        /* queues in which a done message lies, as bits; 0 none */
	unsigned unable;       /* queues in which postsuper cannot do it, as bits */
	const char *failed;    /* why, if postsuper says done, but the queue says otherwise */
	const char *cut_short; /* why, in a queue of `unable` */
};
extern const struct action_row action_rows[ACTION_COUNT];

enum result {
	RESULT_NONE,      /* not looked at yet */
	RESULT_READY,     /* proven; would be acted on */
	RESULT_DONE,      /* deleted, held or released */
	RESULT_GONE,      /* left the queue, but not by us */
	RESULT_CHANGED,   /* the ID now names another message, which does not match */
	RESULT_UNPROVEN,  /* identity is not proven, and the file itself does not match */
	RESULT_FAILED,    /* still there; see `reason` */
	RESULT_UNTOUCHED, /* interrupted before its turn */
	/* No match after all (arrival, size, queue, --limit), nothing to do, or gone and never seen
	 * in the queue. */
	RESULT_EXCLUDED,
	RESULT_COUNT,
};

struct item {
	const struct candidate *candidate;
	struct proof proof; /* of the last look */
	enum result result;
	bool was_active; /* when acted on, so a running delivery may finish */
	bool idle;       /* EXCLUDED: matches, but there is nothing to do */
	bool from_queue; /* unknown to the index */
	bool bounce;     /* a notice of this host, for order.bounces */
	bool unheard;    /* GONE and named by --id: only its queue ID is known */
	uint32_t other_recipients;
	const char *reason; /* for FAILED; static or owned by the outcome */
	/* Private. */
	int64_t recorded; /* arrival, from its row */
	uint8_t before;   /* result of the previous pass, until this pass looks at it */
	bool fresh;       /* selected in this pass */
	bool confirmed;   /* by the latest selection */
	bool refuted;     /* its file was read, and contradicts its row */
	bool again;       /* an earlier message with this ID was acted on */
	bool replaced;    /* a later message has this ID */
	bool copied;      /* deleted, but another queue has a copy: same ID and arrival */
	bool reread;      /* its file was read, because its row was not proven */
	bool looked;      /* was gone, and was looked for a second time */
	bool dropped;     /* the index was told that it left */
	bool limited;     /* on its subject or on a reason */
	bool doubted;     /* by a subject or reason that could not be read */
};

struct tally {
	uint64_t matched;                   /* ready, done, changed, unproven, failed, untouched */
	uint64_t by_envelope, by_from_only; /* among matched; so are the next three */
	uint64_t given_only;                /* only by the client's words, not by the queue file */
	uint64_t from_queue;
	uint64_t joined; /* only by the login or client of their first pass */
	uint64_t results[RESULT_COUNT];
	uint64_t bytes;  /* of ready or done messages; so are the next members */
	uint64_t shared; /* messages that also have other recipients */
	uint64_t other_recipients;
	uint64_t bounces; /* notices, for order.bounces */
	/* Not counted from items. */
	uint64_t unjoined;   /* back from a filter; --login and --client cannot judge them */
	uint64_t unreadable; /* complete queue files, and directories */
	/* Depend on what could not be read: recipients, authors, a login, subject or reason. */
	uint64_t undecided;
	uint64_t limits; /* expressions that hit their match limit */
	/* Unknown to the index and not readable yet: still arriving (mode 0600), or in maildrop and
	 * readable only by their submitter. */
	uint64_t arriving, maildrop;
	uint64_t batch; /* 0: no account was written (dry run, nothing matched) */
};

struct outcome;

/* Saves messages to files before they are deleted: DIRECTORY/QUEUEID.eml, mode 0600, written by
 * mail_owner, with the time of arrival as the file's time. Each file is complete or missing:
 * temporary names first, then one sync of the file system, then the final names. */
struct save {
	const char *name; /* for messages */
	int directory;    /* open when the first message is to be saved */
};

enum order_answer {
	ORDER_NO,    /* touch nothing */
	ORDER_GO,    /* with the messages that were shown */
	ORDER_AGAIN, /* go on, but select again: a rule came into force meanwhile */
};

struct order {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector;
	enum action action;
	bool dry_run;
	bool index_only; /* LIST: do not look at the queue; --queue selects nothing */
	bool untold;     /* LIST: do not tell the index what was read */
	bool bounces;    /* also this host's notices to addresses that match the patterns */
	bool sweep;      /* repeat until a pass finds nothing, at most 10 minutes */
	bool foreign;    /* RELEASE: also messages that no hold batch of ours holds */
	bool rule_held;  /* RELEASE: also messages that a rule held (MESSAGE_HELD) */
	/* RELEASE: also what would bounce at once (maximal_queue_lifetime) */
	bool overdue;
	/* RELEASE: what these hold batches still hold, instead of selector */
	const uint64_t *undo;
	size_t undo_count;
	const struct save *save; /* DELETE: saves messages there first; may be NULL */
	size_t limit;            /* at most so many, the oldest; 0: all */
	/* For the account; NULL means "". A hold adopts an unfinished hold batch with the same
	 * selector_text (whose form must always be the same) and token. */
	const char *verb, *command_line, *reason, *user, *selector_text, *token;
	uid_t uid;          /* who ordered it; also for the account */
	bool stays;         /* account for the batch even if nothing matched */
	uint32_t rules_set; /* by the same command; ask may set it */
	/* Called once, after everything was selected and proven and before anything is touched,
	 * even if nothing matched. Not called on a dry run or for LIST, whose outcome is the
	 * preview. It may set rules_set and open save's directory. NULL: go on without asking. */
	enum order_answer (*ask)(void *arg, struct order *order, const struct outcome *preview);
	void *ask_arg;
	const volatile sig_atomic_t *stop; /* SIGINT or SIGTERM; may be NULL */
	/* Whether the order was taken back meanwhile; then the rest stays untouched. Called between
	 * two steps of some messages; may be NULL. */
	bool (*taken_back)(void *arg);
	void *taken_back_arg;
	/* Called often, and at the start of each step. doing: "reading the queue", "proving",
	 * "deleting", ...; a static string. of: 0 if the total is unknown. May be NULL. */
	void (*progress)(void *arg, const char *doing, size_t done, size_t of);
	void *progress_arg;
};

struct outcome {
	struct item *items; /* each message once, the oldest first */
	size_t count;
	struct tally tally;
	bool interrupted; /* some items are RESULT_UNTOUCHED */
	bool refused;     /* ask returned ORDER_NO; items are UNTOUCHED */
	bool no_index;    /* only the queue files were asked */
	bool accounted;   /* on disk, or there was nothing to write */
	unsigned passes;  /* of a sweep */
	bool sweep_cut;   /* it reached its limit of time or passes */
	uint64_t foreign; /* RELEASE: left alone, because others hold them */
	/* RELEASE: past their lifetime; left alone, or released if order.overdue */
	uint64_t overdue;
	int64_t as_of;            /* LIST with index_only: the last catch-up, wall clock; 0 never */
	struct strbuf unreadable; /* packed list: "deferred/A: Permission denied" */
	struct err trouble;       /* what went wrong apart from the items (exit status 2), or "" */
	struct err note;          /* undo: worth knowing, but not trouble; or "" */
	struct err no_index_why;
	struct client_sent *drop; /* private: an update of the index that may still be at work */
	/* Private: what the items point to. */
	struct outcome_memory {
		ARRAY_OF(struct candidates) taken;
		ARRAY_OF(char *) words;
		uint32_t *map; /* by queue ID: position in items plus 1; 0 empty */
		size_t map_size;
	} memory;
};

/* Runs the whole walk. The caller is root, or may read the spool (with dry_run or ACTION_LIST).
 * Returns an error only if nothing was touched; then ret stays empty. Later errors make items
 * RESULT_FAILED, or are in ret->trouble. ERR_INSTANCE: the index knows another queue directory, and
 * none of its messages lies in this one. ERR_USAGE: order.undo names a batch that is not a hold
 * batch.
 *
 * If the account cannot be written (no state_directory, or a full disk despite the reserve), the
 * walk goes on, because the flood itself may have filled the disk. Then trouble says so, and
 * `accounted` is false. */
int order_run(struct order *order, struct outcome *ret, struct err *err) NODISCARD;
/* Waits until the index was told which messages have left, which goes on beside what the caller
 * does with the outcome. Until then order->settings and order->stop must last. */
void outcome_release(struct outcome *outcome);

/* For a verb that itself acts on the READY items of an outcome: begins and ends its batch in the
 * account. When begin returns, the batch's first line is on disk and tally.batch is set. NULL if
 * out of memory. If the account cannot be written, or order->stop is set meanwhile, trouble says so
 * or `accounted` is false; the verb may go on. */
struct run;
struct run *order_batch_begin(struct order *order, struct outcome *outcome) NODISCARD;
void order_batch_end(struct run *run); /* accepts NULL */

/* "5d", "36h", "5" (days), as main.cf writes maximal_queue_lifetime, or ERR_SYNTAX. */
int order_parse_lifetime(const char *text, int64_t *ret_usec) NODISCARD;

/* In a JSON line: "deleted", "would-delete", "gone", ... */
const char *result_word(enum result result, enum action action);

/* What a catch-up (catchup/catchup.h) did; on a dry run, what it would do. */

struct sync_counts {
	struct queue_place place;
	uint64_t queued;             /* names in the queue */
	uint64_t rows;               /* IDs that the index knew */
	uint64_t changes;            /* index_changes at that time; 0 unknown */
	uint64_t read;               /* queue files */
	uint64_t left_to_index;      /* files not read, because the index knows their content */
	uint64_t added;              /* among read: unknown before */
	uint64_t dropped;            /* rows of messages that left */
	uint64_t arriving, maildrop; /* not read (struct spool_reading) */
	uint64_t unreadable;         /* files and directories */
	uint64_t limits, unjoined;   /* of messages read without the index */
	bool indexed;                /* the index was asked, and was told everything */
	bool certain;                /* an ID that was not found has left */
	bool elsewhere;              /* the index belongs to another queue directory */
	bool adopted;                /* the index belongs to this directory from now on */
};
