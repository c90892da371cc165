/* SPDX-License-Identifier: ISC */
/* Why messages wait: defer logs, counted. */
#include "purge/why.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "mail/message.h"
#include "postfix/fold.h"
#include "postfix/spool.h"
#include "purge/names.h"

static const char other_reasons[] = "(other reasons)";
static const char no_domain[] = "";

/* ---- in the child */

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

struct work {
	const struct postfix *p;
	const struct why_message *messages;
	size_t count;
	int64_t now;
	/* Made in the child. */
	struct names reason_names, pair_names;
	struct reason reasons[WHY_REASONS_MAX + 1];
	struct pair *pairs; /* by number of the name */
	struct strbuf examples, folded, key;
	const struct queue_id *id; /* the message whose log is read */
	uint64_t number;           /* its, from 1 */
	uint64_t recipients, silent, due;
	int64_t next, last;
};

static int find_reason(struct work *w, const char *reason, size_t *ret)
{
	int code;

	fold_reason(reason, &w->folded);
	code = names_number(&w->reason_names, strbuf_text(&w->folded), WHY_REASONS_MAX, ret);
	if (code == ERR_LIMIT)
		code = names_number(&w->reason_names, other_reasons, WHY_REASONS_MAX + 1, ret);
	return code;
}

/* Past the bound on pairs the recipient is counted for its reason alone. */
static int count_domain(struct work *w, size_t reason, const char *recipient)
{
	struct address address;
	size_t number;
	int code;

	address_envelope(recipient, NULL, &address);
	strbuf_clear(&w->key);
	strbuf_printf(&w->key, "%zu ", reason);
	number = w->key.len;
	strbuf_puts(&w->key, *address.domain.text ? address.domain.text : no_domain);
	if (w->key.failed)
		return -ENOMEM;
	w->pairs[w->pair_names.count].name = number;
	code = names_number(&w->pair_names, w->key.text, WHY_DOMAINS_MAX, &number);
	if (code < 0)
		return code == ERR_LIMIT ? 0 : code;
	w->pairs[number].reason = (uint32_t)reason;
	w->pairs[number].count++;
	return 0;
}

static int visit(void *arg, const char *recipient, const char *reason)
{
	struct work *w = arg;
	struct reason *r;
	size_t number;
	int code = find_reason(w, reason, &number);

	if (code < 0)
		return code;
	r = &w->reasons[number];
	if (r->recipients++ == 0) {
		r->example = w->examples.len;
		strlist_push(&w->examples, w->id->text, strlen(w->id->text));
		strlist_push(&w->examples, recipient, strlen(recipient));
		strlist_push(&w->examples, reason, strlen(reason));
	}
	r->messages += r->last != w->number;
	r->last = w->number;
	w->recipients++;
	return count_domain(w, number, recipient);
}

/* qmgr(8) keeps the time of the next try as the file's modification time (qmgr_active.c). */
static void look_at_next(struct work *w, int queue_dir)
{
	char path[QUEUE_PATH_MAX];
	struct stat st;
	int64_t at;

	queue_path(w->p, QUEUE_DEFERRED, w->id, path);
	if (fstatat(queue_dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	at = (int64_t)st.st_mtime * USEC_PER_SEC;
	if (at <= w->now) {
		w->due++;
		return;
	}
	if (w->next == 0 || at < w->next)
		w->next = at;
	if (at > w->last)
		w->last = at;
}

static int read_messages(struct work *w, struct err *err)
{
	int queue_dir = open(w->p->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	if (queue_dir < 0)
		return err_sys(err, errno, "failed to open the queue '%s'", w->p->queue_directory);
	for (size_t n = 0; code == 0 && n < w->count; n++) {
		uint64_t before = w->recipients;

		w->id = &w->messages[n].queue_id;
		w->number = n + 1;
		code = spool_reasons_visit(w->p, queue_dir, w->id, visit, w);
		if (code < 0)
			err_sys(err, -code, "failed to read the defer log of %s", w->id->text);
		w->silent += w->recipients == before;
		if (w->messages[n].queue == QUEUE_DEFERRED)
			look_at_next(w, queue_dir);
	}
	io_close(&queue_dir);
	return code;
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

/* Offsets inside a key become offsets in the text of all, so that sorting does not lose them. */
static void resolve_pairs(struct work *w)
{
	for (size_t i = 0; i < w->pair_names.count; i++)
		w->pairs[i].name += w->pair_names.begin[i];
	if (w->pair_names.count > 1)
		qsort(w->pairs, w->pair_names.count, sizeof(*w->pairs), compare_pairs);
}

static void put_reason(
    struct work *w, size_t number, const struct pair *pairs, size_t count, struct bytes *out)
{
	const struct reason *r = &w->reasons[number];
	const char *example = w->examples.text + r->example;

	bytes_put_text(out, names_at(&w->reason_names, number));
	bytes_put_u64(out, r->recipients);
	bytes_put_u64(out, r->messages);
	for (int i = 0; i < 3; i++, example += strlen(example) + 1)
		bytes_put_text(out, example);
	bytes_put_u64(out, count);
	for (size_t i = 0; i < WHY_DOMAINS; i++) {
		bytes_put_text(out, i < count ? w->pair_names.text.text + pairs[i].name : "");
		bytes_put_u64(out, i < count ? pairs[i].count : 0);
	}
}

static void put_result(struct work *w, struct bytes *out)
{
	size_t begin = 0, end;

	bytes_put_u64(out, w->recipients);
	bytes_put_u64(out, w->silent);
	bytes_put_u64(out, w->due);
	bytes_put_i64(out, w->next);
	bytes_put_i64(out, w->last);
	bytes_put_u64(out, w->reason_names.count);
	for (size_t number = 0; number < w->reason_names.count; number++, begin = end) {
		for (end = begin; end < w->pair_names.count && w->pairs[end].reason == number;)
			end++;
		put_reason(w, number, w->pairs + begin, end - begin, out);
	}
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct work *w = arg;
	int code;

	w->pairs = calloc(WHY_DOMAINS_MAX + 1, sizeof(*w->pairs));
	if (!w->pairs)
		return err_sys(err, ENOMEM, "failed to count reasons");
	code = read_messages(w, err);
	if (code == 0 && (w->examples.failed || w->folded.failed))
		code = err_sys(err, ENOMEM, "failed to count reasons");
	if (code == 0) {
		resolve_pairs(w);
		put_result(w, out);
	}
	return code;
}

/* ---- the command */

static int compare_groups(const void *left, const void *right)
{
	const struct why_group *a = left, *b = right;

	if (a->recipients != b->recipients)
		return a->recipients > b->recipients ? -1 : 1;
	return strcmp(a->reason, b->reason);
}

static void view_group(struct reader *r, struct why_group *g)
{
	g->reason = reader_text(r);
	g->recipients = reader_u64(r);
	g->messages = reader_u64(r);
	g->example_id = reader_text(r);
	g->example_recipient = reader_text(r);
	g->example_reason = reader_text(r);
	g->domain_count = reader_u64(r);
	for (size_t i = 0; i < WHY_DOMAINS; i++) {
		g->domains[i].name = reader_text(r);
		g->domains[i].count = reader_u64(r);
	}
	g->domains_listed = g->domain_count < WHY_DOMAINS ? (unsigned)g->domain_count : WHY_DOMAINS;
}

static int view(struct blob *memory, struct why *ret, struct err *err)
{
	struct reader r = reader_of(memory->at, memory->len);
	struct why why = {.memory = *memory};
	uint64_t count;

	*memory = (struct blob){0};
	why.recipients = reader_u64(&r);
	why.silent = reader_u64(&r);
	why.due = reader_u64(&r);
	why.next = reader_i64(&r);
	why.last = reader_i64(&r);
	count = reader_u64(&r);
	if (count <= WHY_REASONS_MAX + 1)
		why.list = calloc((size_t)count + 1, sizeof(*why.list));
	for (; why.list && why.count < count; why.count++)
		view_group(&r, &why.list[why.count]);
	if (!why.list || !reader_done(&r)) {
		why_release(&why);
		return err_set(err, ERR_CHILD, "the reader of defer logs broke off");
	}
	qsort(why.list, why.count, sizeof(*why.list), compare_groups);
	*ret = why;
	return 0;
}

int why_read(const struct postfix *p, const struct why_message *messages, size_t count, int64_t now,
    struct why *ret, struct err *err)
{
	struct work *w = calloc(1, sizeof(*w));
	struct blob memory = {0};
	int code;

	if (!w)
		return err_sys(err, ENOMEM, "failed to read reasons");
	w->p = p;
	w->messages = messages;
	w->count = count;
	w->now = now;
	code = role_collect(&p->owner, work, w, &memory, err);
	free(w);
	return code < 0 ? code : view(&memory, ret, err);
}

void why_release(struct why *why)
{
	free(why->list);
	blob_release(&why->memory);
	*why = (struct why){0};
}
