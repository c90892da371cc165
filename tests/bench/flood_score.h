/* SPDX-License-Identifier: ISC */
/* A detector's score on the traffic: incidents that it saw, after what time, and false alarms. */
#pragma once

#include <math.h>

#include "base/base.h"

#define DAY       86400.0
#define WARM      30
#define MEASURED  30
#define INCIDENTS 64
#define DETECTORS 10

struct event {
	double t;
	char path;
	char *login, *client, *sender, *recipient;
	uint32_t net, recipients;
	bool bad;
	int incident;
};

struct incident {
	char *name, *keys[512];
	int key_count;
	double start, end;
	double *t;
	uint32_t *n;
	size_t count;
	uint64_t total;
};
static struct incident incidents[INCIDENTS];
static int incident_count;

struct score {
	const char *name;
	double seen[INCIDENTS]; /* time of the alarm; 0: never */
	unsigned false_alarms;
};
static struct score scores[DETECTORS];
static bool verbose;

static inline bool is_its(const struct incident *i, const char *kind, const char *key, double t)
{
	char full[700];

	snprintf(full, sizeof(full), "%s:%s", kind, key);
	for (int n = 0; n < i->key_count; n++)
		if (strcmp(i->keys[n], full) == 0 && t >= i->start && t <= i->end + 3600)
			return true;
	return false;
}

/* Returns whether the alarm is a real one. */
static inline bool alarm_of(
    struct score *s, const struct event *e, const char *kind, const char *key, const char *why)
{
	int hit = e->incident;

	for (int i = 1; !hit && i <= incident_count; i++)
		if (is_its(&incidents[i], kind, key, e->t))
			hit = i;
	if (hit && s->seen[hit] == 0)
		s->seen[hit] = e->t;
	if (hit && verbose)
		printf("real: %s day %.2f %s %s %s: %s\n", s->name, e->t / DAY, kind, key, why,
		    incidents[hit].name);
	if (hit || e->t < WARM * DAY)
		return hit != 0;
	s->false_alarms++;
	if (verbose)
		printf("false: %s day %.2f %s %s %s\n", s->name, e->t / DAY, kind, key, why);
	return false;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void print_score(const struct score *s)
{
	double after[INCIDENTS];
	uint64_t through = 0, total = 0;
	int seen = 0;

	for (int i = 1; i <= incident_count; i++) {
		const struct incident *x = &incidents[i];

		total += x->total;
		for (size_t n = 0; n < x->count; n++)
			through += s->seen[i] == 0 || x->t[n] <= s->seen[i] ? x->n[n] : 0;
		if (s->seen[i] > 0)
			after[seen++] = s->seen[i] > x->t[0] ? s->seen[i] - x->t[0] : 0;
		if (verbose && s->seen[i] > 0)
			printf("after %6.0f s: %s: %s\n", after[seen - 1], s->name, x->name);
		else if (verbose)
			printf("missed: %s: %s\n", s->name, x->name);
	}
	qsort(after, (size_t)seen, sizeof(*after), by_value);
	printf("%-44s %2d of %d %8.0f s %9.1f %% %9.1f\n", s->name, seen, incident_count,
	    seen ? after[seen / 2] : NAN, 100.0 * (double)through / (double)(total ? total : 1),
	    (double)s->false_alarms / MEASURED);
}
