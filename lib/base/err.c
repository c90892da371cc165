/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdarg.h>

#include "base/err.h"
#include "base/str.h"

/* Longer than err.text, because replacing control characters may shorten it. */
#define DRAFT_SIZE 2048

/* Formats into its own buffer, because the values may point into err->text. */
static void FORMAT(2, 0)
    set_text(struct err *err, const char *format, va_list values, const char *tail)
{
	char draft[DRAFT_SIZE];
	int len = vsnprintf(draft, sizeof(draft), format, values);

	if (len < 0)
		len = snprintf(draft, sizeof(draft), "%s", format);
	if (tail && (size_t)len < sizeof(draft))
		snprintf(draft + len, sizeof(draft) - (size_t)len, "%s", tail);
	str_scrub(err->text, sizeof(err->text), draft);
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list values;

	if (!err)
		return code;
	va_start(values, format);
	set_text(err, format, values, NULL);
	va_end(values);
	return code;
}

int err_sys(struct err *err, int errnum, const char *format, ...)
{
	char reason[160];
	va_list values;

	if (!err)
		return -errnum;
	snprintf(reason, sizeof(reason), " (%s)", err_word(-errnum));
	va_start(values, format);
	set_text(err, format, values, reason);
	va_end(values);
	return -errnum;
}

int err_within(struct err *err, int code, const char *format, ...)
{
	char tail[sizeof(err->text) + 2];
	va_list values;

	if (!err)
		return code;
	snprintf(tail, sizeof(tail), ": %s", err->text[0] ? err->text : err_word(code));
	va_start(values, format);
	set_text(err, format, values, tail);
	va_end(values);
	return code;
}

const char *err_word(int code)
{
	static const char *const own[] = {
	    "wrong usage",
	    "wrong configuration",
	    "wrong syntax",
	    "no index",
	    "made by a newer version",
	    "no space left for the index",
	    "damaged",
	    "mode is not 0700",
	    "removed or replaced meanwhile",
	    "locked by another process",
	    "belongs to another Postfix instance",
	    "timed out",
	    "limit passed",
	    "child process failed",
	    "refused by the peer",
	    "no daemon runs",
	    "stopped by a signal",
	};
	const char *word = code < 0 ? NULL : "no error";

	static_assert(COUNT_OF(own) == ERR_STOPPED - ERR_USAGE + 1, "one for each, in their order");
	if (code >= ERR_USAGE && code <= ERR_STOPPED)
		word = own[code - ERR_USAGE];
	if (!word)
		word = strerrordesc_np(-code);
	return word ? word : "unknown error";
}
