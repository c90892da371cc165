# SPDX-License-Identifier: ISC
"""measure.py FILE COMMAND...: runs a command and writes how many bytes of memory the largest of its processes used to FILE."""
import resource
import subprocess
import sys

status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(status if status >= 0 else 128 - status)
