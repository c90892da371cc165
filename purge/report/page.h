/* SPDX-License-Identifier: ISC */
/* A report as one HTML file, without script, link, or anything that a browser would fetch. */
#pragma once

#include "purge/report/incident.h"

/* Appends the page. -ENOMEM. */
int page_write(const struct incident *i, struct strbuf *to) NODISCARD;

/* Private to purge/report: the parts of page.c. */

/* page_chart.c: arrivals as inline SVG, with the times of batches. */
void chart_write(const struct incident *i, struct strbuf *to);
/* Also the classes of bars. */
extern const char *const fate_words[FATES];

/* page_done.c: batches and rules. */
void done_write(const struct incident *i, struct strbuf *h);

/* page_style.c: the only style, and its hash for the page's content security policy. */
extern const char page_style[];
#define PAGE_STYLE_HASH "sha256-vT6r59Yhlfzwjp4p9pB/0azkX+Qb+2wrRBttQp+uZJw="
