/* SPDX-License-Identifier: ISC */
#include "purge/status/live.h"

#include <sys/file.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/control/status.h"

#define DAEMON_NAME   "pqpurge-milter"
#define LOOK_TIME     (2 * USEC_PER_SEC)
#define LOOK_MS       100                   /* between two checks of a daemon that starts */
#define SESSIONS_LAST (3600 * USEC_PER_SEC) /* longer than any SMTP session */

static long read_pid(int fd)
{
	char text[64], path[64];
	ssize_t len = fd < 0 ? -1 : io_read_all(fd, text, sizeof(text) - 1);
	uint64_t pid;

	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (str_parse_u64(text, 2, INT32_MAX, &pid) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : io_read_all(fd, text, sizeof(text) - 1);
	io_close(&fd);
	text[len > 0 ? len : 0] = '\0';
	return strcmp(text, DAEMON_NAME "\n") == 0 ? (long)pid : 0;
}

/* Runs as the owner: whether a daemon holds the lock, and its pid. */
static int look_in_child(void *arg, struct bytes *out, struct err *err)
{
	char path[PATH_MAX];

	(void)err;
	snprintf(path, sizeof(path), "%s/lock", (const char *)arg);
	AUTO(io_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bytes_put_u8(out, fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	bytes_put_i64(out, read_pid(fd));
	return 0;
}

static bool look_at_lock(const struct index_client *client, struct live *live)
{
	AUTO(blob_release) struct blob blob = {0};
	struct role owner;
	bool locked = false;

	if (role_of_owner(client->settings->state_directory, &owner, NULL) == 0 &&
	    role_ask(&owner, client->stop, LOOK_TIME, look_in_child,
		client->settings->state_directory, &blob, NULL) == 0) {
		struct reader r = reader_of(blob.at, blob.len);

		locked = reader_u8(&r) == 1;
		live->pid = locked ? (long)reader_i64(&r) : 0;
	}
	return locked;
}

static struct live look(const struct index_client *client)
{
	struct live live = {0};
	int code =
	    client_ask(client, json_request("status"), WIRE_ANSWER_TIME, &live.answer, &live.err);
	bool locked = look_at_lock(client, &live);

	if (code == 0)
		live.state = LIVE_ANSWERS;
	else if (code == ERR_TIMEOUT)
		live.state = LIVE_SILENT;
	else if (locked)
		live.state = LIVE_DEAF;
	else if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX)
		live.state = LIVE_DOWN;
	else
		live.state = LIVE_UNKNOWN;
	if (live.state == LIVE_DEAF && code == ERR_NO_DAEMON)
		err_set(&live.err, code, "nobody listens there");
	return live;
}

/* A starting daemon has its lock before its socket. If its directory was replaced, it makes the
 * socket anew within a second. */
void live_read(const struct index_client *client, struct live *ret)
{
	int64_t deadline = clock_steady() + LOOK_TIME;

	*ret = look(client);
	while (ret->state == LIVE_DEAF && clock_steady() < deadline &&
	       !(client->stop && *client->stop)) {
		poll(NULL, 0, LOOK_MS);
		live_release(ret);
		*ret = look(client);
	}
}

bool live_lost_sessions(const struct live *live, int64_t now)
{
	int64_t started = json_int(live->answer, STATUS_STARTED, 0);

	if (live->state == LIVE_DOWN)
		return true;
	return started > 0 && now - started < SESSIONS_LAST &&
	       json_bool(live->answer, STATUS_RAN_BEFORE, false);
}

void live_release(struct live *live)
{
	json_free(live->answer);
	*live = (struct live){0};
}
