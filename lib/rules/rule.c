/* SPDX-License-Identifier: ISC */
/* Rules as values: words, notes, the stored form, the reply. Reading them: rule_parse.c. */
#include "rules/rule.h"

#include <errno.h>

#include "base/str.h"
#include "rules/rule_own.h"

#define STORED_VERSION 1

static const char *const words[] = {
    [RULE_OK] = "OK",
    [RULE_WARN] = "WARN",
    [RULE_HOLD] = "HOLD",
    [RULE_DEFER] = "DEFER",
    [RULE_DISCARD] = "DISCARD",
    [RULE_REJECT] = "REJECT",
};

const char *rule_action_word(enum rule_action action)
{
	return (size_t)action < COUNT_OF(words) ? words[action] : "?";
}

int rule_action_of(const char *word, enum rule_action *ret)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_equal_nocase(word, words[i])) {
			*ret = (enum rule_action)i;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

/* Most texts of most rules are empty; they share one, which is never written to nor freed. */
static char nothing[] = "";

int rule_own(char **at, const char *text)
{
	char *copy = *text ? strdup(text) : nothing;

	if (!copy)
		return -ENOMEM;
	rule_disown(at);
	*at = copy;
	return 0;
}

void rule_disown(char **at)
{
	if (*at != nothing)
		free(*at);
	*at = NULL;
}

static int set_scrubbed(char **at, const char *text)
{
	char scrubbed[RULE_REASON_MAX + 1];

	if (strlen(text) > RULE_REASON_MAX)
		return ERR_LIMIT;
	return rule_own(at, str_scrub(scrubbed, sizeof(scrubbed), text));
}

int rule_set_note(struct rule *r, const char *reason, const char *author)
{
	int rc = set_scrubbed(&r->reason, reason ? reason : "");

	return rc != 0 ? rc : set_scrubbed(&r->author, author ? author : "");
}

void rule_release(struct rule *r)
{
	if (r->regex)
		pattern_release(r->regex);
	free(r->regex);
	rule_disown(&r->subject);
	rule_disown(&r->key);
	rule_disown(&r->text);
	rule_disown(&r->reason);
	rule_disown(&r->author);
	memset(r, 0, sizeof(*r));
}

bool rule_expired(const struct rule *r, int64_t wall)
{
	return r->expires != 0 && wall >= r->expires;
}

void rule_encode(const struct rule *r, struct bytes *out)
{
	bytes_put_u8(out, STORED_VERSION);
	bytes_put_u8(out, (uint8_t)r->action);
	bytes_put_text(out, r->subject);
	bytes_put_text(out, r->status);
	bytes_put_text(out, r->text);
	bytes_put_i64(out, r->set_time);
	bytes_put_i64(out, r->expires);
	bytes_put_text(out, r->reason);
	bytes_put_text(out, r->author);
	bytes_put_u64(out, r->hits);
}

/* A stored rule's parts, which point into it. */
struct parts {
	enum rule_action action;
	const char *subject, *status, *text, *reason, *author;
	int64_t set_time, expires;
	uint64_t hits;
};

static int read_parts(struct span stored, struct parts *ret, struct err *err)
{
	struct reader in = reader_of(stored.at, stored.len);
	unsigned version = reader_u8(&in), action = reader_u8(&in);

	ret->subject = reader_text(&in);
	ret->status = reader_text(&in);
	ret->text = reader_text(&in);
	ret->set_time = reader_i64(&in);
	ret->expires = reader_i64(&in);
	ret->reason = reader_text(&in);
	ret->author = reader_text(&in);
	ret->hits = reader_u64(&in);
	ret->action = (enum rule_action)action;
	if (stored.len > 0 && version > STORED_VERSION)
		return err_set(err, ERR_VERSION, "stored rule is of version %u", version);
	if (version == 0 || action >= COUNT_OF(words) || !reader_done(&in))
		return err_set(err, ERR_DAMAGED, "stored rule is damaged");
	return 0;
}

/* The text of rule_make from its stored parts: it checks both again, for these are bytes from disk.
 */
static int make_again(const struct parts *p, struct rule *ret, struct err *err)
{
	struct strbuf whole = {0};
	int rc;

	strbuf_printf(&whole, "%s%s%s", p->status, *p->status && *p->text ? " " : "", p->text);
	rc = whole.failed ? -ENOMEM
			  : rule_make(p->subject, p->action, strbuf_text(&whole), ret, err);
	strbuf_release(&whole);
	return rc;
}

/* Bytes above ASCII are text, too: an expression may have them. */
static bool is_clean(const char *text, size_t max)
{
	if (strlen(text) > max)
		return false;
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

/* The texts alone, not what they mean. */
static int take_words(const struct parts *p, struct rule *ret, struct err *err)
{
	struct rule r = {.action = p->action};
	int rc;

	if (!*p->subject || !is_clean(p->subject, RULE_SUBJECT_MAX) ||
	    !is_clean(p->text, RULE_TEXT_MAX) || !is_clean(p->status, RULE_STATUS_SIZE - 1))
		return err_set(err, ERR_DAMAGED, "stored rule is damaged");
	snprintf(r.status, sizeof(r.status), "%s", p->status);
	rc = rule_own(&r.subject, p->subject);
	if (rc == 0)
		rc = rule_own(&r.text, p->text);
	if (rc == 0)
		rc = rule_own(&r.key, "");
	if (rc == 0)
		*ret = r;
	else
		rule_release(&r);
	return rc;
}

static int decode(struct span stored,
    int (*make)(const struct parts *p, struct rule *ret, struct err *err), struct rule *ret,
    struct err *err)
{
	struct parts parts;
	struct rule r = {0};
	int rc = read_parts(stored, &parts, err);

	if (rc == 0)
		rc = make(&parts, &r, err);
	if (rc != 0)
		return rc;
	r.set_time = parts.set_time;
	r.expires = parts.expires;
	r.hits = parts.hits;
	rc = rule_set_note(&r, parts.reason, parts.author);
	if (rc != 0) {
		rule_release(&r);
		return rc == ERR_LIMIT ? err_set(err, ERR_DAMAGED, "stored rule is damaged") : rc;
	}
	*ret = r;
	return 0;
}

int rule_decode(struct span stored, struct rule *ret, struct err *err)
{
	return decode(stored, make_again, ret, err);
}

int rule_decode_words(struct span stored, struct rule *ret, struct err *err)
{
	return decode(stored, take_words, ret, err);
}

struct rule_reply rule_reply_of(const struct rule *r)
{
	static const struct rule_reply defaults[] = {
	    [RULE_DEFER] = {"451", "4.7.1", "Not accepted now by local policy, try again later"},
	    [RULE_REJECT] = {"550", "5.7.1", "Not accepted by local policy"},
	};
	struct rule_reply reply = {"", "", ""};

	if (r->action == RULE_DEFER || r->action == RULE_REJECT)
		reply = defaults[r->action];
	if (r->status[0])
		reply.status = r->status;
	if (r->text[0])
		reply.text = r->text;
	return reply;
}
