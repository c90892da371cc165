/* SPDX-License-Identifier: ISC */
#include "milter/policy/request.h"

#include "base/clock.h"
#include "base/str.h"

static int check_line(const char *line, size_t len, struct policy_scan *scan, struct err *err)
{
	if (memchr(line, '\0', len))
		return err_set(err, ERR_SYNTAX, "a NUL in a request");
	if (!memchr(line, '=', len))
		return err_set(err, ERR_SYNTAX, "a line without '=' in a request");
	if (++scan->attributes > POLICY_ATTRIBUTES_MAX)
		return err_set(
		    err, ERR_LIMIT, "more than %d attributes in a request", POLICY_ATTRIBUTES_MAX);
	return 0;
}

int policy_request_find(
    const char *text, size_t len, struct policy_scan *scan, size_t *ret_len, struct err *err)
{
	for (;;) {
		const char *line = text + scan->at;
		const char *end = memchr(line, '\n', len - scan->at);
		size_t line_len = end ? (size_t)(end - line) : len - scan->at;

		if (line_len >= POLICY_LINE_MAX)
			return err_set(err, ERR_LIMIT, "a line of more than %d bytes in a request",
			    POLICY_LINE_MAX);
		if (scan->at + line_len >= POLICY_REQUEST_MAX)
			return err_set(
			    err, ERR_LIMIT, "a request of more than %u bytes", POLICY_REQUEST_MAX);
		if (!end)
			return 0;
		if (line_len == 0) {
			*ret_len = scan->at + 1;
			return 1;
		}
		int code = check_line(line, line_len, scan, err);
		if (code)
			return code;
		scan->at += line_len + 1;
	}
}

static enum policy_stage stage_of(const char *state)
{
	static const char *const words[] = {[POLICY_MAIL] = "MAIL",
	    [POLICY_RCPT] = "RCPT",
	    [POLICY_DATA] = "DATA",
	    [POLICY_END] = "END-OF-MESSAGE"};

	for (unsigned i = POLICY_MAIL; i <= POLICY_END; i++)
		if (strcmp(state, words[i]) == 0)
			return (enum policy_stage)i;
	return POLICY_OTHER;
}

struct raw {
	struct policy_request request;
	const char *what, *state, *count;
};

#define AT(member) offsetof(struct raw, member)
static const struct {
	const char *name;
	size_t member;
} attributes[] = {
    {"request", AT(what)},
    {"protocol_state", AT(state)},
    {"recipient_count", AT(count)},
    {"instance", AT(request.instance)},
    {"queue_id", AT(request.queue_id)},
    {"sender", AT(request.sender)},
    {"recipient", AT(request.recipient)},
    {"sasl_username", AT(request.login)},
    {"client_address", AT(request.client)},
    {"client_port", AT(request.client_port)},
    {"server_address", AT(request.server)},
    {"server_port", AT(request.server_port)},
};

static const char **place_of(struct raw *raw, size_t number)
{
	return (const char **)((char *)raw + attributes[number].member);
}

static void take_line(struct raw *raw, char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return;
	*value++ = '\0';
	for (size_t i = 0; i < COUNT_OF(attributes); i++)
		if (strcmp(line, attributes[i].name) == 0)
			*place_of(raw, i) = value;
}

int policy_request_read(char *text, size_t len, struct policy_request *ret, struct err *err)
{
	struct raw raw = {0};
	uint64_t count = 0;

	for (size_t i = 0; i < COUNT_OF(attributes); i++)
		*place_of(&raw, i) = "";
	for (char *line = text, *end; line < text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			break;
		*end = '\0';
		take_line(&raw, line);
	}
	if (strcmp(raw.what, "smtpd_access_policy") != 0)
		return err_set(err, ERR_SYNTAX, "a request that is not smtpd_access_policy");
	if (str_parse_u64(raw.count, 0, UINT32_MAX, &count) == 0)
		raw.request.recipient_count = (uint32_t)count;
	raw.request.stage = stage_of(raw.state);
	*ret = raw.request;
	return 0;
}

#define FIELD "%12" SCNx64 /* at most 12 hexadecimal digits */

int64_t policy_instance_time(const char *instance)
{
	uint64_t pid, seconds, micros, number;
	int end = 0;

	/* sscanf(3) would take signs, prefixes and blanks. */
	if (instance[strspn(instance, "0123456789abcdef.")] ||
	    sscanf(instance, FIELD "." FIELD "." FIELD "." FIELD "%n", &pid, &seconds, &micros,
		&number, &end) != 4 ||
	    instance[end] || micros >= USEC_PER_SEC || seconds > UINT64_C(1) << 40)
		return 0;
	return (int64_t)(seconds * USEC_PER_SEC + micros);
}
