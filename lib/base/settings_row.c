/* SPDX-License-Identifier: ISC */
/*
 * The table of settings, and how a value's text becomes a member of struct settings and text again.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>

#include "base/endpoint.h"
#include "base/net.h"
#include "base/settings_row.h"
#include "base/str.h"

#define MIB (INT64_C(1) << 20)

#define IN(member) .offset = offsetof(struct settings, member)

/* clang-format off: one row a key */
const struct settings_row settings_rows[SETTINGS_ROWS] = {
    {"socket", SETTINGS_SOCKET, "unix:/var/spool/postfix/pqpurge/milter.sock", IN(socket)},
    {"socket_group", SETTINGS_GROUP, "postfix", IN(socket_group)},
    {"socket_mode", SETTINGS_OCTAL, "0660", IN(socket_mode), .max = 0777},
    {"user", SETTINGS_USER, "pqpurge", IN(user)},
    {"index_directory", SETTINGS_PATH, "/run/pqpurge", IN(index_directory)},
    {"state_directory", SETTINGS_PATH, "/var/lib/pqpurge", IN(state_directory)},
    {"index_map_size", SETTINGS_SIZE, "256M", IN(index_map_size), .min = MIB, .max = MIB * MIB},
    {"rules_file", SETTINGS_PATH, "/etc/pqpurge/rules", IN(rules_file)},
    {"postfix_config_directory", SETTINGS_PATH, "/etc/postfix", IN(postfix_config_directory)},
    {"postsuper_jobs", SETTINGS_COUNT, "0", IN(postsuper_jobs), .max = 64},
    {"log", SETTINGS_WORD, "syslog", IN(log_to_stderr), .words = {"syslog", "stderr"}},
    {"record_subject", SETTINGS_SWITCH, "false", IN(record_subject)},
    {"max_recipients", SETTINGS_COUNT, "1000", IN(max_recipients), .min = 1, .max = 100000},
    {"origin", SETTINGS_OPTIONAL_TEXT, "", IN(origin)},
    {"login_case", SETTINGS_WORD, "ignore", IN(login_exact), .words = {"ignore", "exact"}},
    {"own_networks", SETTINGS_NETWORKS, "127.0.0.0/8 ::1", IN(own_networks)},
    {"order_directory", SETTINGS_PATH, "/run/pqpurge-order", IN(order_directory)},
    {"standing_directory", SETTINGS_PATH, "/var/lib/pqpurge-standing", IN(standing_directory)},
    {"operator_group", SETTINGS_OPTIONAL_GROUP, "", IN(operator_group)},
    {"operator_allow", SETTINGS_OPTIONAL_TEXT, "list top why hold release", IN(operator_allow)},
    {"hook_user", SETTINGS_USER, "nobody", IN(hook_user)},
    {"flood_watch", SETTINGS_CHOICE, "warn", IN(flood_watch), .words = {"off", "warn", "act"}},
    {"flood_exempt", SETTINGS_LIST, "", IN(flood_exempt)},
    {"flood_hook", SETTINGS_OPTIONAL_PATH, "", IN(flood_hook)},
};
/* clang-format on */

size_t settings_row_find(const char *key)
{
	size_t i = 0;

	while (i < SETTINGS_ROWS && strcmp(settings_rows[i].key, key) != 0)
		i++;
	return i;
}

const char *settings_row_nearest(const char *name)
{
	struct spell spell = {0};

	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		spell_consider(&spell, name, settings_rows[i].key);
	return spell.best;
}

/*
 * A member of another type is reached through its own accessor only; what is read is copied, so
 * const holds.
 */
static const void *member(const struct settings_row *row, const struct settings *s)
{
	return (const char *)s + row->offset;
}

static void *member_of(const struct settings_row *row, struct settings *s)
{
	return (char *)s + row->offset;
}

static bool is_text(const struct settings_row *row)
{
	return row->kind <= SETTINGS_NETWORKS;
}

static int check_networks(const struct settings_row *row, const char *value, struct err *err)
{
	struct strbuf list = {0};
	int code = net_parse_list(value, &list, err);

	strbuf_release(&list);
	return code < 0 ? err_within(err, ERR_CONFIG, "%s", row->key) : 0;
}

static int set_text(const struct settings_row *row, char **into, const char *value, struct err *err)
{
	struct endpoint endpoint;
	char *copy;

	if (row->kind < SETTINGS_OPTIONAL_TEXT && !value[0])
		return err_set(err, ERR_CONFIG, "%s must not be empty", row->key);
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return err_set(err, ERR_CONFIG, "%s holds a control character", row->key);
	bool is_path =
	    row->kind == SETTINGS_PATH || (row->kind == SETTINGS_OPTIONAL_PATH && value[0]);
	if (is_path && value[0] != '/')
		return err_set(
		    err, ERR_CONFIG, "%s must be an absolute path, not '%s'", row->key, value);
	if (row->kind == SETTINGS_SOCKET && endpoint_parse(value, &endpoint, err) < 0)
		return ERR_CONFIG;
	if (row->kind == SETTINGS_NETWORKS && check_networks(row, value, err) < 0)
		return ERR_CONFIG;
	copy = strdup(value);
	if (!copy)
		return err_sys(err, ENOMEM, "failed to keep %s", row->key);
	free(*into);
	*into = copy;
	return 0;
}

/* The words that libconfuse's own booleans know, with or without capitals. */
static int set_switch(
    const struct settings_row *row, bool *into, const char *value, struct err *err)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		for (size_t on = 0; on < 2; on++) {
			if (str_equal_nocase(value, words[i][on])) {
				*into = on == 1;
				return 0;
			}
		}
	}
	return err_set(err, ERR_CONFIG, "%s must be true or false, not '%s'", row->key, value);
}

static int set_word(const struct settings_row *row, bool *into, const char *value, struct err *err)
{
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(value, row->words[i]) == 0) {
			*into = i == 1;
			return 0;
		}
	}
	return err_set(err, ERR_CONFIG, "%s must be '%s' or '%s', not '%s'", row->key,
	    row->words[0], row->words[1], value);
}

static int set_choice(
    const struct settings_row *row, int64_t *into, const char *value, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(row->words); i++) {
		if (strcmp(value, row->words[i]) == 0) {
			*into = (int64_t)i;
			return 0;
		}
	}
	return err_set(err, ERR_CONFIG, "%s must be '%s', '%s' or '%s', not '%s'", row->key,
	    row->words[0], row->words[1], row->words[2], value);
}

int settings_row_add(
    const struct settings_row *row, struct settings *s, const char *value, struct err *err)
{
	char **into = member_of(row, s), *before = *into;
	struct strbuf joined = {0};

	*into = NULL;
	int code = set_text(row, into, value, err);
	if (code == 0 && before && before[0]) {
		strbuf_printf(&joined, "%s\n%s", before, *into);
		free(*into);
		*into = joined.text;
		code = joined.failed ? err_sys(err, ENOMEM, "failed to keep %s", row->key) : 0;
	}
	free(before);
	return code;
}

/*
 * A mode is octal as written, with or without the leading zero: there is no other way to read one.
 */
static int parse_octal(const char *value, int64_t *ret)
{
	int64_t mode = 0;

	if (!value[0] || strlen(value) > 6)
		return ERR_SYNTAX;
	for (; *value; value++) {
		if (*value < '0' || *value > '7')
			return ERR_SYNTAX;
		mode = mode * 8 + (*value - '0');
	}
	*ret = mode;
	return 0;
}

static int parse_number(const struct settings_row *row, const char *value, int64_t *ret)
{
	uint64_t number = 0;
	int code;

	if (row->kind == SETTINGS_OCTAL)
		return parse_octal(value, ret);
	if (row->kind == SETTINGS_SIZE)
		code = str_parse_size(value, &number);
	else
		code = str_parse_u64(value, 0, UINT64_MAX, &number);
	*ret = number > INT64_MAX ? INT64_MAX : (int64_t)number;
	return code;
}

static char *exact_size_text(int64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	size_t unit = 0;

	for (; bytes > 0 && bytes % 1024 == 0 && unit < COUNT_OF(units) - 1; bytes /= 1024)
		unit++;
	snprintf(buf, size, "%lld%s", (long long)bytes, units[unit]);
	return buf;
}

/* The number as one would write it, in the largest unit that keeps it whole. */
static char *number_text(const struct settings_row *row, int64_t number, char *buf, size_t size)
{
	if (row->kind == SETTINGS_SIZE)
		return exact_size_text(number, buf, size);
	snprintf(
	    buf, size, row->kind == SETTINGS_OCTAL ? "%04llo" : "%llu", (unsigned long long)number);
	return buf;
}

static int set_number(
    const struct settings_row *row, int64_t *into, const char *value, struct err *err)
{
	static const char *const examples[] = {
	    [SETTINGS_OCTAL] = "an octal mode such as 0660",
	    [SETTINGS_COUNT] = "a number",
	    [SETTINGS_SIZE] = "a size such as \"2G\"",
	};
	char min[32], max[32];
	int64_t number = 0;

	if (parse_number(row, value, &number) < 0)
		return err_set(err, ERR_CONFIG, "%s must be %s, not '%s'", row->key,
		    examples[row->kind], value);
	if (number < row->min || number > row->max)
		return err_set(err, ERR_CONFIG, "%s must be from %s to %s, not '%s'", row->key,
		    number_text(row, row->min, min, sizeof(min)),
		    number_text(row, row->max, max, sizeof(max)), value);
	*into = number;
	return 0;
}

int settings_row_set(
    const struct settings_row *row, struct settings *s, const char *value, struct err *err)
{
	switch (row->kind) {
	case SETTINGS_TEXT:
	case SETTINGS_SOCKET:
	case SETTINGS_PATH:
	case SETTINGS_USER:
	case SETTINGS_GROUP:
	case SETTINGS_OPTIONAL_TEXT:
	case SETTINGS_OPTIONAL_PATH:
	case SETTINGS_LIST:
	case SETTINGS_OPTIONAL_GROUP:
	case SETTINGS_NETWORKS:
		return set_text(row, member_of(row, s), value, err);
	case SETTINGS_WORD:
		return set_word(row, member_of(row, s), value, err);
	case SETTINGS_CHOICE:
		return set_choice(row, member_of(row, s), value, err);
	case SETTINGS_SWITCH:
		return set_switch(row, member_of(row, s), value, err);
	default:
		return set_number(row, member_of(row, s), value, err);
	}
}

static int check_account(const struct settings_row *row, const char *name, struct err *err)
{
	bool is_user = row->kind == SETTINGS_USER;
	bool exists = is_user ? getpwnam(name) != NULL : getgrnam(name) != NULL;

	if (exists || strcmp(name, row->otherwise) == 0)
		return 0;
	return err_set(
	    err, ERR_CONFIG, "%s: there is no %s '%s'", row->key, is_user ? "user" : "group", name);
}

/* The map needs its whole size in address space, whatever of it is used. */
static int check_size(const struct settings_row *row, const struct settings *s, struct err *err)
{
	struct rlimit limit;
	uint64_t size;

	size = (uint64_t) * (const int64_t *)member(row, s);
	if (size > SIZE_MAX / 2)
		return err_set(
		    err, ERR_CONFIG, "%s does not fit in this machine's addresses", row->key);
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    size >= limit.rlim_cur)
		return err_set(err, ERR_CONFIG,
		    "%s does not fit in the limit on address space (ulimit -v)", row->key);
	return 0;
}

int settings_row_check(const struct settings_row *row, const struct settings *s, struct err *err)
{
	if (row->kind == SETTINGS_USER || row->kind == SETTINGS_GROUP ||
	    row->kind == SETTINGS_OPTIONAL_GROUP)
		return check_account(row, *(char *const *)member(row, s), err);
	return row->kind == SETTINGS_SIZE ? check_size(row, s, err) : 0;
}

void settings_row_release(const struct settings_row *row, struct settings *s)
{
	char **text;

	if (!is_text(row))
		return;
	text = member_of(row, s);
	free(*text);
	*text = NULL;
}

/* Quoted so that it is read back as it is. */
static void print_quoted(const char *text, size_t len, FILE *to)
{
	putc('"', to);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f)
			fprintf(to, "\\x%02x", c);
		else
			fprintf(to, strchr("\"\\$", c) ? "\\%c" : "%c", c);
	}
	putc('"', to);
}

static void print_text(const char *key, const char *text, FILE *to)
{
	fprintf(to, "%s = ", key);
	print_quoted(text, strlen(text), to);
	putc('\n', to);
}

static void print_list(const char *key, const char *text, FILE *to)
{
	const char *gap = "";

	fprintf(to, "%s = {", key);
	while (*text) {
		size_t len = strcspn(text, "\n");

		fputs(gap, to);
		print_quoted(text, len, to);
		gap = ", ";
		text += len + (text[len] == '\n');
	}
	fputs("}\n", to);
}

void settings_row_print(const struct settings_row *row, const struct settings *s, FILE *to)
{
	const void *at = member(row, s);
	char number[32];

	if (row->kind == SETTINGS_LIST)
		print_list(row->key, *(char *const *)at, to);
	else if (is_text(row))
		print_text(row->key, *(char *const *)at, to);
	else if (row->kind == SETTINGS_CHOICE)
		fprintf(to, "%s = \"%s\"\n", row->key, row->words[*(const int64_t *)at]);
	else if (row->kind == SETTINGS_WORD)
		fprintf(to, "%s = \"%s\"\n", row->key, row->words[*(const bool *)at]);
	else if (row->kind == SETTINGS_SWITCH)
		fprintf(to, "%s = %s\n", row->key, *(const bool *)at ? "true" : "false");
	else if (row->kind == SETTINGS_SIZE)
		fprintf(to, "%s = \"%s\"\n", row->key,
		    number_text(row, *(const int64_t *)at, number, sizeof(number)));
	else
		fprintf(to, "%s = %s\n", row->key,
		    number_text(row, *(const int64_t *)at, number, sizeof(number)));
}
