/* SPDX-License-Identifier: ISC */
/* The writer with its journal before the store. */
#include "tests/unit/milter/writer_fixture.h"

#include <fcntl.h>
#include <sys/wait.h>

/* The store takes nothing for a while: what the journal has room for is recorded all the same. */
static void test_store_fails_behind_the_journal(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap = {0};
	unsigned recorded = 0;

	wrapping = FAILING_BEHIND_JOURNAL;
	start(f);
	faults.fail_code = ERR_FULL;
	while (recorded < 10000 && record(f, recorded) == WRITER_RECORDED)
		recorded++;
	assert_in_range(recorded, 100, 9999);
	assert_int_equal(record(f, recorded + 1), WRITER_LOST);
	WAIT_FOR(status(f, "last_error")[0] != '\0');
	faults.fail_code = 0;
	WAIT_FOR(status(f, "gap_count")[0] == '\0');
	assert_int_equal(record(f, recorded + 2), WRITER_RECORDED);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), recorded + 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.count, 2);
}

/* Where there is no room for a record, though the index is not full, the oldest go one by one. */
static void test_room_is_made(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING_BEHIND_JOURNAL;
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	WAIT_FOR(strcmp(status(f, "rows"), "1") == 0);
	faults.at = FAULTS_AT_MESSAGE;
	faults.fail_code = ERR_FULL;
	assert_int_equal(record(f, 2), WRITER_RECORDED); /* by the journal */
	WAIT_FOR(strcmp(status(f, "pruned"), "1") == 0);
	faults.fail_code = 0;
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 1);
	assert_int_equal(coverage(f, COVERAGE_PRUNED, NULL), 1);
}

static void test_store_takes_it_within_seconds(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(record(f, i), WRITER_RECORDED);
	WAIT_FOR(strcmp(status(f, "rows"), "5") == 0);
}

static void answered(void *arg, struct span frame)
{
	struct fixture *f = arg;

	assert_int_equal(reply_decode(frame, &f->reply), 0);
	f->answers++;
}

/* A request meets what was recorded before it. */
static void test_request_behind_records(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0};
	struct queue_id id;

	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	assert_int_equal(record(f, 2), WRITER_RECORDED);
	assert_int_equal(queue_id_parse("000011001", 9, &id), 0);
	request_drop(&request, &(struct request_row){.sequence = 1, .queue_id = id}, 1);
	assert_int_equal(writer_request(f->writer, bytes_span(&request), answered, f), 0);
	WAIT_FOR(f->answers == 1);
	assert_int_equal(f->reply.code, 0);
	assert_int_equal(f->reply.value, 1);
	bytes_release(&request);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 1);
}

/* Killed right behind the answers: the next start has it all. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		start(f);
		for (unsigned i = 0; i < 50; i++)
			if (record(f, i) != WRITER_RECORDED)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	start(f);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 50);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

/* Without its file the store takes rows at once, and a second later there is a file again. */
static void test_journal_removed(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->directory, JOURNAL_FILE);
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(record(f, 2), WRITER_RECORDED);
	assert_int_equal(rows(f, STORE_MESSAGE), 2);
	WAIT_FOR(access(path, F_OK) == 0);
	assert_int_equal(record(f, 3), WRITER_RECORDED);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 3);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 0);
}

/* With commit = async rows gather in memory and go straight into the store. */
static void test_async_has_none(void **state)
{
	struct fixture *f = *state;
	unsigned char first[64] = {0};
	char path[128];

	f->settings.commit_async = true;
	start(f);
	assert_int_equal(record(f, 1), WRITER_QUEUED);
	WAIT_FOR(strcmp(status(f, "rows"), "1") == 0);
	snprintf(path, sizeof(path), "%s/%s", f->directory, JOURNAL_FILE);
	int fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, first, sizeof(first)), sizeof(first));
	close(fd);
	for (size_t i = 0; i < sizeof(first); i++)
		assert_int_equal(first[i], 0);
}

UNIT_MAIN(TEST(test_store_fails_behind_the_journal), TEST(test_room_is_made),
    TEST(test_store_takes_it_within_seconds), TEST(test_request_behind_records), TEST(test_killed),
    TEST(test_journal_removed), TEST(test_async_has_none))
