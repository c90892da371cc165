/* SPDX-License-Identifier: ISC */
/* One byte of the file changes while nobody has it open: no message may be hidden. An ID that the
 * names list as read must be selected, or the index must be found damaged. Otherwise a catch-up
 * would take it for known. */
#include "tests/unit/index/select_fixture.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "index/index_lock.h"
#include "index/store/data_file.h"

#define OURS   150
#define OTHERS 450
#define SEEDS  200

enum verdict { COMPLETE = 10, HIDDEN, WRONG };

static struct mail mail_of(unsigned n)
{
	static char sender[60];

	(void)snprintf(
	    sender, sizeof sender, "user%u@%s", n, n % 4 == 0 ? "example.com" : "other.example");
	return (struct mail){.usec = n,
	    .inode = 1000 + n,
	    .time = 1000 + n,
	    .sender = sender,
	    .queued_sender = n % 8 == 0 ? "rewritten@example.net" : NULL,
	    .arrival = 1001 + n};
}

static void fill(struct index *ix)
{
	for (unsigned n = 0; n < OURS + OTHERS; n++) {
		struct mail mail = mail_of(n);

		fixture_record(ix, &mail);
	}
}

static bool is_listed_as_read(const struct bytes *names, const struct packed_id *id)
{
	struct reader r = reader_of(names->at + 16, names->len - 16);
	uint64_t count = reader_u64(&r);
	const struct packed_id *list = reader_take(&r, count * sizeof *list);

	for (uint64_t i = 0; list && i < count; i++)
		if (list[i].inode == id->inode && list[i].time == (id->time | INDEX_NAME_READ))
			return true;
	return false;
}

static bool is_selected(const struct candidates *found, const struct packed_id *id)
{
	for (size_t i = 0; i < found->count; i++) {
		struct queue_id selected = candidate_id(&found->list[i]);
		struct packed_id packed;

		if (queue_id_pack(&selected, &packed) == 0 && packed.inode == id->inode &&
		    packed.time == id->time)
			return true;
	}
	return false;
}

static enum verdict look(struct index *ix)
{
	struct selector selector = selector_of(&(struct ask){.author = {"example.com"}});
	struct bytes out = {0}, names = {0};
	struct candidates found;

	if (index_find(ix, &selector, NEVER, &out, NULL) != 0 ||
	    index_names(ix, NEVER, &names, NULL) != 0)
		return COMPLETE; /* an error, so all files are read */
	found = view(&out);
	for (unsigned n = 0; n < OURS + OTHERS; n += 4) {
		struct packed_id id = fixture_packed(n, 1000 + n);

		if (found.damaged == 0 && !is_selected(&found, &id) &&
		    is_listed_as_read(&names, &id))
			return HIDDEN;
	}
	return COMPLETE;
}

/* These writes go to pages that are believed to be free. */
static void write_some(struct index *ix)
{
	for (unsigned n = 0; n < 100; n++) {
		struct mail mail = mail_of(10001 + 4 * n);
		struct message m = fixture_message(&mail);

		(void)!index_record(ix, &m, NULL);
	}
}

static enum verdict use_index(const char *dir)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	enum verdict verdict;
	struct index *ix;

	for (size_t i = 0; i < COUNT_OF(deadly); i++)
		(void)signal(deadly[i], SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(60);
	(void)close(2); /* LMDB writes there before it aborts */
	if (index_open(dir, MAP_SIZE, &ix, NULL, NULL) != 0)
		return WRONG;
	verdict = look(ix);
	write_some(ix);
	if (verdict == COMPLETE)
		verdict = look(ix);
	index_close(ix);
	return verdict;
}

/* As the client does: after a child that dies it starts another. */
static enum verdict use(const char *dir)
{
	int status = 0;

	for (int tries = 0; tries < 4; tries++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(use_index(dir));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
	}
	return WRONG;
}

static void copy(const char *from_dir, const char *to_dir, const char *name)
{
	int in = open(fixture_path(from_dir, name), O_RDONLY);
	int out = open(fixture_path(to_dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat st;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	assert_int_equal(copy_file_range(in, NULL, out, NULL, (size_t)st.st_size, 0), st.st_size);
	assert_int_equal(close(in), 0);
	assert_int_equal(close(out), 0);
}

/* A byte in the author key of one of our messages, or in its sequence, at or after start. */
static size_t near_a_key(const unsigned char *bytes, size_t size, size_t start, unsigned *seed)
{
	static const char key[] = "com.example.";
	const unsigned char *found = memmem(bytes + start, size - start, key, sizeof key);

	if (!found)
		found = memmem(bytes, size, key, sizeof key);
	assert_non_null(found);
	return (size_t)(found - bytes) + (unsigned)rand_r(seed) % (sizeof key + ENTRY_KEY_SIZE);
}

/* At a random byte, or where it hides the most. */
static void damage(const char *dir, bool anywhere, unsigned *seed)
{
	int fd = open(fixture_path(dir, INDEX_FILE), O_RDWR);
	unsigned char *bytes;
	struct stat st;
	size_t at;

	assert_int_equal(fstat(fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(bytes != MAP_FAILED);
	at = (size_t)rand_r(seed) % (size_t)st.st_size;
	if (!anywhere)
		at = near_a_key(bytes, (size_t)st.st_size, at, seed);
	bytes[at] ^= (unsigned char)(1 + rand_r(seed) % 255);
	assert_int_equal(munmap(bytes, (size_t)st.st_size), 0);
	assert_int_equal(close(fd), 0);
}

static void assert_never_hidden(const char *name, const char *made)
{
	unsigned seed = 1;

	for (int round = 0; round < SEEDS; round++) {
		char *dir = fixture_dir();
		enum verdict verdict;

		copy(made, dir, INDEX_FILE);
		copy(made, dir, INDEX_LOCK);
		damage(dir, round % 2 == 0, &seed);
		verdict = use(dir);
		if (verdict != COMPLETE)
			case_fail(name, "round %d: %d", round, (int)verdict);
		fixture_remove(dir);
	}
}

static void test_closed(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	fill(ix);
	index_close(ix);
	assert_never_hidden("closed", dir);
	fixture_remove(dir);
}

static void test_not_closed(void **state)
{
	char *dir = fixture_dir(), *killed = fixture_dir();
	struct index *ix = fixture_index(dir);

	(void)state;
	fill(ix);
	copy(dir, killed, INDEX_FILE);
	copy(dir, killed, INDEX_LOCK);
	assert_never_hidden("not closed", killed);
	index_close(ix);
	fixture_remove(dir);
	fixture_remove(killed);
}

/* An undamaged file is kept, closed or not. */
static void test_sound(void **state)
{
	char *dir = fixture_dir(), *killed = fixture_dir();
	struct err note = {0};
	struct index *ix = fixture_index(dir);

	(void)state;
	fill(ix);
	copy(dir, killed, INDEX_FILE);
	copy(dir, killed, INDEX_LOCK);
	index_close(ix);
	for (int i = 0; i < 3; i++) {
		const char *which = i == 1 ? killed : dir;

		assert_int_equal(index_open(which, MAP_SIZE, &ix, &note, NULL), 0);
		assert_string_equal(note.text, "");
		assert_int_equal(fixture_counts(ix).rows, OURS + OTHERS);
		index_close(ix);
	}
	fixture_remove(dir);
	fixture_remove(killed);
}

static void assert_kept(const char *dir)
{
	for (int i = 0; i < 3; i++) {
		struct err note = {0};
		struct index *ix;

		assert_int_equal(index_open(dir, MAP_SIZE, &ix, &note, NULL), 0);
		assert_string_equal(note.text, "");
		assert_int_equal(fixture_counts(ix).rows, OURS + OTHERS);
		index_close(ix);
	}
}

/* Pages that were in use and are free now. */
static void free_last_pages(const char *dir)
{
	static const char large[20 * 4096];
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(txn_begin(store, true, &txn), 0);
		if (i == 0)
			txn_put(&txn, STORE_META, span_text("large"),
			    (struct span){.at = large, .len = sizeof large}, false);
		else
			assert_int_equal(txn_delete(&txn, STORE_META, span_text("large")), 1);
		assert_int_equal(txn_commit(&txn, NULL), 0);
	}
	store_close(store);
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* LMDB does not always write the last pages. Opening lengthens such a file, without a commit. */
static void test_short_file(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct index_lock lock;
	const char *path;

	(void)state;
	fill(ix);
	index_close(ix);
	free_last_pages(dir);
	path = fixture_path(dir, INDEX_FILE);
	assert_int_equal(truncate(path, size_of(path) - 4 * 4096), 0);
	assert_int_equal(index_lock_take(dir, &lock, NULL), 0);
	assert_int_equal(data_file_sum(fixture_path(dir, INDEX_FILE), &lock.sum), 0);
	index_lock_note(&lock);
	assert_int_equal(close(lock.fd), 0);
	assert_kept(dir);
	fixture_remove(dir);
}

/* A commit that fails has already written some pages. */
static void test_failed_commit(void **state)
{
	struct rlimit limit, old;
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct message m = fixture_message(&(struct mail){.usec = 5, .inode = 5, .time = 5});
	struct strbuf packed = {0};

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	for (int i = 0; i < 1000; i++)
		strlist_push(&packed, "somebody@some.dest.example", 26);
	fill(ix);
	index_close(ix);
	m.recipients = strlist_of(&packed);
	m.recipient_count = m.recipients.count;
	assert_int_equal(index_open(dir, MAP_SIZE, &ix, NULL, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)size_of(fixture_path(dir, INDEX_FILE));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_not_equal(index_record(ix, &m, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	index_close(ix);
	assert_kept(dir);
	strbuf_release(&packed);
	fixture_remove(dir);
}

/* Rows that are appended have rising keys, unless pages lie. */
static void test_append_below_the_last(void **state)
{
	static const char *const keys[] = {"b", "a"};
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	for (size_t n = 0; n < COUNT_OF(keys); n++) {
		(void)txn_begin(store, true, &txn);
		txn_put(&txn, STORE_META, span_text(keys[n]), span_text("1"), true);
		assert_int_equal(txn_commit(&txn, NULL), n == 0 ? 0 : ERR_DAMAGED);
	}
	assert_true(store_is_damaged(store));
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_append_below_the_last), cmocka_unit_test(test_sound),
    cmocka_unit_test(test_short_file), cmocka_unit_test(test_failed_commit),
    cmocka_unit_test(test_closed), cmocka_unit_test(test_not_closed))
