# SPDX-License-Identifier: ISC
"""A process and its descendants."""
import os
import signal


def descendants(pid):
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    found += descendants(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return found


def open_files(pid):
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended, or closed it
    return found


def state(pid):
    """The state as in proc(5); "" if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def name_of(pid):
    """Its program's, cut to 15 characters as the kernel keeps it; "" if there is no such process."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_stopped(pid):
    return state(pid) == "T"


def has_ended(pid):
    """True for a zombie, too, whose parent may be an init that reaps late."""
    return state(pid) in ("", "Z", "X")


def kill_all(child):
    """Ends a command of ours and its children, even if they are stopped."""
    for pid in descendants(child.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    child.wait(30)
