/* SPDX-License-Identifier: ISC */
/*
 * The daemon's own front: libmilter and the glue, the rules and a real index, behind a socket. The
 * input is an MTA's. If its first byte is odd, the rest is sent as it is. If it is even, a
 * negotiation is sent first, and the rest is packets: a command byte, a length (16 bits,
 * little-endian), and data. Whatever comes, the daemon answers or closes, and serves the next
 * session.
 */
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/settings/settings_table.h"
#include "milter/glue.h"
#include "tests/fuzz/fuzz.h"

#define PATIENCE 18000 /* milliseconds */

static char home[] = "/dev/shm/pqpurge-fuzz.XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct settings settings;
static struct glue_config config;

static void put_path(char *to, size_t size, const char *before, const char *name)
{
	int len = snprintf(to, size, "%s%s/%s", before, home, name);

	fuzz_require(len > 0 && (size_t)len < size);
}

static void *serve(void *arg)
{
	struct err err;

	fuzz_require(glue_main(arg, &err) == 0);
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	(void)nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_rules(const char *path)
{
	FILE *file = fopen(path, "w");

	fuzz_require(file != NULL);
	fputs("bad.example REJECT no\nslow.example DEFER\nhold.example HOLD\n"
	      "sink.example DISCARD\nlogin:mallory REJECT\n/evil/ REJECT 100% no\n",
	    file);
	fclose(file);
}

static void start(void)
{
	static char index[64], rules[64], socket_name[64];
	pthread_t thread;
	struct err err;

	log_open("fuzz", LOG_TO_SYSLOG, false);
	fuzz_require(mkdtemp(home) != NULL);
	atexit(clean_up);
	put_path(index, sizeof(index), "", "index");
	put_path(rules, sizeof(rules), "", "rules");
	put_path(address.sun_path, sizeof(address.sun_path), "", "sock");
	put_path(socket_name, sizeof(socket_name), "unix:", "sock");
	write_rules(rules);
	fuzz_require(mkdir(index, 0700) == 0);
	settings = (struct settings){
	    .rules_file = rules, .state_directory = home, .flood_watch = FLOOD_WATCH_WARN};
	settings_flood_init(&settings);
	fuzz_require(rulekeeper_open(&settings, &config.rules, &err) == 0);
	fuzz_require(floodkeeper_open(&settings, config.rules, &config.floods, &err) == 0);
	config.index = indexkeeper_new(index, INT64_C(64) << 20);
	fuzz_require(config.index != NULL);
	indexkeeper_tell(config.index, glue_settled, config.floods);
	indexkeeper_start(config.index, 0);
	config.session = (struct session_config){.origin = "o.example", .max_recipients = 5};
	fuzz_require(glue_open_socket(socket_name, &err) == 0);
	fuzz_require(pthread_create(&thread, NULL, serve, &config) == 0);
	pthread_detach(thread);
}

/*
 * Replaces libmilter's logging, of garbage and of clients that hung up. syslog(3) waits for ever if
 * the machine's log daemon does not read, and a session that ends with such a line would then never
 * close. <syslog.h>, which other headers include, may make a macro of it.
 */
#undef syslog
void syslog(int priority, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...);

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	(void)priority;
	(void)flag;
	(void)format;
}

void syslog(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
}

/* ---- an MTA */

static int connect_to_it(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fuzz_require(fd >= 0);
	fuzz_require(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* libFuzzer's alarm may interrupt it. */
static void await(struct pollfd *p)
{
	int ready;

	do {
		ready = poll(p, 1, PATIENCE);
	} while (ready < 0 && errno == EINTR);
	fuzz_require(ready == 1);
}

/* Sends as much as the daemon takes and reads its answers meanwhile, so that neither waits for the
 * other. Ends when the daemon has closed. */
static void talk(int fd, const uint8_t *at, size_t len)
{
	bool open = true;
	char sink[4096];

	if (len == 0)
		open = shutdown(fd, SHUT_WR) == 0 && false;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (open ? POLLOUT : 0))};

		await(&p);
		if (p.revents & POLLIN || p.revents & (POLLHUP | POLLERR)) {
			if (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) <= 0)
				break;
		}
		if (open && p.revents & POLLOUT) {
			ssize_t sent = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

			if (sent < 0)
				break;
			at += sent;
			len -= (size_t)sent;
			if (len == 0) {
				shutdown(fd, SHUT_WR);
				open = false;
			}
		}
	}
	close(fd);
}

static size_t put_packet(uint8_t *to, uint8_t command, const void *data, size_t len)
{
	to[0] = 0;
	to[1] = (uint8_t)((len + 1) >> 16);
	to[2] = (uint8_t)((len + 1) >> 8);
	to[3] = (uint8_t)(len + 1);
	to[4] = command;
	if (len)
		memcpy(to + 5, data, len);
	return len + 5;
}

/*
 * Macros come in pairs. For a name without a value smfi_getsymval() of libmilter 8.17 reads past
 * the end of its array. Our code cannot check that first, since libmilter shows its packets to
 * nobody, and every macro is read by that function. So such packets are left out. Only root and
 * Postfix may open the daemon's socket, and Postfix sends pairs.
 */
static bool is_odd(uint8_t command, const uint8_t *data, size_t len)
{
	size_t ends = 0;

	for (size_t i = 1; command == 'D' && i < len; i++)
		ends += data[i] == '\0';
	return ends % 2 != 0;
}

/* Bytes of a raw stream before such a packet. */
static size_t before_odd(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (size - at >= 5) {
		size_t len = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
			     (size_t)data[at + 2] << 8 | data[at + 3];

		if (len == 0 || len > size - at - 4)
			break;
		if (is_odd(data[at + 4], data + at + 5, len - 1))
			return at;
		at += 4 + len;
	}
	return size;
}

static const uint8_t offer[12] = {0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff};

static void talk_in_packets(int fd, const uint8_t *data, size_t size)
{
	uint8_t *wire = malloc(32 + 4 * size + 16);
	size_t len = 0;

	fuzz_require(wire != NULL);
	len += put_packet(wire, 'O', offer, sizeof(offer));
	while (size >= 3) {
		size_t want = data[1] | (size_t)data[2] << 8;
		size_t take = want < size - 3 ? want : size - 3;

		if (!is_odd(data[0], data + 3, take))
			len += put_packet(wire + len, data[0], data + 3, take);
		data += 3 + take;
		size -= 3 + take;
	}
	talk(fd, wire, len);
	free(wire);
}

/* A well-behaved client gets its answer. */
static void check_served(void)
{
	static const uint8_t want[] = {0, 0, 0, 1, 'c'};
	uint8_t wire[256], got[256];
	size_t len = put_packet(wire, 'O', offer, sizeof(offer)), have = 0;
	int fd = connect_to_it();

	len += put_packet(wire + len, 'C', "host\0U", 6);
	len += put_packet(wire + len, 'M', "<a@fine.example>", 17);
	fuzz_require(send(fd, wire, len, MSG_NOSIGNAL) == (ssize_t)len);
	while (have < sizeof(want) || memcmp(got + have - sizeof(want), want, sizeof(want)) != 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		await(&p);
		fuzz_require(have < sizeof(got));
		ssize_t n = recv(fd, got + have, sizeof(got) - have, 0);
		fuzz_require(n > 0);
		have += (size_t)n;
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	static unsigned runs;

	if (!started)
		start();
	started = true;
	if (size == 0)
		return 0;
	if (data[0] & 1)
		talk(connect_to_it(), data + 1, before_odd(data + 1, size - 1));
	else
		talk_in_packets(connect_to_it(), data + 1, size - 1);
	if (runs++ % 16 == 0)
		check_served();
	return 0;
}
