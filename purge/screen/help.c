/* SPDX-License-Identifier: ISC */
#include "purge/screen/help.h"

const char help_keys[] = "d f r l c by  Enter open  w why  / find  h hold  p purge  b block  "
			 "u undo  ? q";
const char help_keys_messages[] = "Enter show  Esc back  w why  h hold  p purge  b block the "
				  "group  u undo  ? q";
const char help_keys_text[] = "Up Down scroll  Esc back  ? keys  q quit";
const char help_keys_typing[] = "Enter: only names with this text  Esc: all";

const char help_text[] =
    "Groups\n"
    "  d  by the domain of the envelope sender\n"
    "  f  by the domains of header From\n"
    "  r  by the recipients' domains\n"
    "  l  by login\n"
    "  c  by client\n"
    "  /  only names with a text in them\n"
    "\n"
    "Moving\n"
    "  Up Down, k j, PgUp PgDn, Home End\n"
    "  Enter, Right  the group's messages; of a message all that is known\n"
    "  Esc, Left     back\n"
    "  ^L            draw it anew\n"
    "  q             quit\n"
    "\n"
    "For what the cursor is on\n"
    "  w  why it is deferred\n"
    "  h  hold it\n"
    "  p  purge it\n"
    "  b  block the group: its mail is refused from now on\n"
    "  u  undo the last batch\n"
    "  Each of h, p, b, u shows what it will do, and asks.\n"
    "  Among a group's messages h and p mean the one message.\n"
    "\n"
    "Columns\n"
    "  RATE        how the count changed since the last look, by second\n"
    "  AGES        up to 5, 10, 20, 40, 80, 160, 320, 640, 1280 minutes, and more\n"
    "  LAST 10MIN  what came in each of the last ten minutes, also what left since\n";
