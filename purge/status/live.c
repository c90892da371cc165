/* SPDX-License-Identifier: ISC */
/* The daemon's live state. */
#include "purge/status/live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/io.h"
#include "index/client.h"

#define DAEMON_NAME "pqpurge-milter"

static bool read_small(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : io_read_all(fd, buf, size - 1);

	io_close(&fd);
	buf[len > 0 ? len : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return len > 0;
}

/* As the index's owner: the process ID in the lock of the daemon, if that is what still runs there.
 */
static int find_in_child(void *arg, struct bytes *out, struct err *err)
{
	char path[PATH_MAX], text[64];
	uint64_t pid = 0;

	(void)err;
	snprintf(path, sizeof(path), "%s/daemon.lock", (const char *)arg);
	if (!read_small(path, text, sizeof(text)) || str_parse_u64(text, 1, INT32_MAX, &pid) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	if (read_small(path, text, sizeof(text)) && strcmp(text, DAEMON_NAME) == 0)
		bytes_put_u64(out, pid);
	return 0;
}

/* The daemon of this index, if it lives: its socket may be gone all the same. 0 = it does not. */
static long find_daemon(const char *directory)
{
	struct blob blob = {0};
	struct role owner;
	long pid = 0;

	if (role_of_owner(directory, &owner, NULL) < 0 ||
	    role_collect(&owner, find_in_child, (void *)directory, &blob, NULL) < 0)
		return 0;
	if (blob.len > 0) {
		struct reader r = reader_of(blob.at, blob.len);

		pid = (long)reader_u64(&r);
	}
	blob_release(&blob);
	return pid;
}

static void take_answer(
    const char *directory, struct live *live, int code, struct client_answer *answer)
{
	long pid;

	if (code == 0 && answer->by_daemon && answer->code == 0) {
		live->state = LIVE_ANSWERS;
		live->lines = answer->status;
		answer->status = (struct strbuf){0};
	} else if (code == ERR_TIMEOUT) {
		live->state = LIVE_SILENT;
	} else if ((code == 0 || code == ERR_NO_INDEX) && (pid = find_daemon(directory)) != 0) {
		live->state = LIVE_SILENT;
		err_set(&live->err, 0, "process %ld runs, but its control socket is gone", pid);
	} else {
		live->state = code == 0 || code == ERR_NO_INDEX ? LIVE_DOWN : LIVE_UNKNOWN;
	}
}

void live_read(const char *directory, int64_t timeout, struct live *ret)
{
	struct client_answer answer = {0};
	struct live live = {0};
	struct bytes request = {0};
	struct span span;
	int code;

	request_status(&request);
	span = bytes_span(&request);
	code = request.failed ? -ENOMEM
			      : client_send(directory, &span, 1, timeout, &answer, &live.err);
	take_answer(directory, &live, code, &answer);
	client_answer_release(&answer);
	bytes_release(&request);
	*ret = live;
}

void live_release(struct live *live)
{
	strbuf_release(&live->lines);
	*live = (struct live){0};
}

const char *live_text(const struct live *live, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);

	buf[0] = '\0';
	for (const char *line = strbuf_text(&live->lines), *next; *line; line = next) {
		size_t line_len = strcspn(line, "\n");

		next = line + line_len + (line[line_len] == '\n');
		if (line_len <= len || strncmp(line, key, len) != 0 || line[len] != '=')
			continue;
		snprintf(buf, size, "%.*s", (int)(line_len - len - 1), line + len + 1);
		break;
	}
	return buf;
}

int64_t live_number(const struct live *live, const char *key, int64_t otherwise)
{
	char text[32];
	uint64_t n;

	if (str_parse_u64(live_text(live, key, text, sizeof(text)), 0, INT64_MAX, &n) < 0)
		return otherwise;
	return (int64_t)n;
}

struct gaps_now live_now(const struct live *live, int64_t last_sign, char *buf, size_t size)
{
	return (struct gaps_now){.no_daemon = live->state == LIVE_DOWN,
	    .last_sign = last_sign,
	    .open_from = live_number(live, "gap_since", 0),
	    .open_count = (uint64_t)live_number(live, "gap_count", 0),
	    .open_reason = live_text(live, "gap_reason", buf, size)};
}
