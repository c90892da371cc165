# SPDX-License-Identifier: ISC
"""measure.py FILE COMMAND...: runs a command and writes to FILE the bytes of memory of its largest process. It imports
next to nothing, since some tests run it a thousand times (python3 -IS)."""
import os
import sys

_, status, used = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write(str(used.ru_maxrss * 1024))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
