/* SPDX-License-Identifier: ISC */
#include "postfix/config/finding.h"

#include <stdarg.h>

#include "base/array.h"

#define WORDS_MAX 1024

static bool has_words(const struct findings *f, const char *id, const char *words)
{
	for (size_t n = 0; n < f->count; n++)
		if (strcmp(f->list[n].id, id) == 0 &&
		    (!words || strcmp(f->list[n].words, words) == 0))
			return true;
	return false;
}

bool findings_have(const struct findings *f, const char *id)
{
	return has_words(f, id, NULL);
}

void findings_add(struct findings *f, const char *id, enum finding_level level, const char *command,
    const char *format, ...)
{
	struct finding one = {.id = id, .level = level};
	char words[WORDS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (has_words(f, id, words))
		return;
	one.words = strdup(words);
	one.command = strdup(command);
	if (one.words && one.command && array_add(f, one) == 0)
		return;
	free(one.words);
	free(one.command);
	f->failed = true;
}

void findings_move(struct findings *f, struct findings *from)
{
	for (size_t n = 0; n < from->count; n++) {
		const struct finding *one = &from->list[n];

		findings_add(f, one->id, one->level, one->command, "%s", one->words);
	}
	f->failed |= from->failed;
	findings_release(from);
}

size_t findings_faults(const struct findings *f)
{
	size_t faults = 0;

	for (size_t n = 0; n < f->count; n++)
		faults += f->list[n].level == FINDING_FAULT;
	return faults;
}

void findings_release(struct findings *f)
{
	for (size_t n = 0; n < f->count; n++) {
		free(f->list[n].words);
		free(f->list[n].command);
	}
	free(f->list);
	*f = (struct findings){0};
}
