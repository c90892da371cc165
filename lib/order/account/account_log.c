/* SPDX-License-Identifier: ISC */
#include "order/account/account_log.h"

#include "base/io.h"
#include "base/lines.h"

#define RUNNING      (INT64_C(1) << 40) /* the lock byte of batch 0 */
#define NUMBER_MAX   (UINT64_C(1) << 40)
#define HIGHEST_SIZE 24

/* *ret is -1 if there is no such file to read. */
static int open_in(
    const struct account_log *log, const char *name, bool writing, int *ret, struct err *err)
{
	int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (writing ? O_RDWR | O_CREAT : O_RDONLY);
	int fd = openat(log->directory, name, flags, 0600), error = errno;
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		io_close(&fd);
		error = EINVAL;
	}
	if (fd < 0 && (writing || error != ENOENT))
		return err_sys(err, error, "failed to open the account '%s'", name);
	io_close(ret);
	*ret = fd;
	return 0;
}

int account_log_open(struct account_log *log, const char *directory, bool writing, struct err *err)
{
	*log = (struct account_log){-1, -1, -1, 0};
	log->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->directory < 0)
		return err_sys(err, errno, "failed to open '%s'", directory);
	int code = open_in(log, ACCOUNT_LOCK, writing, &log->lock, err);
	code = code ?: open_in(log, ACCOUNT_FILE, writing, &log->fd, err);
	if (code == 0)
		return 0;
	account_log_close(log);
	return err_within(err, code, "'%s'", directory);
}

void account_log_close(struct account_log *log)
{
	io_close(&log->fd);
	io_close(&log->lock);
	io_close(&log->directory);
}

static int set_lock(int fd, int how, short type, int64_t at)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	while (fcntl(fd, how, &lock) < 0)
		if (errno != EINTR)
			return -errno;
	return how == F_OFD_GETLK ? lock.l_type != F_UNLCK : 0;
}

int account_log_lock(struct account_log *log, struct err *err)
{
	struct stat ours, named;
	int code = set_lock(log->lock, F_OFD_SETLKW, F_WRLCK, 0);

	if (code < 0)
		return err_sys(err, -code, "failed to lock the account");
	if (fstat(log->fd, &ours) < 0 ||
	    fstatat(log->directory, ACCOUNT_FILE, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
		code = open_in(log, ACCOUNT_FILE, true, &log->fd, err);
	if (code < 0)
		account_log_unlock(log);
	return code;
}

void account_log_unlock(struct account_log *log)
{
	(void)!set_lock(log->lock, F_OFD_SETLK, F_UNLCK, 0);
}

bool account_log_compacts(struct account_log *log)
{
	return set_lock(log->lock, F_OFD_SETLK, F_WRLCK, 1) == 0;
}

int account_log_run(struct account_log *log, uint64_t number, struct err *err)
{
	int code = set_lock(log->lock, F_OFD_SETLK, F_WRLCK, RUNNING + (int64_t)number);

	return code < 0 ? err_sys(err, -code, "failed to mark the batch as under way") : 0;
}

bool account_log_is_running(const struct account_log *log, uint64_t number)
{
	return log->lock >= 0 &&
	       set_lock(log->lock, F_OFD_GETLK, F_RDLCK, RUNNING + (int64_t)number) == 1;
}

uint64_t account_log_highest(const struct account_log *log)
{
	char text[HIGHEST_SIZE] = "";
	ssize_t len = pread(log->lock, text, sizeof(text) - 1, 0);
	uint64_t number = 0;

	if (len > 0)
		text[strcspn(text, "\n")] = '\0';
	return len > 0 && str_parse_u64(text, 0, NUMBER_MAX - 1, &number) == 0 ? number : 0;
}

/* Always of one length, so that nothing of a longer one stays. */
void account_log_keep(const struct account_log *log, uint64_t number)
{
	char text[HIGHEST_SIZE];
	int len = snprintf(text, sizeof(text), "%020" PRIu64 "\n", number);

	(void)!pwrite(log->lock, text, (size_t)len, 0);
}

static int append(int fd, const char *lines, size_t len)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
		return -EIO;
	if (lseek(fd, st.st_size, SEEK_SET) < 0)
		return -errno;
	int code = last == '\n' ? 0 : io_write_all(fd, "\n", 1);
	code = code ?: io_write_all(fd, lines, len);
	if (code < 0 && ftruncate(fd, st.st_size) < 0)
		return -errno;
	return code;
}

int account_log_append(
    struct account_log *log, const char *lines, size_t len, bool sync, struct err *err)
{
	int code = append(log->fd, lines, len);

	if (code == 0 && sync && fdatasync(log->fd) < 0)
		code = -errno;
	return code < 0 ? err_sys(err, -code, "failed to write the account") : 0;
}

void account_log_reserve(const struct account_log *log)
{
	struct stat st;

	if (fstat(log->fd, &st) == 0)
		(void)!fallocate(log->fd, FALLOC_FL_KEEP_SIZE, st.st_size, ACCOUNT_RESERVE);
}

/* One encoder writes all lines, so their first bytes tell the kind. */
static bool tell_kind(struct account_line *line)
{
	static const char *const heads[LINE_KINDS] = {
	    [LINE_BEGIN] = "{\"begin\":",
	    [LINE_ADOPT] = "{\"adopt\":",
	    [LINE_CHUNK] = "{\"chunk\":",
	    [LINE_DONE] = "{\"done\":",
	    [LINE_END] = "{\"end\":",
	    [LINE_FACTS] = "{\"facts\":",
	    [LINE_KEPT] = "{\"kept\":",
	    [LINE_SUMS] = "{\"sums\":",
	};

	for (int kind = 0; kind < LINE_KINDS; kind++) {
		const char *number = line->text + strlen(heads[kind]);

		if (!str_starts(line->text, heads[kind]) || *number < '1' || *number > '9')
			continue;
		line->kind = (enum account_kind)kind;
		line->rest = str_digits(number, &line->number);
		return line->rest && line->number < NUMBER_MAX &&
		       (*line->rest == ',' || *line->rest == '}');
	}
	return false;
}

/* Skips lines that were cut off or contain a NUL. */
static int take_line(struct lines *lines, account_visit *visit, void *arg)
{
	struct account_line line = {.text = lines->line.text, .len = lines->line.len};

	if (lines->cut || lines->partial || line.len == 0 || strlen(line.text) != line.len ||
	    !tell_kind(&line))
		return 0;
	return visit(arg, &line);
}

static bool is_at_end(const struct account_log *log, const struct lines *lines)
{
	off_t unused = (off_t)(lines->filled - lines->at);

	return log->end > 0 && lseek(lines->fd, 0, SEEK_CUR) - unused >= log->end;
}

int account_log_read(
    const struct account_log *log, account_visit *visit, void *arg, struct err *err)
{
	struct lines lines = {.fd = -1, .max = ACCOUNT_LINE_MAX};
	struct stat st;

	if (log->fd < 0)
		return 0;
	int code = open_in(log, ACCOUNT_FILE, false, &lines.fd, err);
	if (code < 0)
		return code;
	if (fstat(lines.fd, &st) == 0 && st.st_size > ACCOUNT_SIZE_MAX)
		code = -EFBIG;
	while (code >= 0 && !is_at_end(log, &lines) && (code = lines_next(&lines)) == 1)
		code = take_line(&lines, visit, arg);
	lines_release(&lines);
	io_close(&lines.fd);
	return code < 0 ? err_set(err, code, "failed to read the account (%s)", err_word(code)) : 0;
}
