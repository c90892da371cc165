/* SPDX-License-Identifier: ISC */
/* pqpurge-idx status: what is, what is missing, what is wrong, and what to type about it. */
#include <errno.h>

#include "purge/status/status.h"

int verb_status(struct session *s, struct err *err)
{
	struct status st;
	int code = status_read(&st, s, err);

	if (code == 0 && st.findings.failed)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code == 0 && s->options.json) {
		code = status_json(stdout, &st);
		if (code < 0)
			err_sys(err, -code, "failed to write the status");
	} else if (code == 0 && s->options.quiet) {
		status_findings_text(stdout, &st);
	} else if (code == 0) {
		status_text(stdout, &st);
	}
	if (code == 0 && findings_faults(&st.findings) > 0)
		code = EXIT_SOME_FAILED;
	status_release(&st);
	return code;
}
