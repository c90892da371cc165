/* SPDX-License-Identifier: ISC */
/* Requests of Postfix's policy delegation protocol (SMTPD_POLICY_README): lines of name=value,
 * then an empty line. Unknown attributes are skipped. If one occurs twice, the last counts. */
#pragma once

#include "base/err.h"

/* smtpd(8) sends about 40 attributes in about 1 KB; no value is longer than line_length_limit. */
#define POLICY_REQUEST_MAX    (32u << 10) /* bytes */
#define POLICY_LINE_MAX       8192        /* bytes, with its newline */
#define POLICY_ATTRIBUTES_MAX 200

enum policy_stage {
	POLICY_OTHER, /* CONNECT, EHLO, HELO, ETRN, VRFY, or unknown */
	POLICY_MAIL,
	POLICY_RCPT,
	POLICY_DATA,
	POLICY_END, /* END-OF-MESSAGE */
};

/* Views of the request's bytes, never NULL; "" if absent. */
struct policy_request {
	enum policy_stage stage;
	const char *instance, *queue_id;
	const char *sender, *recipient; /* unquoted (mail/address/address.h) */
	const char *login;              /* sasl_username */
	const char *client, *client_port, *server, *server_port;
	uint32_t recipient_count; /* accepted ones; known from DATA on */
};

/* How far a buffer was searched; zero at the start of a request. */
struct policy_scan {
	size_t at; /* begin of the first incomplete line */
	unsigned attributes;
};

/* Looks for the end of the first request. 1 and its length; 0: incomplete; ERR_LIMIT;
 * ERR_SYNTAX: a NUL, or a line without '='. */
int policy_request_find(const char *text, size_t len, struct policy_scan *scan, size_t *ret_len,
    struct err *err) NODISCARD;
/* Reads a complete request of len bytes, and writes NULs into it. ERR_SYNTAX: it is for no
 * policy service. */
int policy_request_read(
    char *text, size_t len, struct policy_request *ret, struct err *err) NODISCARD;

/* The time in the instance attribute (smtpd.c, mail_cmd: "PID.SECONDS.MICROSECONDS.NUMBER" in
 * hexadecimal), which equals the queue file's T record. Wall microseconds, or 0 if it has
 * another form. */
int64_t policy_instance_time(const char *instance);
