/* SPDX-License-Identifier: ISC */
#include "purge/floods/backtest.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "flood/maillog.h"

#define WAYS  3 /* the limits as set, halved, doubled */
#define BLOCK (256u << 10)
#define HEAD  (64u << 10) /* bytes in which the first stamp must be */

/* A login's undelivered messages in buckets of ten minutes. */
#define TALLIES 1024
struct tally {
	char key[128];
	enum flood_kind kind;
	int64_t bucket;
	uint32_t count[7];
};

struct test {
	const struct backtest *b;
	FILE *to;
	struct flood_setup setup;
	struct flood *flood[WAYS];
	struct maillog *log;
	uint64_t fired[WAYS];
	int64_t from, until; /* wall */
	struct tally tallies[TALLIES], all, bad;
	int64_t read, total, shown;
};

static void put_alarm(struct test *t, const struct flood_incident *i)
{
	char at[CLOCK_TEXT_SIZE], key[FLOOD_KEY_MAX + 1];

	if (t->b->json) {
		struct json *o = json_new();

		json_put_int(o, "time", i->since / USEC_PER_SEC);
		json_put_text(o, "kind", flood_kind_word(i->kind));
		json_put_text(o, "key", i->key);
		json_put_text(o, "signal", flood_signal_word(i->signal));
		json_put_int(o, "seen", i->seen);
		json_put_int(o, "limit", i->limit);
		json_put_int(o, "usual", i->usual);
		(void)!json_line(t->to, o);
		return;
	}
	fprintf(t->to, "%s  %-7s %s  %s: %u, limit %u, usual %u\n",
	    clock_text(i->since, at, sizeof(at)), flood_kind_word(i->kind),
	    str_scrub(key, sizeof(key), i->key), flood_signal_word(i->signal), i->seen, i->limit,
	    i->usual);
}

static void take_events(struct test *t, int way)
{
	struct flood_incident *i;
	enum flood_event event;

	while (flood_take(t->flood[way], &event, &i)) {
		if (event != FLOOD_BEGINS)
			continue;
		t->fired[way]++;
		if (way == 0 && !t->b->learn)
			put_alarm(t, i);
	}
}

static uint32_t add(struct tally *t, int64_t now, uint32_t n)
{
	int64_t bucket = now / (600 * USEC_PER_SEC);
	uint32_t sum = 0;

	if (bucket - t->bucket > 6 || bucket < t->bucket)
		memset(t->count, 0, sizeof(t->count));
	else
		for (int64_t b = t->bucket + 1; b <= bucket; b++)
			t->count[b % 7] = 0;
	t->bucket = bucket;
	t->count[bucket % 7] += n;
	for (int b = 0; b < 7; b++)
		sum += t->count[b];
	return sum;
}

static void on_message(void *arg, const struct flood_message *from_log)
{
	struct test *t = arg;
	struct flood_message m = *from_log;

	m.loopback = net_is_loopback(&m.client);
	m.own = m.client.family && flood_is_own(&t->setup, &m.client);
	m.login_exact = t->b->settings->login_exact;
	if (!t->from || m.now < t->from)
		t->from = m.now;
	if (m.now > t->until)
		t->until = m.now;
	add(&t->all, m.now, 1);
	for (int way = 0; way < WAYS; way++) {
		flood_tick(t->flood[way], m.now);
		flood_feed(t->flood[way], &m);
		take_events(t, way);
	}
}

static struct tally *tally_of(struct test *t, enum flood_kind kind, const char *key)
{
	uint64_t at = 1;

	for (const char *c = key; *c; c++)
		at = at * 31 + (unsigned char)*c;
	struct tally *one = &t->tallies[at % TALLIES];
	if (one->kind != kind || strcmp(one->key, key) != 0) {
		*one = (struct tally){.kind = kind};
		snprintf(one->key, sizeof(one->key), "%s", key);
	}
	return one;
}

/* Does what the daemon's catch-up does each minute: nothing while a relay is down. */
static void on_bad(void *arg, enum flood_kind kind, const char *key, int64_t now)
{
	struct test *t = arg;
	uint32_t count = add(tally_of(t, kind, key), now, 1);
	uint32_t bad = add(&t->bad, now, 1), all = add(&t->all, now, 0);

	if (bad > all * .15)
		return;
	for (int way = 0; way < WAYS; way++) {
		flood_undelivered(t->flood[way], kind, key, count, now);
		take_events(t, way);
	}
}

static int start_gzip(int fd, pid_t *ret_pid, struct err *err)
{
	char *const argv[] = {(char[]){"gzip"}, (char[]){"-dc"}, NULL};
	char *const environment[] = {NULL};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, errno, "failed to make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		/* a file may exploit gzip, so it gets no terminal */
		if (null < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(ends[1], STDOUT_FILENO) < 0 ||
		    dup2(null, STDERR_FILENO) < 0)
			_exit(127);
		close_range(3, ~0u, 0);
		execve("/bin/gzip", argv, environment);
		execve("/usr/bin/gzip", argv, environment);
		_exit(127);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_sys(err, errno, "failed to start gzip");
	}
	*ret_pid = pid;
	return ends[0];
}

static int open_stream(const struct backtest_file *f, pid_t *ret_pid, struct err *err)
{
	*ret_pid = 0;
	if (lseek(f->fd, 0, SEEK_SET) < 0)
		return err_sys(err, errno, "failed to read '%s'", f->name);
	return f->gz ? start_gzip(f->fd, ret_pid, err) : f->fd;
}

static int close_stream(
    const struct backtest_file *f, int fd, pid_t pid, bool whole, struct err *err)
{
	int status = 0;

	if (pid == 0)
		return 0;
	close(fd);
	if (!whole)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (whole && status != 0)
		return err_set(err, ERR_SYNTAX, "'%s': gzip failed; it is damaged", f->name);
	return 0;
}

/* Whether it is compressed, and its first stamp, which is within HEAD bytes. */
static int look_at_head(struct backtest_file *f, struct err *err)
{
	static char text[HEAD + 1];
	unsigned char magic[2] = {0};
	char *rest = text;
	pid_t pid;

	f->gz = pread(f->fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
	int fd = open_stream(f, &pid, err);
	if (fd < 0)
		return fd;
	ssize_t got = io_read_all(fd, text, HEAD);
	(void)close_stream(f, fd, pid, false, err);
	text[got > 0 ? got : 0] = '\0';
	for (ssize_t at = 0; at < got; at++)
		if (text[at] == '\0') /* a machine that crashed leaves these */
			text[at] = '\n';
	for (char *line; !f->first && (line = strsep(&rest, "\n"));)
		f->first = maillog_first(line, f->mtime);
	return f->first || got == 0 /* empty; gzip tells later if it is damaged */
		   ? 0
		   : err_set(err, ERR_SYNTAX,
			 "'%s:1': no line begins with a time stamp; it is not a mail log%s",
			 f->name, f->gz ? ", or damaged" : "");
}

static void tell_progress(struct test *t, const struct backtest_file *f, int64_t before)
{
	int64_t at = before + lseek(f->fd, 0, SEEK_CUR);
	int64_t percent = t->total ? at * 100 / t->total : 100;

	if (percent == t->shown)
		return;
	t->shown = percent;
	fprintf(t->to, "\x03%" PRId64 " %" PRId64 "\n", at, t->total);
	fflush(t->to);
}

/* Lines of at most MAILLOG_LINE bytes. */
static int read_lines(struct test *t, const struct backtest_file *f, int fd, struct err *err)
{
	static char block[BLOCK];
	size_t kept = 0;
	bool cut = false;

	for (;;) {
		ssize_t got = read(fd, block + kept, sizeof(block) - 1 - kept);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "failed to read '%s'", f->name);
		size_t len = kept + (size_t)got, at = 0;
		for (char *end; (end = memchr(block + at, '\n', len - at));) {
			*end = '\0';
			maillog_line(t->log, block + at, cut);
			cut = false;
			at = (size_t)(end - block) + 1;
		}
		kept = len - at;
		if (got == 0) {
			block[len] = '\0';
			if (kept > 0)
				maillog_line(t->log, block + at, cut);
			return 0;
		}
		if (kept > MAILLOG_LINE) { /* too long for a line: its rest is skipped */
			cut = true;
			kept = 0;
		}
		memmove(block, block + at, kept);
		tell_progress(t, f, t->read);
	}
}

static int read_file(struct test *t, const struct backtest_file *f, struct err *err)
{
	pid_t pid;
	int fd = open_stream(f, &pid, err);

	if (fd < 0)
		return fd;
	maillog_file(t->log, f->first);
	int code = read_lines(t, f, fd, err);
	int closed = close_stream(f, fd, pid, code == 0, err);
	t->read += f->size;
	return code ? code : closed;
}

static int by_first(const void *a, const void *b)
{
	const struct backtest_file *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int order_files(struct backtest *b, struct err *err)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < b->count; n++)
		code = look_at_head(&b->files[n], err);
	qsort(b->files, b->count, sizeof(*b->files), by_first);
	return code;
}

static void say_summary(const struct test *t, const struct maillog_counts *c, int64_t days)
{
	char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

	fprintf(t->to, "Read %zu file%s, %" PRIu64 " lines (%" PRIu64 " broken)", t->b->count,
	    t->b->count == 1 ? "" : "s", c->lines, c->broken);
	if (c->messages)
		fprintf(t->to, ", %s to %s", clock_text(t->from, from, sizeof(from)),
		    clock_text(t->until, until, sizeof(until)));
	fprintf(
	    t->to, ": %" PRIu64 " messages, %" PRIu64 " recipients.\n", c->messages, c->recipients);
	fprintf(t->to,
	    "Would have fired %" PRIu64 " times in %" PRId64 " days; %" PRIu64
	    " with the limits halved, %" PRIu64 " with them doubled.\n",
	    t->fired[0], days, t->fired[1], t->fired[2]);
}

static void put_summary(const struct test *t)
{
	const struct maillog_counts *c = maillog_counts(t->log);
	int64_t days = (t->until - t->from) / (86400 * USEC_PER_SEC) + 1;
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
	    {"files", (int64_t)t->b->count},
	    {"lines", (int64_t)c->lines},
	    {"broken", (int64_t)c->broken},
	    {"messages", (int64_t)c->messages},
	    {"recipients", (int64_t)c->recipients},
	    {"from", t->from / USEC_PER_SEC},
	    {"until", t->until / USEC_PER_SEC},
	    {"days", days},
	    {"fired", (int64_t)t->fired[0]},
	    {"fired_halved", (int64_t)t->fired[1]},
	    {"fired_doubled", (int64_t)t->fired[2]},
	};
	struct json *o;

	if (!t->b->json) {
		say_summary(t, c, days);
		return;
	}
	o = json_new();
	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		json_put_int(o, numbers[n].key, numbers[n].value);
	(void)!json_line_of(t->to, "summary", o);
}

static void put_lifted(
    void *arg, enum flood_kind kind, const char *key, const uint32_t peak[FLOOD_WINDOWS])
{
	struct test *t = arg;
	char scrubbed[FLOOD_KEY_MAX + 1];

	if (!t->b->json)
		fprintf(t->to, "usual: %-7s %s  %u in 10 min, %u in 1 h, %u in 1 day\n",
		    flood_kind_word(kind), str_scrub(scrubbed, sizeof(scrubbed), key), peak[0],
		    peak[1], peak[2]);
}

/* Reports what raises a limit: a flood that is in the log is learned, too. */
static void put_learned(struct test *t)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	bool more = true;

	flood_settle(t->flood[0]);
	flood_lifted(t->flood[0], put_lifted, t);
	for (size_t at = 0; more; strbuf_clear(&text)) {
		more = flood_save(t->flood[0], &at, &text);
		char *rest = text.text;

		for (char *line; rest && (line = strsep(&rest, "\n"));)
			if (str_starts(line, "{\"kind\""))
				fprintf(t->to, "\x02%s\n", line);
	}
}

static int start(struct test *t, struct err *err)
{
	static const double factors[WAYS] = {1, .5, 2};
	int code = flood_setup_init(&t->setup, t->b->settings, err);

	for (int way = 0; way < WAYS && code == 0; way++) {
		struct flood_config config = t->setup.config;

		flood_scale(config.limits, factors[way]);
		t->flood[way] = flood_new(&config);
		if (!t->flood[way])
			code = err_set(err, -ENOMEM, "out of memory");
	}
	t->log = maillog_new(on_message, on_bad, t);
	return code || t->log ? code : err_set(err, -ENOMEM, "out of memory");
}

int backtest_run(struct backtest *b, FILE *to, struct err *err)
{
	static struct test t;

	t = (struct test){.b = b, .to = to, .shown = -1};
	int code = start(&t, err);
	code = code ?: order_files(b, err);
	for (size_t n = 0; n < b->count; n++)
		t.total += b->files[n].size;
	for (size_t n = 0; n < b->count && code == 0; n++)
		code = read_file(&t, &b->files[n], err);
	if (code == 0) {
		put_summary(&t);
		if (b->learn)
			put_learned(&t);
	}
	for (int way = 0; way < WAYS; way++)
		flood_free(t.flood[way]);
	maillog_free(t.log);
	flood_setup_release(&t.setup);
	return code;
}
