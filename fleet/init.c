/* SPDX-License-Identifier: ISC */
/* The schema's migrations. */
#include "fleet/migrations.h"
#include "fleet/operator.h"

#define LOCK "SELECT pg_advisory_xact_lock(7077, 1)"

static int script(struct operator_side *o, const char *sql, struct err *err)
{
	int code = pg_ask_script(o->pg, sql, err);

	return code ?: operator_await(o, err);
}

/* 0: there is no schema yet. */
static int find_version(struct operator_side *o, int64_t *ret, struct err *err)
{
	int code = operator_ask(
	    o, "SELECT to_regclass('pqpurge.fleet_version') IS NOT NULL", NULL, 0, err);

	*ret = 0;
	if (code < 0 || !pg_truth(o->pg, 0, 0))
		return code;
	code = operator_ask(
	    o, "SELECT coalesce(max(version), 0) FROM pqpurge.fleet_version", NULL, 0, err);
	*ret = code == 0 ? pg_number(o->pg, 0, 0) : 0;
	return code;
}

/* Call it within the transaction. */
static int apply_next(struct operator_side *o, int64_t *version, bool *ret_applied, struct err *err)
{
	AUTO(strbuf_release) struct strbuf note = {0};
	int code = find_version(o, version, err);

	*ret_applied = code == 0 && *version < (int64_t)migrations_count;
	if (!*ret_applied)
		return code;
	++*version;
	code = script(o, migrations[*version - 1], err);
	strbuf_printf(
	    &note, "INSERT INTO pqpurge.fleet_version (version) VALUES (%" PRId64 ")", *version);
	return code ?: script(o, strbuf_text(&note), err);
}

static int step(struct operator_side *o, int64_t *version, bool *ret_applied, struct err *err)
{
	struct operator_side aside = {.pg = o->pg}; /* keeps the reason for the failure */
	int code = script(o, "BEGIN", err);

	code = code ?: script(o, LOCK, err);
	code = code ?: apply_next(o, version, ret_applied, err);
	if (code == 0)
		return script(o, "COMMIT", err);
	if (code == ERR_REFUSED)
		(void)!script(&aside, "ROLLBACK", NULL);
	return code;
}

static void put_lines(struct json *o, const char *key, const char *const *lines, size_t count)
{
	struct strbuf packed = {0};

	for (size_t n = 0; n < count; n++)
		strlist_push(&packed, lines[n], strlen(lines[n]));
	json_put_packed(o, key, &packed);
}

static void put_access(struct pg *pg, struct json *o)
{
	static const char *const groups[] = {"host", "operator", "reader"};
	static const char *const ident[] = {"fleet /^([a-z0-9][a-z0-9.-]*)$ \\1"};
	const char *database = pg_value(pg, 0, 0);
	struct strbuf lines[COUNT_OF(groups)] = {{0}};
	const char *list[COUNT_OF(groups)];

	for (size_t n = 0; n < COUNT_OF(groups); n++) {
		strbuf_printf(&lines[n], "hostssl %s +pqpurge_%s all cert map=fleet",
		    database ? database : "pqpurge", groups[n]);
		list[n] = strbuf_text(&lines[n]);
	}
	put_lines(o, "hba", list, COUNT_OF(list));
	put_lines(o, "ident", ident, COUNT_OF(ident));
	for (size_t n = 0; n < COUNT_OF(groups); n++)
		strbuf_release(&lines[n]);
}

int init_run(
    struct operator_side *o, const struct json *request, struct json **ret, struct err *err)
{
	uint64_t applied[64];
	size_t count = 0;
	int64_t version = 0;
	bool more = true;
	int code = 0;

	(void)request;
	while (code == 0 && more && count < COUNT_OF(applied)) {
		code = step(o, &version, &more, err);
		if (code == 0 && more)
			applied[count++] = (uint64_t)version;
	}
	code = code ?: operator_ask(o, "SELECT quote_ident(current_database())", NULL, 0, err);
	if (code < 0)
		return code;
	*ret = json_new();
	json_put_ints(*ret, "applied", applied, count);
	json_put_int(*ret, "version", version);
	put_access(o->pg, *ret);
	struct strlist warnings = pg_warnings(o->pg);
	json_put_list(*ret, "warnings", &warnings);
	return 0;
}
