/* SPDX-License-Identifier: ISC */
/*
 * bench_fleet COUNT ROUNDS CONNINFO: COUNT simulated hosts of a fleet in one process, each with its
 * own connection, role and certificate (fleet/pg.h), and an operator who places ROUNDS orders with
 * a rule each. "@" in CONNINFO stands for a name: h0001 ... and "anna". For each order, prints the
 * time from before its placement until all hosts knew the rule, until all had received the order,
 * and until all results were there. A host does nothing with its order: this measures the fleet,
 * not a purge.
 */
#include "base/clock.h"
#include "base/str.h"
#include "fleet/pg.h"
#include "fleet/statements.h"

enum step { CONNECTING, LISTENING, GREETING, ASKING_RULES, CLAIMING, WARMING, REPORTING, IDLE };

struct host {
	struct pg *pg;
	enum step step;
	char epoch[24], order[24], attempt[24], rules[24];
	bool claim_again, rules_again, warm;
	int64_t knows_rule, received, reported; /* steady; 0: not yet in this round */
};

static int64_t wanted_rules;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_fleet: %s: %s\n", what, why);
	exit(1);
}

static void conninfo_of(const char *pattern, const char *name, struct strbuf *ret)
{
	strbuf_clear(ret);
	for (const char *at = pattern; *at; at++) {
		if (*at == '@')
			strbuf_puts(ret, name);
		else
			strbuf_putc(ret, *at);
	}
}

static struct pg *open_as(const char *pattern, const char *name)
{
	struct strbuf conninfo = {0};
	struct err err = {{0}};
	struct pg *pg = NULL;

	conninfo_of(pattern, name, &conninfo);
	if (pg_open(strbuf_text(&conninfo), name, 0, &pg, &err) < 0)
		fail(name, err.text);
	strbuf_release(&conninfo);
	return pg;
}

/* ---- a host */

/* A report of order 0 is the agent's warm-up. */
static void ask(struct host *h, enum step step)
{
	static const char *const sql[] = {[LISTENING] = FLEET_LISTEN,
	    [GREETING] = FLEET_HELLO,
	    [ASKING_RULES] = FLEET_RULES,
	    [CLAIMING] = FLEET_CLAIM,
	    [WARMING] = FLEET_REPORT,
	    [REPORTING] = FLEET_REPORT};
	const char *const params[][FLEET_REPORT_PARAMS] = {[GREETING] = {"bench"},
	    [ASKING_RULES] = {h->rules},
	    [CLAIMING] = {h->epoch},
	    [WARMING] = {h->epoch, "0", "0", "done"},
	    [REPORTING] = {h->epoch, h->order, h->attempt, "done", "0", "1",
		"{\"matched\":1,\"deleted\":1}", ""}};
	static const int counts[] = {[GREETING] = 1,
	    [ASKING_RULES] = 1,
	    [CLAIMING] = 1,
	    [WARMING] = FLEET_REPORT_PARAMS,
	    [REPORTING] = FLEET_REPORT_PARAMS};
	struct err err = {{0}};

	h->step = step;
	if (step != IDLE && pg_ask(h->pg, sql[step], params[step], counts[step], &err) < 0)
		fail("question", err.text);
}

static void take_rules(struct host *h)
{
	size_t rows = pg_rows(h->pg);

	if (rows > 0)
		snprintf(h->rules, sizeof(h->rules), "%s", pg_text(h->pg, rows - 1, 0));
	if (strtoll(h->rules, NULL, 10) >= wanted_rules && !h->knows_rule)
		h->knows_rule = clock_steady();
}

static enum step what_next(struct host *h)
{
	if (h->rules_again) {
		h->rules_again = false;
		return ASKING_RULES;
	}
	if (h->claim_again) {
		h->claim_again = false;
		return CLAIMING;
	}
	if (!h->warm) {
		h->warm = true;
		return WARMING;
	}
	return IDLE;
}

static enum step take(struct host *h)
{
	if (*pg_sqlstate(h->pg))
		fail("answer", pg_words(h->pg));
	if (h->step == LISTENING)
		return GREETING;
	if (h->step == GREETING) {
		snprintf(h->epoch, sizeof(h->epoch), "%s", pg_text(h->pg, 0, 2));
		h->rules_again = h->claim_again = true; /* as the agent does when it joins */
	} else if (h->step == ASKING_RULES) {
		take_rules(h);
	} else if (h->step == CLAIMING && pg_rows(h->pg) > 0) {
		h->received = clock_steady();
		snprintf(h->order, sizeof(h->order), "%s", pg_text(h->pg, 0, 0));
		snprintf(h->attempt, sizeof(h->attempt), "%s", pg_text(h->pg, 0, 1));
		h->rules_again = pg_number(h->pg, 0, 7) > strtoll(h->rules, NULL, 10);
		h->claim_again = true;
		return REPORTING;
	} else if (h->step == REPORTING) {
		h->reported = clock_steady();
	}
	return what_next(h);
}

static void turn(struct host *h)
{
	struct err err = {{0}};
	int event = pg_step(h->pg, &err);

	if (event < 0)
		fail("host", err.text);
	while (pg_notice(h->pg))
		h->claim_again = true;
	if (event == PG_CONNECTED)
		ask(h, LISTENING);
	else if (event == PG_ANSWERED)
		ask(h, take(h));
	else if (h->step == IDLE)
		ask(h, what_next(h));
}

/* ---- all of them */

static void poll_all(struct host *hosts, struct pollfd *fds, size_t count)
{
	for (size_t n = 0; n < count; n++)
		fds[n] = (struct pollfd){pg_fd(hosts[n].pg), pg_poll_events(hosts[n].pg), 0};
	if (poll(fds, count, 10000) <= 0)
		fail("poll", "nothing happens");
	for (size_t n = 0; n < count; n++)
		if (fds[n].revents)
			turn(&hosts[n]);
}

static bool all_idle(const struct host *hosts, size_t count)
{
	for (size_t n = 0; n < count; n++)
		if (hosts[n].step != IDLE)
			return false;
	return true;
}

static bool all_reported(const struct host *hosts, size_t count)
{
	for (size_t n = 0; n < count; n++)
		if (!hosts[n].reported || !hosts[n].knows_rule)
			return false;
	return all_idle(hosts, count);
}

static double latest(const struct host *hosts, size_t count, size_t offset, int64_t since)
{
	int64_t last = 0;

	for (size_t n = 0; n < count; n++) {
		int64_t at = *(const int64_t *)((const char *)&hosts[n] + offset);

		last = at > last ? at : last;
	}
	return (double)(last - since) / 1e6;
}

/* The hosts are polled as soon as the order is sent, without waiting for its answer. */
static void place(struct pg *operator_, struct host *hosts, struct pollfd *fds, size_t count)
{
	struct err err = {{0}};
	int64_t began;

	for (size_t n = 0; n < count; n++)
		hosts[n].knows_rule = hosts[n].received = hosts[n].reported = 0;
	wanted_rules++;
	began = clock_steady();
	if (pg_ask(operator_,
		"SELECT count(*) FROM pqpurge.fleet_place(gen_random_uuid(), 'purge', false, "
		"'{\"v\":1,\"author\":[\"example.com\"]}', 'bench', '1 hour', NULL, "
		"'[{\"subject\":\"example.com\",\"action\":\"REJECT\"}]', '1 hour')",
		NULL, 0, &err) < 0)
		fail("order", err.text);
	while (!all_reported(hosts, count))
		poll_all(hosts, fds, count);
	if (pg_await_answer(operator_, &err) < 0 || *pg_sqlstate(operator_))
		fail("order", *err.text ? err.text : pg_words(operator_));
	printf("%zu hosts: rule known to all %.2f s, order received by all %.2f s, all results "
	       "%.2f s\n",
	    count, latest(hosts, count, offsetof(struct host, knows_rule), began),
	    latest(hosts, count, offsetof(struct host, received), began),
	    latest(hosts, count, offsetof(struct host, reported), began));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t count = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
	struct host *hosts = calloc(count + 1, sizeof(*hosts));
	struct pollfd *fds = calloc(count + 1, sizeof(*fds));
	int64_t began = clock_steady();
	struct pg *anna;
	struct err err = {{0}};

	if (count == 0 || !hosts || !fds)
		fail("usage", "bench_fleet COUNT ROUNDS CONNINFO");
	anna = open_as(argv[3], "anna");
	if (pg_await_connection(anna, &err) < 0)
		fail("anna", err.text);
	/* A few at a time: handshakes cost the server time, and each has a deadline. */
	for (size_t ready = 0, n = 0; ready < count; ready = n) {
		char name[32];

		for (; n < count && n < ready + 20; n++) {
			snprintf(name, sizeof(name), "h%04zu", n + 1);
			snprintf(hosts[n].rules, sizeof(hosts[n].rules), "0");
			hosts[n].pg = open_as(argv[3], name);
		}
		while (!all_idle(hosts, n))
			poll_all(hosts, fds, n);
	}
	printf("%zu hosts: joined in %.1f s\n", count, (double)(clock_steady() - began) / 1e6);
	for (unsigned long round = strtoul(argv[2], NULL, 10); round > 0; round--)
		place(anna, hosts, fds, count);
	for (size_t n = 0; n < count; n++)
		pg_close(hosts[n].pg);
	pg_close(anna);
	free(hosts);
	free(fds);
	return 0;
}
