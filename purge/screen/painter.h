/* SPDX-License-Identifier: ISC */
/* The terminal, by ncurses. However the program ends, the terminal is restored, even after abort(3)
 * and the signals of a crash. */
#pragma once

#include "purge/screen/page.h"

/* ERR_USAGE if stdin and stdout are no terminal. Call it before loading data. */
int painter_check(struct err *err) NODISCARD;
/* On stdin and stdout. ERR_USAGE with words if the terminal is not usable. */
int painter_open(struct err *err) NODISCARD;
void painter_close(void);
/* Leave the terminal to another program, and take it back. */
void painter_leave(void);
void painter_return(void);

void painter_size(size_t *ret_rows, size_t *ret_columns);
void painter_draw(const struct page *p);
/* Draws everything anew. */
void painter_repaint(const struct page *p);
/* SCREEN_NO_KEY: none. *ret_resized: the terminal's size changed. */
int painter_key(bool *ret_resized);
