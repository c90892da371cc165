/* SPDX-License-Identifier: ISC */
/*
 * The test's own spool in a temporary directory, with crafted queue files and its own postsuper.
 * The spool's owner is the user who runs the test, or nobody for root.
 */
#ifndef PQPURGE_TESTS_RIG_H
#define PQPURGE_TESTS_RIG_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/str.h"
#include "mail/message.h"
#include "postfix/spool/spool.h"
#include "postfix/spool/walk.h"
#include "postfix/tool/postsuper.h"

struct rig {
	char directory[64];
	char spool[80], bin[80];
	struct postfix p;
	unsigned count; /* makes IDs unique */
};

/* An open file with these bytes. */
static inline int rig_memory_file(const struct bytes *file)
{
	int fd = memfd_create("queue-file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes_span(file).at, file->len), (ssize_t)file->len);
	return fd;
}

/* Changes a link itself: what it leads to may be the system's. */
static inline void rig_own(const struct rig *rig, const char *path)
{
	if (geteuid() == 0)
		assert_int_equal(lchown(path, rig->p.owner.uid, rig->p.owner.gid), 0);
}

static inline void rig_directory(const struct rig *rig, const char *path)
{
	assert_int_equal(mkdir(path, 0755), 0);
	rig_own(rig, path);
}

static inline void rig_owner(struct role *role)
{
	if (geteuid() == 0)
		assert_int_equal(role_of_user("nobody", role, NULL), 0);
	else
		*role = (struct role){.uid = geteuid(), .gid = getegid(), .name = "self"};
}

static inline void rig_open(struct rig *rig)
{
	char path[128];

	*rig = (struct rig){.directory = "/tmp/pqpurge-rig.XXXXXX"};
	assert_non_null(mkdtemp(rig->directory));
	assert_int_equal(chmod(rig->directory, 0755), 0);
	rig_owner(&rig->p.owner);
	snprintf(rig->spool, sizeof(rig->spool), "%s/spool", rig->directory);
	snprintf(rig->bin, sizeof(rig->bin), "%s/bin", rig->directory);
	rig_directory(rig, rig->spool);
	rig_directory(rig, rig->bin);
	snprintf(path, sizeof(path), "%s/private", rig->spool);
	rig_directory(rig, path);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		snprintf(path, sizeof(path), "%s/%s", rig->spool, queue_word(queue_at(n)));
		rig_directory(rig, path);
	}
	snprintf(path, sizeof(path), "%s/defer", rig->spool);
	rig_directory(rig, path);
	rig->p.config_directory = rig->directory;
	rig->p.queue_directory = rig->spool;
	rig->p.command_directory = rig->bin;
	rig->p.hash_depth = 1;
}

static inline int rig_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static inline void rig_close(struct rig *rig)
{
	nftw(rig->directory, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- queue files */

static inline void rig_record(struct bytes *file, char type, const char *data)
{
	size_t len = strlen(data), rest = len;

	bytes_put_u8(file, (uint8_t)type);
	do {
		uint8_t group = rest & 0x7f;
		rest >>= 7;
		bytes_put_u8(file, rest ? group | 0x80 : group);
	} while (rest);
	bytes_put(file, data, len);
}

/* C, T, create_time, S, the client, one recipient, content. */
static inline void rig_envelope(struct bytes *file, int64_t arrival, const char *sender)
{
	char text[128];

	rig_record(file, 'C', "           1234             635               1               0");
	snprintf(text, sizeof(text), "%lld %lld", (long long)(arrival / 1000000),
	    (long long)(arrival % 1000000));
	rig_record(file, 'T', text);
	snprintf(text, sizeof(text), "create_time=%lld", (long long)(arrival / 1000000));
	rig_record(file, 'A', text);
	rig_record(file, 'S', sender);
	rig_record(file, 'A', "client_address=192.0.2.1");
	rig_record(file, 'A', "client_port=1025");
	rig_record(file, 'O', "u@dest.example");
	rig_record(file, 'R', "u@dest.example");
	rig_record(file, 'M', "");
	rig_record(file, 'N', "Subject: x");
	rig_record(file, 'X', "");
	rig_record(file, 'E', "");
}

static inline void rig_path(
    const struct rig *rig, enum queue_name queue, const struct queue_id *id, char path[256])
{
	char relative[QUEUE_PATH_MAX];

	queue_path(queue_word(queue), queue_depth(&rig->p, queue), id, relative);
	snprintf(path, 256, "%s/%s", rig->spool, relative);
}

/* Makes the hash levels of id in queue, and returns the path. */
static inline void rig_path_at(const struct rig *rig, enum queue_name queue, unsigned depth,
    const struct queue_id *id, char path[256])
{
	char relative[QUEUE_PATH_MAX], level[256];

	queue_path(queue_word(queue), depth, id, relative);
	snprintf(path, 256, "%s/%s", rig->spool, relative);
	for (unsigned n = 1; n <= depth; n++) {
		snprintf(level, sizeof(level), "%s/%.*s", rig->spool,
		    (int)(strlen(queue_word(queue)) + 2 * n), relative);
		if (mkdir(level, 0755) == 0)
			rig_own(rig, level);
	}
}

/* Moves the file of id in queue from main.cf's depth to another one. */
static inline void rig_sink(
    const struct rig *rig, enum queue_name queue, unsigned depth, const struct queue_id *id)
{
	char from[256], to[256];

	rig_path(rig, queue, id, from);
	rig_path_at(rig, queue, depth, id, to);
	assert_int_equal(rename(from, to), 0);
}

/* Puts bytes into queue as a complete file; its ID contains its inode. */
static inline struct queue_id rig_put(
    struct rig *rig, enum queue_name queue, const struct bytes *file, mode_t mode)
{
	char temporary[128], text[64], path[256];
	struct queue_id id;
	struct stat st;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s/spool/new", rig->directory);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->at, file->len), (ssize_t)file->len);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	rig_own(rig, temporary);
	snprintf(text, sizeof(text), "%05X%lX", ++rig->count, (unsigned long)st.st_ino);
	assert_int_equal(queue_id_parse(text, strlen(text), &id), 0);
	rig_path(rig, queue, &id, path);
	assert_int_equal(rename(temporary, path), 0);
	return id;
}

/* The usual message: arrival as given, from a@bad.example. */
static inline struct queue_id rig_mail(struct rig *rig, enum queue_name queue, int64_t arrival)
{
	struct bytes file = {0};
	struct queue_id id;

	rig_envelope(&file, arrival, "a@bad.example");
	id = rig_put(rig, queue, &file, 0700);
	bytes_release(&file);
	return id;
}

/* The record that the milter would have made of it. */
static inline void rig_recorded(struct message *m, const struct queue_id *id, int64_t arrival)
{
	message_init(m);
	m->queue_id = *id;
	m->origin = ORIGIN_SMTPD;
	m->connect_time = arrival - 1000;
	m->mail_time = arrival - 100;
	m->rcpt_time = arrival + 100;
	m->end_time = arrival + 1000;
	m->client_port = 1025;
	assert_int_equal(net_parse("192.0.2.1", &m->client), 0);
	m->sender = "a@bad.example";
	m->recipient_count = 1;
}

static inline void rig_touch(const struct rig *rig, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", rig->spool, name);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* ---- looking at the spool, as the command does: in a child that is the owner */

static inline const struct message *rig_list_at(void *arg, size_t n)
{
	const struct message *list = arg;
	return &list[n];
}

static inline struct proof rig_prove(const struct rig *rig, struct message *m)
{
	struct proof *proofs, proof;
	struct err err = {{0}};

	if (spool_prove(&rig->p, rig_list_at, m, 1, &proofs, &err) < 0)
		fail_msg("%s", err.text);
	proof = *proofs;
	free(proofs);
	return proof;
}

static inline struct walked rig_walk(
    const struct rig *rig, const struct packed_id *known, size_t count)
{
	struct walked w = {0};
	struct err err = {{0}};

	if (spool_walk(&rig->p, known, count, false, &w, &err) < 0)
		fail_msg("%s", err.text);
	return w;
}

/* ---- the test's own postsuper */

/* body is a shell script. SPOOL is its working directory, IDs come on stdin, `say` writes to
 * stderr, $only is the queue that was named. */
static inline void rig_postsuper(const struct rig *rig, const char *body)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/postsuper", rig->bin);
	unlink(path);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file,
	    "#!/bin/sh\ncd %s || exit 1\naction=$3 only=$5\nsay() { echo \"postsuper: $*\" >&2; }\n"
	    "find() { for f in ${only:-maildrop incoming active deferred hold}; do\n"
	    "  [ -x $f/$1 ] && { echo $f/$1; return; }; done; return 1; }\n"
	    "honest() { while read -r id; do f=$(find $id) || continue\n"
	    "  case $action in\n"
	    "  -d) rm $f && say $id: removed;;\n"
	    "  -h) mv $f hold/ && say $id: placed on hold;;\n"
	    "  -H) mv $f deferred/ && say $id: released from hold;;\n"
	    "  esac; done; }\n%s\n",
	    rig->spool, body);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

/* Waits until it has ended. */
static inline void rig_await(struct postsuper_job *job)
{
	while (postsuper_advance(job) == 0) {
		struct pollfd fd = {job->end, POLLIN, 0};
		(void)poll(&fd, 1, 20);
	}
}

#endif
