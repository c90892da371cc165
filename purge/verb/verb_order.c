/* SPDX-License-Identifier: ISC */
#include "purge/door/serve.h"
#include "purge/interrupt.h"
#include "purge/session.h"

int verb_order(struct session *s, struct err *err)
{
	struct stat st;

	interrupt_catch();
	if (s->options.grant)
		return serve_grant(&s->settings, err);
	if (s->options.listen)
		return serve_listen(s, err);
	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISSOCK(st.st_mode))
		return err_set(err, ERR_USAGE,
		    "'order' answers one order on a socket from systemd; '--listen' makes the "
		    "sockets itself");
	return serve_order(s, STDIN_FILENO);
}
