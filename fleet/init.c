/* SPDX-License-Identifier: ISC */
/* The schema's migrations. */
#include "fleet/migrations.h"
#include "fleet/operator.h"

#define LOCK "SELECT pg_advisory_xact_lock(7077, 1)"

static int script(struct pg *pg, const char *sql, char sqlstate[6], struct err *err)
{
	int code = pg_ask_script(pg, sql, err);

	return code ?: operator_await(pg, sqlstate, err);
}

/* 0: there is no schema yet. */
static int find_version(struct pg *pg, int64_t *ret, char sqlstate[6], struct err *err)
{
	int code = operator_ask(
	    pg, "SELECT to_regclass('pqpurge.fleet_version') IS NOT NULL", NULL, 0, sqlstate, err);

	*ret = 0;
	if (code < 0 || !pg_truth(pg, 0, 0))
		return code;
	code = operator_ask(pg, "SELECT coalesce(max(version), 0) FROM pqpurge.fleet_version", NULL,
	    0, sqlstate, err);
	*ret = code == 0 ? pg_number(pg, 0, 0) : 0;
	return code;
}

/* Call it within the transaction. */
static int apply_next(
    struct pg *pg, int64_t *version, bool *ret_applied, char sqlstate[6], struct err *err)
{
	AUTO(strbuf_release) struct strbuf note = {0};
	int code = find_version(pg, version, sqlstate, err);

	*ret_applied = code == 0 && *version < (int64_t)migrations_count;
	if (!*ret_applied)
		return code;
	++*version;
	code = script(pg, migrations[*version - 1], sqlstate, err);
	strbuf_printf(
	    &note, "INSERT INTO pqpurge.fleet_version (version) VALUES (%" PRId64 ")", *version);
	return code ?: script(pg, strbuf_text(&note), sqlstate, err);
}

static int step(
    struct pg *pg, int64_t *version, bool *ret_applied, char sqlstate[6], struct err *err)
{
	char ignored[6];
	int code = script(pg, "BEGIN", sqlstate, err);

	code = code ?: script(pg, LOCK, sqlstate, err);
	code = code ?: apply_next(pg, version, ret_applied, sqlstate, err);
	if (code == 0)
		return script(pg, "COMMIT", sqlstate, err);
	if (code == ERR_REFUSED)
		(void)!script(pg, "ROLLBACK", ignored, NULL);
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

int init_run(struct pg *pg, struct json **ret, char sqlstate[6], struct err *err)
{
	uint64_t applied[64];
	size_t count = 0;
	int64_t version = 0;
	bool more = true;
	int code = 0;

	while (code == 0 && more && count < COUNT_OF(applied)) {
		code = step(pg, &version, &more, sqlstate, err);
		if (code == 0 && more)
			applied[count++] = (uint64_t)version;
	}
	code = code
		   ?: operator_ask(
			  pg, "SELECT quote_ident(current_database())", NULL, 0, sqlstate, err);
	if (code < 0)
		return code;
	*ret = json_new();
	json_put_ints(*ret, "applied", applied, count);
	json_put_int(*ret, "version", version);
	put_access(pg, *ret);
	struct strlist warnings = pg_warnings(pg);
	json_put_list(*ret, "warnings", &warnings);
	return 0;
}
