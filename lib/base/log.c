/* SPDX-License-Identifier: ISC */
/* The log. Each line is formatted and scrubbed here, then handed over by a single call. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "base/log_sink.h"
#include "base/str.h"

/* What syslog daemons take without cutting, roughly; a longer line is cut. */
#define LINE_SIZE 2048

static struct log_sink syslog_sink = LOG_SINK_INIT(_PATH_LOG), stderr_sink = LOG_SINK_INIT(NULL);
static const char *name = "pqpurge";
static atomic_bool to_syslog;
static atomic_bool with_debug;

void log_open(const char *ident, enum log_target target, bool debug)
{
	name = ident;
	if (target == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID, LOG_MAIL); /* for what libmilter has to say */
	atomic_store(&with_debug, debug);
	atomic_store(&to_syslog, target == LOG_TO_SYSLOG);
}

void log_line(int level, const char *format, ...)
{
	char draft[LINE_SIZE], text[LINE_SIZE];
	va_list values;

	if (level == LOG_DEBUG && !atomic_load(&with_debug))
		return;
	va_start(values, format);
	if (vsnprintf(draft, sizeof(draft), format, values) < 0)
		snprintf(draft, sizeof(draft), "%s", format);
	va_end(values);
	str_scrub(text, sizeof(text), draft);
	log_sink_send(
	    atomic_load(&to_syslog) ? &syslog_sink : &stderr_sink, LOG_MAIL | level, name, text);
}
