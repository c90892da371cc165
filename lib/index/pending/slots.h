/* SPDX-License-Identifier: ISC */
/* A small file of slots in memory that outlives the process. A thread puts bytes into a free slot
 * without waiting for anybody; later they are taken from there. The file's blocks are allocated, so
 * that a full file system is no SIGBUS. */
#pragma once

#include <stdatomic.h>

#include "base/bytes.h"

#define SLOTS     64
#define SLOT_SIZE 4096

struct slot;
struct slots {
	struct slot *at;          /* NULL: not open */
	atomic_ullong busy, full; /* a bit for each slot: somebody uses it; it can be taken */
	dev_t device;             /* of the file, as its inode */
	ino_t inode;
};

/* Makes the file anew. Returns 0 or -errno; then all slots are busy. */
int slots_open(struct slots *s, const char *path) NODISCARD;
void slots_close(struct slots *s); /* the file stays */
/* False if what is written could not be found after kill -9, since the file was removed. */
bool slots_are_current(const struct slots *s, const char *path);

/* Room of SLOT_ROOM bytes in a slot of one's own, or NULL. */
#define SLOT_ROOM (SLOT_SIZE - 16)
unsigned char *slots_claim(struct slots *s, unsigned *ret_slot);
/* What was written there can be taken, also after kill -9 of this process. len 0: nothing was. */
void slots_publish(struct slots *s, unsigned slot, size_t len);
/* The bytes of a full slot. ERR_DAMAGED: they changed. */
int slots_look(const struct slots *s, unsigned slot, struct span *ret) NODISCARD;
void slots_clear(struct slots *s, unsigned slot);

/* The file of a process that died, as a copy: reading beyond the end of a mapping would be a
 * SIGBUS. Returns 0, also without a file (then all slots are empty), ERR_DAMAGED or -errno. */
int slots_read(struct slots *s, const char *path) NODISCARD;
void slots_release(struct slots *s); /* the copy */
