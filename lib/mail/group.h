/* SPDX-License-Identifier: ISC */
/* The groups of a message, by which the queue is counted: what `top` and the screen show. What the
 * queue file says counts before what the milter saw. */
#pragma once

#include "mail/message.h"

enum group_kind {
	GROUP_SENDER, /* domain of the envelope sender */
	GROUP_FROM,   /* domains of header From */
	GROUP_RECIPIENT,
	GROUP_LOGIN,
	GROUP_CLIENT,
	GROUP_KINDS
};

/* "sender" ... "client"; ERR_SYNTAX for an unknown word. */
const char *group_word(enum group_kind kind);
int group_kind_of(const char *word, enum group_kind *ret) NODISCARD;

/* Calls put with each group of m, until it fails; a name may come twice. Names: "<>" the null
 * sender, "" none. They are valid during the call. Returns put's code. */
int group_each(const struct message *m, enum group_kind kind,
    int (*put)(void *arg, const char *name), void *arg) NODISCARD;

/* qshape(1)'s ages: up to 5, 10, 20, ... 1280 minutes, and more. */
#define GROUP_AGES 10
unsigned group_age(int64_t usec);
