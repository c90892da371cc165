/* SPDX-License-Identifier: ISC */
/* The bytes of a queue file as cleanup(8) writes them (global/record.c, rec_type.h). */
#ifndef PQPURGE_TESTS_QUEUE_BYTES_H
#define PQPURGE_TESTS_QUEUE_BYTES_H

#include "base/bytes.h"
#include "base/clock.h"

static inline void queue_bytes_record(struct bytes *out, char type, const char *data)
{
	size_t len = strlen(data);

	bytes_put_u8(out, (uint8_t)type);
	while (len >= 0x80) {
		bytes_put_u8(out, (uint8_t)(len & 0x7f) | 0x80);
		len >>= 7;
	}
	bytes_put_u8(out, (uint8_t)len);
	bytes_put(out, data, strlen(data));
}

/*
 * A message that arrived at that time from port 40000 of 192.0.2.7, for one recipient. C comes
 * first, with the sizes filled in. n makes the message unique.
 */
static inline void queue_bytes(struct bytes *out, int64_t arrival, const char *sender, uint64_t n)
{
	long long sec = (long long)(arrival / USEC_PER_SEC);
	char text[400];
	size_t content, end;

	snprintf(text, sizeof(text), "%15d %15d %15d %15d %15d %15d", 0, 0, 1, 0, 0, 0);
	queue_bytes_record(out, 'C', text);
	snprintf(text, sizeof(text), "%lld %lld", sec, (long long)(arrival % USEC_PER_SEC));
	queue_bytes_record(out, 'T', text);
	snprintf(text, sizeof(text), "create_time=%lld", sec);
	queue_bytes_record(out, 'A', text);
	queue_bytes_record(out, 'A', "rewrite_context=remote");
	queue_bytes_record(out, 'S', sender);
	queue_bytes_record(out, 'A', "log_client_address=192.0.2.7");
	queue_bytes_record(out, 'A', "client_address=192.0.2.7");
	queue_bytes_record(out, 'A', "client_port=40000");
	queue_bytes_record(out, 'R', "someone@dest.example");
	queue_bytes_record(out, 'M', "");
	content = out->len;
	snprintf(text, sizeof(text), "From: <%s>", sender);
	queue_bytes_record(out, 'N', text);
	queue_bytes_record(out, 'N', "Subject: one of many");
	queue_bytes_record(out, 'N', "");
	snprintf(text, sizeof(text), "message %llu", (unsigned long long)n);
	for (int i = 0; i < 20; i++)
		queue_bytes_record(out, 'N', text);
	end = out->len;
	queue_bytes_record(out, 'X', "");
	queue_bytes_record(out, 'E', "");
	snprintf(text, sizeof(text), "%15zu %15zu %15d %15d %15zu %15d", end - content, content, 1,
	    0, end - content, 0);
	memcpy(out->at + 2, text, strlen(text));
}

#endif
