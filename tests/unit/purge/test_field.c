/* SPDX-License-Identifier: ISC */
/* Facts as text and as JSON, and a JSON object as lines. */
#include "tests/unit/unit.h"

#include "purge/tell/field.h"

static char *said;
static size_t said_len;

static FILE *begin(void)
{
	return open_memstream(&said, &said_len);
}

static void assert_said(FILE *to, const char *name, const char *want)
{
	fclose(to);
	case_assert_text(name, said, want);
	free(said);
}

static const struct field fields[] = {
    {"id", "ID", FIELD_TEXT, .text = "0AAAA1"},
    {"empty", "EMPTY", FIELD_TEXT, .text = ""},
    {"none", "NONE", FIELD_TEXT, .text = NULL},
    {"n", "N", FIELD_NUMBER, .n = 0},
    {"unknown", "UNKNOWN", FIELD_NUMBER, .n = -1},
    {"null", "NULL", FIELD_NUMBER, .n = -1, .null = true},
    {"some", "SOME", FIELD_COUNT, .n = 3},
    {"few", "FEW", FIELD_COUNT, .n = 0},
    {"time", "TIME", FIELD_TIME, .n = INT64_C(1000000000999999)},
    {"never", "NEVER", FIELD_TIME, .n = 0},
    {"size", "SIZE", FIELD_SIZE, .n = 2048},
    {"yes", NULL, FIELD_BOOL, .n = 1},
    {"no", NULL, FIELD_BOOL, .n = 0},
    {"perhaps", NULL, FIELD_BOOL, .n = -1},
    {NULL, "only in text", FIELD_TEXT, .text = "\033[31m\n\342\200\256"},
};

/* Unknown facts are in neither, except where JSON must have null. */
static void test_both(void **state)
{
	struct json *o = json_new();
	FILE *to = begin();

	(void)state;
	setenv("TZ", "UTC", 1);
	fields_put(o, fields, COUNT_OF(fields));
	assert_int_equal(json_line(to, o), 0);
	assert_said(to, "JSON",
	    "{\"id\":\"0AAAA1\",\"empty\":\"\",\"n\":0,\"null\":null,\"some\":3,\"few\":0,"
	    "\"time\":1000000000,\"size\":2048,\"yes\":true,\"no\":false}\n");
	to = begin();
	fields_say(to, fields, COUNT_OF(fields));
	assert_said(to, "text",
	    "ID              0AAAA1\n"
	    "N               0\n"
	    "SOME            3\n"
	    "TIME            2001-09-09 01:46:40\n"
	    "SIZE            2.0 kB\n"
	    "only in text    ?[31m??\n");
}

/* The longest label sets the width, if it exceeds 15 columns. */
static void test_width(void **state)
{
	static const struct field wide[] = {{NULL, "a", FIELD_NUMBER, .n = 1},
	    {NULL, "maximal_queue_lifetime", FIELD_NUMBER, .n = 2}};
	FILE *to = begin();

	(void)state;
	fields_say(to, wide, COUNT_OF(wide));
	assert_said(to, "width", "a                      1\nmaximal_queue_lifetime 2\n");
}

static struct json *recipient(const char *address, const char *queued)
{
	struct json *o = json_new();
	struct strbuf packed = {0};
	struct strlist list;

	json_put_text(o, "address", address);
	strlist_push(&packed, queued, strlen(queued));
	strlist_push(&packed, "b@x.test", 8);
	list = strlist_of(&packed);
	json_put_list(o, "queued_address", &list);
	strbuf_release(&packed);
	return o;
}

static void test_sheet(void **state)
{
	struct json *o = json_new(), *recipients = json_new_array(), *none = json_new_array();
	struct json *added = json_new();
	FILE *to = begin();

	(void)state;
	setenv("TZ", "UTC", 1);
	json_append(recipients, recipient("u@x.test", "a@x.test"));
	json_append(recipients, recipient("v@x.test", "\033]0;owned\007"));
	json_put_text(added, "address", "w@x.test");
	json_put_bool(added, "added", true);
	json_append(recipients, added);
	json_put_text(o, "queue_id", "0AAAA1");
	json_put_int(o, "arrival_time", 1000000000);
	json_put_int(o, "message_size", 1024);
	json_put_int(o, "client_port", 25);
	json_put_bool(o, "in_index", true);
	json_put_bool(o, "held_by_rule", false);
	json_put_text(o, "login", "");
	json_put_text(o, "subject", "a\nb\342\200\256\377");
	json_put(o, "recipients", recipients);
	json_put(o, "reasons", none);
	sheet_say(to, o);
	json_free(o);
	assert_said(to, "sheet",
	    "queue id        0AAAA1\n"
	    "arrival time    2001-09-09 01:46:40\n"
	    "message size    1.0 kB\n"
	    "client port     25\n"
	    "in index        yes\n"
	    "subject         a?b?\357\277\275\n"
	    "recipients      u@x.test: a@x.test, b@x.test\n"
	    "                v@x.test: ?]0;owned?, b@x.test\n"
	    "                w@x.test: added\n");
}

UNIT_MAIN(cmocka_unit_test(test_both), cmocka_unit_test(test_width), cmocka_unit_test(test_sheet))
