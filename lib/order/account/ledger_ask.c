/* SPDX-License-Identifier: ISC */
#include "order/account/ledger.h"

struct asking {
	const char *directory;
	const struct ledger_question *question;
	void *arg;
};

int ledger_put(const struct account_log *log, const struct ledger_question *q, void *arg,
    struct bytes *out, struct err *err)
{
	AUTO(ledger_release) struct ledger ledger = {0};
	int code = ledger_read(log, q->all, &ledger, err);

	code = code ?: q->put(arg, &ledger, log, out, err);
	return code == -ENOMEM ? err_sys(err, ENOMEM, "failed to read the account") : code;
}

int ledger_take(struct span answer, const struct ledger_question *q, void *arg, struct err *err)
{
	struct reader r = reader_of(answer.at, answer.len);
	struct err why = {{0}};
	int code = q->take(arg, &r, &why);

	if (code == 0 && !reader_done(&r))
		code = ERR_CHILD;
	if (code < 0 && !why.text[0])
		err_set(&why, code, "failed to read the account (%s)", err_word(code));
	return code < 0 ? err_set(err, code, "%s", why.text) : 0;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct asking *a = arg;
	struct account_log log;
	int code = account_log_open(&log, a->directory, false, err);

	if (code < 0)
		return code;
	code = ledger_put(&log, a->question, a->arg, out, err);
	account_log_close(&log);
	return code;
}

int ledger_ask(const struct settings *s, const volatile sig_atomic_t *stop,
    const struct ledger_question *q, void *arg, struct err *err)
{
	struct asking a = {s->state_directory, q, arg};
	AUTO(blob_release) struct blob blob = {0};
	struct role owner;
	int code = role_of_owner(a.directory, &owner, err);

	code = code ?: role_ask(&owner, stop, ROLE_TIME, work, &a, &blob, err);
	return code ?: ledger_take((struct span){blob.at, blob.len}, q, arg, err);
}
