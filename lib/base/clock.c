/* SPDX-License-Identifier: ISC */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define SPAN_MAX (INT64_C(36525) * 86400 * USEC_PER_SEC)

typedef int64_t clock_source(void);

static _Atomic(clock_source *) wall_source;
static _Atomic(clock_source *) steady_source;

/* Rounds down, as Postfix does in T records. */
static int64_t read_clock(clockid_t id, clock_source *injected)
{
	struct timespec now;

	if (injected)
		return injected();
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

int64_t clock_wall(void)
{
	return read_clock(CLOCK_REALTIME, atomic_load(&wall_source));
}

int64_t clock_steady(void)
{
	return read_clock(CLOCK_MONOTONIC, atomic_load(&steady_source));
}

void clock_inject(int64_t (*wall)(void), int64_t (*steady)(void))
{
	atomic_store(&wall_source, wall);
	atomic_store(&steady_source, steady);
}

char *clock_text(int64_t wall, char *buf, size_t size)
{
	int64_t below = wall % USEC_PER_SEC < 0; /* rounds down before 1970, too */
	time_t seconds = (time_t)(wall / USEC_PER_SEC - below);
	struct tm parts;

	if (size == 0)
		return buf;
	if (!localtime_r(&seconds, &parts) || strftime(buf, size, "%Y-%m-%d %H:%M:%S", &parts) == 0)
		snprintf(buf, size, "%s", "?");
	return buf;
}

char *clock_span_text(int64_t usec, char *buf, size_t size)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t seconds = usec > 0 ? usec / USEC_PER_SEC : 0;
	size_t i = 0;

	while (i < COUNT_OF(units) - 1 && seconds < units[i].seconds)
		i++;
	snprintf(buf, size, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
	return buf;
}

int clock_parse_span(const char *text, int64_t *ret_usec)
{
	static const struct {
		const char *name;
		int64_t usec;
	} units[] = {
	    {"", USEC_PER_SEC},
	    {"ms", 1000},
	    {"s", USEC_PER_SEC},
	    {"m", 60 * USEC_PER_SEC},
	    {"h", 3600 * USEC_PER_SEC},
	    {"d", 86400 * USEC_PER_SEC},
	    {"w", 7 * 86400 * USEC_PER_SEC},
	};

	uint64_t value;
	const char *unit = str_digits(text, &value);
	size_t i = 0;

	while (unit && i < COUNT_OF(units) && strcmp(unit, units[i].name) != 0)
		i++;
	if (!unit || i == COUNT_OF(units) || value > (uint64_t)(SPAN_MAX / units[i].usec))
		return ERR_SYNTAX;
	*ret_usec = (int64_t)value * units[i].usec;
	return 0;
}
