/* SPDX-License-Identifier: ISC */
#pragma once

/* behind '?' */
extern const char help_text[];
/* The last line of the screen, by view. */
extern const char help_keys[], help_keys_messages[], help_keys_text[], help_keys_typing[];
