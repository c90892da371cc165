/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/clock.h"
#include "purge/rules/blocking.h"
#include "rules/rules_json.h"
#include "rules/stored.h"

#define ANSWER_TIMEOUT (10 * USEC_PER_SEC)

struct change {
	const struct settings *settings;
	const char *subject;
	const struct rule *set;
};

/* A daemon that answers at all may take its time for the disk; a frozen one is not waited for. */
static int ask_daemon(const struct index_client *client, const struct change *change,
    struct block_answer *ret, struct err *err)
{
	struct json *request = json_new(), *reply = NULL;
	int code = client_daemon(client, err);

	if (code == ERR_TIMEOUT) {
		json_free(request);
		return code;
	}
	json_put_text(request, "do", change->set ? "rule-set" : "rule-unset");
	if (change->set)
		rule_put_request(change->set, request);
	else
		json_put_text(request, "pattern", change->subject);
	code = client_ask(client, request, ANSWER_TIMEOUT, &reply, err);
	if (code == 0)
		*ret = (struct block_answer){.by_daemon = true,
		    .was_there = json_bool(reply, "was_there", false),
		    .saved = json_bool(reply, "saved", false)};
	json_free(reply);
	return code;
}

static int change_file(void *arg, struct bytes *out, struct err *err)
{
	const struct change *c = arg;
	int there = stored_change(c->settings->state_directory, c->subject, c->set, clock_wall(),
	    c->settings->login_exact, err);

	bytes_put_u8(out, there == 1);
	return there < 0 ? there : 0;
}

/* The child is the directory's owner, who may change the file. */
static int change_in_child(const struct index_client *client, struct change *change,
    struct block_answer *ret, struct err *err)
{
	struct role_child child = {.stop = client->stop};
	struct blob blob = {0};
	struct role owner;
	int code = role_of_owner(client->settings->state_directory, &owner, err);

	if (code == 0)
		code = role_ask(&owner, &child, ANSWER_TIMEOUT, change_file, change, &blob, err);
	if (code == 0 && blob.len != 1)
		code = err_set(err, ERR_CHILD, "a child ended without a result");
	if (code == 0)
		*ret = (struct block_answer){.was_there = blob.at[0], .saved = true};
	blob_release(&blob);
	return code;
}

static bool is_nobody(int code)
{
	return code == ERR_NO_DAEMON || code == ERR_NO_INDEX;
}

/* A starting daemon has the lock before its socket: ask once more. */
static int carry_out(const struct index_client *client, struct change *change,
    struct block_answer *ret, struct err *err)
{
	int code = ask_daemon(client, change, ret, err);

	if (is_nobody(code))
		code = change_in_child(client, change, ret, err);
	if (code == ERR_LOCKED) {
		struct err why = {{0}};
		int again = ask_daemon(client, change, ret, &why);

		if (!is_nobody(again))
			return again < 0 ? err_set(err, again, "%s", why.text) : 0;
	}
	return code;
}

int block_set(const struct index_client *client, const struct rule *r, struct block_answer *ret,
    struct err *err)
{
	struct change change = {.settings = client->settings, .subject = r->subject, .set = r};
	int code = carry_out(client, &change, ret, err);

	return code < 0 ? err_within(err, code, "failed to set the rule for '%s'", r->subject) : 0;
}

int block_unset(const struct index_client *client, const char *subject, struct block_answer *ret,
    struct err *err)
{
	struct change change = {.settings = client->settings, .subject = subject};
	int code = carry_out(client, &change, ret, err);

	return code < 0 ? err_within(err, code, "failed to remove the rule for '%s'", subject) : 0;
}
