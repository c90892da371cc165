/* SPDX-License-Identifier: ISC */
/*
 * The control protocol, both ends. The input is lines, then NUL, then the bytes of a memory file.
 *
 * A hostile request: each line is taken as wire_next does and served from an index of the target's
 * own, with the memory file as its body. Every request is answered. A hostile answer: the command
 * takes in the same line and bytes.
 */
#include <sys/socket.h>

#include "base/io.h"
#include "index/control/client_child.h"
#include "index/control/serve.h"
#include "mail/address/from.h"
#include "tests/fuzz/index_store.h"

static volatile size_t sink;

/* ---- requests */

/* An answer is JSON with "ok" or "error", and its memory file has the announced length. */
static void look_at_answer(struct json *answer, int fd)
{
	struct strbuf text = {0};
	struct blob blob = {0};
	struct json *read;

	fuzz_require(answer != NULL);
	fuzz_require(json_write(&text, answer) == 0);
	fuzz_require(json_parse(text.text, text.len, &read, NULL) == 0);
	fuzz_require(json_bool(read, "ok", false) != (json_text(read, "error") != NULL));
	if (fd >= 0) {
		fuzz_require(wire_map(fd, &blob, NULL) == 0);
		fuzz_require((int64_t)blob.len == json_int(read, "bytes", -1));
		close(fd);
	}
	blob_release(&blob);
	json_free(read);
	strbuf_release(&text);
}

static void serve_request(const struct json *request, struct span body)
{
	int memory = io_sealed(body.at, body.len), fd;
	struct json *answer;

	fuzz_require(memory >= 0);
	(void)serve_is_mine(request);
	serve(fuzz_ix, request, memory, INT64_MAX, &answer, &fd);
	look_at_answer(answer, fd);
	close(memory);
}

/* ---- answers */

/* In page-aligned memory, as it arrives. */
static struct blob hand_over(struct bytes *out)
{
	struct blob blob = {0};

	blob.at = bytes_span(out).at;
	blob.len = out->len;
	return blob;
}

static void view_selection(struct blob blob)
{
	struct candidates got;

	if (select_view(&blob, &got, NULL) != 0)
		return;
	for (size_t i = 0; i < got.count; i++) {
		struct message m = candidate_message(&got.list[i]);

		sink = strlen(m.sender) + strlen(candidate_id(&got.list[i]).text);
	}
	candidates_release(&got);
}

static void view_names(struct blob blob)
{
	struct client_names names = {.memory = blob};

	if (client_view_names(&names) != 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		struct packed_id id;
		struct queue_id text;

		memcpy(&id, (const char *)names.list + i * sizeof(id), sizeof(id));
		if (queue_id_unpack(&id, &text) == 0)
			sink = strlen(text.text);
	}
	sink = strlen(names.queue_directory);
}

/* Once as a selection, once as names: first in the child, then in its parent. */
static void take_answer(const struct json *line, struct span body)
{
	struct selector all;

	selector_init(&all);
	all.all = true;
	for (int names = 0; names < 2; names++) {
		struct client_call call = {.selector = names ? NULL : &all};
		struct bytes out = {0};
		struct served served;
		struct blob blob;

		if (client_take(&call, line, body, &out) == 0 && !out.failed) {
			blob = hand_over(&out);
			fuzz_require(client_view(&blob, &served) == 0);
			sink =
			    strlen(served.counts.queue_directory) + strlen(served.counts.hostname);
			if (names)
				view_names(blob);
			else
				view_selection(blob);
		}
		bytes_release(&out);
	}
}

/* ---- lines */

static void add_rows(void)
{
	struct message m;

	for (int i = 1; i < 4; i++) {
		message_init(&m);
		snprintf(m.queue_id.text, sizeof(m.queue_id.text), "00001%X", 16 + i);
		m.origin = ORIGIN_SMTPD;
		m.mail_time = m.rcpt_time = m.end_time = 1000 + i;
		m.sender = "a@example.com";
		fuzz_require(index_record(fuzz_ix, &m, NULL) == 0);
	}
}

static void take_lines(struct wire *wire, struct span body)
{
	struct json *line;
	struct err err;
	int fd;

	while (wire_next(wire, &line, &fd, &err) == 1) {
		fuzz_require(fd == -1);
		serve_request(line, body);
		take_answer(line, body);
		json_free(line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	size_t lines = end ? (size_t)(end - data) : size;
	struct span body = {.at = data + size, .len = 0};
	struct wire wire;
	int ends[2], code = 1;

	if (end)
		body = (struct span){.at = end + 1, .len = size - lines - 1};
	(void)fuzz_index();
	add_rows();
	fuzz_require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	if (lines > WIRE_LINE_MAX)
		lines = WIRE_LINE_MAX; /* surely fits the socket */
	fuzz_require(send(ends[1], data, lines, MSG_DONTWAIT) == (ssize_t)lines);
	wire_init(&wire, ends[0]);
	while (code == 1) {
		code = wire_fill(&wire);
		take_lines(&wire, body);
	}
	wire_release(&wire);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
