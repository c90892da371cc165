/* SPDX-License-Identifier: ISC */
#include "index/pending/slots.h"

#include <sys/mman.h>

#include "base/io.h"

#define EMPTY     0u
#define FULL      0x51505131u
#define FILE_SIZE ((size_t)SLOTS * SLOT_SIZE)
#define ALL       UINT64_MAX

struct slot {
	_Atomic uint32_t state;
	uint32_t len;
	uint64_t sum;
	unsigned char at[SLOT_ROOM];
};
_Static_assert(sizeof(struct slot) == SLOT_SIZE && SLOTS == 64, "a bit for each slot");

/* Not bytes_hash: at the end of a message each cold line of code counts. It is to find damage, and
 * a hostile writer can make any sum. */
static uint64_t sum_of(const unsigned char *at, size_t len)
{
	uint64_t sum = len, word;

	for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
		memcpy(&word, at, sizeof word);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	for (; len > 0; at++, len--)
		sum = (sum ^ *at) * UINT64_C(0x9e3779b97f4a7c15);
	return sum;
}

int slots_open(struct slots *s, const char *path)
{
	int fd, code = 0;
	struct stat st;
	void *at;

	*s = (struct slots){.busy = ALL};
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	code = fstat(fd, &st) != 0 ? -errno : -posix_fallocate(fd, 0, (off_t)FILE_SIZE);
	at = code == 0
		 ? mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0)
		 : MAP_FAILED;
	if (code == 0 && at == MAP_FAILED)
		code = -errno;
	io_close(&fd);
	if (code != 0) {
		(void)unlink(path);
		return code;
	}
	s->at = at;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	atomic_store(&s->busy, 0);
	return 0;
}

bool slots_are_current(const struct slots *s, const char *path)
{
	struct stat st;

	if (!s->at)
		return true;
	if (lstat(path, &st) != 0)
		return errno != ENOENT && errno != ENOTDIR;
	return st.st_dev == s->device && st.st_ino == s->inode;
}

void slots_close(struct slots *s)
{
	if (s->at)
		(void)munmap(s->at, FILE_SIZE);
	*s = (struct slots){.busy = ALL};
}

unsigned char *slots_claim(struct slots *s, unsigned *ret_slot)
{
	unsigned long long busy = atomic_load(&s->busy);
	unsigned slot;

	do {
		if (busy == ALL)
			return NULL;
		slot = (unsigned)__builtin_ctzll(~busy);
	} while (!atomic_compare_exchange_weak(&s->busy, &busy, busy | 1ull << slot));
	*ret_slot = slot;
	return s->at[slot].at;
}

static void release_slot(struct slots *s, unsigned slot)
{
	atomic_fetch_and(&s->busy, ~(1ull << slot));
}

void slots_publish(struct slots *s, unsigned slot, size_t len)
{
	struct slot *to = &s->at[slot];

	if (len == 0) {
		release_slot(s, slot);
		return;
	}
	to->len = (uint32_t)len;
	to->sum = sum_of(to->at, len);
	atomic_store_explicit(&to->state, FULL, memory_order_release);
	atomic_fetch_or(&s->full, 1ull << slot);
}

int slots_look(const struct slots *s, unsigned slot, struct span *ret)
{
	const struct slot *from = &s->at[slot];
	size_t len = from->len;

	if (len > SLOT_ROOM || sum_of(from->at, len) != from->sum)
		return ERR_DAMAGED;
	*ret = (struct span){.at = from->at, .len = len};
	return 0;
}

void slots_clear(struct slots *s, unsigned slot)
{
	atomic_store(&s->at[slot].state, EMPTY);
	atomic_fetch_and(&s->full, ~(1ull << slot));
	release_slot(s, slot);
}

static int read_file(int fd, struct slot *at)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)FILE_SIZE)
		return ERR_DAMAGED;
	got = io_read_all(fd, at, FILE_SIZE);
	return got < 0 ? (int)got : (size_t)got == FILE_SIZE ? 0 : ERR_DAMAGED;
}

/* A slot that was being written is empty: its state is set last. */
static int find_full(struct slots *s)
{
	int code = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		uint32_t state = atomic_load(&s->at[i].state);

		if (state == FULL)
			s->full |= 1ull << i;
		else if (state != EMPTY)
			code = ERR_DAMAGED;
	}
	return code;
}

int slots_read(struct slots *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC), code;

	*s = (struct slots){.busy = ALL};
	if (fd < 0)
		return errno == ENOENT ? 0 : errno == ELOOP ? ERR_DAMAGED : -errno;
	s->at = malloc(FILE_SIZE);
	code = s->at ? read_file(fd, s->at) : -ENOMEM;
	io_close(&fd);
	code = code ?: find_full(s);
	return code;
}

void slots_release(struct slots *s)
{
	free(s->at);
	*s = (struct slots){.busy = ALL};
}
