/* SPDX-License-Identifier: ISC */
#include "purge/report/gather.h"
#include "purge/report/page.h"
#include "purge/tell/out_file.h"
#include "purge/tell/say.h"

#define MODE 0600 /* it has people's addresses */

static int put(const struct options *o, const struct strbuf *page, struct err *err)
{
	int code = out_file_put(o, MODE, page, err);

	if (code == 0 && o->output && !o->quiet)
		say(stdout,
		    o->dry_run ? "'%s' would be written: %zu bytes.\n"
			       : "The report is in '%s' (%zu bytes).\n",
		    o->output, page->len);
	return code;
}

static int write_report(struct gathered *g, const struct options *o, struct err *err)
{
	AUTO(strbuf_release) struct strbuf page = {0};
	int code = page_write(&g->incident, &page);

	code = code < 0 ? err_set(err, code, "out of memory") : put(o, &page, err);
	return code < 0 || !g->walked ? code : walk_end_look(&g->walk);
}

int verb_report(struct session *s, struct err *err)
{
	AUTO(gathered_release) struct gathered g = {0};

	if (s->options.json)
		return err_set(err, ERR_USAGE,
		    "a report is HTML; for programs, 'log --json', 'list --json' and 'top --json' "
		    "have its numbers");
	int code = gather(s, &g, err);
	return code ?: write_report(&g, &s->options, err);
}
