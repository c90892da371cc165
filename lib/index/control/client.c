/* SPDX-License-Identifier: ISC */
#include "index/control/client.h"

#include "base/clock.h"
#include "base/role.h"
#include "index/control/client_child.h"

#define CALL_TIME (WIRE_ANSWER_TIME + WIRE_WORK_TIME)
#define GRACE     (2 * USEC_PER_SEC) /* the child is killed this long after its deadline */
#define CPU_TIME  60                 /* seconds */
#define SPARE     (UINT64_C(256) << 20)
#define DEATHS    4 /* of children in one call */

static bool is_roots_own(const char *directory)
{
	struct stat st;

	return stat(directory, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* A directory's owner could put anything into it, so root works only in its own. */
static int find_role(const char *directory, struct role *ret, struct err *err)
{
	struct role role = {0};
	int code = role_of_owner(directory, &role, err);

	if (code == -ENOENT || code == -ENOTDIR)
		return err_set(err, ERR_NO_INDEX,
		    "no directory '%s' (has pqpurge-milter run with this configuration?)",
		    directory);
	if (code != 0)
		return code;
	if (geteuid() != 0 && geteuid() != role.uid)
		return err_set(err, -EACCES, "no permission to use index '%s' (must be root or %s)",
		    directory, role.name);
	if (role.uid == 0 && !is_roots_own(directory))
		return err_set(err, -EACCES,
		    "index_directory '%s' belongs to root, but others can write to it: give it to "
		    "the daemon's user",
		    directory);
	*ret = role;
	return 0;
}

/* Enough for the map, the request, and the answer, which exists more than once while it is made. */
static uint64_t memory_for(const struct client_call *call)
{
	uint64_t map = (uint64_t)call->settings->index_map_size;
	uint64_t answer = map < WIRE_BODY_MAX ? map : WIRE_BODY_MAX;

	return map + 4 * answer + 2 * call->body.len + SPARE;
}

static int start_child(
    const struct index_client *c, struct client_call *call, struct role_child *ret, struct err *err)
{
	struct role role;
	int code = find_role(c->settings->index_directory, &role, err);

	*ret = (struct role_child){.memory = memory_for(call), .cpu = CPU_TIME, .stop = c->stop};
	return code ?: role_start(ret, &role, client_child, call, err);
}

/* Takes over request. */
static int begin_call(const struct index_client *c, struct client_call *call, struct json *request,
    int64_t timeout, struct role_child *ret, struct err *err)
{
	int code = json_write(&call->request, request);

	if (code != 0 || call->body.failed)
		return err_sys(err, ENOMEM, "failed to ask for the index");
	call->settings = c->settings;
	call->began = clock_steady();
	call->deadline = call->began + timeout;
	return start_child(c, call, ret, err);
}

/* A child that dies has read a damaged or crafted index. The second child finds that the index was
 * not closed and reads all of it. When two have died, the third sets it aside. */
static int end_call(const struct index_client *c, struct client_call *call,
    struct role_child *child, struct blob *ret, struct err *err)
{
	int code = role_finish(child, call->deadline + GRACE, ret, err);

	for (int tries = 1; code == ERR_CHILD && tries < DEATHS; tries++) {
		if (clock_steady() - call->began > WIRE_ANSWER_TIME)
			break;
		code = start_child(c, call, child, err);
		code = code ?: role_finish(child, call->deadline + GRACE, ret, err);
	}
	return code;
}

static void release_call(struct client_call *call)
{
	strbuf_release(&call->request);
	bytes_release(&call->body);
}

/* Takes over request, and frees the body. */
static int make_call(const struct index_client *c, struct client_call *call, struct json *request,
    int64_t timeout, struct blob *ret, struct err *err)
{
	struct role_child child;
	int code = begin_call(c, call, request, timeout, &child, err);

	code = code ?: end_call(c, call, &child, ret, err);
	release_call(call);
	return code;
}

static int no_index(int code)
{
	return code == 0 || code == ERR_STOPPED || code == ERR_TIMEOUT ? code : ERR_NO_INDEX;
}

static int bad_answer(struct err *err)
{
	return err_set(err, ERR_NO_INDEX, "the answer of the index is invalid");
}

/* Takes over request and body (may be NULL). The caller owns the answer, even a malformed one. */
static int ask_for(const struct index_client *c, struct json *request, struct bytes *body,
    const struct selector *selector, struct blob *ret, struct served *ret_served, struct err *err)
{
	struct client_call call = {.selector = selector, .served = true};
	int code;

	if (body)
		call.body = *body;
	code = make_call(c, &call, request, CALL_TIME, ret, err);
	if (code == 0 && client_view(ret, ret_served) != 0)
		code = bad_answer(err);
	return no_index(code);
}

int client_select(const struct index_client *c, const struct selector *selector,
    struct candidates *ret, struct err *err)
{
	struct bytes body = {0};
	struct blob memory = {0};
	struct served served;
	int code;

	serve_body(selector, &body);
	code = ask_for(c, json_request("select"), &body, selector, &memory, &served, err);
	if (code != 0) {
		blob_release(&memory);
		return code;
	}
	code = select_view(&memory, ret, err);
	if (code == 0)
		ret->changes = served.counts.changes;
	return no_index(code);
}

int client_names(const struct index_client *c, struct client_names *ret, struct err *err)
{
	struct client_names names = {0};
	struct served served;
	int code = ask_for(c, json_request("names"), NULL, NULL, &names.memory, &served, err);

	if (code == 0 && client_view_names(&names) != 0)
		code = bad_answer(err);
	if (code != 0) {
		client_names_release(&names);
		return code;
	}
	names.changes = served.counts.changes;
	memcpy(names.queue_directory, served.counts.queue_directory, sizeof names.queue_directory);
	*ret = names;
	return 0;
}

void client_names_release(struct client_names *names)
{
	blob_release(&names->memory);
	*names = (struct client_names){0};
}

static struct json *update_request(const struct settings *s)
{
	struct json *request = json_request("update");
	struct strbuf packed = {0};

	if (settings_local_networks(s, &packed, NULL) != 0)
		strbuf_release(&packed);
	json_put_packed(request, "own_networks", &packed);
	return request;
}

int client_update(const struct index_client *c, const struct update *update,
    const struct selector *selector, struct candidates *ret, struct index_updated *ret_updated,
    struct err *err)
{
	struct candidates candidates = {0};
	struct bytes body = {0};
	AUTO(blob_release) struct blob memory = {0};
	struct served served;
	int code;

	serve_body(selector, &body);
	update_encode(update, &body);
	code = ask_for(c, update_request(c->settings), &body, selector, &memory, &served, err);
	if (code == 0 && selector)
		code = no_index(select_view(&memory, &candidates, err));
	if (code != 0)
		return code;
	if (ret)
		*ret = candidates;
	else
		candidates_release(&candidates);
	if (ret_updated)
		*ret_updated = served.updated;
	return 0;
}

struct client_sent {
	struct index_client client;
	struct client_call call;
	struct role_child child;
};

struct client_sent *client_send(const struct index_client *c, const struct update *update)
{
	struct client_sent *sent = calloc(1, sizeof *sent);

	if (!sent)
		return NULL;
	*sent = (struct client_sent){.client = *c, .call.served = true};
	serve_body(NULL, &sent->call.body);
	update_encode(update, &sent->call.body);
	if (begin_call(
		c, &sent->call, update_request(c->settings), CALL_TIME, &sent->child, NULL) == 0)
		return sent;
	release_call(&sent->call);
	free(sent);
	return NULL;
}

void client_await(struct client_sent *sent)
{
	AUTO(blob_release) struct blob ignored = {0};

	if (!sent)
		return;
	(void)!end_call(&sent->client, &sent->call, &sent->child, &ignored, NULL);
	release_call(&sent->call);
	free(sent);
}

int client_count(const struct index_client *c, struct index_counts *ret, struct err *err)
{
	AUTO(blob_release) struct blob memory = {0};
	struct served served;
	int code = ask_for(c, json_request("count"), NULL, NULL, &memory, &served, err);

	if (code != 0)
		return code;
	*ret = served.counts;
	return 0;
}

/* Takes over call->body, too. */
static int ask_daemon(const struct index_client *c, struct client_call *call, struct json *request,
    int64_t timeout, struct json **ret, struct err *err)
{
	AUTO(blob_release) struct blob memory = {0};
	int code;

	call->daemon_only = true;
	code = make_call(c, call, request, timeout, &memory, err);
	if (code == 0 && ret)
		code = json_parse((const char *)memory.at, memory.len, ret, err);
	return code;
}

int client_ask(const struct index_client *c, struct json *request, int64_t timeout,
    struct json **ret, struct err *err)
{
	struct client_call call = {0};

	return ask_daemon(c, &call, request, timeout, ret, err);
}

int client_ask_with(const struct index_client *c, struct json *request, struct bytes *body,
    int64_t timeout, struct json **ret, struct err *err)
{
	struct client_call call = {.body = *body};

	*body = (struct bytes){0};
	return ask_daemon(c, &call, request, timeout, ret, err);
}

int client_ask_served(
    const struct index_client *c, struct json *request, struct json **ret, struct err *err)
{
	struct client_call call = {.served = true};

	return ask_daemon(c, &call, request, CALL_TIME, ret, err);
}

int client_daemon(const struct index_client *c, struct err *err)
{
	int code = client_ask(c, json_request("count"), WIRE_ANSWER_TIME, NULL, err);

	if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX)
		return 0;
	return code == 0 || code == ERR_REFUSED ? 1 : code;
}
