/* SPDX-License-Identifier: ISC */
/* The groups by which `top` and the screen count the queue. Values of the queue file count before
 * those that the milter saw. */
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

/* "sender" to "client". ERR_SYNTAX for an unknown word. */
const char *group_word(enum group_kind kind);
int group_kind_of(const char *word, enum group_kind *ret) NODISCARD;

/* Calls put with each group of m, until put fails; returns its code. A name may come twice. "<>"
 * stands for the null sender, "" for none. Names are valid during the call. login_exact: see
 * group_login. */
int group_each(const struct message *m, enum group_kind kind, bool login_exact,
    int (*put)(void *arg, const char *name), void *arg) NODISCARD;
/* Unless login_exact, in lower case, so that what `--login` takes together is counted together.
 * Returns m's text or buf. */
const char *group_login(const struct message *m, bool login_exact, char buf[MESSAGE_TEXT_MAX + 1]);

/* As in qshape(1): up to 5, 10, 20, ... 1280 minutes, and older. */
#define GROUP_AGES 10
unsigned group_age(int64_t usec);
