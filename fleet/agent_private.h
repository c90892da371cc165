/* SPDX-License-Identifier: ISC */
/* Private to the agent. Times are steady microseconds. */
#pragma once

#include "base/clock.h"
#include "base/settings/settings.h"
#include "fleet/job.h"
#include "fleet/outcome.h"
#include "fleet/pg.h"
#include "fleet/spec.h"

#define AGENT_BEAT      (20 * USEC_PER_SEC) /* between heartbeats; +-20 % spreads the hosts */
#define AGENT_FENCE     (5 * USEC_PER_SEC)  /* between checks whether the other agent is silent */
#define AGENT_QUIET     (USEC_PER_SEC / 5)  /* minimum between two wake-ups by notifications */
#define AGENT_ABSENT    (60 * USEC_PER_SEC) /* silence after which a name is free */
#define AGENT_PAUSE     (USEC_PER_SEC / 4)  /* before connecting anew; doubles each time */
#define AGENT_PAUSE_MAX (5 * USEC_PER_SEC)
#define AGENT_TELL      (30 * USEC_PER_SEC) /* between two log lines about trouble */
#define AGENT_LEAVE     (15 * USEC_PER_SEC) /* time for a running order to end after SIGTERM */
#define AGENT_LINES     60                  /* log lines at once; after that, */
#define AGENT_LINE      (2 * USEC_PER_SEC)  /* then one: a database may cause any number */
#define AGENT_NAME_MAX  63                  /* bytes of a role's name in PostgreSQL */

enum order_state {
	ORDER_NONE,
	ORDER_CLAIMED, /* waits for its rules */
	ORDER_RUNNING,
	ORDER_ENDED, /* not reported yet */
};
struct agent_order {
	enum order_state state;
	int64_t number, rule_version;
	int attempt;
	bool dry_run, lookup, asked_again;
	char token[64], verb[32], placed_by[128], reason[512];
	int64_t age, claimed_at; /* age in microseconds at the time claimed_at */
	struct spec spec;
	struct outcome outcome;
	struct job job;
	uint64_t done, total, done_told; /* messages; done_told: as last reported */
	int64_t progress_at;             /* next report; its answer tells of a cancellation */
	size_t parts_told;               /* parts of the outcome that the database has */
};
struct agent_rules {
	bool wanted, full; /* to be asked for; full: all rules instead of the changes */
	bool asked_full;   /* the pending question is for all rules */
	int64_t have;      /* version in force here */
	int64_t coming;    /* version that root is setting now */
	int64_t told;      /* version last reported as in force */
	int64_t retry_at;
	bool refused;
	struct job job;
};
struct agent_health {
	struct job job;
	struct strbuf coming, text; /* coming: being read; text: a JSON object, or empty */
	bool fresh;                 /* text is not sent yet */
};
struct agent {
	const struct settings *settings;
	char name[AGENT_NAME_MAX + 1];
	struct pg *pg; /* NULL: not connected */
	unsigned turn; /* attempts to connect */
	int64_t retry_at, pause;
	int asked; /* index of the pending question; -1: none */
	bool listening, greeted, fenced, stopping;
	bool warm;           /* this session has planned its statements */
	int64_t epoch;       /* counts the holders of this name; the database refuses older ones */
	int64_t fleet_rules; /* newest version that the database reported */
	int64_t fence_at, beat_at, quiet_until, leave_by;
	bool look;         /* there may be something to claim */
	int64_t told_at;   /* when trouble was last logged */
	int64_t lines_due; /* when there is room for AGENT_LINES again */
	unsigned left_out; /* since the last line that was logged */
	char trouble[512]; /* why there is no database; "" while joined */
	struct agent_order order;
	struct agent_rules rules;
	struct agent_health health;
};

/* LEVEL: info or warning. Leaves the line out if there are too many. */
#define agent_log(agent, level, ...)                                                               \
	do {                                                                                       \
		if (agent_may_log(agent))                                                          \
			log_##level(__VA_ARGS__);                                                  \
	} while (0)
bool agent_may_log(struct agent *a);

/* agent_ask.c. Sends the first question that is due. 0 also if none is. */
int agent_ask(struct agent *a, int64_t now, struct err *err) NODISCARD;
/* The answer to the pending question. A negative code: connect anew. */
int agent_take(struct agent *a, struct err *err) NODISCARD;
/* When the next question is due. */
int64_t agent_next(const struct agent *a);
void agent_hint(struct agent *a, const char *payload); /* takes a notification */

/* agent_order.c */
void order_claimed(struct agent *a); /* takes the claim's first row */
void order_go_on(struct agent *a);   /* starts it once its rules are in force */
void order_hear(struct agent *a);    /* reads its job, which is ready */
void order_forget(struct agent *a);

/* agent_rules.c */
void rules_got(struct agent *a); /* takes the rows of fleet_rules */
void rules_hear(struct agent *a);
void health_begin(struct agent *a);
void health_hear(struct agent *a);
