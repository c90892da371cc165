/* SPDX-License-Identifier: ISC */
#include "fleet/pg.h"

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/io.h"

#define WARNINGS_MAX 20

struct pg {
	PGconn *conn;
	PGresult *result; /* may be NULL */
	PGnotify *notice; /* the last one returned by pg_notice */
	bool connected, asking, flushing;
	PostgresPollingStatusType polling;
	int64_t deadline;
	char words[512];
	struct strbuf warnings; /* packed */
};

/* Keeps the first line, without libpq's prefix ("ERROR: " and the like). */
static void take_words(char *to, size_t size, const char *from)
{
	static const char *const heads[] = {"ERROR:  ", "FATAL:  ", "WARNING:  ", "NOTICE:  "};
	char line[512];

	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (from && str_starts(from, heads[i]))
			from += strlen(heads[i]);
	from = from ? from : "";
	const char *end = strchr(from, '\n');
	snprintf(line, sizeof(line), "%.*s", (int)(end ? end - from : (long)strlen(from)), from);
	str_scrub(to, size, line);
}

static void on_notice(void *arg, const PGresult *result)
{
	struct pg *pg = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	char words[512];

	if (!severity || strcmp(severity, "WARNING") != 0 ||
	    strlist_of(&pg->warnings).count >= WARNINGS_MAX)
		return;
	take_words(words, sizeof(words), PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	strlist_push(&pg->warnings, words, strlen(words));
}

/* libpq's message may have a line for each address; the last one says most. */
static int broken(struct pg *pg, int code, const char *what, struct err *err)
{
	const char *text = PQerrorMessage(pg->conn), *last = text;
	char words[512];

	for (const char *at = text; *at; at++)
		if (*at == '\n' && at[1] && at[1] != '\t' && at[1] != ' ')
			last = at + 1;
	take_words(words, sizeof(words), last);
	return err_set(err, code, "%s (%s)", what, words[0] ? words : err_word(code));
}

static const char *option_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val ? options->val : "";
	return "";
}

/* Whether every host is a directory of Unix sockets. An empty list means libpq's default. */
static bool is_local(const PQconninfoOption *options)
{
	const char *host = option_of(options, "host");

	if (*option_of(options, "hostaddr"))
		return false;
	for (; host; host = strchr(host, ',') ? strchr(host, ',') + 1 : NULL)
		if (*host && *host != ',' && *host != '/' && *host != '@')
			return false;
	return true;
}

static int check_login(const struct pg *pg, struct err *err)
{
	PQconninfoOption *options = PQconninfo(pg->conn);
	int code = 0;

	if (!options)
		return err_set(err, -ENOMEM, "out of memory");
	const char *mode = option_of(options, "sslmode");
	if (strcmp(mode, "verify-full") != 0 && !is_local(options))
		code = err_set(err, ERR_CONFIG,
		    "'fleet' has sslmode=%s; anything less than verify-full is refused", mode);
	PQconninfoFree(options);
	return code;
}

/* "a,b,c" becomes "b,c,a" for 1. */
static void rotate(const char *list, unsigned n, struct strbuf *ret)
{
	size_t count = 1, at = 0;

	for (const char *c = list; *c; c++)
		count += *c == ',';
	for (n %= count; n > 0; n--)
		at += strcspn(list + at, ",") + 1;
	strbuf_puts(ret, list + at);
	if (at > 0)
		strbuf_printf(ret, ",%.*s", (int)at - 1, list);
}

enum { HOST, HOSTADDR, PORT, LISTS };
static const char *const lists[LISTS] = {"host", "hostaddr", "port"};

static PGconn *start(const char *conninfo, const char *user, const struct strbuf *rotated)
{
	/* conninfo may override the keys before dbname; PG* variables and service files may not */
	const char *keys[20] = {"sslmode", "gssencmode", "target_session_attrs", "application_name",
	    "client_encoding", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
	    "options"};
	const char *values[20] = {"verify-full", "disable", "read-write", "pqpurge-link", "UTF8",
	    "20000", "20", "5",
	    "-c statement_timeout=20s -c search_path=pqpurge,pg_temp -c lock_timeout=15s"};
	size_t n = 9;

	keys[n] = "dbname";
	values[n++] = conninfo;
	for (size_t i = 0; rotated && i < LISTS; i++)
		if (rotated[i].len > 0) {
			keys[n] = lists[i];
			values[n++] = rotated[i].text;
		}
	if (user) {
		keys[n] = "user";
		values[n++] = user;
	}
	return PQconnectStartParams(keys, values, 1);
}

/* libpq resolves conninfo, service file and PG* only when it begins to connect. */
static PGconn *start_turned(const char *conninfo, const char *user, unsigned turn)
{
	PGconn *conn = start(conninfo, user, NULL);
	PQconninfoOption *options = conn ? PQconninfo(conn) : NULL;
	struct strbuf rotated[LISTS] = {{0}};

	if (options && strchr(option_of(options, "host"), ',')) {
		for (size_t i = 0; i < LISTS; i++)
			rotate(option_of(options, lists[i]), turn, &rotated[i]);
		PQfinish(conn);
		conn = start(conninfo, user, rotated);
	}
	PQconninfoFree(options);
	for (size_t i = 0; i < LISTS; i++)
		strbuf_release(&rotated[i]);
	return conn;
}

int pg_open(const char *conninfo, const char *user, unsigned turn, struct pg **ret, struct err *err)
{
	struct pg *pg = calloc(1, sizeof(*pg));
	int code = 0;

	if (pg)
		pg->conn = start_turned(conninfo, user, turn);
	if (!pg || !pg->conn) {
		free(pg);
		return err_set(err, -ENOMEM, "out of memory");
	}
	PQsetNoticeReceiver(pg->conn, on_notice, pg);
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		code = broken(pg, ERR_CONFIG, "'fleet' does not lead to a database", err);
	code = code ?: check_login(pg, err);
	if (code < 0) {
		pg_close(pg);
		return code;
	}
	pg->polling = PGRES_POLLING_WRITING;
	pg->deadline = clock_steady() + PG_CONNECT_TIME;
	*ret = pg;
	return 0;
}

void pg_close(struct pg *pg)
{
	if (!pg)
		return;
	PQfreemem(pg->notice);
	PQclear(pg->result);
	PQfinish(pg->conn);
	strbuf_release(&pg->warnings);
	free(pg);
}

int pg_fd(const struct pg *pg)
{
	return PQsocket(pg->conn);
}

short pg_poll_events(const struct pg *pg)
{
	if (!pg->connected)
		return pg->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT;
	return pg->flushing ? POLLIN | POLLOUT : POLLIN;
}

int64_t pg_deadline(const struct pg *pg)
{
	return pg->connected && !pg->asking ? INT64_MAX : pg->deadline;
}

bool pg_is_idle(const struct pg *pg)
{
	return pg->connected && !pg->asking;
}

static int on_connected(struct pg *pg, struct err *err)
{
	const char *host = PQhost(pg->conn);

	if (!PQsslInUse(pg->conn) && !(host && (*host == '/' || *host == '@')))
		return err_set(err, ERR_REFUSED, "the database does not speak TLS");
	if (PQsetnonblocking(pg->conn, 1) != 0)
		return broken(pg, -ECONNRESET, "lost the database", err);
	pg->connected = true;
	return PG_CONNECTED;
}

/* Call it only when the socket is ready, because libpq relies on that. */
static int step_connect(struct pg *pg, struct err *err)
{
	if (io_wait(pg_fd(pg), pg_poll_events(pg), 0) == 0)
		return PG_WAITS;
	pg->polling = PQconnectPoll(pg->conn);
	if (pg->polling == PGRES_POLLING_FAILED)
		return broken(pg, ERR_REFUSED, "failed to reach the database", err);
	return pg->polling == PGRES_POLLING_OK ? on_connected(pg, err) : PG_WAITS;
}

/* A script has several answers. The first error counts, otherwise the last answer. None of our
 * statements copies, and in copy mode libpq hands out results without end. */
static int keep_result(struct pg *pg, PGresult *result, struct err *err)
{
	bool failed = pg->result && PQresultStatus(pg->result) == PGRES_FATAL_ERROR;
	ExecStatusType status = PQresultStatus(result);

	PQclear(failed ? result : pg->result);
	if (!failed)
		pg->result = result;
	if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
		return err_set(err, -ECONNRESET, "the database sent an unexpected answer");
	return 0;
}

static int step_answer(struct pg *pg, struct err *err)
{
	int left = PQflush(pg->conn), code = 0;

	pg->flushing = left > 0;
	if (left < 0)
		return broken(pg, -ECONNRESET, "lost the database", err);
	while (code == 0 && !PQisBusy(pg->conn)) {
		PGresult *result = PQgetResult(pg->conn);

		if (!result) {
			pg->asking = pg->flushing = false;
			if (PQstatus(pg->conn) == CONNECTION_BAD)
				return broken(pg, -ECONNRESET, "lost the database", err);
			return PG_ANSWERED;
		}
		code = keep_result(pg, result, err);
	}
	return code < 0 ? code : PG_WAITS;
}

int pg_step(struct pg *pg, struct err *err)
{
	int event;

	if (!pg->connected) {
		event = step_connect(pg, err);
	} else if (!PQconsumeInput(pg->conn)) {
		return broken(pg, -ECONNRESET, "lost the database", err);
	} else {
		event = pg->asking ? step_answer(pg, err) : PG_WAITS;
	}
	if (event == PG_WAITS && clock_steady() >= pg_deadline(pg))
		return err_set(err, ERR_TIMEOUT, "the database does not answer");
	return event;
}

static int sent(struct pg *pg, int good, struct err *err)
{
	int left = good ? PQflush(pg->conn) : -1;

	if (left < 0)
		return broken(pg, -ECONNRESET, "lost the database", err);
	pg->asking = true;
	pg->flushing = left > 0;
	pg->deadline = clock_steady() + PG_ANSWER_TIME;
	return 0;
}

static void forget(struct pg *pg)
{
	PQclear(pg->result);
	pg->result = NULL;
	pg->words[0] = '\0';
}

int pg_ask(struct pg *pg, const char *sql, const char *const *params, int count, struct err *err)
{
	forget(pg);
	return sent(pg, PQsendQueryParams(pg->conn, sql, count, NULL, params, NULL, NULL, 0), err);
}

int pg_ask_script(struct pg *pg, const char *sql, struct err *err)
{
	forget(pg);
	return sent(pg, PQsendQuery(pg->conn, sql), err);
}

const char *pg_sqlstate(const struct pg *pg)
{
	if (!pg->result || PQresultStatus(pg->result) == PGRES_TUPLES_OK ||
	    PQresultStatus(pg->result) == PGRES_COMMAND_OK)
		return "";
	const char *state = PQresultErrorField(pg->result, PG_DIAG_SQLSTATE);
	return state && strlen(state) == 5 ? state : "XX000";
}

const char *pg_words(struct pg *pg)
{
	const char *primary =
	    pg->result ? PQresultErrorField(pg->result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	take_words(pg->words, sizeof(pg->words),
	    primary      ? primary
	    : pg->result ? PQresultErrorMessage(pg->result)
			 : "");
	return pg->words;
}

size_t pg_rows(const struct pg *pg)
{
	return pg->result ? (size_t)PQntuples(pg->result) : 0;
}

const char *pg_value(const struct pg *pg, size_t row, int column)
{
	if (row >= pg_rows(pg) || column >= PQnfields(pg->result) ||
	    PQgetisnull(pg->result, (int)row, column))
		return NULL;
	return PQgetvalue(pg->result, (int)row, column);
}

const char *pg_text(const struct pg *pg, size_t row, int column)
{
	const char *text = pg_value(pg, row, column);

	return text ? text : "";
}

const char *pg_scrubbed(struct pg *pg, size_t row, int column)
{
	if (!pg_value(pg, row, column))
		return "";
	char *text = PQgetvalue(pg->result, (int)row, column);
	return str_scrub(text, strlen(text) + 1, text);
}

int64_t pg_number(const struct pg *pg, size_t row, int column)
{
	const char *text = pg_value(pg, row, column);

	return text ? strtoll(text, NULL, 10) : 0;
}

bool pg_truth(const struct pg *pg, size_t row, int column)
{
	const char *text = pg_value(pg, row, column);

	return text && *text == 't';
}

const char *pg_notice(struct pg *pg)
{
	PQfreemem(pg->notice);
	pg->notice = PQnotifies(pg->conn);
	return pg->notice ? pg->notice->extra : NULL;
}

struct strlist pg_warnings(const struct pg *pg)
{
	return strlist_of(&pg->warnings);
}

const char *pg_user(const struct pg *pg)
{
	const char *user = PQuser(pg->conn);

	return user ? user : "";
}

static int await(struct pg *pg, enum pg_event wanted, struct err *err)
{
	for (;;) {
		int event = pg_step(pg, err);

		if (event < 0 || event == (int)wanted)
			return event < 0 ? event : 0;
		if (io_wait(pg_fd(pg), pg_poll_events(pg), pg_deadline(pg)) < 0)
			return err_set(err, -ECONNRESET, "lost the database");
	}
}

int pg_await_connection(struct pg *pg, struct err *err)
{
	return await(pg, PG_CONNECTED, err);
}

int pg_await_answer(struct pg *pg, struct err *err)
{
	return await(pg, PG_ANSWERED, err);
}
