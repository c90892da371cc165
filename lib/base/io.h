/* SPDX-License-Identifier: ISC */
/* Descriptors: whole reads and writes, and length-prefixed frames for sockets. All retry EINTR. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

/* 0 or -errno. A closed peer is -EPIPE (programs ignore SIGPIPE). */
int io_write_all(int fd, const void *at, size_t len) NODISCARD;
/* Reads up to len bytes or the end of the file; returns the count or -errno. */
ssize_t io_read_all(int fd, void *at, size_t len) NODISCARD;
/* Appends all up to the end of the file. 0, -EFBIG past max bytes, -ENOMEM or -errno. */
int io_read_text(int fd, size_t max, struct strbuf *into) NODISCARD;
/* Waits for events (POLLIN, POLLOUT) until the steady deadline: 1 ready, 0 deadline, or -errno. */
int io_wait(int fd, short events, int64_t deadline) NODISCARD;

/* A frame is a little-endian u32 length, then that many bytes. */
#define IO_FRAME_MAX (64u << 20)
int io_frame_write(int fd, struct span payload, int64_t deadline) NODISCARD;
/* Reads one frame (clears `into` first). 1 read, 0 the peer closed before a frame, or a negative
 * code (ERR_TIMEOUT, ERR_LIMIT). */
int io_frame_read(int fd, struct bytes *into, size_t max, int64_t deadline) NODISCARD;

#define IO_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
/* A sealed memory file with these bytes, to be read from its start; or -errno. */
int io_sealed(const void *at, size_t len) NODISCARD;
/* Opens /dev/null on each of 0, 1, 2 that is closed, so that no socket lands there. */
int io_guard_stdio(void) NODISCARD;
/* Whether the directory is empty; false also if it cannot be read. */
bool io_is_empty_directory(int fd);
/* Whether only root can write path and every directory above it (sticky ones count as such); a
 * symbolic link among them must be root's too. */
bool io_is_roots(const char *path);
/* The same as ERR_CONFIG with words. */
int io_check_roots(const char *directory, struct err *err) NODISCARD;
/* Closes *fd if it is open, and sets it to -1. */
void io_close(int *fd);
