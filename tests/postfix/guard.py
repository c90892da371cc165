# SPDX-License-Identifier: ISC
"""guard.py DIRECTORY MEMORY: cleans up after a rig that could not do so itself (kill -9, a crash).

Runs in its own session and reads lines from the rig, "+PID" and "-PID" for daemons that it started and ended. When the
rig's end of the pipe closes while the directory still exists, ends the daemons and Postfix, and removes both
directories."""
import os
import shutil
import signal
import subprocess
import sys


def main(directory, memory):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    daemons = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            daemons.add(pid)
        else:
            daemons.discard(pid)
    if not os.path.isdir(directory):
        return
    for pid in daemons:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["postfix", "-c", os.path.join(directory, "etc"), "stop"], check=False, **quiet)
    for path in (directory, memory):
        shutil.rmtree(path, ignore_errors=True)


main(*sys.argv[1:])
