/* SPDX-License-Identifier: ISC */
#include "milter/session.h"

#include "base/clock.h"
#include "mail/identity.h"

#define KEEP_MAX (64u << 10)

/* microseconds; wall and steady clock may differ by this plus a thousandth before that counts as
 * a step */
#define STEP_SLACK INT64_C(5000)

/* bytes of From fields that are kept unscanned, with a NUL each */
#define FROM_KEPT_MAX 1024

#define NOT_KEPT SIZE_MAX

struct moment {
	int64_t wall, steady;
};

struct session {
	const struct session_config *config;
	bool local;
	struct net_address client;
	uint16_t port;
	int64_t connect_time;

	struct message message; /* views of the members below */
	struct moment mail;
	struct address sender;
	struct header header; /* From and Message-ID */
	struct strbuf kept;   /* From fields */
	struct strbuf recipients;
	unsigned recipients_kept;
	size_t last_recipient;       /* its offset in recipients; NOT_KEPT: past the cap */
	char file[QUEUE_ID_MAX + 1]; /* the queue ID at the last RCPT; "" */
	char login[MESSAGE_TEXT_MAX + 1];
	char subject[MESSAGE_TEXT_MAX + 1];
	bool has_subject;
	bool lacked_memory; /* for an address */
};

/* Reads both clocks at one moment. A slow reading is repeated, since a preempted thread would
 * look like a clock step. */
static struct moment moment_now(void)
{
	struct moment now;

	for (int attempt = 0; attempt < 4; attempt++) {
		int64_t before = clock_steady();

		now.wall = clock_wall();
		now.steady = clock_steady();
		if (now.steady - before < STEP_SLACK / 5)
			break;
	}
	return now;
}

static bool clock_stepped(const struct moment *a, const struct moment *b)
{
	int64_t steady = b->steady - a->steady;
	int64_t parted = b->wall - a->wall - steady;

	return llabs(parted) > STEP_SLACK + steady / 1000;
}

static void buffer_reset(struct strbuf *s)
{
	if (s->failed || s->cap > KEEP_MAX)
		strbuf_release(s);
	else
		strbuf_clear(s);
}

static void view(struct session *s)
{
	struct message *m = &s->message;

	m->sender = s->sender.text;
	m->from = strlist_of(&s->header.from.packed);
	m->recipients = strlist_of(&s->recipients);
	m->login = s->login;
	m->message_id = s->header.message_id;
	m->subject = s->subject;
}

void session_abort(struct session *s)
{
	header_clear(&s->header);
	buffer_reset(&s->header.from.packed);
	buffer_reset(&s->kept);
	buffer_reset(&s->recipients);
	s->recipients_kept = 0;
	s->file[0] = '\0';
	s->login[0] = s->subject[0] = '\0';
	s->has_subject = s->lacked_memory = false;
	s->mail = (struct moment){0};
	address_envelope(NULL, NULL, &s->sender);

	message_init(&s->message);
	s->message.origin = s->local ? ORIGIN_SENDMAIL : ORIGIN_SMTPD;
	s->message.connect_time = s->connect_time;
	s->message.client = s->client;
	s->message.client_port = s->port;
	view(s);
}

struct session *session_new(const struct session_config *config)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = config;
	session_abort(s);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	header_release(&s->header);
	strbuf_release(&s->kept);
	strbuf_release(&s->recipients);
	free(s);
}

size_t session_bytes(const struct session *s)
{
	return sizeof(*s) + s->header.from.packed.cap + s->kept.cap + s->recipients.cap;
}

void session_connect(struct session *s, const struct net_address *client, uint16_t port, bool local)
{
	s->connect_time = clock_wall();
	s->local = local;
	s->client = (struct net_address){.family = 0};
	s->port = 0;
	if (client && !local) {
		s->client = *client;
		s->port = port;
	}
	session_abort(s);
}

static bool keep_text(char to[MESSAGE_TEXT_MAX + 1], const char *text, size_t len)
{
	size_t fits = len < MESSAGE_TEXT_MAX ? len : MESSAGE_TEXT_MAX;

	memcpy(to, text, fits);
	to[fits] = '\0';
	return fits < len;
}

static void set_login(struct session *s, const char *login)
{
	if (keep_text(s->login, login, strlen(login)))
		s->message.flags |= MESSAGE_CUT_TEXT;
}

typedef void read_address(const char *text, const char *origin, struct address *ret);

static void begin_mail(struct session *s, const char *sender, const char *login, read_address *read)
{
	/* First, since Postfix sets the arrival time right after our reply. */
	struct moment now = moment_now();

	session_abort(s);
	s->mail = now;
	s->message.mail_time = now.wall;
	read(sender, s->config->origin, &s->sender);
	s->lacked_memory |= domain_lacked_memory();
	if (s->sender.cut)
		s->message.flags |= MESSAGE_CUT_TEXT;
	if (login)
		set_login(s, login);
	view(s);
}

void session_mail(struct session *s, const char *argument, const char *login)
{
	begin_mail(s, argument, login, address_envelope);
}

/* With arrival, the window of possible arrival times is that one microsecond. Without it, the
 * window is too long to prove anything by itself (mail/identity.h). */
void session_mail_before(struct session *s, const char *sender, const char *login, int64_t arrival)
{
	begin_mail(s, sender, login, address_unquoted);
	if (arrival)
		s->message.mail_time = s->message.rcpt_time = arrival;
	else
		s->message.mail_time -= IDENTITY_WINDOW_MAX + USEC_PER_SEC;
}

static void first_recipient(struct session *s)
{
	struct moment now = moment_now();

	if (s->message.rcpt_time) /* a policy service's time is exact */
		return;
	s->message.rcpt_time = now.wall;
	if (clock_stepped(&s->mail, &now))
		s->message.flags |= MESSAGE_CLOCK_STEPPED;
}

/* The first recipient of a queue file still comes with the previous file's ID. */
static void keep_last_recipient(struct session *s)
{
	struct message *m = &s->message;
	struct strbuf *list = &s->recipients;

	if (m->recipient_count == 0 || list->failed)
		return;
	m->recipient_count = 1;
	if (s->last_recipient == NOT_KEPT) {
		strbuf_clear(list);
		s->recipients_kept = 0;
		return; /* already marked as cut */
	}
	list->len -= s->last_recipient;
	memmove(list->text, list->text + s->last_recipient, list->len + 1);
	s->last_recipient = 0;
	s->recipients_kept = 1;
	m->flags &= ~(uint32_t)MESSAGE_CUT_RECIPIENTS;
}

static void see_file(struct session *s, const char *queue_id)
{
	size_t len = queue_id ? strlen(queue_id) : 0;

	if (len == 0 || len >= sizeof(s->file))
		return;
	if (s->file[0] && strcmp(s->file, queue_id) != 0)
		keep_last_recipient(s);
	memcpy(s->file, queue_id, len + 1);
}

static void take_recipient(
    struct session *s, const char *text, const char *queue_id, read_address *read)
{
	struct address recipient;

	see_file(s, queue_id);
	if (s->message.recipient_count == 0)
		first_recipient(s);
	s->message.recipient_count++;
	s->last_recipient = NOT_KEPT;
	if (s->recipients_kept >= s->config->max_recipients) {
		s->message.flags |= MESSAGE_CUT_RECIPIENTS;
		view(s);
		return;
	}
	read(text, s->config->origin, &recipient);
	s->lacked_memory |= domain_lacked_memory();
	if (recipient.cut)
		s->message.flags |= MESSAGE_CUT_TEXT;
	s->last_recipient = s->recipients.len;
	strlist_push(&s->recipients, recipient.text, strlen(recipient.text));
	s->recipients_kept++;
	view(s);
}

void session_rcpt(struct session *s, const char *argument, const char *queue_id)
{
	take_recipient(s, argument, queue_id, address_envelope);
}

void session_rcpt_unquoted(struct session *s, const char *recipient, const char *queue_id)
{
	take_recipient(s, recipient, queue_id, address_unquoted);
}

void session_settle_recipients(
    struct session *s, const char *queue_id, uint32_t count, const char *only)
{
	struct message *m = &s->message;

	see_file(s, queue_id); /* may forget recipients */
	bool is_named = count == 1 && only[0];
	/* Even with the right count they may be other recipients, since other restrictions
	 * decide, too. */
	if (count == 0 || (count == m->recipient_count && !is_named))
		return;
	buffer_reset(&s->recipients);
	s->recipients_kept = 0;
	s->last_recipient = NOT_KEPT;
	m->recipient_count = 0;
	m->flags &= ~(uint32_t)MESSAGE_CUT_RECIPIENTS;
	if (is_named) {
		session_rcpt_unquoted(s, only, NULL);
		return;
	}
	m->recipient_count = count;
	m->flags |= MESSAGE_CUT_RECIPIENTS;
	view(s);
}

/* trims and unfolds */
static void keep_subject(struct session *s, const char *value)
{
	size_t at = 0;
	size_t len = strlen(value);

	while (len > 0 && str_is_blank(value[len - 1]))
		len--;
	while (len > 0 && str_is_blank(*value))
		value++, len--;
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '\r' || value[i] == '\n')
			continue;
		if (at == MESSAGE_TEXT_MAX) {
			s->message.flags |= MESSAGE_CUT_TEXT;
			break;
		}
		s->subject[at++] = value[i];
	}
	s->subject[at] = '\0';
	s->has_subject = true;
}

void session_header(struct session *s, const char *name, const char *value)
{
	if (str_equal_nocase(name, "Subject")) {
		if (!s->has_subject && s->config->record_subject)
			keep_subject(s, value);
	} else {
		header_take(&s->header, name, value, strlen(value));
		if (s->header.from.cut)
			s->message.flags |= MESSAGE_CUT_FROM;
		if (s->header.cut_text)
			s->message.flags |= MESSAGE_CUT_TEXT;
	}
	view(s);
}

void session_from(struct session *s, const char *value, from_taken *taken, void *arg)
{
	s->header.from.taken = taken;
	s->header.from.arg = arg;
	session_header(s, "From", value);
	s->lacked_memory |= domain_lacked_memory();
	s->header.from.taken = NULL;
}

bool session_keep_from(struct session *s, const char *value)
{
	size_t len = strlen(value);

	if (s->kept.len + len >= FROM_KEPT_MAX)
		return false;
	strlist_push(&s->kept, value, len);
	return true;
}

struct strlist session_kept_from(const struct session *s)
{
	return strlist_of(&s->kept);
}

bool session_scan_kept(struct session *s, from_taken *taken, void *arg)
{
	const struct strlist kept = session_kept_from(s);

	strlist_each (value, &kept)
		session_from(s, value, taken, arg);
	s->lacked_memory |= s->kept.failed || s->header.from.packed.failed;
	buffer_reset(&s->kept);
	return !s->lacked_memory;
}

int session_end(
    struct session *s, const char *queue_id, const char *login, const struct message **ret)
{
	struct message *m = &s->message;

	m->end_time = clock_wall();
	if (login)
		set_login(s, login);
	if (m->rcpt_time == 0)
		m->rcpt_time = m->end_time;
	see_file(s, queue_id);
	view(s);
	if (s->header.from.packed.failed || s->kept.failed || s->recipients.failed ||
	    s->lacked_memory)
		return -ENOMEM;
	if (!queue_id || m->mail_time == 0 ||
	    queue_id_parse(queue_id, strlen(queue_id), &m->queue_id) != 0)
		return 0;
	*ret = m;
	return 1;
}

const struct message *session_message(const struct session *s)
{
	return &s->message;
}

const struct address *session_sender(const struct session *s)
{
	return &s->sender;
}

bool session_is_local(const struct session *s)
{
	return s->local;
}
