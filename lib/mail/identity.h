/* SPDX-License-Identifier: ISC */
/* Proof of identity: is the file that now carries a queue ID the message that was recorded under
 * it? Unknown times and inodes prove nothing.
 *
 * T is the arrival time. smtpd takes it right after the milter's reply to MAIL (smtpd/smtpd.c
 * mail_cmd), so mail_time <= T <= rcpt_time without slack. (A slack of 2 s would have accepted
 * 2,915 of 3,000 reused inodes.) For sendmail(1), T is the time of submission, and create_time is
 * cleanup's. */
#pragma once

#include "mail/message.h"

/* What a queue file says about itself. */
struct identity {
	uint64_t inode;       /* st_ino */
	int64_t arrival_time; /* T record, wall clock, microseconds; -1 if unreadable */
	/* A create_time, wall clock, microseconds, whole seconds; -1 if absent */
	int64_t create_time;
	int64_t size;                 /* as postqueue(1) shows it (C record); -1 if unknown */
	char sender[ADDRESS_MAX + 1]; /* S record in normal form; "": null sender */
	bool has_sender;
	struct net_address client; /* A client_address; family 0 if absent */
	uint16_t client_port;      /* A client_port; 0 if absent */
	/* These stay with the message when its ID changes, or come by XFORWARD. */
	struct net_address log_client;    /* A log_client_address; family 0 if absent */
	char log_ident[QUEUE_ID_MAX + 1]; /* A log_ident, its first queue ID; "" if absent */
};

enum judgement {
	JUDGED_SAME,     /* proven to be the recorded message */
	JUDGED_CHANGED,  /* another message, or no evidence for the recorded one */
	JUDGED_UNPROVEN, /* not proven, but the file's own sender is the recorded one */
};

/* Microseconds. smtpd(8) waits at most smtpd_timeout, 300 s, between MAIL and RCPT. */
#define IDENTITY_WINDOW_MAX (310 * INT64_C(1000000))

/* If the row's queue file was read: the inode and T must be the same.
 *
 * Otherwise, for SMTP: the inode is the ID's, T lies in [mail_time, rcpt_time], and client address
 * and port are equal or absent on both sides. If that window is longer than IDENTITY_WINDOW_MAX, or
 * the clock stepped in it (then T does not count), the client must also be known and the sender
 * equal.
 *
 * For sendmail(1): the inode is the ID's, floor(connect_time) - 1 s <= create_time <= end_time, T
 * <= end_time, the sender is equal, and neither side has a client.
 *
 * A different sender never disproves (canonical maps, SRS, masquerading, CHGFROM). XCLIENT changes
 * the client on both sides; XFORWARD changes only log_client_*. */
enum judgement identity_judge(const struct message *recorded, const struct identity *found);
