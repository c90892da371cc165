/* SPDX-License-Identifier: ISC */
/* The terminal, by ncurses; the only file that knows it. However the program ends, the terminal is
 * restored, even after abort(3) and the signals of a crash. */
#pragma once

#include "purge/screen/page.h"

/* Checks that stdin and stdout are a terminal; call it before loading data. ERR_USAGE. */
int painter_check(struct err *err) NODISCARD;
/* Opens the terminal on stdin and stdout. ERR_USAGE with words if it is not usable. */
int painter_open(struct err *err) NODISCARD;
void painter_close(void);
/* Leave the terminal to another program, and take it back. */
void painter_leave(void);
void painter_return(void);

void painter_size(size_t *ret_rows, size_t *ret_columns);
void painter_draw(const struct page *p);
/* Draws everything anew. */
void painter_repaint(const struct page *p);
/* The next key; SCREEN_NO_KEY: none. *ret_resized: the terminal's size changed. */
int painter_key(bool *ret_resized);
