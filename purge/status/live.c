/* SPDX-License-Identifier: ISC */
/* The daemon's live state. */
#include "purge/status/live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/io.h"

#define LOOK_TIME (2 * USEC_PER_SEC)

/* As the owner: whether somebody holds the lock that a daemon holds for its life. */
static int look_in_child(void *arg, struct bytes *out, struct err *err)
{
	char path[PATH_MAX];
	int fd;

	(void)err;
	snprintf(path, sizeof(path), "%s/lock", (const char *)arg);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bytes_put_u8(out, fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	io_close(&fd);
	return 0;
}

static bool is_locked(const struct index_client *client)
{
	struct role_child child = {.stop = client->stop};
	struct blob blob = {0};
	struct role owner;
	bool locked = false;

	if (role_of_owner(client->settings->state_directory, &owner, NULL) == 0 &&
	    role_start(&child, &owner, look_in_child, client->settings->state_directory, NULL) ==
		0 &&
	    role_finish(&child, clock_steady() + LOOK_TIME, &blob, NULL) == 0)
		locked = blob.len == 1 && blob.at[0] == 1;
	blob_release(&blob);
	return locked;
}

static struct json *request(void)
{
	struct json *o = json_new();

	json_put_text(o, "do", "status");
	return o;
}

void live_read(const struct index_client *client, struct live *ret)
{
	struct live live = {0};
	int code = client_ask(client, request(), WIRE_ANSWER_TIME, &live.answer, &live.err);

	if (code == 0)
		live.state = LIVE_ANSWERS;
	else if (code == ERR_TIMEOUT)
		live.state = LIVE_SILENT;
	else if (is_locked(client))
		live.state = LIVE_DEAF;
	else if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX)
		live.state = LIVE_DOWN;
	else
		live.state = LIVE_UNKNOWN;
	*ret = live;
}

void live_release(struct live *live)
{
	json_free(live->answer);
	*live = (struct live){0};
}
