/* SPDX-License-Identifier: ISC */
#include "base/settings/settings_table.h"

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>

#include "base/endpoint.h"
#include "base/net.h"

#define MIB (INT64_C(1) << 20)

#define IN(member) .offset = offsetof(struct settings, member)

/* clang-format off: one row per key */
const struct settings_row settings_rows[SETTINGS_ROWS] = {
    {"socket", TEXT_SOCKET, "unix:/var/spool/postfix/pqpurge/milter.sock", IN(socket)},
    {"socket_group", TEXT_GROUP, "postfix", IN(socket_group)},
    {"socket_mode", NUMBER_OCTAL, "0660", IN(socket_mode), .max = 0777},
    {"policy_socket", TEXT_OPTIONAL_SOCKET, "", IN(policy_socket)},
    {"user", TEXT_USER, "pqpurge", IN(user)},
    {"index_directory", TEXT_PATH, "/run/pqpurge", IN(index_directory)},
    {"state_directory", TEXT_PATH, "/var/lib/pqpurge", IN(state_directory)},
    {"index_map_size", NUMBER_SIZE, "256M", IN(index_map_size), .min = MIB, .max = MIB * MIB},
    {"rules_file", TEXT_PATH, "/etc/pqpurge/rules", IN(rules_file)},
    {"postfix_config_directory", TEXT_PATH, "/etc/postfix", IN(postfix_config_directory)},
    {"postsuper_jobs", NUMBER_COUNT, "0", IN(postsuper_jobs), .max = 64},
    {"log", WORD, "syslog", IN(log_to_stderr), .words = {"syslog", "stderr"}},
    {"record_subject", SWITCH, "false", IN(record_subject), .words = {"false", "true"}},
    {"max_recipients", NUMBER_COUNT, "1000", IN(max_recipients), .min = 1, .max = 100000},
    {"origin", TEXT_OPTIONAL_DOMAIN, "", IN(origin)},
    {"login_case", WORD, "ignore", IN(login_exact), .words = {"ignore", "exact"}},
    {"own_networks", TEXT_NETWORKS, "127.0.0.0/8 ::1", IN(own_networks)},
    {"order_directory", TEXT_PATH, "/run/pqpurge-order", IN(order_directory)},
    {"standing_directory", TEXT_PATH, "/var/lib/pqpurge-standing", IN(standing_directory)},
    {"operator_group", TEXT_OPTIONAL_GROUP, "", IN(operator_group)},
    {"operator_allow", TEXT_VERBS, "list top why hold release", IN(operator_allow)},
    {"hook_user", TEXT_USER, "nobody", IN(hook_user)},
    {"fleet", TEXT_OPTIONAL, "", IN(fleet)},
    {"fleet_name", TEXT_OPTIONAL, "", IN(fleet_name)},
    {"fleet_user", TEXT_USER, "pqpurge-fleet", IN(fleet_user)},
    {"fleet_allow", TEXT_VERBS, "purge hold release undo list top why status block",
	IN(fleet_allow)},
    {"fleet_max_messages", NUMBER_COUNT, "0", IN(fleet_max_messages), .max = INT64_C(1000000000)},
    {"flood_watch", CHOICE, "warn", IN(flood_watch), .words = {"off", "warn", "act"}},
    {"flood_exempt", TEXT_EXEMPT, "", IN(flood_exempt), .list = true},
    {"flood_hook", TEXT_OPTIONAL_PATH, "", IN(flood_hook)},
};
/* clang-format on */

static bool is_text(const struct settings_row *row)
{
	return row->kind <= TEXT_NETWORKS;
}

static int check_networks(const struct settings_row *row, const char *value, struct err *err)
{
	AUTO(strbuf_release) struct strbuf list = {0};
	int code = net_parse_list(value, &list, err);

	return code < 0 ? err_within(err, ERR_CONFIG, "%s", row->key) : 0;
}

const char *const settings_verbs[] = {"purge", "hold", "release", "undo", "retry", "list", "show",
    "top", "why", "block", "unblock", "rules", "status", "floods", "log", "report", "regex", NULL};

static int check_verb(const struct settings_row *row, const char *word, struct err *err)
{
	struct spell spell = {0};

	for (const char *const *verb = settings_verbs; *verb; verb++) {
		if (strcmp(*verb, word) == 0)
			return 0;
		spell_consider(&spell, word, *verb);
	}
	if (spell.best)
		return err_set(err, ERR_CONFIG, "%s cannot allow '%s'; did you mean '%s'?",
		    row->key, word, spell.best);
	return err_set(err, ERR_CONFIG, "%s cannot allow '%s'", row->key, word);
}

static int check_verbs(const struct settings_row *row, const char *value, struct err *err)
{
	char word[32];
	size_t len;
	int code = 0;

	for (const char *part; code == 0 && (part = str_part(&value, " ,", &len));) {
		snprintf(word, sizeof(word), "%.*s", (int)len, part);
		code = check_verb(row, word, err);
	}
	return code;
}

/* RFC 5322's specials and blanks would change senders. */
static bool is_domain(const char *value)
{
	return !value[strcspn(value, " ()<>@,;:\\\"[]")] && value[0] != '.' && strlen(value) < 256;
}

static int check_text(const struct settings_row *row, const char *value, struct err *err)
{
	struct endpoint endpoint;

	if (row->kind < TEXT_OPTIONAL && !value[0])
		return err_set(err, ERR_CONFIG, "%s must not be empty", row->key);
	if (str_has_control(value))
		return err_set(err, ERR_CONFIG, "%s holds a control character", row->key);
	if ((row->kind == TEXT_PATH || (row->kind == TEXT_OPTIONAL_PATH && value[0])) &&
	    value[0] != '/')
		return err_set(
		    err, ERR_CONFIG, "%s must be an absolute path, not '%s'", row->key, value);
	if (row->kind == TEXT_OPTIONAL_DOMAIN && !is_domain(value))
		return err_set(err, ERR_CONFIG, "%s must be a domain, not '%s'", row->key, value);
	if (row->kind == TEXT_SOCKET || (row->kind == TEXT_OPTIONAL_SOCKET && value[0]))
		return endpoint_parse(value, &endpoint, err);
	if (row->kind == TEXT_VERBS)
		return check_verbs(row, value, err);
	return row->kind == TEXT_NETWORKS ? check_networks(row, value, err) : 0;
}

static int set_text(const struct settings_row *row, char **into, const char *value, struct err *err)
{
	int code = check_text(row, value, err);
	char *copy = code < 0 ? NULL : strdup(value);

	if (code < 0)
		return code;
	if (!copy)
		return err_sys(err, ENOMEM, "failed to keep %s", row->key);
	free(*into);
	*into = copy;
	return 0;
}

/* Whether libconfuse reads value as this boolean. */
static bool is_switch(const char *value, bool on)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"off", "on"}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_equal_nocase(value, words[i][on]))
			return true;
	return false;
}

static int set_word(const struct settings_row *row, void *into, const char *value, struct err *err)
{
	size_t n = 0, count = row->kind == CHOICE ? 3 : 2;

	while (n < count &&
	       (row->kind == SWITCH ? !is_switch(value, n) : strcmp(value, row->words[n]) != 0))
		n++;
	if (n < count && row->kind == CHOICE)
		*(int64_t *)into = (int64_t)n;
	else if (n < count)
		*(bool *)into = n;
	if (n < count)
		return 0;
	if (row->kind == SWITCH)
		return err_set(
		    err, ERR_CONFIG, "%s must be true or false, not '%s'", row->key, value);
	if (row->kind == WORD)
		return err_set(err, ERR_CONFIG, "%s must be '%s' or '%s', not '%s'", row->key,
		    row->words[0], row->words[1], value);
	return err_set(err, ERR_CONFIG, "%s must be '%s', '%s' or '%s', not '%s'", row->key,
	    row->words[0], row->words[1], row->words[2], value);
}

/* A mode is always octal, with or without a leading zero. */
static int parse_octal(const char *value, uint64_t *ret)
{
	uint64_t mode = 0;

	if (!value[0] || strlen(value) > 6 || value[strspn(value, "01234567")])
		return ERR_SYNTAX;
	for (; *value; value++)
		mode = mode * 8 + (uint64_t)(*value - '0');
	*ret = mode;
	return 0;
}

/* Writes a size in the largest unit that keeps it whole. */
static char *number_text(const struct settings_row *row, int64_t number, char *buf, size_t size)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	size_t unit = 0;

	if (row->kind == NUMBER_SIZE)
		for (; number > 0 && number % 1024 == 0 && unit < COUNT_OF(units) - 1; unit++)
			number /= 1024;
	if (row->kind == NUMBER_OCTAL)
		snprintf(buf, size, "%04llo", (unsigned long long)number);
	else
		snprintf(buf, size, "%lld%s", (long long)number, units[unit]);
	return buf;
}

static int set_number(
    const struct settings_row *row, int64_t *into, const char *value, struct err *err)
{
	static const char *const examples[] = {
	    [NUMBER_OCTAL] = "an octal mode such as 0660",
	    [NUMBER_COUNT] = "a number",
	    [NUMBER_SIZE] = "a size such as \"2G\"",
	};
	char min[32], max[32];
	uint64_t number = 0;
	int code = row->kind == NUMBER_OCTAL  ? parse_octal(value, &number)
		   : row->kind == NUMBER_SIZE ? str_parse_size(value, &number)
					      : str_parse_u64(value, 0, UINT64_MAX, &number);

	if (code < 0)
		return err_set(err, ERR_CONFIG, "%s must be %s, not '%s'", row->key,
		    examples[row->kind], value);
	if (number < (uint64_t)row->min || number > (uint64_t)row->max)
		return err_set(err, ERR_CONFIG, "%s must be from %s to %s, not '%s'", row->key,
		    number_text(row, row->min, min, sizeof(min)),
		    number_text(row, row->max, max, sizeof(max)), value);
	*into = (int64_t)number;
	return 0;
}

static int add_text(const struct settings_row *row, char **into, const char *value, struct err *err)
{
	struct settings_exempt ignored;
	struct strbuf joined = {0};
	int code = settings_exempt_parse(value, &ignored, err);

	code = code ?: check_text(row, value, err);
	if (code < 0)
		return code;
	strbuf_printf(&joined, "%s%s%s", *into, **into ? "\n" : "", value);
	if (joined.failed)
		return err_sys(err, ENOMEM, "failed to keep %s", row->key);
	free(*into);
	*into = joined.text;
	return 0;
}

int settings_set(void *base, const struct settings_row *row, const char *value, struct err *err)
{
	void *member = (char *)base + row->offset;

	if (row->kind == TEXT_EXEMPT && value)
		return add_text(row, member, value, err);
	if (!value)
		value = row->otherwise;
	if (is_text(row))
		return set_text(row, member, value, err);
	if (row->kind >= FLOOD_COUNTS)
		return settings_flood_set(row, member, value, err);
	return row->kind >= CHOICE ? set_word(row, member, value, err)
				   : set_number(row, member, value, err);
}

/* A missing default account is no error. We do not look for it, because that would load more
 * libraries. */
static int check_account(const struct settings_row *row, const char *name, struct err *err)
{
	bool is_user = row->kind == TEXT_USER;
	const struct passwd *pw;

	if (strcmp(name, row->otherwise) == 0)
		return 0;
	pw = is_user ? getpwnam(name) : NULL;
	if (is_user ? !pw : !getgrnam(name))
		return err_set(err, ERR_CONFIG, "%s: there is no %s '%s'", row->key,
		    is_user ? "user" : "group", name);
	if (pw && pw->pw_uid == 0 && row->offset == offsetof(struct settings, hook_user))
		return err_set(err, ERR_CONFIG, "%s must not be root", row->key);
	return 0;
}

/* The map needs address space for its whole size. */
static int check_size(const struct settings_row *row, uint64_t size, struct err *err)
{
	struct rlimit limit;

	if (size > SIZE_MAX / 2)
		return err_set(
		    err, ERR_CONFIG, "%s does not fit in this machine's addresses", row->key);
	if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    size >= limit.rlim_cur)
		return err_set(err, ERR_CONFIG,
		    "%s does not fit in the limit on address space (ulimit -v)", row->key);
	return 0;
}

static bool is_same_path(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	while (len_a > 1 && a[len_a - 1] == '/')
		len_a--;
	while (len_b > 1 && b[len_b - 1] == '/')
		len_b--;
	return len_a == len_b && memcmp(a, b, len_a) == 0;
}

/* If both were one directory, the locks of index and state would be one file. The error names a key
 * that was given, not a default. */
static int check_apart(const struct settings *s, const struct settings_row *row, struct err *err)
{
	bool is_index = row->offset == offsetof(struct settings, index_directory);
	const char *given = is_index ? s->index_directory : s->state_directory;

	if (!is_same_path(s->index_directory, s->state_directory) ||
	    strcmp(given, row->otherwise) == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "%s must be another than %s", row->key,
	    is_index ? "state_directory" : "index_directory");
}

int settings_check(const struct settings *s, const struct settings_row *row, struct err *err)
{
	const void *member = (const char *)s + row->offset;

	if (row->kind == TEXT_USER || row->kind == TEXT_GROUP || row->kind == TEXT_OPTIONAL_GROUP)
		return check_account(row, *(char *const *)member, err);
	if (row->kind == TEXT_OPTIONAL_SOCKET && strcmp(s->socket, s->policy_socket) == 0)
		return err_set(err, ERR_CONFIG, "%s must be another than socket", row->key);
	if (row->offset == offsetof(struct settings, index_directory) ||
	    row->offset == offsetof(struct settings, state_directory))
		return check_apart(s, row, err);
	return row->kind == NUMBER_SIZE ? check_size(row, *(const uint64_t *)member, err) : 0;
}

void settings_release(struct settings *s)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++)
		if (is_text(&settings_rows[i]))
			free(*(char **)((char *)s + settings_rows[i].offset));
	*s = (struct settings){0};
}

/* settings_load reads it back unchanged. */
static void print_quoted(const char *text, size_t len, FILE *to)
{
	fputc('"', to);
	for (size_t i = 0; i < len; i++)
		fprintf(to, strchr("\"\\$", text[i]) ? "\\%c" : "%c", text[i]);
	fputc('"', to);
}

static void print_text(const char *text, FILE *to)
{
	print_quoted(text, strlen(text), to);
	fputc('\n', to);
}

static void print_list(const char *text, FILE *to)
{
	const char *gap = "";

	for (fputc('{', to); *text; gap = ", ") {
		size_t len = strcspn(text, "\n");

		fputs(gap, to);
		print_quoted(text, len, to);
		text += len + (text[len] == '\n');
	}
	fputs("}\n", to);
}

void settings_print(const struct settings *s, FILE *to)
{
	for (size_t i = 0; i < SETTINGS_ROWS; i++) {
		const struct settings_row *row = &settings_rows[i];
		const void *member = (const char *)s + row->offset;
		char number[32];

		fprintf(to, "%s = ", row->key);
		if (row->kind == TEXT_EXEMPT)
			print_list(*(char *const *)member, to);
		else if (is_text(row))
			print_text(*(char *const *)member, to);
		else if (row->kind == CHOICE)
			print_text(row->words[*(const int64_t *)member], to);
		else if (row->kind == WORD)
			print_text(row->words[*(const bool *)member], to);
		else if (row->kind == SWITCH)
			fprintf(to, "%s\n", row->words[*(const bool *)member]);
		else
			fprintf(to, row->kind == NUMBER_SIZE ? "\"%s\"\n" : "%s\n",
			    number_text(row, *(const int64_t *)member, number, sizeof(number)));
	}
	settings_flood_print(s, to);
}
