/* SPDX-License-Identifier: ISC */
/* This host's bounces and delay notices to the addresses that the patterns name. */
#include "tests/unit/order/walk.h"

/* A notice as bounce(8) writes it into a file with that ID. */
static void put_notice(struct bytes *file, const char *id, const char *const *recipients)
{
	char received[128];

	rig_record(file, 'T', "1700000000 5");
	rig_record(file, 'A', "log_message_origin=local");
	rig_record(file, 'S', "");
	for (; *recipients; recipients++)
		rig_record(file, 'R', *recipients);
	rig_record(file, 'M', "");
	rig_record(file, 'N', "Received: by host.example (Postfix)");
	snprintf(received, sizeof(received), "\tid %s; Tue, 14 Nov 2023 22:13:20 +0000 (UTC)", id);
	rig_record(file, 'N', received);
	rig_record(file, 'N', "Auto-Submitted: auto-replied");
	rig_record(file, 'N', "Content-Type: multipart/report; report-type=delivery-status;");
	rig_record(file, 'N', "\tboundary=\"6A326A73701.1795459757/host.example\"");
	rig_record(file, 'N', "");
	rig_record(file, 'X', "");
	rig_record(file, 'E', "");
}

/* The ID is known once the file exists. */
static struct queue_id add_notice(struct walk *w, const char *const *recipients)
{
	struct bytes file = {0};
	struct queue_id id;
	char path[256];
	int fd;

	put_notice(&file, "00000000", recipients);
	id = rig_put(&w->rig, QUEUE_DEFERRED, &file, 0700);
	bytes_clear(&file);
	put_notice(&file, id.text, recipients);
	rig_path(&w->rig, QUEUE_DEFERRED, &id, path);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, file.at, file.len), (ssize_t)file.len);
	close(fd);
	bytes_release(&file);
	return id;
}

struct notices {
	struct queue_id ours, mixed, theirs;
};

static void place(struct walk *w, struct notices *n)
{
	open_walk(w, ACTION_DELETE);
	fill(w, QUEUE_DEFERRED);
	n->ours = add_notice(w, (const char *const[]){"a@bad.example", NULL});
	n->mixed = add_notice(w, (const char *const[]){"a@bad.example", "b@good.example", NULL});
	n->theirs = add_notice(w, (const char *const[]){"b@good.example", NULL});
}

static void check(struct walk *w, const struct notices *n)
{
	assert_int_equal(results(w, RESULT_DONE), MAILS + 1);
	assert_int_equal(w->outcome.tally.bounces, 1);
	assert_false(lies_in(w, QUEUE_DEFERRED, &n->ours));
	assert_true(lies_in(w, QUEUE_DEFERRED, &n->mixed));
	assert_true(lies_in(w, QUEUE_DEFERRED, &n->theirs));
}

/* Notices read just now, read before (rows), and read without an index. */
static void test_bounces(void **state)
{
	enum { NEW, READ, NO_INDEX, HOWS };

	(void)state;
	for (int how = NEW; how < HOWS; how++) {
		struct notices n;
		struct walk w;

		place(&w, &n);
		if (how == READ)
			catch_up(&w);
		else if (how == NO_INDEX)
			w.settings.index_directory = (char *)"/nonexistent";
		w.order.bounces = true;
		run_domain(&w);
		check(&w, &n);
		close_walk(&w);
	}
}

static void test_not_asked_for(void **state)
{
	struct notices n;
	struct walk w;

	(void)state;
	place(&w, &n);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &n.ours));
	close_walk(&w);
}

/* --sender names senders; --recipient does not. */
static void test_which_patterns(void **state)
{
	for (int sender = 1; sender >= 0; sender--) {
		struct notices n;
		struct walk w;

		(void)state;
		place(&w, &n);
		w.order.bounces = true;
		ask_for(&w, sender ? &w.selector.sender : &w.selector.recipient,
		    sender ? "bad.example" : "dest.example");
		run(&w);
		assert_int_equal(w.outcome.tally.bounces, sender);
		assert_int_equal(lies_in(&w, QUEUE_DEFERRED, &n.ours), !sender);
		close_walk(&w);
	}
}

UNIT_MAIN(cmocka_unit_test(test_bounces), cmocka_unit_test(test_not_asked_for),
    cmocka_unit_test(test_which_patterns))
