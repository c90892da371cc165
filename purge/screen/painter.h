/* SPDX-License-Identifier: ISC */
/* The terminal, by ncurses; the only file that knows it. Whatever way the program ends, the
 * terminal is as it was: also after abort(3) and the signals of a crash. */
#pragma once

#include "purge/screen/page.h"

/* Whether stdin and stdout are a terminal; before anybody is asked what to draw. ERR_USAGE. */
int painter_check(struct err *err) NODISCARD;
/* On stdin and stdout. ERR_USAGE with words if the terminal is none. */
int painter_open(struct err *err) NODISCARD;
void painter_close(void);
/* Gives the terminal to others, and takes it back. */
void painter_leave(void);
void painter_return(void);

void painter_size(size_t *ret_rows, size_t *ret_columns);
void painter_draw(const struct page *p);
/* Draws all of it anew. */
void painter_repaint(const struct page *p);
/* The next key that was typed; SCREEN_NO_KEY: none. *ret_resized: the terminal has another size. */
int painter_key(bool *ret_resized);
