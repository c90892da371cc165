/* SPDX-License-Identifier: ISC */
#include "purge/why/why.h"

#include "base/clock.h"
#include "base/role.h"
#include "mail/address/address.h"
#include "postfix/spool/reason_fold.h"

struct reason {
	const char *name; /* folded */
	uint64_t recipients, messages;
	uint64_t last;           /* counted, from 1 */
	size_t example;          /* offset of "ID\0recipient\0reason\0" in examples */
	const struct pair *pair; /* the most frequent first; set by sort() */
	size_t pair_count;
};

/* A reason's recipients of one domain. */
struct pair {
	uint32_t reason;
	size_t name; /* offset in pair_names */
	uint64_t count;
};

struct counting {
	struct why_logs logs;
	int64_t now;
	struct labels reason_names, pair_names;
	struct reason reasons[WHY_REASONS_MAX + 1];
	struct pair *pairs;
	struct strbuf examples, folded, key;
	struct queue_id queue_id; /* of the current message */
	bool has_reason;          /* the current message has one */
	uint64_t messages;
	uint64_t recipients, silent, due;
	int64_t oldest, oldest_null, next, last;
};

int why_logs_visit(
    struct why_logs *logs, const struct queue_id *id, spool_reason_visit *visit, void *arg)
{
	int code = spool_reasons_visit(&logs->queue, id, visit, arg);

	if (code < 0 && code != -ENOMEM && logs->unread++ == 0)
		err_sys(&logs->why_unread, -code, "failed to read the defer log of %s", id->text);
	return code == -ENOMEM ? code : 0;
}

int why_number(
    struct labels *names, struct strbuf *folded, const char *reason, size_t max, size_t *ret)
{
	reason_fold(reason, folded);
	int code = labels_number(names, strbuf_text(folded), max, ret);
	return code == ERR_LIMIT ? labels_number(names, "(other reasons)", max + 1, ret) : code;
}

/* Beyond WHY_DOMAINS_MAX the domain is not counted. */
static int count_domain(struct counting *c, size_t reason, const char *recipient)
{
	struct address address;

	address_envelope(recipient, NULL, &address);
	strbuf_clear(&c->key);
	strbuf_printf(&c->key, "%zu ", reason);
	size_t number = c->key.len;
	strbuf_puts(&c->key, address.domain.text);
	if (c->key.failed)
		return -ENOMEM;
	c->pairs[c->pair_names.count].name = number;
	int code = labels_number(&c->pair_names, c->key.text, WHY_DOMAINS_MAX, &number);
	if (code < 0)
		return code == ERR_LIMIT ? 0 : code;
	c->pairs[number].reason = (uint32_t)reason;
	c->pairs[number].count++;
	return 0;
}

static int count_recipient(void *arg, const struct spool_reason *entry)
{
	const char *recipient = entry->recipient, *reason = entry->text;
	struct counting *c = arg;
	size_t number;
	int code = why_number(&c->reason_names, &c->folded, reason, WHY_REASONS_MAX, &number);

	if (code < 0)
		return code;
	struct reason *r = &c->reasons[number];
	if (r->recipients++ == 0) {
		const char *id = c->queue_id.text;

		r->example = c->examples.len;
		strlist_push(&c->examples, id, strlen(id));
		strlist_push(&c->examples, recipient, strlen(recipient));
		strlist_push(&c->examples, reason, strlen(reason));
	}
	r->messages += r->last != c->messages;
	r->last = c->messages;
	c->recipients++;
	c->has_reason = true;
	return count_domain(c, number, recipient);
}

static void keep_least(int64_t *least, int64_t time)
{
	if (*least == 0 || time < *least)
		*least = time;
}

/* A deferred file's mtime is its next try (qmgr/qmgr_active.c). */
static void look_at_next(struct counting *c, unsigned depth)
{
	char path[QUEUE_PATH_MAX];
	struct stat st;

	queue_path(queue_word(QUEUE_DEFERRED), depth, &c->queue_id, path);
	if (fstatat(c->logs.queue.dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	int64_t at = (int64_t)st.st_mtime * USEC_PER_SEC;
	if (at <= c->now) {
		c->due++;
		return;
	}
	keep_least(&c->next, at);
	if (at > c->last)
		c->last = at;
}

static int count_message(struct counting *c, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	int64_t arrival = item->proof.arrival_time;

	c->queue_id = m.queue_id;
	c->messages++;
	c->has_reason = false;
	if (arrival > 0)
		keep_least(*message_sender(&m) ? &c->oldest : &c->oldest_null, arrival);
	int code = why_logs_visit(&c->logs, &m.queue_id, count_recipient, c);
	if (code < 0)
		return code;
	c->silent += !c->has_reason;
	if (item->proof.queue == QUEUE_DEFERRED)
		look_at_next(c, item->proof.depth);
	return 0;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->reason != b->reason)
		return a->reason < b->reason ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

/* First makes the offsets of pairs absolute, because sorting parts pairs from their numbers. */
static void sort(struct counting *c)
{
	for (size_t i = 0; i < c->pair_names.count; i++)
		c->pairs[i].name += c->pair_names.begin[i];
	qsort(c->pairs, c->pair_names.count, sizeof(*c->pairs), compare_pairs);
	for (size_t i = c->pair_names.count; i-- > 0;) {
		struct reason *r = &c->reasons[c->pairs[i].reason];

		r->pair = &c->pairs[i];
		r->pair_count++;
	}
	for (size_t i = 0; i < c->reason_names.count; i++)
		c->reasons[i].name = labels_at(&c->reason_names, i);
	qsort(c->reasons, c->reason_names.count, sizeof(*c->reasons), labels_by_count);
}

static struct json *domains_of(const struct counting *c, const struct reason *r)
{
	struct json *domains = json_new_array();

	for (size_t i = 0; i < r->pair_count && i < WHY_DOMAINS; i++) {
		struct json *domain = json_new();

		json_put_text(domain, "domain", c->pair_names.text.text + r->pair[i].name);
		json_put_int(domain, "recipients", (int64_t)r->pair[i].count);
		json_append(domains, domain);
	}
	return domains;
}

static struct json *group_of(const struct counting *c, const struct reason *r)
{
	static const char *const keys[] = {"queue_id", "address", "delay_reason"};
	const char *text = c->examples.text + r->example;
	struct json *o = json_new(), *example = json_new();

	json_put_text(o, "reason", r->name);
	json_put_int(o, "recipients", (int64_t)r->recipients);
	json_put_int(o, "messages", (int64_t)r->messages);
	for (size_t i = 0; i < COUNT_OF(keys); i++, text += strlen(text) + 1)
		json_put_text(example, keys[i], text);
	json_put(o, "example", example);
	json_put(o, "domains", domains_of(c, r));
	json_put_int(o, "domain_count", (int64_t)r->pair_count);
	return o;
}

static struct json *sums_of(const struct counting *c)
{
	struct json *o = json_new();

	json_put_int(o, "messages", (int64_t)c->messages);
	json_put_int(o, "recipients", (int64_t)c->recipients);
	json_put_int(o, "without_reason", (int64_t)c->silent);
	json_put_int(o, "unread", (int64_t)c->logs.unread);
	json_put_text(o, "why_unread", c->logs.why_unread.text);
	json_put_int(o, "due", (int64_t)c->due);
	json_put_int(o, "next", c->next);
	json_put_int(o, "last", c->last);
	json_put_int(o, "oldest", c->oldest);
	json_put_int(o, "oldest_null", c->oldest_null);
	return o;
}

static int put(struct json *o, struct bytes *out)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	int code = json_write(&text, o);

	if (code == 0)
		bytes_put_blob(out, text.text, text.len);
	return code;
}

static int count_all(struct counting *c, struct bytes *out)
{
	const struct outcome *outcome = c->logs.outcome;
	int code = 0;

	for (size_t n = 0; n < outcome->count && code == 0; n++)
		if (outcome->items[n].result == RESULT_READY)
			code = count_message(c, &outcome->items[n]);
	if (code == 0 && (c->examples.failed || c->folded.failed))
		code = -ENOMEM;
	if (code < 0)
		return code;
	sort(c);
	code = put(sums_of(c), out);
	for (size_t i = 0; code == 0 && i < c->reason_names.count; i++)
		code = put(group_of(c, &c->reasons[i]), out);
	return code;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	static struct pair pairs[WHY_DOMAINS_MAX + 1];
	struct counting *c = arg;
	int code = queue_open(c->logs.p, &c->logs.queue, err);

	if (code < 0)
		return code;
	c->pairs = pairs;
	code = count_all(c, out);
	return code < 0 ? err_sys(err, -code, "failed to count reasons") : 0;
}

static int take(const struct blob *blob, struct why *ret, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	int code = 0;

	ret->groups = calloc(WHY_REASONS_MAX + 1, sizeof(struct json *));
	if (!ret->groups)
		return err_set(err, -ENOMEM, "out of memory");
	while (code == 0 && !reader_done(&r)) {
		struct span text = reader_blob(&r);
		struct json *o = NULL;

		if (r.failed || ret->count > WHY_REASONS_MAX)
			return err_set(err, ERR_CHILD, "the reader of reasons ended early");
		code = json_parse(text.at, text.len, &o, err);
		if (code == 0 && !ret->sums)
			ret->sums = o;
		else if (code == 0)
			ret->groups[ret->count++] = o;
	}
	return code == 0 && !ret->sums ? err_set(err, ERR_CHILD, "no reasons were read") : code;
}

int why_of(const struct postfix *p, const struct outcome *outcome, int64_t now, struct why *ret,
    struct err *err)
{
	static struct counting counting; /* the child's copy is filled */
	AUTO(blob_release) struct blob blob = {0};

	counting.logs = (struct why_logs){.p = p, .outcome = outcome};
	counting.now = now;
	int code = role_ask(&p->owner, p->stop, WHY_TIME_MAX, work, &counting, &blob, err);

	*ret = (struct why){0};
	return code ?: take(&blob, ret, err);
}

void why_release(struct why *why)
{
	json_free(why->sums);
	for (size_t i = 0; i < why->count; i++)
		json_free(why->groups[i]);
	free(why->groups);
	*why = (struct why){0};
}
