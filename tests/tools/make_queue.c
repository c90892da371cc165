/* SPDX-License-Identifier: ISC */
/*
 * Makes a deferred queue and its index, for measurements: COUNT messages, of which every EVERYth is
 * from a@DOMAIN and the others from domains of their own. The queue files are as from Postfix, and
 * postqueue and postsuper accept them; each has the ID of its own inode.
 *
 *   make_queue SPOOL OWNER INDEX COUNT EVERY DOMAIN [EXTRA [REASONS]]
 *
 * EXTRA rows go only into the index: history, to show that a purge does not depend on it. With
 * REASONS each message but every hundredth gets a defer log, of that many kinds, which differ in a
 * word and not only in numbers. Prints the matching queue IDs.
 */
#include <err.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "index/index.h"
#include "tests/tools/queue_bytes.h"

#define MAP_SIZE (INT64_C(8) << 30)

struct maker {
	const char *spool, *domain;
	struct passwd *owner;
	struct index *index;
	size_t reasons;
	int64_t time;
};

/* Under the short ID of its inode and time. */
static void put_file(struct maker *m, const char *sender, size_t n, struct queue_id *ret)
{
	char path[4096], final[4096];
	struct bytes bytes = {0};
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/deferred/new", m->spool);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	queue_bytes(&bytes, m->time, sender, n);
	if (write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len || fchmod(fd, 0700) < 0 ||
	    fchown(fd, m->owner->pw_uid, m->owner->pw_gid) < 0)
		err(1, "%s", path);
	close(fd);
	bytes_release(&bytes);
	snprintf(ret->text, sizeof(ret->text), "%05X%lX", (unsigned)(m->time % USEC_PER_SEC),
	    (unsigned long)st.st_ino);
	snprintf(final, sizeof(final), "%s/deferred/%c", m->spool, ret->text[0]);
	if (mkdir(final, 0700) == 0 && chown(final, m->owner->pw_uid, m->owner->pw_gid) < 0)
		err(1, "%s", final);
	snprintf(final, sizeof(final), "%s/deferred/%c/%s", m->spool, ret->text[0], ret->text);
	if (rename(path, final) < 0)
		err(1, "%s", final);
}

/* A word of letters, different for each kind. */
static void word_of(size_t kind, char word[16])
{
	size_t len = 0;

	do
		word[len++] = (char)('a' + kind % 26);
	while ((kind /= 26) > 0);
	word[len] = '\0';
}

/* Writes a try's log as bounce(8) does. */
static void put_log(struct maker *m, const struct queue_id *id, size_t n)
{
	char path[4096], word[16], reason[200];
	FILE *log;

	snprintf(path, sizeof(path), "%s/defer/%c", m->spool, id->text[0]);
	if (mkdir(path, 0700) == 0 && chown(path, m->owner->pw_uid, m->owner->pw_gid) < 0)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "%s/defer/%c/%s", m->spool, id->text[0], id->text);
	log = fopen(path, "wx");
	if (!log || fchmod(fileno(log), 0600) < 0 ||
	    fchown(fileno(log), m->owner->pw_uid, m->owner->pw_gid) < 0)
		err(1, "%s", path);
	word_of(n % m->reasons, word);
	snprintf(reason, sizeof(reason),
	    "host mx%zu.dest.example[192.0.2.%zu] said: 450 4.7.1 %s, try again in %zu seconds",
	    n % 7, n % 250, word, n % 900);
	fprintf(log,
	    "\n<someone@dest.example>: %s\nrecipient=someone@dest.example\noffset=600\n"
	    "dsn_orig_rcpt=rfc822;someone@dest.example\nstatus=4.7.1\naction=delayed\nreason=%"
	    "s\n\n",
	    reason, reason);
	if (fclose(log) != 0)
		err(1, "%s", path);
}

static void put_row(struct maker *m, const char *sender, const struct queue_id *id)
{
	struct strbuf from = {0}, recipients = {0};
	struct err why = {""};
	struct message msg;

	message_init(&msg);
	msg.queue_id = *id;
	msg.origin = ORIGIN_SMTPD;
	msg.connect_time = m->time - 400;
	msg.mail_time = m->time - 200;
	msg.rcpt_time = m->time + 200;
	msg.end_time = m->time + 400;
	msg.sender = sender;
	if (net_parse("192.0.2.7", &msg.client) < 0)
		errx(1, "net_parse");
	msg.client_port = 40000;
	strlist_push(&from, sender, strlen(sender));
	strlist_push(&recipients, "someone@dest.example", strlen("someone@dest.example"));
	msg.from = strlist_of(&from);
	msg.recipients = strlist_of(&recipients);
	msg.recipient_count = 1;
	if (index_record(m->index, &msg, &why) != 0)
		errx(1, "record: %s", why.text);
	strbuf_release(&from);
	strbuf_release(&recipients);
}

/* History: rows whose messages left long ago, with inodes that no queue file has. */
static void put_history(struct maker *m, size_t extra)
{
	struct queue_id id;
	char sender[80];

	for (size_t n = 0; n < extra; n++) {
		snprintf(id.text, sizeof(id.text), "%05X%lX", (unsigned)(n % 1000000),
		    0x7f00000000UL + (unsigned long)n);
		snprintf(sender, sizeof(sender), "u%zu@gone%zu.example", n, n % 5000);
		m->time += 7;
		put_row(m, sender, &id);
	}
}

/* Gives the index's files to the owner of their directory. */
static void give_away(const char *directory)
{
	static const char *const names[] = {INDEX_LOCK, INDEX_FILE, INDEX_FILE "-lock"};
	char path[4096];
	struct stat st;

	if (stat(directory, &st) < 0)
		err(1, "%s", directory);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		if (lchown(path, st.st_uid, st.st_gid) < 0)
			err(1, "%s", path);
	}
}

int main(int argc, char **argv)
{
	struct maker m = {.reasons = 0};
	struct err why = {""};
	size_t count, every;

	if (argc < 7)
		errx(1, "usage: make_queue SPOOL OWNER INDEX COUNT EVERY DOMAIN [EXTRA [REASONS]]");
	m.spool = argv[1];
	m.domain = argv[6];
	m.owner = getpwnam(argv[2]);
	count = strtoul(argv[4], NULL, 10);
	every = strtoul(argv[5], NULL, 10);
	if (!m.owner || every == 0)
		errx(1, "no such user, or EVERY is 0");
	m.time = clock_wall() - 3600 * USEC_PER_SEC;
	if (index_open(argv[3], MAP_SIZE, &m.index, NULL, &why) != 0)
		errx(1, "%s", why.text);
	m.reasons = argc > 8 ? strtoul(argv[8], NULL, 10) : 0;
	if (argc > 7)
		put_history(&m, strtoul(argv[7], NULL, 10));
	for (size_t n = 0; n < count; n++) {
		char sender[300];
		struct queue_id id;

		if (n % every == 0)
			snprintf(sender, sizeof(sender), "a@%s", m.domain);
		else
			snprintf(sender, sizeof(sender), "u%zu@other%zu.example", n, n % 200);
		m.time += 1301;
		put_file(&m, sender, n, &id);
		put_row(&m, sender, &id);
		if (m.reasons > 0 && n % 100 != 99)
			put_log(&m, &id, n);
		if (n % every == 0)
			puts(id.text);
	}
	index_close(m.index);
	give_away(argv[3]);
	return 0;
}
