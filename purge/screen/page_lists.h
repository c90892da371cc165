/* SPDX-License-Identifier: ISC */
/* The lists of a page: a head, and as many lines as fit. */
#pragma once

#include "purge/screen/page.h"

/* Change per second since the last look: "+3.2/s"; "" without a last look. */
void page_rate(
    const struct screen_model *m, uint64_t count, uint64_t before, char *buf, size_t size);

void page_groups(const struct screen_model *m, int64_t now, struct page_line *head,
    struct page_line *lines, size_t room);
void page_messages(const struct screen_model *m, int64_t now, struct page_line *head,
    struct page_line *lines, size_t room);
void page_text(
    const struct screen_model *m, struct page_line *head, struct page_line *lines, size_t room);
