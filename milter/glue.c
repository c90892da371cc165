/* SPDX-License-Identifier: ISC */
#include "milter/glue.h"

#include <libmilter/mfapi.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "index/control/status.h"
#include "milter/flight.h"
#include "milter/judge.h"
#include "milter/policy/overlap.h"
#include "milter/tally.h"

/* bytes. Postfix sends a header of up to header_size_limit in one packet; libmilter's own limit is
 * 64 KiB. */
#define PACKET_MAX (4u << 20)
#define DRAIN_STEP INT64_C(5000)

/* Only MAIL and end of message are answered. All connections skip the same steps, because libmilter
 * keeps them in one table. */
#define STEPS_SKIPPED (SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NOEOH | SMFIP_NOBODY)
#define STEPS_SILENT  (SMFIP_NR_CONN | SMFIP_NR_RCPT | SMFIP_NR_HDR)

/* Callbacks must be short. Libmilter counts a woken worker as idle until it runs (8.17,
 * worker.c), so of two sessions that become ready at once the second may wait for the first free
 * worker. */
struct connection {
	struct session *session;
	struct judge_more more;
	struct overlap overlap; /* from MAIL to end of message */
	unsigned long steps;    /* as negotiated */
	bool quarantine;        /* the MTA supports quarantine */
	bool answered;          /* its last message is answered, but not forgotten yet */
	bool pends;             /* nor recorded */
};

static const struct glue_config *glue;
static atomic_long sessions;
static atomic_ullong without_id;
static atomic_bool stopping;

static struct connection *connection_new(void)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->session = session_new(&glue->session);
	if (!c->session) {
		free(c);
		return NULL;
	}
	atomic_fetch_add(&sessions, 1);
	return c;
}

static void forget_message(struct connection *c)
{
	overlap_end(&c->overlap);
	session_abort(c->session);
	judge_clear(&c->more);
	c->answered = false;
}

/* What was left for after the last message's answer. Not done at MAIL, whose answer the client
 * waits for. */
static void settle(struct connection *c)
{
	if (c->answered)
		forget_message(c);
	if (c->pends)
		indexkeeper_settle(glue->index);
	c->pends = false;
}

static sfsistat silent(const struct connection *c, unsigned long step)
{
	return c && (c->steps & step) ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* Begins a callback that uses the index or rules. Once the daemon stops, the thread waits here
 * for the end of the process: every answered message must be in the index, which is being
 * closed. */
static unsigned enter(void)
{
	unsigned begun = flight_begin();

	if (!atomic_load(&stopping))
		return begun;
	flight_end(begun);
	for (;;)
		pause();
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused2, unsigned long unused3, unsigned long *ret_actions,
    unsigned long *ret_steps, unsigned long *ret2, unsigned long *ret3)
{
	struct connection *c = smfi_getpriv(ctx);
	(void)unused2, (void)unused3;

	if (!c) {
		c = connection_new();
		smfi_setpriv(ctx, c);
	}
	*ret_actions = actions & SMFIF_QUARANTINE;
	*ret_steps = steps & (STEPS_SKIPPED | STEPS_SILENT | SMFIP_HDR_LEADSPC);
	/* If NOEOH is set without NODATA, libmilter never answers the end of a message without
	 * header. */
	if (!(*ret_steps & SMFIP_NODATA))
		*ret_steps &= ~(unsigned long)SMFIP_NOEOH;
	*ret2 = *ret3 = 0;
	if (c) {
		c->steps = *ret_steps;
		c->quarantine = *ret_actions & SMFIF_QUARANTINE;
	}
	if (actions & SMFIF_SETSYMLIST) {
		smfi_setsymlist(ctx, SMFIM_CONNECT, (char[]){"i {daemon_addr} {daemon_port}"});
		smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_authen} {client_addr}"});
		/* An empty list would mean the default macros, and some of them need a resolver. */
		smfi_setsymlist(ctx, SMFIM_ENVRCPT, (char[]){"i"});
		smfi_setsymlist(ctx, SMFIM_DATA, (char[]){"{client_addr}"});
		smfi_setsymlist(ctx, SMFIM_EOM, (char[]){"i {auth_authen} {client_addr}"});
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *from)
{
	struct connection *c = smfi_getpriv(ctx);
	struct net_address client;
	uint16_t port = net_of_sockaddr((const struct sockaddr *)from, &client);
	(void)name;

	if (!c) { /* the MTA did not negotiate */
		c = connection_new();
		smfi_setpriv(ctx, c);
	}
	/* Cleanup(8) has a queue ID from the start, smtpd(8) never. That identifies mail from
	 * sendmail(1). */
	if (!c)
		return SMFIS_CONTINUE;
	session_connect(c->session, &client, port, smfi_getsymval(ctx, (char[]){"i"}) != NULL);
	c->overlap.key = (struct overlap_key){.client = client, .client_port = port};
	overlap_set_server(&c->overlap.key, smfi_getsymval(ctx, (char[]){"{daemon_addr}"}),
	    smfi_getsymval(ctx, (char[]){"{daemon_port}"}));
	return silent(c, SMFIP_NR_CONN);
}

/* If libmilter does not accept the reply, it uses its own. */
static sfsistat reply_with(SMFICTX *ctx, struct verdict *v, sfsistat how)
{
	if (smfi_setreply(ctx, v->code, v->status, v->text) != MI_SUCCESS)
		log_debug("failed to set the reply '%s %s %s'", v->code, v->status, v->text);
	return how;
}

static sfsistat answer_of(SMFICTX *ctx, struct verdict *v)
{
	switch (v->action) {
	case VERDICT_REJECT:
		return reply_with(ctx, v, SMFIS_REJECT);
	case VERDICT_TEMPFAIL:
		return reply_with(ctx, v, SMFIS_TEMPFAIL);
	case VERDICT_DISCARD:
		return SMFIS_DISCARD;
	case VERDICT_CONTINUE:
	case VERDICT_HOLD: /* only possible at end of message */
		break;
	}
	return SMFIS_CONTINUE;
}

static sfsistat envelope(SMFICTX *ctx, struct connection *c, const char *sender)
{
	struct verdict v;

	forget_message(c);
	session_mail(c->session, sender, smfi_getsymval(ctx, (char[]){"{auth_authen}"}));
	struct ruleset *set = rulekeeper_get(glue->rules);
	judge_envelope(set, c->session, clock_wall(), &v);
	judge_note("NOQUEUE", "MAIL", c->session, &v);
	ruleset_unref(set);
	sfsistat answer = answer_of(ctx, &v);
	if (answer == SMFIS_CONTINUE && !session_is_local(c->session))
		overlap_begin(&c->overlap);
	if (v.action != VERDICT_CONTINUE)
		tally_add(v.action);
	return answer;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	struct connection *c = smfi_getpriv(ctx);

	if (!c)
		return SMFIS_CONTINUE; /* counted at end of message */
	unsigned begun = enter();
	sfsistat answer = envelope(ctx, c, argv ? argv[0] : NULL);
	flight_end(begun);
	return answer;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c) {
		settle(c);
		session_rcpt(c->session, argv ? argv[0] : NULL, smfi_getsymval(ctx, (char[]){"i"}));
	}
	return silent(c, SMFIP_NR_RCPT);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c)
		settle(c);
	if (c && str_equal_nocase(name, "From")) {
		if (session_keep_from(c->session, value))
			return silent(c, SMFIP_NR_HDR);
		struct ruleset *set = rulekeeper_get(glue->rules);
		judge_kept_from(&c->more, set, c->session, clock_wall());
		judge_from(&c->more, set, c->session, value, clock_wall());
		ruleset_unref(set);
	} else if (c) {
		session_header(c->session, name, value);
	}
	return silent(c, SMFIP_NR_HDR);
}

static void tell_cut(const char *id, const struct message *m)
{
	AUTO(strbuf_release) struct strbuf line = {0};

	if (m->flags & MESSAGE_CUT_RECIPIENTS)
		strbuf_printf(&line, ", %u of %u recipients", (unsigned)m->recipients.count,
		    (unsigned)m->recipient_count);
	if (m->flags & MESSAGE_CUT_FROM)
		strbuf_printf(&line, ", %u mailboxes of header From", (unsigned)m->from.count);
	if (m->flags & MESSAGE_CUT_TEXT)
		strbuf_puts(&line, ", the beginning of an overlong field");
	if (line.len)
		log_info("%s: recorded in part: %s", id, strbuf_text(&line) + 2);
}

static void tell_recorded(const struct message *m)
{
	const char *id = m->queue_id.text;

	tell_cut(id, m);
	log_debug("%s: recorded; sender=<%s> from=<%s>%s nrcpt=%u", id, m->sender,
	    m->from.count ? m->from.first : "", m->from.count > 1 ? " and others" : "",
	    (unsigned)m->recipient_count);
}

void glue_settled(void *arg, const struct message *m, bool recorded)
{
	if (recorded)
		tell_recorded(m);
	floodkeeper_feed(arg, m);
}

static bool quarantine(SMFICTX *ctx, const struct connection *c)
{
	return c->quarantine && smfi_quarantine(ctx, (char[]){"held by pqpurge"}) == MI_SUCCESS;
}

/* known: the result of session_end. */
static void record_and_count(
    struct connection *c, const char *id, int known, const struct message *m, bool hold)
{
	if (known == 0)
		atomic_fetch_add(&without_id, 1);
	if (known != 1) {
		indexkeeper_lose(
		    glue->index, id, known ? "out of memory" : "it came without a queue ID");
		return;
	}
	struct message held = *m;
	if (hold)
		held.flags |= MESSAGE_HELD;
	const struct strlist fields = session_kept_from(c->session);
	c->pends = indexkeeper_pend(glue->index, &held, &fields);
	if (c->pends)
		return;
	if (!session_scan_kept(c->session, NULL, NULL)) {
		indexkeeper_lose(glue->index, id, "out of memory");
		return;
	}
	held.from = m->from;
	held.flags |= m->flags;
	glue_settled(glue->floods, &held, indexkeeper_record(glue->index, &held));
}

static sfsistat message(SMFICTX *ctx, struct connection *c)
{
	const char *id = smfi_getsymval(ctx, (char[]){"i"});
	const struct message *m = NULL;
	struct verdict v;

	struct ruleset *set = rulekeeper_get(glue->rules);
	/* Without a rule nobody needs them until the row is made. */
	if (ruleset_count(set) > 0 || session_message(c->session)->from.count > 0)
		judge_kept_from(&c->more, set, c->session, clock_wall());
	int known = session_end(c->session, id, smfi_getsymval(ctx, (char[]){"{auth_authen}"}), &m);
	if (!id)
		id = "NOQUEUE";
	judge_message(set, c->session, &c->more, clock_wall(), &v);
	judge_note(id, "end of message", c->session, &v);
	ruleset_unref(set);
	bool hold = v.action == VERDICT_HOLD;
	if (hold && !quarantine(ctx, c)) {
		log_warning("%s: failed to hold it; it is deferred instead", id);
		tally_add(VERDICT_TEMPFAIL);
		return SMFIS_TEMPFAIL;
	}
	tally_add(v.action);
	sfsistat answer = answer_of(ctx, &v);
	if (answer != SMFIS_CONTINUE)
		return answer;
	record_and_count(c, id, known, m, hold);
	return SMFIS_CONTINUE;
}

static sfsistat on_message(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	unsigned begun = enter();
	sfsistat answer = SMFIS_CONTINUE;
	if (c) {
		settle(c);
		answer = message(ctx, c);
		c->answered = c->pends;
		if (c->answered)
			overlap_end(&c->overlap);
		else
			forget_message(c);
	} else {
		indexkeeper_lose(glue->index, "NOQUEUE", "out of memory");
	}
	flight_end(begun);
	return answer;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (c) {
		settle(c);
		forget_message(c);
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct connection *c = smfi_getpriv(ctx);

	if (!c)
		return SMFIS_CONTINUE;
	smfi_setpriv(ctx, NULL);
	settle(c);
	overlap_end(&c->overlap);
	session_free(c->session);
	free(c);
	atomic_fetch_sub(&sessions, 1);
	return SMFIS_CONTINUE;
}

int glue_open_socket(const char *socket, struct err *err)
{
	char *copy = strdup(socket);

	if (!copy)
		return err_set(err, -ENOMEM, "failed to open socket '%s' (out of memory)", socket);
	struct smfiDesc description = {
	    .xxfi_name = (char[]){"pqpurge"},
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_QUARANTINE,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_eom = on_message,
	    .xxfi_abort = on_abort,
	    .xxfi_close = on_close,
	    .xxfi_negotiate = on_negotiate,
	};
	smfi_setmaxdatasize(PACKET_MAX);
	int code = 0;
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(copy) != MI_SUCCESS)
		code = err_set(err, ERR_CONFIG, "socket '%s' is not understood", socket);
	else if (smfi_opensocket(true) != MI_SUCCESS)
		code = err_sys(err, errno ? errno : EINVAL, "failed to open socket '%s'", socket);
	free(copy);
	return code;
}

/* Replaces the C library's sigwait(3), which only libmilter's signal thread calls, to stop on
 * SIGHUP, SIGTERM and SIGINT. The daemon takes its signals itself. */
int sigwait(const sigset_t *set, int *ret_number)
{
	(void)set, (void)ret_number;
	for (;;)
		pause();
}

int glue_main(const struct glue_config *config, struct err *err)
{
	glue = config;
	if (smfi_main() != MI_SUCCESS)
		return err_set(
		    err, ERR_REFUSED, "libmilter ended with a failure; its reason is in the log");
	return 0;
}

bool glue_drain(int64_t timeout)
{
	int64_t until = clock_steady() + timeout;
	struct timespec step = {.tv_nsec = DRAIN_STEP * 1000};

	atomic_store(&stopping, true);
	unsigned mark = flight_mark();
	while (!flight_is_over(mark) && clock_steady() < until)
		nanosleep(&step, NULL);
	return flight_is_over(mark);
}

void glue_status(struct json *out)
{
	json_put_int(out, STATUS_SESSIONS, atomic_load(&sessions));
	json_put_int(out, STATUS_WITHOUT_ID, (int64_t)atomic_load(&without_id));
}
