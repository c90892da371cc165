/* SPDX-License-Identifier: ISC */
/* What the others call of the writer. Its thread is writer_thread.c; waiting and counting is
 * intake.c's. */
#include "milter/writer.h"

#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "index/rows/record.h"
#include "milter/writer_private.h"

int writer_start(struct writer **ret, const struct writer_config *config, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	int code;

	if (!w)
		return err_set(err, -ENOMEM, "failed to start the writer (out of memory)");
	w->config = *config;
	w->rules_saved = true;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->started, NULL);
	code = intake_init(
	    &w->intake, config->settings->commit_async ? config->settings->commit_delay : 0);
	if (!code)
		code = -pthread_create(&w->thread, NULL, writer_main, w);
	if (code) {
		free(w);
		return err_sys(err, -code, "failed to start the writer");
	}
	pthread_mutex_lock(&w->lock);
	while (!w->tried)
		pthread_cond_wait(&w->started, &w->lock);
	pthread_mutex_unlock(&w->lock);
	*ret = w;
	return 0;
}

enum writer_result writer_record(
    struct writer *w, const struct message *m, char ret_reason[WRITER_REASON_MAX + 1])
{
	const struct settings *s = w->config.settings;
	struct bytes record = {0};

	record_encode(m, &record);
	int code = intake_record(
	    &w->intake, &record, m->mail_time, s->commit_async ? 0 : s->commit_timeout, ret_reason);
	if (code < 0)
		return WRITER_LOST;
	return code ? WRITER_RECORDED : WRITER_QUEUED;
}

void writer_lose(struct writer *w, int64_t mail_time, const char *reason)
{
	intake_lose(&w->intake, mail_time, reason);
}

int writer_request(
    struct writer *w, struct span request, void (*done)(void *arg, struct span reply), void *arg)
{
	return intake_errand(&w->intake, request, done, arg);
}

static void status_of_intake(struct intake *in, struct strbuf *out)
{
	pthread_mutex_lock(&in->lock);
	strbuf_printf(out, "queued=%zu\nrecorded=%" PRIu64 "\nlost=%" PRIu64 "\n", in->row_count,
	    in->recorded, in->lost);
	strbuf_printf(out, "stalled=%s\n", in->stalled ? "yes" : "no");
	if (in->gap.open)
		strbuf_printf(out, "gap_since=%" PRId64 "\ngap_count=%" PRIu64 "\ngap_reason=%s\n",
		    in->gap.from, in->gap.count, in->gap.reason);
	pthread_mutex_unlock(&in->lock);
}

void writer_status(struct writer *w, struct strbuf *out)
{
	const struct upkeep *u = &w->shown;

	pthread_mutex_lock(&w->lock);
	strbuf_printf(
	    out, "recording=%s\nsince=%" PRId64 "\n", w->recording ? "yes" : "no", w->since);
	strbuf_printf(out, "last_error=%s\n", w->last_error.text);
	strbuf_printf(out, "rows=%" PRIu64 "\n", u->usage.rows[STORE_MESSAGE]);
	strbuf_printf(out,
	    "used_bytes=%" PRIu64 "\nmap_bytes=%" PRIu64 "\nfile_bytes=%" PRIu64 "\n",
	    u->usage.used_pages * u->usage.page_size, u->usage.map_pages * u->usage.page_size,
	    u->usage.file_bytes);
	strbuf_printf(out, "pruned=%" PRIu64 "\nlagging_reader=%ld\n", u->pruned, (long)u->lagging);
	strbuf_printf(out, "rules_saved=%s\n", w->rules_saved ? "yes" : "no");
	pthread_mutex_unlock(&w->lock);
	status_of_intake(&w->intake, out);
}

bool writer_stop(struct writer *w, int64_t timeout)
{
	if (!w)
		return true;
	intake_stop(&w->intake);
	return intake_wait_finished(&w->intake, timeout);
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	pthread_join(w->thread, NULL);
	command_rules_release(&w->rules);
	intake_release(&w->intake);
	pthread_cond_destroy(&w->started);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
