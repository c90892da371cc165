/* SPDX-License-Identifier: ISC */
/*
 * A message's way through this host as Postfix's own files record it: filters with and without
 * XFORWARD, by SMTP and by sendmail(1), requeues, forwards, proxies, and strangers' lines below.
 */
#include "tests/unit/unit.h"

#include "postfix/file/queue_route.h"

#define OWN   "A1B2CA73701"
#define FIRST "C951EA72936"
#define OLD   "D9B21A72942" /* the file's ID before a requeue */
#define BY    " by rig.test (Postfix) with "

#define OWN_LOCAL  "from filter.test (localhost [127.0.0.1])" BY "ESMTP id " OWN "; date"
#define OLD_LOCAL  "from filter.test (localhost [127.0.0.1])" BY "ESMTP id " OLD "; date"
#define OWN_REMOTE "from c (evil.test [203.0.113.7])" BY "ESMTP id " OWN "; date"
#define OLD_REMOTE "from c (evil.test [203.0.113.7])" BY "ESMTP id " OLD "; date"
#define FIRST_LOGIN                                                                                \
	"from c (evil.test [203.0.113.7]) (Authenticated sender: joe)" BY "ESMTPA id " FIRST       \
	"; date"
#define FIRST_SECRET "from c (evil.test [203.0.113.7])" BY "ESMTPSA id " FIRST "; date"
#define FIRST_PLAIN  "from c (evil.test [203.0.113.7])" BY "ESMTP id " FIRST "; date"
#define FIRST_PROXY                                                                                \
	"from c (evil.test [203.0.113.7]) (Authenticated sender: joe)" BY "ESMTPA for <u@d>; date"
#define FIRST_LOCAL  "from web (localhost [127.0.0.1])" BY "ESMTP id " FIRST "; date"
#define FIRST_USER   "by rig.test (Postfix, from userid 1000) id " FIRST "; date"
#define REQUEUE(id)  "by rig.test (Postfix, from userid 102) id " id "; date"
#define USER(id)     "by rig.test (Postfix, from userid 33) id " id "; date"
#define INTERNAL(id) "by rig.test (Postfix) id " id "; date"
#define AMAVIS                                                                                     \
	"from rig.test ([127.0.0.1]) by localhost (rig.test [127.0.0.1]) (amavisd-new, port "      \
	"10024) "                                                                                  \
	"with ESMTP id xyz; date"
#define FORGED                                                                                     \
	"from c (x [198.51.100.1]) (Authenticated sender: ann)" BY "ESMTPA id 0123456789A; date"

#define UNJOINED MESSAGE_UNJOINED
#define PLAIN    (MESSAGE_UNJOINED | MESSAGE_FIRST_PLAIN)
#define LOCAL    "127.0.0.1"
#define REMOTE   "203.0.113.7"
#define FOUND(flag, id, login, client)                                                             \
	.flags = (flag), .first_id = (id), .first_login = (login), .first_client = (client)

static const struct {
	const char *name;
	const char *client, *log_client, *log_ident, *login; /* in the file; NULL: absent */
	const char *lines[9];
	uint32_t flags;
	const char *first_id, *first_login, *first_client; /* NULL: "" */
	int64_t uid;                                       /* 0: -1 */
} cases[] = {
    {"remote mail", REMOTE, REMOTE, OWN, NULL, {OWN_REMOTE}, .flags = 0},
    {"remote mail, forged beneath", REMOTE, REMOTE, OWN, NULL, {OWN_REMOTE, FORGED, FIRST_LOGIN},
	.flags = 0},
    {"remote mail, a userid beneath", REMOTE, REMOTE, OWN, NULL, {OWN_REMOTE, USER(FIRST)},
	.flags = 0},
    {"remote mail, its own line removed", REMOTE, REMOTE, OWN, NULL, {FORGED}, .flags = 0},
    {"a web server on this host", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL}, .flags = 0},
    {"a web server, its mail of elsewhere", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, "from x by other.test (Postfix) with ESMTP id 0123456789A; date"}, .flags = 0},
    {"a web server that logs in", LOCAL, LOCAL, OWN, "web", {OWN_LOCAL, FIRST_LOGIN}, .flags = 0},
    {"sendmail(1)", NULL, NULL, NULL, NULL, {USER(OWN)}, .uid = 33},
    {"a bounce", NULL, NULL, NULL, NULL, {INTERNAL(OWN)}, .flags = 0},
    {"sendmail(1), its own line removed", NULL, NULL, NULL, NULL, {NULL}, .flags = 0},

    {"filter", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"filter, login not told", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_SECRET},
	FOUND(UNJOINED, FIRST, NULL, REMOTE)},
    {"filter, nobody logged in", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_PLAIN},
	FOUND(PLAIN, FIRST, NULL, REMOTE)},
    {"filter that adds its own line", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, AMAVIS, FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"filter, forged beneath", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_PLAIN, FORGED},
	FOUND(PLAIN, FIRST, NULL, REMOTE)},
    {"filter on a host of ours", "192.0.2.5", "192.0.2.5", OWN, NULL,
	{"from f (f [192.0.2.5])" BY "ESMTP id " OWN "; date", FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"filter on another's host", "192.0.3.5", "192.0.3.5", OWN, NULL,
	{"from f (f [192.0.3.5])" BY "ESMTP id " OWN "; date", FIRST_LOGIN}, .flags = 0},
    {"filter, own line removed", LOCAL, LOCAL, OWN, NULL, {FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"filter that adds its own line, first line removed", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, AMAVIS}, FOUND(UNJOINED, NULL, NULL, NULL)},
    {"filter that adds its own line, first line removed, a stranger's beneath", LOCAL, LOCAL, OWN,
	NULL, {OWN_LOCAL, AMAVIS, "from x by other.test (Postfix) with ESMTP id 0123456789A; date"},
	FOUND(UNJOINED, NULL, NULL, NULL)},
    {"filter that adds its own line, all of ours removed", LOCAL, LOCAL, OWN, NULL, {AMAVIS},
	FOUND(UNJOINED, NULL, NULL, NULL)},
    {"two filters that add their lines, first line removed", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, "from a by b; date", AMAVIS}, FOUND(UNJOINED, NULL, NULL, NULL)},
    {"filter by the host's name", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, "from rig.test by rig.test with LMTP id aBcD (envelope-from <a@b>); date"},
	FOUND(UNJOINED, NULL, NULL, NULL)},
    {"filter that adds its own line and calls sendmail(1), first line removed", NULL, NULL, NULL,
	NULL, {USER(OWN), AMAVIS}, FOUND(UNJOINED, NULL, NULL, NULL), .uid = 33},
    {"webmail on this host", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, "from [192.0.2.9] by rig.test with HTTP (HTTP/1.1 POST); date"}, .flags = 0},
    {"fetched from elsewhere", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, "from pop.test [198.51.100.9] by pc.test with POP3 (fetchmail-6); date"},
	.flags = 0},
    {"a remote client's forgery of a filter's line", REMOTE, REMOTE, OWN, NULL,
	{OWN_REMOTE, AMAVIS}, .flags = 0},
    {"filter, all lines removed", LOCAL, LOCAL, OWN, NULL, {NULL}, .flags = 0},
    {"filter, mail of a web server", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_LOCAL},
	FOUND(PLAIN, FIRST, NULL, LOCAL)},
    {"filter, mail of sendmail(1)", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_USER},
	FOUND(UNJOINED, FIRST, NULL, NULL)},
    {"filter that calls sendmail(1)", NULL, NULL, NULL, NULL, {USER(OWN), FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE), .uid = 33},
    {"before-queue filter", LOCAL, LOCAL, OWN, NULL, {OWN_LOCAL, FIRST_PROXY},
	FOUND(UNJOINED, NULL, "joe", REMOTE)},
    {"before-queue filter, forged beneath", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, FIRST_PROXY, FORGED}, FOUND(UNJOINED, NULL, "joe", REMOTE)},

    {"XFORWARD", LOCAL, REMOTE, FIRST, NULL, {OWN_LOCAL, FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"XFORWARD, first line removed", LOCAL, REMOTE, FIRST, NULL, {OWN_LOCAL},
	FOUND(UNJOINED, FIRST, NULL, REMOTE)},
    {"XFORWARD, first line removed, forged beneath", LOCAL, REMOTE, FIRST, NULL,
	{OWN_LOCAL, FORGED}, FOUND(UNJOINED, FIRST, NULL, REMOTE)},
    {"XFORWARD, another client in that line", LOCAL, "203.0.113.8", FIRST, NULL,
	{OWN_LOCAL, FIRST_LOGIN}, FOUND(UNJOINED, FIRST, NULL, "203.0.113.8")},
    {"XFORWARD, all lines removed", LOCAL, REMOTE, FIRST, NULL, {NULL},
	FOUND(UNJOINED, FIRST, NULL, REMOTE)},
    {"XFORWARD of a before-queue filter", LOCAL, REMOTE, OWN, NULL, {OWN_LOCAL, FIRST_PROXY},
	FOUND(UNJOINED, NULL, "joe", REMOTE)},
    {"XFORWARD of a before-queue filter, forged", LOCAL, REMOTE, OWN, NULL, {OWN_LOCAL, FORGED},
	FOUND(UNJOINED, NULL, NULL, REMOTE)},
    {"XFORWARD of another's host", "192.0.3.5", REMOTE, FIRST, NULL,
	{"from f (f [192.0.3.5])" BY "ESMTP id " OWN "; date", FIRST_LOGIN}, .flags = 0},
    {"XFORWARD of a web server's mail", LOCAL, LOCAL, FIRST, NULL, {OWN_LOCAL, FIRST_LOCAL},
	FOUND(PLAIN, FIRST, NULL, LOCAL)},

    {"requeued", REMOTE, REMOTE, OLD, NULL, {REQUEUE(OWN), OLD_REMOTE, FORGED}, .flags = 0},
    {"requeued, a web server's", LOCAL, LOCAL, OLD, NULL, {REQUEUE(OWN), OLD_LOCAL}, .flags = 0},
    {"requeued, sendmail(1)", NULL, NULL, NULL, NULL, {REQUEUE(OWN), USER(OLD)}, .uid = 33},
    {"requeued twice, sendmail(1)", NULL, NULL, NULL, NULL,
	{REQUEUE(OWN), REQUEUE(FIRST), USER(OLD)}, .uid = 33},
    {"requeued, remote, a userid beneath", REMOTE, REMOTE, OLD, NULL,
	{REQUEUE(OWN), OLD_REMOTE, USER(FIRST)}, .flags = 0},
    {"requeued, remote, own line removed, a userid beneath", REMOTE, REMOTE, OLD, NULL,
	{REQUEUE(OWN), USER(FIRST)}, .flags = 0},
    {"requeued behind a filter", LOCAL, LOCAL, OLD, NULL, {REQUEUE(OWN), OLD_LOCAL, FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"requeued behind a filter with XFORWARD", LOCAL, REMOTE, FIRST, NULL,
	{REQUEUE(OWN), OLD_LOCAL, FIRST_LOGIN}, FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"requeued behind a before-queue filter", LOCAL, REMOTE, OLD, NULL,
	{REQUEUE(OWN), OLD_LOCAL, FIRST_PROXY}, FOUND(UNJOINED, NULL, "joe", REMOTE)},
    {"requeued and through the filter again", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, REQUEUE("B372EA72010"), OLD_LOCAL, AMAVIS, FIRST_LOGIN, FORGED},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"requeued and through the filter again, first line removed", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, AMAVIS, REQUEUE("B372EA72010"), OLD_LOCAL, AMAVIS},
	FOUND(UNJOINED, NULL, NULL, NULL)},
    {"requeued behind a filter, first line removed", LOCAL, LOCAL, OLD, NULL,
	{REQUEUE(OWN), OLD_LOCAL, AMAVIS}, FOUND(UNJOINED, NULL, NULL, NULL)},
    {"requeued in front of the filter", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, REQUEUE("B372EA72010"), FIRST_LOGIN}, FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"requeued sendmail(1) mail through the filter", LOCAL, LOCAL, OWN, NULL,
	{OWN_LOCAL, REQUEUE("B372EA72010"), FIRST_USER}, FOUND(UNJOINED, FIRST, NULL, NULL)},

    {"forwarded", NULL, REMOTE, OLD, NULL, {INTERNAL(OWN), OLD_REMOTE, FORGED}, .flags = 0},
    {"forwarded, with a login", NULL, REMOTE, OLD, "joe", {INTERNAL(OWN), OLD_REMOTE}, .flags = 0},
    {"forwarded, sendmail(1) mail", NULL, NULL, OLD, NULL, {INTERNAL(OWN), USER(OLD)}, .flags = 0},
    {"forwarded behind a filter", NULL, LOCAL, OLD, NULL, {INTERNAL(OWN), OLD_LOCAL, FIRST_LOGIN},
	FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"forwarded behind a filter with XFORWARD", NULL, REMOTE, FIRST, NULL,
	{INTERNAL(OWN), OLD_LOCAL, FIRST_LOGIN}, FOUND(UNJOINED, FIRST, "joe", REMOTE)},
    {"forwarded and requeued", NULL, REMOTE, OLD, NULL,
	{REQUEUE(OWN), INTERNAL("B372EA72010"), OLD_REMOTE}, .flags = 0},
};

static void set_address(struct net_address *ret, const char *text)
{
	if (text)
		assert_int_equal(net_parse(text, ret), 0);
}

static void fill(struct message *m, size_t n)
{
	struct queued *q = &m->queued;

	message_init(m);
	assert_int_equal(queue_id_parse(OWN, strlen(OWN), &m->queue_id), 0);
	m->origin = ORIGIN_QUEUE;
	q->known = true;
	set_address(&q->client, cases[n].client);
	set_address(&q->log_client, cases[n].log_client);
	q->log_ident = cases[n].log_ident ? cases[n].log_ident : "";
	q->login = cases[n].login ? cases[n].login : "";
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static void test_routes(void **state)
{
	static struct queue_route route;
	struct net_block own;
	struct queue_host host = {
	    .hostname = "rig.test", .mail_owner = 102, .networks = &own, .network_count = 1};

	(void)state;
	assert_int_equal(net_parse_block("192.0.2.0/24", &own), 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *name = cases[i].name;
		char client[NET_TEXT_SIZE];
		struct message m;

		queue_route_clear(&route);
		for (size_t k = 0; k < COUNT_OF(cases[i].lines) && cases[i].lines[k]; k++)
			queue_route_take(&route, cases[i].lines[k], k == 0, &host);
		fill(&m, i);
		queue_route_judge(&route, &host, &m);
		case_assert_text(name, m.first.queue_id.text, text_of(cases[i].first_id));
		case_assert_text(name, m.first.login, text_of(cases[i].first_login));
		case_assert_text(
		    name, net_text(&m.first.client, client), text_of(cases[i].first_client));
		case_assert(name, m.flags == cases[i].flags);
		case_assert(name, m.queued.uid == (cases[i].uid ? cases[i].uid : -1));
	}
}

/* A service may have a name of its own in master.cf. A line that claims the usual name, below it,
 * is a stranger's. */
static void test_service_name(void **state)
{
	static struct queue_route route;
	AUTO(strbuf_release) struct strbuf names = {0};
	struct queue_host host = {.hostname = "rig.test", .mail_owner = 102};
	struct message m;

	(void)state;
	strlist_push(&names, "mx1.test", strlen("mx1.test"));
	strlist_push(&names, "mx2.test", strlen("mx2.test"));
	host.service_names = strlist_of(&names);
	queue_route_clear(&route);
	queue_route_take(&route, OWN_LOCAL, true, &host);
	queue_route_take(&route,
	    "from filter (mx2.test [198.51.100.1])\n\tby mx2.test (Postfix) with ESMTP id " OLD
	    ";\n\tMon",
	    false, &host);
	queue_route_take(&route, OLD_LOCAL, false, &host);
	assert_int_equal(route.count, 3);
	fill(&m, 10);
	queue_route_judge(&route, &host, &m);
	assert_string_equal(m.first.queue_id.text, OLD);
	assert_int_equal(m.first.client.at[12], 198);

	queue_route_clear(&route);
	queue_route_take(
	    &route, "from mx1.test (x)\n\tby scanner with ESMTP id 1;\n\tMon", false, &host);
	assert_true(route.fed[0]);
}

/* Strangers may add any number of lines. */
static void test_many(void **state)
{
	static struct queue_route route;
	struct queue_host host = {.hostname = "rig.test", .mail_owner = 102};
	struct message m;

	(void)state;
	queue_route_clear(&route);
	queue_route_take(&route, OWN_LOCAL, true, &host);
	for (unsigned n = 0; n < 1000; n++)
		queue_route_take(&route, OLD_LOCAL, false, &host);
	assert_int_equal(route.count, QUEUE_ROUTE_MAX);
	fill(&m, 10);
	queue_route_judge(&route, &host, &m);
	assert_int_equal(m.flags, PLAIN);
	assert_string_equal(m.first.queue_id.text, OLD);
}

UNIT_MAIN(
    cmocka_unit_test(test_routes), cmocka_unit_test(test_service_name), cmocka_unit_test(test_many))
