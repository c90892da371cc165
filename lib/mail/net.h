/* SPDX-License-Identifier: ISC */
/* Moved to base/net.h; this goes once nobody includes it. */
#include "base/net.h"
