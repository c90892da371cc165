/* SPDX-License-Identifier: ISC */
/* A screen with groups and messages, for the tests of its keys. */
#pragma once

#include "tests/unit/unit.h"

#include "purge/screen/model.h"

#define GROUPS   50
#define MESSAGES 30

static inline struct screen_groups some_groups(size_t count)
{
	static char names[GROUPS][32];
	struct top_group *list = calloc(count + 1, sizeof(*list));
	struct screen_groups g = {
	    .top = {.list = list, .count = count, .names.values = list}, .now = 1, .kept = true};

	assert_non_null(list);
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "n%02zu.example", i);
		list[i] = (struct top_group){.name = names[i], .count = 1000 - i};
	}
	return g;
}

static inline struct screen_messages some_messages(size_t count)
{
	struct screen_messages m = {.count = count, .cap = count};

	m.list = calloc(count + 1, sizeof(*m.list));
	assert_non_null(m.list);
	for (size_t i = 0; i < count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "00001%zX", 0x100 + i);
		m.list[i] = (struct screen_message){.id = strdup(id),
		    .queue = strdup("deferred"),
		    .sender = strdup("a@example.com"),
		    .recipient = strdup("u@dest.example")};
	}
	return m;
}

static inline void begin(struct screen_model *m)
{
	struct screen_groups groups = some_groups(GROUPS);

	model_init(m);
	model_resize(m, 24, 80);
	model_groups(m, &groups);
}

static inline void begin_messages(struct screen_model *m)
{
	struct screen_messages messages = some_messages(MESSAGES);

	begin(m);
	assert_int_equal(model_key(m, SCREEN_ENTER), EFFECT_MESSAGES);
	model_messages(m, &messages);
}

static inline void check_words(struct screen_model *m, enum screen_effect effect, const char *want)
{
	struct strbuf packed = {0}, joined = {0};

	assert_int_equal(model_words(m, effect, &packed), 0);
	struct strlist list = strlist_of(&packed);
	strlist_each (word, &list)
		strbuf_printf(&joined, "%s%s", joined.len ? " " : "", word);
	case_assert_text(want, strbuf_text(&joined), want);
	strbuf_release(&packed);
	strbuf_release(&joined);
}
