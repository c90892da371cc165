/* SPDX-License-Identifier: ISC */
#pragma once

/* What '?' shows. */
extern const char help_text[];
/* The last line of the screen. */
extern const char help_keys[], help_keys_messages[], help_keys_text[], help_keys_typing[];
