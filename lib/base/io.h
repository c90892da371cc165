/* SPDX-License-Identifier: ISC */
/* Whole reads and writes of descriptors, and frames on sockets. All functions retry after EINTR. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

/* Returns 0 or -errno. If the peer has closed, -EPIPE (programs ignore SIGPIPE). */
int io_write_all(int fd, const void *at, size_t len) NODISCARD;
/* Reads up to len bytes, or to the end of the file. Returns the count or -errno. */
ssize_t io_read_all(int fd, void *at, size_t len) NODISCARD;
/* Appends everything up to the end of the file. Returns 0, -EFBIG past max bytes, or -errno. */
int io_read_text(int fd, size_t max, struct strbuf *into) NODISCARD;
/* Waits for events (POLLIN, POLLOUT) until the steady deadline. Returns 1, 0 at the deadline, or
 * -errno. */
int io_wait(int fd, short events, int64_t deadline) NODISCARD;

/* A frame is a little-endian u32 length, then that many bytes. */
#define IO_FRAME_MAX (64u << 20)
int io_frame_write(int fd, struct span payload, int64_t deadline) NODISCARD;
/* Clears `into` and reads one frame. Returns 1, 0 if the peer closed before a frame began, or a
 * negative code (ERR_TIMEOUT, ERR_LIMIT). */
int io_frame_read(int fd, struct bytes *into, size_t max, int64_t deadline) NODISCARD;

#define IO_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
/* Makes a sealed memory file of these bytes, at its start. Returns the descriptor or -errno. */
int io_sealed(const void *at, size_t len) NODISCARD;
/* Opens /dev/null on each of 0, 1, 2 that is closed, so that no socket gets these numbers. */
int io_guard_stdio(void) NODISCARD;
/* How many names the directory has, counted up to most; -errno if it cannot be read. */
ssize_t io_count_names(int fd, size_t most);
/* Whether only root can change path: root owns it, every directory above it and every symbolic link
 * among them, and nobody else can write there, except to sticky directories. */
bool io_is_roots(const char *path);
/* ERR_CONFIG with words unless io_is_roots(directory). */
int io_check_roots(const char *directory, struct err *err) NODISCARD;
/* Does nothing if *fd is -1; sets it to -1. */
void io_close(int *fd);
