/* SPDX-License-Identifier: ISC */
#include "purge/tell/glyphs.h"

/* Growing eighths, without and with UTF-8. */
static const char *const bars[2][9] = {
    {"", "#", "#", "#", "#", "#", "#", "#", "#"}, {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}};
static const char *const heights[2][9] = {
    {" ", ".", ":", "-", "=", "+", "*", "#", "@"}, {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}};

const char *glyphs_bar(bool utf8, double share, char buf[GLYPHS_SIZE])
{
	unsigned eighths = (unsigned)(share * GLYPHS_WIDTH * 8 + 0.5);
	size_t len = 0;

	if (eighths == 0 && share > 0)
		eighths = 1;
	for (; eighths > 8; eighths -= 8)
		len += (size_t)snprintf(buf + len, GLYPHS_SIZE - len, "%s", bars[utf8][8]);
	snprintf(buf + len, GLYPHS_SIZE - len, "%s", bars[utf8][eighths]);
	return buf;
}

const char *glyphs_curve(bool utf8, const uint64_t *numbers, size_t count, char buf[GLYPHS_SIZE])
{
	uint64_t most = 1;
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < count; i++)
		most = numbers[i] > most ? numbers[i] : most;
	for (size_t i = 0; i < count && i < GLYPHS_MOST; i++) {
		unsigned height = (unsigned)((double)numbers[i] * 7 / (double)most + 0.5);

		len += (size_t)snprintf(
		    buf + len, GLYPHS_SIZE - len, "%s", heights[utf8][numbers[i] ? height + 1 : 0]);
	}
	return buf;
}
