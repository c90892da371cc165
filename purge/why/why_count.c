/* SPDX-License-Identifier: ISC */
/* Reasons, counted. */
#include "purge/why/why_count.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "mail/message.h"
#include "postfix/spool/spool.h"
#include "postfix/tool/fold.h"
#include "purge/tell/labels.h"

static const char other_reasons[] = "(other reasons)";
static const char no_domain[] = "";

struct reason {
	uint64_t recipients, messages, last; /* last: the message that was counted last, from 1 */
	size_t example;                      /* of "ID\0recipient\0reason\0" in examples */
};

/* Recipients of one domain for one reason. */
struct pair {
	uint32_t reason;
	size_t name; /* in pair_names, behind the number */
	uint64_t count;
};

struct why_count {
	int queue_dir;
	struct queue_layout layout;
	int64_t now;
	struct labels reason_names, pair_names;
	struct reason reasons[WHY_REASONS_MAX + 1];
	struct pair *pairs; /* by number of the name */
	struct strbuf examples, folded, key;
	struct queue_id id; /* of the message that is being counted */
	bool has_reason;    /* it has one */
	uint64_t messages;  /* it included */
	uint64_t recipients, silent, due, unread;
	int64_t oldest, oldest_null, next, last;
	struct err why_unread;
};

int why_count_new(const struct postfix *p, int64_t now, struct why_count **ret, struct err *err)
{
	struct why_count *c = calloc(1, sizeof(*c));

	if (c)
		c->pairs = calloc(WHY_DOMAINS_MAX + 1, sizeof(*c->pairs));
	if (!c || !c->pairs) {
		free(c);
		return err_sys(err, ENOMEM, "failed to count reasons");
	}
	c->now = now;
	c->queue_dir = queue_directory_open(p, err);
	if (c->queue_dir < 0) {
		int code = c->queue_dir;

		why_count_free(c);
		return code;
	}
	queue_layout_read(&c->layout, c->queue_dir);
	*ret = c;
	return 0;
}

void why_count_free(struct why_count *c)
{
	if (!c)
		return;
	io_close(&c->queue_dir);
	labels_release(&c->reason_names);
	labels_release(&c->pair_names);
	strbuf_release(&c->examples);
	strbuf_release(&c->folded);
	strbuf_release(&c->key);
	free(c->pairs);
	free(c);
}

/* ---- one message */

static void begin(struct why_count *c, const struct why_message *m)
{
	int64_t *oldest = m->null_sender ? &c->oldest_null : &c->oldest;

	c->id = m->queue_id;
	c->messages++;
	c->has_reason = false;
	if (m->arrival_time > 0 && (*oldest == 0 || m->arrival_time < *oldest))
		*oldest = m->arrival_time;
}

static int find_reason(struct why_count *c, const char *reason, size_t *ret)
{
	int code;

	fold_reason(reason, &c->folded);
	code = labels_number(&c->reason_names, strbuf_text(&c->folded), WHY_REASONS_MAX, ret);
	if (code == ERR_LIMIT)
		code = labels_number(&c->reason_names, other_reasons, WHY_REASONS_MAX + 1, ret);
	return code;
}

/* Past the bound on pairs the recipient is counted for its reason alone. */
static int count_domain(struct why_count *c, size_t reason, const char *recipient)
{
	struct address address;
	size_t number;
	int code;

	address_envelope(recipient, NULL, &address);
	strbuf_clear(&c->key);
	strbuf_printf(&c->key, "%zu ", reason);
	number = c->key.len;
	strbuf_puts(&c->key, *address.domain.text ? address.domain.text : no_domain);
	if (c->key.failed)
		return -ENOMEM;
	c->pairs[c->pair_names.count].name = number;
	code = labels_number(&c->pair_names, c->key.text, WHY_DOMAINS_MAX, &number);
	if (code < 0)
		return code == ERR_LIMIT ? 0 : code;
	c->pairs[number].reason = (uint32_t)reason;
	c->pairs[number].count++;
	return 0;
}

static int count_recipient(void *arg, const char *recipient, const char *reason)
{
	struct why_count *c = arg;
	struct reason *r;
	size_t number;
	int code = find_reason(c, reason, &number);

	if (code < 0)
		return code;
	r = &c->reasons[number];
	if (r->recipients++ == 0) {
		r->example = c->examples.len;
		strlist_push(&c->examples, c->id.text, strlen(c->id.text));
		strlist_push(&c->examples, recipient, strlen(recipient));
		strlist_push(&c->examples, reason, strlen(reason));
	}
	r->messages += r->last != c->messages;
	r->last = c->messages;
	c->recipients++;
	c->has_reason = true;
	return count_domain(c, number, recipient);
}

/* qmgr(8) keeps the time of the next try as the file's modification time (qmgr_active.c). */
static void look_at_next(struct why_count *c, unsigned depth)
{
	char path[QUEUE_PATH_MAX];
	struct stat st;
	int64_t at;

	queue_path(queue_word(QUEUE_DEFERRED), depth, &c->id, path);
	if (fstatat(c->queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	at = (int64_t)st.st_mtime * USEC_PER_SEC;
	if (at <= c->now) {
		c->due++;
		return;
	}
	if (c->next == 0 || at < c->next)
		c->next = at;
	if (at > c->last)
		c->last = at;
}

int why_count_message(struct why_count *c, const struct why_message *m)
{
	int code;

	begin(c, m);
	code = spool_reasons_visit(&c->layout, c->queue_dir, &m->queue_id, count_recipient, c);
	if (code == -ENOMEM)
		return code;
	if (code < 0 && c->unread++ == 0)
		err_sys(
		    &c->why_unread, -code, "failed to read the defer log of %s", m->queue_id.text);
	c->silent += !c->has_reason;
	if (m->queue == QUEUE_DEFERRED)
		look_at_next(c, m->depth);
	return 0;
}

/* ---- the result */

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->reason != b->reason)
		return a->reason < b->reason ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

/* Offsets inside a key become offsets in the text of all, so that sorting does not lose them. */
static void resolve_pairs(struct why_count *c)
{
	for (size_t i = 0; i < c->pair_names.count; i++)
		c->pairs[i].name += c->pair_names.begin[i];
	if (c->pair_names.count > 1)
		qsort(c->pairs, c->pair_names.count, sizeof(*c->pairs), compare_pairs);
}

static void put_reason(
    struct why_count *c, size_t number, const struct pair *pairs, size_t count, struct bytes *out)
{
	const struct reason *r = &c->reasons[number];
	const char *example = c->examples.text + r->example;

	bytes_put_text(out, labels_at(&c->reason_names, number));
	bytes_put_u64(out, r->recipients);
	bytes_put_u64(out, r->messages);
	for (int i = 0; i < 3; i++, example += strlen(example) + 1)
		bytes_put_text(out, example);
	bytes_put_u64(out, count);
	for (size_t i = 0; i < WHY_DOMAINS; i++) {
		bytes_put_text(out, i < count ? c->pair_names.text.text + pairs[i].name : "");
		bytes_put_u64(out, i < count ? pairs[i].count : 0);
	}
}

static void put_sums(const struct why_count *c, struct bytes *out)
{
	bytes_put_u64(out, c->messages);
	bytes_put_u64(out, c->recipients);
	bytes_put_u64(out, c->silent);
	bytes_put_u64(out, c->due);
	bytes_put_u64(out, c->unread);
	bytes_put_text(out, c->why_unread.text);
	bytes_put_i64(out, c->oldest);
	bytes_put_i64(out, c->oldest_null);
	bytes_put_i64(out, c->next);
	bytes_put_i64(out, c->last);
	bytes_put_u64(out, c->reason_names.count);
}

int why_count_put(struct why_count *c, struct bytes *out, struct err *err)
{
	size_t begin = 0, end;

	if (c->examples.failed || c->folded.failed)
		return err_sys(err, ENOMEM, "failed to count reasons");
	resolve_pairs(c);
	put_sums(c, out);
	for (size_t number = 0; number < c->reason_names.count; number++, begin = end) {
		for (end = begin; end < c->pair_names.count && c->pairs[end].reason == number;)
			end++;
		put_reason(c, number, c->pairs + begin, end - begin, out);
	}
	return 0;
}
